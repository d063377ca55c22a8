/* SPDX-License-Identifier: MIT */
#include "agent_values.h"

#include "clean.h"
#include "json_data.h"

static const char *name_type(uint16_t type)
{
	static const char *const names[] = {NULL, "bytes", "text", "u64", "i64", "double"};

	return type < G_N_ELEMENTS(names) && names[type] ? names[type] : "user";
}

static bool is_numeric(const struct qrt_shmem_value *value)
{
	return value->type >= QRT_SHMEM_U64 && value->type <= QRT_SHMEM_DOUBLE && value->size % 8 == 0;
}

static JsonObject *describe(const struct qrt_shmem_value *value, uint32_t index)
{
	g_autofree char *name = clean_text(g_strdup(value->name));
	JsonObject *object = json_object_new();

	json_object_set_int_member(object, "index", index);
	json_object_set_string_member(object, "name", name);
	json_object_set_string_member(object, "type", name_type(value->type));
	json_object_set_int_member(object, "turn", value->turn);
	if (is_numeric(value))
		json_data_set_numbers(object, (enum json_data_kind)(value->type - QRT_SHMEM_U64),
				      value->is.data, value->size / 8u);
	else
		json_data_set_bytes(object, value->is.data, value->size);
	return object;
}

/* What is damaged, or changes without end, is left out: there is nothing to be said of it. */
JsonArray *agent_values_list(const struct qrt_shmem_view *view, uint32_t slot)
{
	JsonArray *values = json_array_new();
	struct qrt_shmem_value value;
	uint32_t index;

	for (index = QRT_SHMEM_AGENT_VALUES; index < view->values; index++) {
		if (qrt_shmem_read_value(view, slot, index, &value) >= 0)
			json_array_add_object_element(values, describe(&value, index));
	}
	return values;
}
