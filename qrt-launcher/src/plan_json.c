/* SPDX-License-Identifier: MIT */
#include "plan_json.h"

#include "json_put.h"
#include "plan_around.h"
#include "plan_explain.h"

static void build_times(JsonBuilder *builder, const struct plan_group *group)
{
	const struct qrt_sched_setting *setting = &group->setting;
	char ioprio[16];

	if (group->quantum_ns > 0)
		json_put_int(builder, "quantum_ns", group->quantum_ns);
	if (setting->set & QRT_SCHED_SET_TIMES && setting->runtime_ns)
		json_put_int(builder, "runtime_ns", (gint64)setting->runtime_ns);
	if (setting->set & QRT_SCHED_SET_TIMES && setting->deadline_ns) {
		json_put_int(builder, "deadline_ns", (gint64)setting->deadline_ns);
		json_put_int(builder, "period_ns", (gint64)setting->period_ns);
	}
	if (setting->set & QRT_SCHED_SET_IOPRIO &&
	    qrt_sched_ioprio_format(setting->ioprio, ioprio, sizeof(ioprio)) >= 0)
		json_put_string(builder, "ioprio", ioprio);
}

static void build_group(const struct plan_request *request, const struct plan_group *group,
			JsonBuilder *builder)
{
	char cpus[512] = "", source[64];

	qrt_sched_cpus_format(&group->setting.cpus, cpus, sizeof(cpus));
	json_builder_begin_object(builder);
	json_put_string(builder, "role", qrt_sched_role_name(group->role));
	json_put_int(builder, "first", group->first);
	json_put_int(builder, "last", group->open_end ? -1 : (gint64)group->last);
	json_put_bool(builder, "planned", group->planned);
	json_put_string(builder, "policy", qrt_sched_policy_name(group->setting.policy));
	json_put_int(builder, "priority", group->setting.priority);
	json_put_int(builder, "nice", group->setting.nice);
	build_times(builder, group);
	plan_around_build_group(request, group, builder);
	json_put_string(builder, "cpus", cpus);
	json_put_string(builder, "source", plan_explain_source(request, group->role, source, sizeof(source)));
	json_builder_end_object(builder);
}

static void build_globals(const struct plan_request *request, JsonBuilder *builder)
{
	static const char *const mlock[] = {"off", "onfault", "prefault", "all"};
	struct qrt_sched_globals globals = {.size = sizeof(globals)};

	qrt_sched_plan_get_globals(request->plan, &globals);
	json_put_string(builder, "mlock",
			globals.mlock < G_N_ELEMENTS(mlock) ? mlock[globals.mlock] : "unknown");
	json_put_bool(builder, "pi", globals.pi_mutexes != 0);
	json_put_int(builder, "advance", globals.advance_us);
	json_put_int(builder, "pool", globals.pool_min);
	plan_around_build(request, builder);
	json_put_string(builder, "accelerator", request->vm.tcg ? "tcg" : "kvm");
	json_put_bool(builder, "assumed", request->vm_argc == 0);
	json_put_int(builder, "vcpus", request->vm.vcpus);
	json_put_int(builder, "iothreads", request->vm.iothreads);
}

void plan_json_print(const struct plan_request *request, const char *text, const char *unsupported, bool ok)
{
	JsonBuilder *builder = json_builder_new();
	struct plan_groups groups;
	size_t i;

	plan_groups_read(request, &groups);
	json_builder_begin_object(builder);
	json_put_bool(builder, "ok", ok);
	json_put_bool(builder, "default", !request->given);
	json_put_string(builder, "plan", text);
	build_globals(request, builder);
	json_builder_set_member_name(builder, "threads");
	json_builder_begin_array(builder);
	for (i = 0; i < groups.count; i++)
		build_group(request, &groups.groups[i], builder);
	json_builder_end_array(builder);
	json_put_string(builder, "unsupported", unsupported);
	plan_build_findings(request, builder);
	json_builder_end_object(builder);
	plan_print_json(builder);
}
