/* SPDX-License-Identifier: MIT */
/* What the supervisor knows of its VM, as JSON. All of it from /proc and memory: a VM that hangs answers. */
#include "governor.h"
#include "guest.h"
#include "json_put.h"
#include "locks.h"
#include "proc.h"
#include "slices.h"
#include "status_globals.h"
#include "supervisor.h"

#include <json-glib/json-glib.h>
#include <string.h>
#include <unistd.h>

/* Only the members that are set; null where none is. */
static void add_setting(JsonBuilder *builder, const char *name, const struct qrt_sched_setting *setting)
{
	char cpus[4096], ioprio[16];

	json_builder_set_member_name(builder, name);
	if (!setting->set) {
		json_builder_add_null_value(builder);
		return;
	}
	json_builder_begin_object(builder);
	if (setting->set & QRT_SCHED_SET_POLICY)
		json_put_string(builder, "policy", qrt_sched_policy_name(setting->policy) ?: "unknown");
	if (setting->set & QRT_SCHED_SET_PRIORITY)
		json_put_int(builder, "priority", setting->priority);
	if (setting->set & QRT_SCHED_SET_NICE)
		json_put_int(builder, "nice", setting->nice);
	if (setting->set & QRT_SCHED_SET_TIMES && setting->runtime_ns)
		json_put_int(builder, "runtime_ns", (gint64)setting->runtime_ns);
	if (setting->set & QRT_SCHED_SET_TIMES && setting->deadline_ns) {
		json_put_int(builder, "deadline_ns", (gint64)setting->deadline_ns);
		json_put_int(builder, "period_ns", (gint64)setting->period_ns);
	}
	if (setting->set & QRT_SCHED_SET_IOPRIO && setting->ioprio &&
	    qrt_sched_ioprio_format(setting->ioprio, ioprio, sizeof(ioprio)) >= 0)
		json_put_string(builder, "ioprio", ioprio);
	if (setting->set & QRT_SCHED_SET_CPUS &&
	    qrt_sched_cpus_format(&setting->cpus, cpus, sizeof(cpus)) >= 0)
		json_put_string(builder, "cpus", cpus);
	json_builder_end_object(builder);
}

static void add_layers(JsonBuilder *builder, const struct watched *watched)
{
	struct qrt_sched_layer_value value;
	char text[4096];
	int layer;

	json_builder_set_member_name(builder, "layers");
	json_builder_begin_array(builder);
	for (layer = 0; layer < QRT_SCHED_LAYERS; layer++) {
		if (qrt_sched_thread_get_layer(watched->thread, layer, &value) < 0 || !value.setting.set)
			continue;
		if (qrt_sched_setting_describe(&value.setting, text, sizeof(text)) < 0)
			continue;
		json_builder_begin_object(builder);
		json_put_string(builder, "layer", qrt_sched_layer_name(layer));
		json_put_string(builder, "setting", text);
		json_builder_end_object(builder);
	}
	json_builder_end_array(builder);
}

static void add_usage(JsonBuilder *builder, pid_t tid)
{
	struct proc_usage usage;

	proc_get_usage(tid, &usage);
	json_put_int(builder, "cpu", usage.cpu);
	json_put_int(builder, "cpu_time_ns", (gint64)usage.cpu_time_ns);
	json_put_int(builder, "run_delay_ns", (gint64)usage.run_delay_ns);
	json_put_int(builder, "voluntary_switches", (gint64)usage.voluntary);
	json_put_int(builder, "involuntary_switches", (gint64)usage.involuntary);
}

static bool is_in_plan(const struct watched *watched, const struct qrt_sched_setting *planned)
{
	int differs = watch_compare(watched);

	return watched->placed_by && differs >= 0 && ((uint32_t)differs & planned->set) == 0;
}

static void add_thread(JsonBuilder *builder, const struct watched *watched)
{
	static const char *const by[] = {"nobody", "self", "broker", "supervisor"};
	struct qrt_sched_setting planned, actual;
	g_autofree char *name = g_utf8_make_valid(watched->name, -1);
	int r;

	slices_hold(watched->slices);
	r = qrt_sched_setting_read(watched->tid, &actual);
	slices_release(watched->slices);
	if (r < 0)
		return;
	watch_get_planned(watched, &planned);
	json_builder_begin_object(builder);
	json_put_int(builder, "tid", watched->tid);
	json_put_string(builder, "name", name);
	json_put_string(builder, "role", qrt_sched_role_name(watched->role));
	json_put_int(builder, "index", watched->index);
	add_setting(builder, "planned", &planned);
	add_setting(builder, "effective", &actual);
	json_put_bool(builder, "fallback", watched->fell_back);
	json_put_bool(builder, "in_plan", is_in_plan(watched, &planned));
	json_put_string(builder, "placed_by", by[watched->placed_by]);
	add_layers(builder, watched);
	add_usage(builder, watched->tid);
	json_put_int(builder, "corrections", (gint64)watched->corrections);
	json_builder_end_object(builder);
}

