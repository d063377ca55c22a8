/* SPDX-License-Identifier: MIT */
#include "status_globals.h"

#include "json_limit.h"
#include "proc.h"
#include "supervisor.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t find_kib(const char *text, const char *key)
{
	const char *line = strstr(text, key);

	return line ? strtoull(line + strlen(key), NULL, 10) : 0;
}

void status_globals_parse_memory(const char *text, struct status_memory *ret_memory)
{
	ret_memory->is_known = strstr(text, "\nVmLck:") != NULL;
	ret_memory->locked = find_kib(text, "\nVmLck:") * 1024;
	ret_memory->least =
		(find_kib(text, "\nVmExe:") + find_kib(text, "\nVmLib:") + find_kib(text, "\nVmStk:")) * 1024;
}

/* Only the library lets a thread report itself. */
static int is_library_at_work(const struct supervisor *supervisor)
{
	const struct watched *watched;
	GHashTableIter iter;
	gpointer value;

	if (supervisor->library == LIBRARY_NONE)
		return 0;
	g_hash_table_iter_init(&iter, supervisor->watch.threads);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		watched = value;
		if (watched->placed_by == PLACED_BY_SELF || watched->placed_by == PLACED_BY_BROKER)
			return 1;
	}
	return -1;
}

void status_globals_read(const struct supervisor *supervisor, struct status_globals *ret_globals)
{
	char path[64], text[4096];

	memset(ret_globals, 0, sizeof(*ret_globals));
	ret_globals->planned.size = sizeof(ret_globals->planned);
	qrt_sched_plan_get_globals(supervisor->plan, &ret_globals->planned);
	ret_globals->inside = is_library_at_work(supervisor);
	ret_globals->pool = supervisor->pool;
	snprintf(path, sizeof(path), "/proc/%d/status", supervisor->record.qemu_pid);
	if (proc_read(path, text, sizeof(text)) > 0)
		status_globals_parse_memory(text, &ret_globals->memory);
}

/* Small parts are locked by programs for secrets, large ones for devices: only where at least all code is,
 * all memory is. */
static int is_locked(const struct status_memory *memory)
{
	return memory->is_known ? memory->locked > 0 && memory->locked >= memory->least : -1;
}

/* null: not known. */
static void end_value(JsonBuilder *builder, int in_force)
{
	json_builder_set_member_name(builder, "in_force");
	if (in_force < 0)
		json_builder_add_null_value(builder);
	else
		json_builder_add_boolean_value(builder, in_force > 0);
	json_builder_end_object(builder);
}

static void begin_value(JsonBuilder *builder, const char *name)
{
	json_builder_set_member_name(builder, name);
	json_builder_begin_object(builder);
	json_builder_set_member_name(builder, "planned");
}

static void build_number(JsonBuilder *builder, const char *name, uint32_t planned, int in_force)
{
	begin_value(builder, name);
	json_builder_add_int_value(builder, planned);
	end_value(builder, planned ? in_force : 1);
}

static void build_mlock(JsonBuilder *builder, const struct status_globals *globals)
{
	static const char *const names[] = {"off", "onfault", "prefault", "all"};
	uint32_t mlock = globals->planned.mlock;

	begin_value(builder, "mlock");
	json_builder_add_string_value(builder, mlock < G_N_ELEMENTS(names) ? names[mlock] : "unknown");
	json_builder_set_member_name(builder, "locked_bytes");
	if (globals->memory.is_known)
		json_builder_add_int_value(builder, (gint64)globals->memory.locked);
	else
		json_builder_add_null_value(builder);
	end_value(builder, mlock == QRT_SCHED_MLOCK_OFF ? 1 : is_locked(&globals->memory));
}

/* What nobody can look up afterwards: carried out before the VM runs, or among the supervisors. */
static void build_planned_number(JsonBuilder *builder, const char *name, gint64 planned)
{
	begin_value(builder, name);
	json_builder_add_int_value(builder, planned);
	json_builder_end_object(builder);
}

static void build_planned_text(JsonBuilder *builder, const char *name, const char *planned)
{
	begin_value(builder, name);
	json_builder_add_string_value(builder, planned);
	json_builder_end_object(builder);
}

