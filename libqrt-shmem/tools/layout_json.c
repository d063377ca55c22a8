/* SPDX-License-Identifier: MIT */
#include "layout_json.h"

#include <qrt/shmem_ring.h>
#include <qrt/shmem_value.h>

#include "json_data.h"
#include "json_text.h"

/* ---- sizes ---- */

JsonObject *layout_json_describe(const struct qrt_shmem_view *view)
{
	JsonObject *layout = json_object_new();

	json_object_set_int_member(layout, "version", QRT_SHMEM_LAYOUT);
	json_object_set_int_member(layout, "peers", view->peers);
	json_object_set_int_member(layout, "values", view->values);
	json_object_set_int_member(layout, "ring_bytes", view->ring_bytes);
	json_object_set_int_member(layout, "section_bytes", (gint64)view->section_bytes);
	json_object_set_int_member(
		layout, "bytes", (gint64)qrt_shmem_layout_bytes(view->peers, view->values, view->ring_bytes));
	return layout;
}

/* ---- states and rings ---- */

char *layout_json_name_state(guint32 state)
{
	static const char *const names[] = {"none", "booting", "ready", "rebooting", "halting"};

	return state < G_N_ELEMENTS(names) ? g_strdup(names[state]) : g_strdup_printf("%u", state);
}

/* null: it said nothing in its present life. */
static JsonNode *describe_state(const struct qrt_shmem_view *view, guint32 slot)
{
	g_autofree char *name = NULL;
	struct qrt_shmem_state said;
	JsonObject *state;
	JsonNode *node;
	int rc = qrt_shmem_read_state(view, slot, &said);

	if (rc == -ENOENT || rc == -ESTALE)
		return json_node_new(JSON_NODE_NULL);
	state = json_object_new();
	json_object_set_boolean_member(state, "is_damaged", rc < 0);
	if (rc >= 0) {
		name = layout_json_name_state(said.state);
		json_object_set_string_member(state, "name", name);
		json_object_set_int_member(state, "number", said.state);
		json_object_set_int_member(state, "beat", said.beat);
		json_object_set_boolean_member(state, "polls", said.flags & QRT_SHMEM_POLLS);
	}
	node = json_node_new(JSON_NODE_OBJECT);
	json_node_take_object(node, state);
	return node;
}

/* Units are of 8 bytes, modulo 2^32; epoch 0: nobody has begun to write. */
static JsonObject *describe_ring(const struct qrt_shmem_view *view, guint32 slot)
{
	const unsigned char *section = qrt_shmem_section_of(view, slot);
	JsonObject *ring = json_object_new();

	json_object_set_int_member(ring, "head", qrt_shmem_load(section));
	json_object_set_int_member(ring, "low", qrt_shmem_load(section + 64));
	json_object_set_int_member(ring, "epoch", qrt_shmem_load(section + 4));
	json_text_set_u64(ring, "next", qrt_shmem_load_pair(section + 8));
	return ring;
}

/* Those that say something, by the one word of each that does: a server has other work than to read them. */
static guint32 count_values(const struct qrt_shmem_view *view, guint32 slot)
{
	guint32 index, count = 0;

	for (index = 0; index < view->values; index++)
		count += qrt_shmem_load(qrt_shmem_value_of(view, slot, index)) != 0;
	return count;
}

void layout_json_add_count(JsonObject *object, const struct qrt_shmem_view *view, guint32 slot)
{
	json_object_set_int_member(object, "values", count_values(view, slot));
}

void layout_json_add_slot(JsonObject *object, const struct qrt_shmem_view *view, guint32 slot)
{
	json_object_set_int_member(object, "life", qrt_shmem_get_life(view, slot));
	json_object_set_member(object, "state", describe_state(view, slot));
	json_object_set_object_member(object, "ring", describe_ring(view, slot));
}

/* ---- values ---- */

static const char *name_type(guint16 type)
{
	static const char *const names[] = {NULL, "bytes", "text", "u64", "i64", "double"};

	return type < G_N_ELEMENTS(names) && names[type] ? names[type] : "user";
}

static gboolean is_numeric(const struct qrt_shmem_value *value)
{
	return value->type >= QRT_SHMEM_U64 && value->type <= QRT_SHMEM_DOUBLE && value->size % 8 == 0;
}

static void fill_value(JsonObject *object, const struct qrt_shmem_value *value)
{
	json_object_set_string_member(object, "type", name_type(value->type));
	json_object_set_int_member(object, "type_number", value->type);
	json_object_set_int_member(object, "turn", value->turn);
	if (is_numeric(value))
		json_data_set_numbers(object, (enum json_data_kind)(value->type - QRT_SHMEM_U64),
				      value->is.data, value->size / 8u);
	else
		json_data_set_bytes(object, value->is.data, value->size);
}

static JsonObject *describe_value(const struct qrt_shmem_value *value, guint32 index, int rc)
{
	g_autofree char *name = rc < 0 ? NULL : g_utf8_make_valid(value->name, -1);
	JsonObject *object = json_object_new();

	json_object_set_int_member(object, "index", index);
	json_object_set_boolean_member(object, "is_damaged", rc < 0);
	if (rc < 0)
		return object;
	json_object_set_string_member(object, "name", name);
	fill_value(object, value);
	return object;
}

JsonArray *layout_json_list_values(const struct qrt_shmem_view *view, guint32 slot)
{
	JsonArray *values = json_array_new();
	struct qrt_shmem_value value;
	guint32 index;
	int rc;

	for (index = 0; index < view->values; index++) {
		rc = qrt_shmem_read_value(view, slot, index, &value);
		if (rc != -ENOENT)
			json_array_add_object_element(values, describe_value(&value, index, rc));
	}
	return values;
}

/* ---- messages ---- */

static JsonObject *describe_message(const struct qrt_shmem_message *message, const void *data)
{
	JsonObject *object = json_object_new();

	json_text_set_u64(object, "number", message->number);
	if (message->to == QRT_SHMEM_TO_ALL)
		json_object_set_null_member(object, "to");
	else
		json_object_set_int_member(object, "to", message->to);
	json_object_set_int_member(object, "type", message->type);
	json_object_set_int_member(object, "length", message->length);
	json_data_set_bytes(object, data, message->length);
	return object;
}

/* A ring has so many at most: a writer that goes on while it is read adds no more. */
JsonArray *layout_json_list_messages(const struct qrt_shmem_view *view, guint32 slot, guint32 own)
{
	guint32 size = qrt_shmem_length_max(view) + 8,
		most = view->ring_bytes / sizeof(struct qrt_shmem_message), i;
	g_autofree char *data = g_malloc(size);
	struct qrt_shmem_message message;
	JsonArray *messages = json_array_new();
	struct qrt_shmem_reader reader;

	if (qrt_shmem_begin_reading(&reader, view, slot, own, 1) < 0)
		return messages;
	for (i = 0; i < most && qrt_shmem_receive(&reader, &message, data, size) > 0; i++)
		json_array_add_object_element(messages, describe_message(&message, data));
	return messages;
}