static gint compare(gconstpointer a, gconstpointer b)
{
	const struct watched *x = *(struct watched *const *)a, *y = *(struct watched *const *)b;

	if (x->role != y->role)
		return (int)x->role - (int)y->role;
	if (x->index != y->index)
		return x->index < y->index ? -1 : 1;
	return x->tid - y->tid;
}

static void add_threads(JsonBuilder *builder, struct supervisor *supervisor)
{
	GPtrArray *sorted = g_ptr_array_new();
	GHashTableIter iter;
	gpointer value;
	guint i;

	g_hash_table_iter_init(&iter, supervisor->watch.threads);
	while (g_hash_table_iter_next(&iter, NULL, &value))
		g_ptr_array_add(sorted, value);
	g_ptr_array_sort(sorted, compare);
	json_builder_set_member_name(builder, "threads");
	json_builder_begin_array(builder);
	for (i = 0; i < sorted->len; i++)
		add_thread(builder, sorted->pdata[i]);
	json_builder_end_array(builder);
	g_ptr_array_free(sorted, TRUE);
}

static void add_plan(JsonBuilder *builder, const struct qrt_sched_plan *plan)
{
	int len = qrt_sched_plan_format(plan, NULL, 0);
	char *text;

	if (len < 0)
		return;
	text = g_malloc0((gsize)len + 1);
	qrt_sched_plan_format(plan, text, (size_t)len + 1);
	json_put_string(builder, "plan", text);
	g_free(text);
}

static void add_globals(JsonBuilder *builder, const struct supervisor *supervisor)
{
	struct status_globals globals;

	status_globals_read(supervisor, &globals);
	status_globals_build(&globals, builder);
}

static void add_recorder(JsonBuilder *builder, const struct supervisor *supervisor)
{
	json_builder_set_member_name(builder, "recorder");
	if (!supervisor->recorder) {
		json_builder_add_null_value(builder);
		return;
	}
	json_builder_begin_object(builder);
	json_put_int(builder, "pid", getpid());
	json_put_int(builder, "fd", qrt_sched_recorder_get_fd(supervisor->recorder));
	json_builder_end_object(builder);
}

static void add_locks(JsonBuilder *builder, const struct locks *locks)
{
	uint64_t taken, ended;

	json_builder_set_member_name(builder, "preempt_lock");
	if (!locks) {
		json_builder_add_null_value(builder);
		return;
	}
	locks_get_counts(locks, &taken, &ended);
	json_builder_begin_object(builder);
	json_put_int(builder, "priority", locks_get_priority(locks));
	json_put_int(builder, "taken", (gint64)taken);
	json_put_int(builder, "ended", (gint64)ended);
	json_builder_end_object(builder);
}

static void add_vm(JsonBuilder *builder, struct supervisor *supervisor)
{
	json_put_string(builder, "name", supervisor->state->name);
	json_put_int(builder, "launcher_pid", getpid());
	json_put_int(builder, "qemu_pid", supervisor->record.qemu_pid);
	json_put_string(builder, "guest_state", supervisor->guest_state);
	json_put_string(builder, "accelerator", supervisor->accelerator);
	json_put_int(builder, "uptime_ms", (g_get_monotonic_time() - supervisor->started_us) / 1000);
	json_put_bool(builder, "preload", supervisor->library == LIBRARY_PRELOADED);
	json_put_string(builder, "library", library_get_name(supervisor->library));
	json_put_bool(builder, "attached", supervisor->is_attached);
	guest_build(supervisor->guest, builder);
	add_plan(builder, supervisor->plan);
	add_globals(builder, supervisor);
	json_put_int(builder, "corrections", (gint64)supervisor->watch.corrections);
	json_put_int(builder, "unplaced", watch_count_unplaced(&supervisor->watch));
	add_recorder(builder, supervisor);
	add_locks(builder, supervisor->locks);
	governor_build(supervisor->governor, builder);
	add_threads(builder, supervisor);
}

char *report_status(struct supervisor *supervisor)
{
	JsonBuilder *builder = json_builder_new();

	broker_drain(supervisor);
	supervisor_scan(supervisor);
	json_builder_begin_object(builder);
	add_vm(builder, supervisor);
	return json_put_end(builder);
}