/* Those that the plan says. */
static void build_planned(JsonBuilder *builder, const struct qrt_sched_globals *planned)
{
	static const char *const pages[] = {"off", "thp", "2M", "1G"};
	char nodes[512];

	if (planned->weight)
		build_planned_number(builder, "weight", planned->weight);
	if (planned->set & QRT_SCHED_GLOBAL_CSTATE)
		build_planned_number(builder, "cstate_us", planned->cstate_us);
	if (planned->hugepages > 0 && planned->hugepages < G_N_ELEMENTS(pages))
		build_planned_text(builder, "hugepages", pages[planned->hugepages]);
	if (qrt_sched_cpus_count(&planned->numa_nodes) > 0 &&
	    qrt_sched_cpus_format(&planned->numa_nodes, nodes, sizeof(nodes)) >= 0)
		build_planned_text(builder, "numa", nodes);
}

void status_globals_build(const struct status_globals *globals, JsonBuilder *builder)
{
	json_builder_set_member_name(builder, "globals");
	json_builder_begin_object(builder);
	build_mlock(builder, globals);
	begin_value(builder, "pi");
	json_builder_add_boolean_value(builder, globals->planned.pi_mutexes != 0);
	end_value(builder, globals->planned.pi_mutexes ? globals->inside : 1);
	build_number(builder, "pool", globals->planned.pool_min, globals->pool);
	build_number(builder, "advance_us", globals->planned.advance_us, globals->inside);
	build_planned(builder, &globals->planned);
	json_builder_end_object(builder);
}

static void add_bytes(GString *line, uint64_t bytes)
{
	static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
	double amount = (double)bytes / 1024;
	size_t i;

	for (i = 0; amount >= 1024 && i < G_N_ELEMENTS(units) - 1; i++)
		amount /= 1024;
	g_string_append_printf(line, " with %.1f %s locked", amount, units[i]);
}

static void add_in_force(GString *line, JsonObject *value)
{
	JsonNode *in_force = value ? json_object_get_member(value, "in_force") : NULL;

	if (!in_force || !JSON_NODE_HOLDS_VALUE(in_force))
		g_string_append(line, " not confirmed");
	else if (!json_node_get_boolean(in_force))
		g_string_append(line, " NOT IN FORCE");
}

static void add_number(GString *line, const char *key, JsonObject *value)
{
	g_string_append_printf(line, ", %s=%" PRId64, key, (int64_t)json_limit_get_int(value, "planned"));
	add_in_force(line, value);
}

static void add_planned(GString *line, const char *key, JsonObject *value)
{
	const char *text = json_limit_get_string(value, "planned");

	if (value && *text)
		g_string_append_printf(line, ", %s=%s", key, text);
	else if (value)
		g_string_append_printf(line, ", %s=%" PRId64, key,
				       (int64_t)json_limit_get_int(value, "planned"));
}

/* In the words of the plan's own grammar. */
char *status_globals_format(JsonObject *globals)
{
	JsonObject *mlock = json_limit_get_object(globals, "mlock"),
		   *pi = json_limit_get_object(globals, "pi");
	gint64 locked = json_limit_get_int(mlock, "locked_bytes");
	GString *line = g_string_new("whole VM: ");

	g_string_append_printf(line, "mlock=%s", json_limit_get_string(mlock, "planned"));
	add_in_force(line, mlock);
	if (locked > 0)
		add_bytes(line, (uint64_t)locked);
	g_string_append_printf(line, ", pi=%s", json_limit_get_bool(pi, "planned") ? "on" : "off");
	add_in_force(line, pi);
	add_number(line, "pool", json_limit_get_object(globals, "pool"));
	add_number(line, "advance", json_limit_get_object(globals, "advance_us"));
	add_planned(line, "weight", json_limit_get_object(globals, "weight"));
	add_planned(line, "cstate", json_limit_get_object(globals, "cstate_us"));
	add_planned(line, "hugepages", json_limit_get_object(globals, "hugepages"));
	add_planned(line, "numa", json_limit_get_object(globals, "numa"));
	return g_string_free(line, FALSE);
}
