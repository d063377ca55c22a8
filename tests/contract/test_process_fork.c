/* SPDX-License-Identifier: MIT */
/* A program under its own plan that forks, and the process that stays. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "apart.h"
#include "process_help.h"
#include "tap.h"

/* kB that are locked of this process. */
static long locked_memory(void)
{
	FILE *status = fopen("/proc/self/status", "re");
	char line[256];
	long size = -1;

	while (status && fgets(line, sizeof(line), status)) {
		if (!strncmp(line, "VmLck:", 6))
			size = strtol(line + 6, NULL, 10);
	}
	if (status)
		fclose(status);
	return size;
}

#define IN_CHILD(run) CU_ASSERT(apart_runs_well(run))

static struct qrt_sched_process *process;

/* ---- the child ---- */

static void look_as_before(void)
{
	struct qrt_sched_error error = {0};

	CU_ASSERT_EQUAL(apart_setting(0).ioprio, BE(7));
	CU_ASSERT_EQUAL(qrt_sched_process_list(process, NULL, 0), 0);
	CU_ASSERT_EQUAL(qrt_sched_process_enter(process, "worker"), QRT_SCHED_PLACED_NONE);
	qrt_sched_process_begin_thread("worker");
	qrt_sched_process_leave(process);
	CU_ASSERT_EQUAL(apart_setting(0).ioprio, BE(7));
	CU_ASSERT_EQUAL(qrt_sched_process_change(process, apart_plan("main_ioprio=be:1"), &error), -ESRCH);
	CU_ASSERT_EQUAL(error.code, -ESRCH);
}

static void give_self(unsigned level)
{
	struct qrt_sched_setting setting = {.set = QRT_SCHED_SET_IOPRIO, .ioprio = BE(level)};

	CU_ASSERT_EQUAL(qrt_sched_setting_apply(0, &setting, NULL), 0);
}

APART(a_child_is_as_the_process_was)
{
	give_self(7);
	process = process_open("main_ioprio=be:2");
	CU_ASSERT_EQUAL(qrt_sched_process_enter(process, QRT_SCHED_PLACER_MAIN), QRT_SCHED_PLACED_SELF);
	CU_ASSERT_EQUAL(apart_setting(0).ioprio, BE(2));
	IN_CHILD(look_as_before);
	CU_ASSERT_EQUAL(apart_setting(0).ioprio, BE(2));
	CU_ASSERT_EQUAL(qrt_sched_process_list(process, NULL, 0), 1);
}

static void look_for_no_urgency(void)
{
	struct qrt_sched_setting setting = apart_setting(0);

	CU_ASSERT(setting.policy == QRT_SCHED_POLICY_OTHER && setting.priority == 0);
}

APART(a_child_is_not_urgent_by_ones_plan)
{
	process = process_open("main_sched=rr main_prio=3 main_nice=0");
	CU_ASSERT_EQUAL(qrt_sched_process_enter(process, QRT_SCHED_PLACER_MAIN), QRT_SCHED_PLACED_SELF);
	CU_ASSERT_EQUAL(apart_setting(0).priority, 3);
	IN_CHILD(look_for_no_urgency);
	CU_ASSERT_EQUAL(apart_setting(0).priority, 3);
}

static void a_child_is_not_urgent(void)
{
	if (apart_may_be_realtime())
		a_child_is_not_urgent_by_ones_plan();
}

/* ---- the child that goes on ---- */

static void go_on(void)
{
	struct qrt_sched_placed placed[2];
	struct qrt_sched_error error;
	struct worker a;

	CU_ASSERT_EQUAL(qrt_sched_process_stay(process, &error), 1);
	CU_ASSERT_EQUAL(apart_setting(0).ioprio, BE(2));
	CU_ASSERT_EQUAL(qrt_sched_process_list(process, placed, 2), 1);
	CU_ASSERT(placed[0].tid == getpid() && placed[0].role == QRT_SCHED_ROLE_MAIN);
	CU_ASSERT_EQUAL(qrt_sched_process_change(process, apart_plan("main_ioprio=be:1"), &error), 0);
	CU_ASSERT_EQUAL(apart_setting(0).ioprio, BE(1));
	/* A thread sanitizer knows no threads behind the fork of a process that had some. */
#ifndef __SANITIZE_THREAD__
	worker_come(&a, "worker");
	CU_ASSERT_EQUAL(qrt_sched_process_list(process, placed, 2), 2);
	worker_go(&a);
	CU_ASSERT_EQUAL(qrt_sched_process_list(process, NULL, 0), 1);
#else
	(void)a;
#endif
}

APART(a_child_that_stays_is_the_program)
{
	process = process_open("main_ioprio=be:2");
	qrt_sched_process_enter(process, QRT_SCHED_PLACER_MAIN);
	IN_CHILD(go_on);
}

