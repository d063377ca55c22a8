/* SPDX-License-Identifier: MIT */
#include "apart.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tap.h"

static _Noreturn void run_and_end(void (*run)(void))
{
	unsigned before = CU_get_number_of_failures();
	const CU_FailureRecord *f;

	alarm(30);
	run();
	for (f = CU_get_failure_list(); f; f = f->pNext)
		tap_note("%s:%u: %s", f->strFileName, f->uiLineNumber, f->strCondition);
	fflush(stdout);
	_exit(CU_get_number_of_failures() != before);
}

int apart_ends_well(pid_t child)
{
	int status = 0;

	return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) &&
	       WEXITSTATUS(status) == 0;
}

int apart_runs_well(void (*run)(void))
{
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child == 0)
		run_and_end(run);
	return apart_ends_well(child);
}

void apart_run(void (*run)(void))
{
	CU_ASSERT(apart_runs_well(run));
}

struct qrt_sched_plan *apart_plan(const char *options)
{
	struct qrt_sched_plan *plan = NULL;

	if (qrt_sched_plan_new(&plan) < 0 || qrt_sched_plan_parse_option(plan, options, NULL) < 0)
		abort();
	return plan;
}

int apart_may_be_realtime(void)
{
	struct sched_param param = {.sched_priority = 50};

	if (sched_setscheduler(0, SCHED_FIFO, &param) < 0) {
		tap_skip("needs CAP_SYS_NICE");
		return 0;
	}
	param.sched_priority = 0;
	sched_setscheduler(0, SCHED_OTHER, &param);
	return 1;
}

struct qrt_sched_setting apart_setting(pid_t tid)
{
	struct qrt_sched_setting setting = {.set = 0};

	CU_ASSERT_EQUAL(qrt_sched_setting_read(tid, &setting), 0);
	return setting;
}
