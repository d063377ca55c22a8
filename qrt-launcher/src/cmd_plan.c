/* SPDX-License-Identifier: MIT */
/* plan: check a plan and show it, in its canonical form or in words, without starting anything. */
#include "command.h"
#include "plan_explain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct plan_options {
	bool json, help, explain;
};

static void print_help(void)
{
	puts("Usage: qrt-launcher plan [--explain] [--json] [--plan FILE] [-rt OPTION]... [-- QEMU "
	     "ARGS...]\n\n"
	     "Checks a plan for this host and shows it in its canonical form. Without --plan and -rt it is\n"
	     "the default plan for this host and the VM of QEMU's arguments (without those: one vCPU).\n\n"
	     "  --plan FILE  a plan file; -rt options after it override it\n"
	     "  -rt OPTION   an option of the plan, see qrt-plan(5)\n"
	     "  --explain    in words: threads, their order, what happens where they meet\n"
	     "  --json       print JSON\n\n"
	     "Exit code: 0 the plan can run, 1 it has a fault or is not supported, 2 usage.");
}

static int take_option(struct plan_options *options, const char *argument)
{
	if (strcmp(argument, "--json") == 0)
		options->json = true;
	else if (strcmp(argument, "--explain") == 0)
		options->explain = true;
	else if (strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0)
		options->help = true;
	else
		return 0;
	return 1;
}

static int parse(struct plan_options *options, struct plan_request *request, int argc, char **argv)
{
	int index = 1, r;

	while (index < argc && !options->help) {
		if (take_option(options, argv[index])) {
			index++;
			continue;
		}
		r = plan_request_take(request, argc, argv, &index);
		if (r == 0) {
			complain("plan: unknown option '%s'; try 'qrt-launcher plan --help'", argv[index]);
			return EXIT_USAGE;
		}
		if (r < 0)
			return -r;
	}
	return EXIT_OK;
}

/* The canonical text, to be freed; NULL when there is no memory. */
static char *format_plan(const struct qrt_sched_plan *plan)
{
	int len = qrt_sched_plan_format(plan, NULL, 0);
	char *text = len < 0 ? NULL : malloc((size_t)len + 1);

	if (text && qrt_sched_plan_format(plan, text, (size_t)len + 1) != len) {
		free(text);
		text = NULL;
	}
	return text;
}

static void build_string(JsonBuilder *builder, const char *name, const char *value)
{
	json_builder_set_member_name(builder, name);
	json_builder_add_string_value(builder, value);
}

static void build_int(JsonBuilder *builder, const char *name, gint64 value)
{
	json_builder_set_member_name(builder, name);
	json_builder_add_int_value(builder, value);
}

static void build_times(JsonBuilder *builder, const struct plan_group *group)
{
	const struct qrt_sched_setting *setting = &group->setting;
	char ioprio[16];

	if (group->quantum_ns > 0)
		build_int(builder, "quantum_ns", group->quantum_ns);
	if (setting->set & QRT_SCHED_SET_TIMES && setting->runtime_ns)
		build_int(builder, "runtime_ns", (gint64)setting->runtime_ns);
	if (setting->set & QRT_SCHED_SET_TIMES && setting->deadline_ns) {
		build_int(builder, "deadline_ns", (gint64)setting->deadline_ns);
		build_int(builder, "period_ns", (gint64)setting->period_ns);
	}
	if (setting->set & QRT_SCHED_SET_IOPRIO &&
	    qrt_sched_ioprio_format(setting->ioprio, ioprio, sizeof(ioprio)) >= 0)
		build_string(builder, "ioprio", ioprio);
}

static void build_group(const struct plan_request *request, const struct plan_group *group,
			JsonBuilder *builder)
{
	char cpus[512] = "", source[64];

	qrt_sched_cpus_format(&group->setting.cpus, cpus, sizeof(cpus));
	json_builder_begin_object(builder);
	build_string(builder, "role", qrt_sched_role_name(group->role));
	build_int(builder, "first", group->first);
	build_int(builder, "last", group->open_end ? -1 : (gint64)group->last);
	json_builder_set_member_name(builder, "planned");
	json_builder_add_boolean_value(builder, group->planned);
	build_string(builder, "policy", qrt_sched_policy_name(group->setting.policy));
	build_int(builder, "priority", group->setting.priority);
	build_int(builder, "nice", group->setting.nice);
	build_times(builder, group);
	build_string(builder, "cpus", cpus);
	build_string(builder, "source", plan_explain_source(request, group->role, source, sizeof(source)));
	json_builder_end_object(builder);
}