/* The plan is the one that the process had when it forked. */
APART(a_child_that_stays_has_the_later_plan)
{
	struct qrt_sched_plan *first = apart_plan("main_ioprio=be:5");
	struct qrt_sched_process_config config = process_config(first);

	CU_ASSERT_EQUAL(qrt_sched_process_open(&config, &process, NULL), 0);
	qrt_sched_process_enter(process, QRT_SCHED_PLACER_MAIN);
	CU_ASSERT_EQUAL(qrt_sched_process_change(process, apart_plan("main_ioprio=be:2"), NULL), 0);
	qrt_sched_plan_close(first);
	IN_CHILD(go_on);
}

/* As in QEMU: the process that was started waits for a child, whose child stays. */
static void fork_again(void)
{
	IN_CHILD(go_on);
}

APART(a_childs_child_can_stay)
{
	process = process_open("main_ioprio=be:2");
	IN_CHILD(fork_again);
}

/* ---- threads of other handlers ---- */

static pthread_t early;

static void *begin_early(void *unused)
{
	(void)unused;
	qrt_sched_process_begin_thread("early");
	return NULL;
}

/* As QEMU's RCU does, before the library's own handler runs. */
static void start_early(void)
{
	CU_ASSERT_EQUAL_FATAL(pthread_create(&early, NULL, begin_early, NULL), 0);
}

static void join_early(void)
{
	pthread_join(early, NULL);
	CU_ASSERT_EQUAL(qrt_sched_process_list(process, NULL, 0), 0);
}

APART(a_thread_of_another_handler_is_not_placed_apart)
{
	int i;

	CU_ASSERT_EQUAL(pthread_atfork(NULL, NULL, start_early), 0);
	process = process_open("othr_ioprio=be:2");
	for (i = 0; i < 50; i++)
		IN_CHILD(join_early);
}

static void a_thread_of_another_handler_is_not_placed(void)
{
#ifdef __SANITIZE_THREAD__
	tap_skip("a thread sanitizer knows no threads behind the fork of a process that had some");
	return;
#endif
	a_thread_of_another_handler_is_not_placed_apart();
}

/* ---- memory ---- */

static void lock_and_look(void)
{
	const struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};
	struct qrt_sched_error error;
	struct rlimit limit;

	CU_ASSERT_EQUAL(locked_memory(), 0);
	CU_ASSERT(qrt_sched_process_stay(process, &error) >= 0);
	CU_ASSERT(locked_memory() > 0);
	CU_ASSERT_EQUAL(said_count(""), 0);
	/* Who may lift the limit has none, for when its rights go. */
	CU_ASSERT(getrlimit(RLIMIT_MEMLOCK, &limit) == 0 &&
		  (limit.rlim_cur == RLIM_INFINITY || setrlimit(RLIMIT_MEMLOCK, &unlimited) < 0));
}

APART(memory_is_locked_by_who_stays_apart)
{
	process = process_open("mlock=onfault");
	IN_CHILD(lock_and_look);
	lock_and_look();
	CU_ASSERT_EQUAL(qrt_sched_process_list(process, NULL, 0), 0);
}

static void memory_is_locked_by_who_stays(void)
{
	struct rlimit limit;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	tap_skip("the sanitizer does not let memory be locked");
	return;
#endif
	if (geteuid() && (getrlimit(RLIMIT_MEMLOCK, &limit) || limit.rlim_cur != RLIM_INFINITY)) {
		tap_skip("needs CAP_IPC_LOCK or an unlimited RLIMIT_MEMLOCK");
		return;
	}
	memory_is_locked_by_who_stays_apart();
}

APART(memory_that_may_not_be_locked_is_said)
{
	const struct rlimit little = {65536, 65536};
	struct qrt_sched_error error;

	CU_ASSERT_EQUAL(setrlimit(RLIMIT_MEMLOCK, &little), 0);
	CU_ASSERT(geteuid() || setuid(65534) == 0);
	process = process_open("mlock=onfault");
	CU_ASSERT_EQUAL(qrt_sched_process_stay(process, &error), 0);
	CU_ASSERT(said_count("memory is not locked") == 1 && locked_memory() == 0);
}

APART(memory_is_not_locked_where_the_plan_does_not_say_so)
{
	struct qrt_sched_error error;

	process = process_open("main_ioprio=be:2");
	CU_ASSERT_EQUAL(qrt_sched_process_stay(process, &error), 0);
	CU_ASSERT_EQUAL(locked_memory(), 0);
	CU_ASSERT_EQUAL(qrt_sched_process_list(process, NULL, 0), 0);
}

static const struct tap_test tests[] = {
	{"a child is as the process was", a_child_is_as_the_process_was},
	{"a child is not urgent", a_child_is_not_urgent},
	{"a child that stays is the program", a_child_that_stays_is_the_program},
	{"a child that stays has the later plan", a_child_that_stays_has_the_later_plan},
	{"a thread of another handler is not placed", a_thread_of_another_handler_is_not_placed},
	{"a child's child can stay", a_childs_child_can_stay},
	{"memory is locked by who stays", memory_is_locked_by_who_stays},
	{"memory that may not be locked is said", memory_that_may_not_be_locked_is_said},
	{"memory is not locked where the plan does not say so",
	 memory_is_not_locked_where_the_plan_does_not_say_so},
};

TAP_MAIN("contract of processes, fork", tests)
