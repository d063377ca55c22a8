/* SPDX-License-Identifier: MIT */
/* What is refused before anything is touched: a plan that cannot work, a program that cannot be used. */
#include "command.h"
#include "program.h"
#include "run.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void say_finding(const struct qrt_sched_finding *finding)
{
	char line[32] = "";

	if (finding->line)
		snprintf(line, sizeof(line), " (line %u)", finding->line);
	complain("plan%s: %s%s%s", line, finding->message, finding->remedy[0] ? "; " : "", finding->remedy);
}

/* Where a value is wrong, what follows from it says nothing. */
static bool is_value_fault(const struct qrt_sched_finding *finding)
{
	static const char *const codes[] = {"rt-without-prio", "prio-without-rt", "too-many-values",
					    "cpu-missing", "cpu-not-allowed"};
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(codes); i++) {
		if (finding->severity == QRT_SCHED_FAULT && strcmp(finding->code, codes[i]) == 0)
			return true;
	}
	return false;
}

/* Messages start with the role or its option: "vcpu 0: ...", "vcpu_prio has ...". */
static bool is_same_role(const char *a, const char *b)
{
	size_t len = strcspn(a, " _:");

	return len == strcspn(b, " _:") && strncmp(a, b, len) == 0;
}

/* By another fault of the same role, or, where a value is wrong, as what seems to follow from it. */
static bool is_said_before(const struct plan_request *request, size_t number)
{
	const struct qrt_sched_finding *finding = &request->findings[number], *other;
	size_t i;

	for (i = 0; i < request->findings_count; i++) {
		other = &request->findings[i];
		if (i < number && is_same_role(other->message, finding->message))
			return true;
		if (is_value_fault(other) && g_str_has_prefix(finding->code, "starved-"))
			return true;
	}
	return false;
}

/* The roots alone: the worst come first, so that all before a fault are faults. */
static void say_faults(const struct plan_request *request)
{
	size_t i;

	for (i = 0; i < request->findings_count; i++) {
		if (request->findings[i].severity == QRT_SCHED_FAULT && !is_said_before(request, i))
			say_finding(&request->findings[i]);
	}
}

static void say_warnings(const struct run *run)
{
	const struct plan_request *request = &run->request;
	size_t i;

	for (i = 0; i < request->findings_count; i++) {
		if (request->findings[i].severity > QRT_SCHED_NOTE || run->verbose)
			say_finding(&request->findings[i]);
	}
}

static int check_plan(struct run *run)
{
	const struct plan_request *request = &run->request;
	struct qrt_sched_error error;

	if (plan_request_finish(&run->request) != EXIT_OK)
		return EXIT_LAUNCHER;
	if (plan_request_has_fault(request)) {
		say_faults(request);
		return EXIT_LAUNCHER;
	}
	if (qrt_sched_plan_supported(request->plan, &error) < 0) {
		complain("plan: %s", error.message);
		return EXIT_LAUNCHER;
	}
	return EXIT_OK;
}

static int check_vm(struct run *run)
{
	vm_args_read(run->request.vm_argc, run->request.vm_argv, &run->vm);
	if (run->vm.daemonize) {
		complain("-daemonize would take QEMU away from its supervisor; leave it out, and start this "
			 "launcher in "
			 "the background (qrt-launcher run ... &)");
		return EXIT_LAUNCHER;
	}
	if (run->vm.unnamed)
		complain("note: debug-threads=off is left out: threads are told apart by their names");
	return EXIT_OK;
}

/* A guest's name may have any letters; ours is a folder's. */
static void choose_name(struct run *run)
{
	const char *name = run->name ? run->name : run->vm.name;

	g_strlcpy(run->vm_name, name, sizeof(run->vm_name));
	g_strcanon(run->vm_name, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "_.-", '_');
	if (!state_is_name(run->vm_name))
		snprintf(run->vm_name, sizeof(run->vm_name), "vm-%d", getpid());
}

static int check_program(struct run *run)
{
	int r = program_find(run->request.vm_argv[0], &run->path);

	if (r == EXIT_OK)
		r = program_check(run->path, !run->no_preload);
	if (r != EXIT_OK || run->no_preload)
		return r;
	run->preload = program_find_preload();
	return run->preload ? EXIT_OK : EXIT_LAUNCHER;
}

static int format_plan(struct run *run)
{
	int len = qrt_sched_plan_format(run->request.plan, NULL, 0);

	if (len < 0) {
		complain("the plan cannot be written down: %s", strerror(-len));
		return EXIT_LAUNCHER;
	}
	run->plan_text = g_malloc0((gsize)len + 1);
	qrt_sched_plan_format(run->request.plan, run->plan_text, (size_t)len + 1);
	return EXIT_OK;
}

int run_check(struct run *run)
{
	int r = check_vm(run);

	if (r == EXIT_OK)
		r = check_plan(run);
	if (r == EXIT_OK)
		r = check_program(run);
	if (r == EXIT_OK)
		r = format_plan(run);
	if (r == EXIT_OK)
		say_warnings(run);
	choose_name(run);
	return r;
}
