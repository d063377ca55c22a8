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

static int check_plan(struct run *run)
{
	const struct plan_request *request = &run->request;
	struct qrt_sched_error error;
	size_t i;

	if (plan_request_finish(&run->request) != EXIT_OK)
		return EXIT_LAUNCHER;
	for (i = 0; i < request->findings_count; i++) {
		if (request->findings[i].severity > QRT_SCHED_NOTE || run->verbose)
			say_finding(&request->findings[i]);
	}
	if (plan_request_has_fault(request))
		return EXIT_LAUNCHER;
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
	choose_name(run);
	return r;
}