static void build_globals(const struct plan_request *request, JsonBuilder *builder)
{
	static const char *const mlock[] = {"off", "onfault", "prefault", "all"};
	struct qrt_sched_globals globals = {.size = sizeof(globals)};

	qrt_sched_plan_get_globals(request->plan, &globals);
	build_string(builder, "mlock",
		     globals.mlock < G_N_ELEMENTS(mlock) ? mlock[globals.mlock] : "unknown");
	json_builder_set_member_name(builder, "pi");
	json_builder_add_boolean_value(builder, globals.pi_mutexes != 0);
	build_int(builder, "vcpus", request->vm.vcpus);
	build_int(builder, "iothreads", request->vm.iothreads);
}

static void print_json(const struct plan_request *request, const char *text, const char *unsupported, bool ok)
{
	JsonBuilder *builder = json_builder_new();
	struct plan_groups groups;
	size_t i;

	plan_groups_read(request, &groups);
	json_builder_begin_object(builder);
	json_builder_set_member_name(builder, "ok");
	json_builder_add_boolean_value(builder, ok);
	json_builder_set_member_name(builder, "default");
	json_builder_add_boolean_value(builder, !request->given);
	build_string(builder, "plan", text);
	build_globals(request, builder);
	json_builder_set_member_name(builder, "threads");
	json_builder_begin_array(builder);
	for (i = 0; i < groups.count; i++)
		build_group(request, &groups.groups[i], builder);
	json_builder_end_array(builder);
	build_string(builder, "unsupported", unsupported);
	plan_build_findings(request, builder);
	json_builder_end_object(builder);
	plan_print_json(builder);
}

static void print_text(const struct plan_options *options, const struct plan_request *request,
		       const char *text)
{
	if (!options->explain) {
		fputs(text, stdout);
		return;
	}
	plan_explain(request);
	if (request->findings_count > 0) {
		puts("\nLint");
		plan_print_findings(request);
	}
	printf("\nThe plan\n%s", text);
}

/* Without --explain standard output is a plan file; what lint says goes where errors go. */
static void complain_of_findings(const struct plan_request *request)
{
	const struct qrt_sched_finding *f;
	size_t i;

	for (i = 0; i < request->findings_count; i++) {
		f = &request->findings[i];
		if (f->severity != QRT_SCHED_NOTE)
			complain("%s: %s%s%s", plan_severity_name(f->severity), f->message,
				 f->remedy[0] ? "; " : "", f->remedy);
	}
}

static int show(const struct plan_options *options, struct plan_request *request)
{
	struct qrt_sched_error error = {.code = 0};
	bool supported, ok;
	char *text;
	int r = plan_request_finish(request);

	if (r != EXIT_OK)
		return r;
	text = format_plan(request->plan);
	if (!text) {
		complain("out of memory");
		return EXIT_FAILED;
	}
	supported = qrt_sched_plan_supported(request->plan, &error) >= 0;
	ok = supported && !plan_request_has_fault(request);
	if (options->json)
		print_json(request, text, supported ? "" : error.message, ok);
	else
		print_text(options, request, text);
	if (!options->json && !options->explain)
		complain_of_findings(request);
	if (!supported && !options->json)
		complain("%s", error.message);
	free(text);
	return ok ? EXIT_OK : EXIT_FAILED;
}

int command_plan(int argc, char **argv)
{
	struct plan_options options = {0};
	struct plan_request request;
	int r = plan_request_open(&request);

	if (r < 0)
		return -r;
	r = parse(&options, &request, argc, argv);
	if (r == EXIT_OK && options.help)
		print_help();
	else if (r == EXIT_OK)
		r = show(&options, &request);
	plan_request_close(&request);
	return r;
}
