/* SPDX-License-Identifier: MIT */
/* What is refused before QEMU is started: a program that cannot be used, a plan that cannot work. */
#include "boot_plan.h"
#include "command.h"
#include "host.h"
#include "program.h"
#include "run.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

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

/* By another fault of the same role, or, where a value is wrong, as what seems to follow from it. */
static bool is_said_before(const struct plan_request *request, size_t number)
{
	const struct qrt_sched_finding *finding = &request->findings[number], *other;
	size_t i;

	for (i = 0; i < request->findings_count; i++) {
		other = &request->findings[i];
		if (i < number && other->role >= 0 && other->role == finding->role)
			return true;
		if (is_value_fault(other) && g_str_has_prefix(finding->code, "starved-"))
			return true;
	}
	return false;
}

/* The roots alone: the worst come first, so that all before a fault are faults. Returns how many. */
static unsigned say_faults(const struct plan_request *request)
{
	const struct qrt_sched_finding *finding;
	unsigned count = 0;
	size_t i;

	for (i = 0; i < request->findings_count; i++) {
		finding = &request->findings[i];
		if (finding->severity == QRT_SCHED_FAULT && !is_said_before(request, i)) {
			plan_complain_of(finding);
			count++;
		}
		if (strcmp(finding->code, "default-replaced") == 0)
			plan_complain_of(finding);
	}
	return count;
}

/* What the kernel does by default is the same at every start: `check` and `plan` say it. That a thread is
 * refused deadline is said when it is, with what it gets instead. */
static bool is_known(const struct qrt_sched_finding *finding)
{
	static const char *const codes[] = {"rt-throttling", "fair-server", "deadline-cpus",
					    "deadline-privilege"};
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(codes); i++) {
		if (strcmp(finding->code, codes[i]) == 0)
			return true;
	}
	return finding->severity == QRT_SCHED_NOTE;
}

static void say_warnings(const struct run *run)
{
	const struct plan_request *request = &run->request;
	size_t i;

	for (i = 0; i < request->findings_count; i++) {
		if (!is_known(&request->findings[i]) || run->verbose)
			plan_complain_of(&request->findings[i]);
	}
}

static int refuse(unsigned faults)
{
	complain("not started: %u fault%s", faults, plural(faults));
	return EXIT_LAUNCHER;
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

int run_check_plan(struct run *run)
{
	const struct plan_request *request = &run->request;
	struct qrt_sched_error error;
	int r;

	if (plan_request_finish(&run->request) != EXIT_OK)
		return EXIT_LAUNCHER;
	if (plan_request_has_fault(request))
		return refuse(say_faults(request));
	if (qrt_sched_plan_supported(request->plan, &error) < 0) {
		complain("fault: plan: %s", error.message);
		return refuse(1);
	}
	r = format_plan(run);
	if (r == EXIT_OK)
		say_warnings(run);
	if (r == EXIT_OK && run->wants_agent)
		r = boot_plan_open(request, &run->boot_plan);
	return r;
}

int run_check_host(const struct run *run)
{
	return host_check_plan(&run->request) == EXIT_OK ? EXIT_OK : refuse(1);
}

static int check_vm(struct run *run)
{
	vm_args_read(run->request.vm_argc, run->request.vm_argv, &run->vm);
	if (run->vm.daemonize) {
		complain("-daemonize would take QEMU away from its supervisor; leave it out, and start this "
			 "launcher in the background (qrt-launcher run ... &)");
		return EXIT_LAUNCHER;
	}
	if (run->vm.has_plan) {
		complain("-rt among QEMU's own arguments: the plan is this launcher's, and it hands it on; "
			 "give it "
			 "before QEMU's program: qrt-launcher run -rt OPTION ... -- %s ...",
			 run->request.vm_argv[0]);
		return EXIT_LAUNCHER;
	}
	if (run->wants_agent && run->vm.lacks_pci) {
		complain("--agent: this machine has no PCI bus, by which the guest's agent talks; take "
			 "another one "
			 "(-M microvm,pcie=on has one), or leave --agent out");
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

static enum library choose_library(const struct run *run)
{
	if (run->request.no_preload)
		return LIBRARY_NONE;
	if (run->forces_preload || !program_takes_plan(run->path))
		return LIBRARY_PRELOADED;
	if (run->verbose)
		complain("QEMU has -rt itself: nothing is preloaded");
	return LIBRARY_BUILT_IN;
}

/* What keeps a library from being preloaded (file capabilities, setuid) does not matter to a QEMU that has
 * it: the loader takes only its own variables away there. */
static int check_program(struct run *run)
{
	int r = program_find(run->request.vm_argv[0], &run->path);

	if (r != EXIT_OK)
		return r;
	run->library = choose_library(run);
	r = program_check(run->path, run->library == LIBRARY_PRELOADED);
	if (r != EXIT_OK || run->library != LIBRARY_PRELOADED)
		return r;
	run->preload = program_find_preload();
	return run->preload ? EXIT_OK : EXIT_LAUNCHER;
}

int run_check(struct run *run)
{
	int r = check_vm(run);

	if (r == EXIT_OK)
		r = check_program(run);
	choose_name(run);
	return r;
}
