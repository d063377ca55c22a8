/* SPDX-License-Identifier: MIT */
/* For people. */
#include "guest.h"
#include "json_limit.h"

#include <stdbool.h>

static bool has(JsonObject *object, const char *name)
{
	return object && json_object_has_member(object, name) && !json_object_get_null_member(object, name);
}

static double get_real(JsonObject *object, const char *name)
{
	JsonNode *node = has(object, name) ? json_object_get_member(object, name) : NULL;

	return node && JSON_NODE_HOLDS_VALUE(node) ? json_node_get_double(node) : 0;
}

static void add_figures(GString *line, JsonObject *load)
{
	const double mib = 1 << 20;

	if (has(load, "cpu"))
		g_string_append_printf(line, ", CPU %.0f %%", get_real(load, "cpu") * 100);
	if (has(load, "cpu") && has(load, "cpus"))
		g_string_append_printf(line, " of %" G_GINT64_FORMAT, json_limit_get_int(load, "cpus"));
	if (has(load, "runnable"))
		g_string_append_printf(line, ", %" G_GINT64_FORMAT " of %" G_GINT64_FORMAT " tasks runnable",
				       json_limit_get_int(load, "runnable"),
				       json_limit_get_int(load, "tasks"));
	if (has(load, "available_bytes"))
		g_string_append_printf(line, ", %.0f of %.0f MiB free",
				       (double)json_limit_get_int(load, "available_bytes") / mib,
				       (double)json_limit_get_int(load, "memory_bytes") / mib);
}

char *guest_format(JsonObject *guest)
{
	GString *line = g_string_new("guest: ");

	g_string_append_printf(line, "%s for %.1f s", json_limit_get_string(guest, "state"),
			       (double)json_limit_get_int(guest, "for_ms") / 1000);
	if (json_limit_get_bool(guest, "lowered"))
		g_string_append(line, json_limit_get_bool(guest, "boot_plan") ? ", THREADS AS boot= SAYS"
									      : ", THREADS TIME-SHARED");
	else if (json_limit_get_bool(guest, "over"))
		g_string_append(line, " (longer than boottime)");
	if (has(guest, "beat_ms"))
		g_string_append_printf(line, ", beat %" G_GINT64_FORMAT " ms ago",
				       json_limit_get_int(guest, "beat_ms"));
	add_figures(line, json_limit_get_object(guest, "load"));
	return g_string_free(line, FALSE);
}
