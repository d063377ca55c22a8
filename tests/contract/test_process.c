/* SPDX-License-Identifier: MIT */
/* A program under its own plan: its threads, and what is said of them. */
#include <errno.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <unistd.h>

#include "apart.h"
#include "process_help.h"
#include "tap.h"

/* ---- threads ---- */

APART(threads_are_placed_from_birth_to_end)
{
	struct qrt_sched_process *process;
	struct qrt_sched_placed placed[2];
	struct worker early, late;

	worker_come(&early, "worker");
	process = process_open("paio_ioprio=be:5");
	worker_come(&late, "worker");
	CU_ASSERT(apart_setting(early.tid).ioprio == 0 && apart_setting(late.tid).ioprio == BE(5));
	CU_ASSERT_EQUAL(qrt_sched_process_list(process, placed, 2), 1);
	CU_ASSERT(placed[0].tid == late.tid && placed[0].role == QRT_SCHED_ROLE_PAIO && placed[0].is_placed);
	worker_go(&late);
	CU_ASSERT_EQUAL(qrt_sched_process_list(process, NULL, 0), 0);
	worker_go(&early);
}

APART(entering_and_leaving_keep_errno)
{
	struct qrt_sched_process *process = process_open("paio_ioprio=be:5 othr_ioprio=be:6");

	errno = 77;
	CU_ASSERT_EQUAL(qrt_sched_process_enter(process, "worker"), QRT_SCHED_PLACED_SELF);
	CU_ASSERT_EQUAL(qrt_sched_process_enter(process, NULL), QRT_SCHED_PLACED_SELF);
	CU_ASSERT_EQUAL(qrt_sched_process_enter(process, "CPU 0/KVM"), QRT_SCHED_PLACED_SELF);
	CU_ASSERT_EQUAL(errno, 77);
	CU_ASSERT_EQUAL(apart_setting(0).ioprio, 0);
	CU_ASSERT_EQUAL(qrt_sched_process_list(process, NULL, 0), 1);
	qrt_sched_process_leave(process);
	qrt_sched_process_leave(process);
	CU_ASSERT_EQUAL(qrt_sched_process_list(process, NULL, 0), 0);
}

APART(another_plan_moves_all)
{
	static const char *const others[] = {"mlock=all", "advance=5",    "preemptlock=5", "pool=2",
					     "weight=2",  "cstate=0",     "haltpoll=0",    "timerprio=1",
					     "numa=0",    "hugepages=2M", "shield=irqs"};
	struct qrt_sched_process *process = process_open("maxprio=50,policy=ts paio_ioprio=be:5 pi=off");
	struct qrt_sched_plan *next;
	struct qrt_sched_error error = {0};
	size_t i;
	struct worker a;

	worker_come(&a, "worker");
	CU_ASSERT_EQUAL(qrt_sched_process_change(
				process, apart_plan("maxprio=60,policy=ts paio_ioprio=be:6 pi=off"), &error),
			0);
	CU_ASSERT_EQUAL(apart_setting(a.tid).ioprio, BE(6));
	CU_ASSERT_EQUAL(qrt_sched_process_change(process, apart_plan("paio_ioprio=be:7"), &error),
			-EOPNOTSUPP);
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		next = apart_plan("paio_ioprio=be:7 pi=off");
		CU_ASSERT_EQUAL(qrt_sched_plan_parse_option(next, others[i], NULL), 0);
		CU_ASSERT_EQUAL(qrt_sched_process_change(process, next, &error), -EOPNOTSUPP);
	}
	CU_ASSERT(error.code == -EOPNOTSUPP && error.message[0]);
	CU_ASSERT_EQUAL(apart_setting(a.tid).ioprio, BE(6));
	worker_go(&a);
}

/* A role with a quantum of its own runs under FIFO, and makes its slices itself. */
APART(quanta_come_and_go_with_the_role_apart)
{
	struct qrt_sched_process *process =
		process_open("paio_sched=rr paio_prio=1 paio_nice=0 ioth_sched=rr ioth_prio=1");

	CU_ASSERT_EQUAL(qrt_sched_process_enter(process, "worker"), QRT_SCHED_PLACED_SELF);
	CU_ASSERT_EQUAL(apart_setting(0).policy, QRT_SCHED_POLICY_FIFO);
	CU_ASSERT_EQUAL(qrt_sched_process_enter(process, "IO disk0"), QRT_SCHED_PLACED_SELF);
	CU_ASSERT_EQUAL(apart_setting(0).policy, QRT_SCHED_POLICY_RR);
	CU_ASSERT_EQUAL(qrt_sched_process_enter(process, "worker"), QRT_SCHED_PLACED_SELF);
	CU_ASSERT_EQUAL(apart_setting(0).policy, QRT_SCHED_POLICY_FIFO);
	CU_ASSERT_EQUAL(said_count(""), 0);
}

static void quanta_come_and_go_with_the_role(void)
{
	if (apart_may_be_realtime())
		quanta_come_and_go_with_the_role_apart();
}

/* ---- words ---- */

APART(what_only_a_supervisor_does_is_said_once)
{
	process_open("shield=on budget=50%/100ms cstate=0 vcpu_budget=30%/100ms paio_ioprio=be:5 mlock=off");
	CU_ASSERT_EQUAL(said_count(""), 1);
	CU_ASSERT_EQUAL(said_count("budget, cstate, shield, vcpu_budget"), 1);
	CU_ASSERT_EQUAL(said_count("mlock"), 0);
}

APART(what_the_plan_leaves_as_it_is_is_not_left_out)
{
	process_open("shield=off hugepages=off pool=0 timerprio=0 paio_ioprio=be:5");
	CU_ASSERT_EQUAL(said_count(""), 0);
}

APART(a_missing_right_is_said_once)
{
	const struct rlimit none = {0};
	struct worker a, b;

	CU_ASSERT_EQUAL(setrlimit(RLIMIT_RTPRIO, &none), 0);
	CU_ASSERT(geteuid() || setuid(65534) == 0);
	process_open("paio_prio=10");
	worker_come(&a, "worker");
	worker_come(&b, "worker");
	CU_ASSERT_EQUAL(said_count("'worker' (paio) is not placed"), 1);
	CU_ASSERT_EQUAL(said_count(""), 1);
	worker_go(&a);
	worker_go(&b);
}

/* ---- at the same time ---- */

static _Atomic int is_over;

static void *begin_repeatedly(void *unused)
{
	while (!atomic_load(&is_over)) {
		qrt_sched_process_begin_thread("worker");
		usleep(20);
	}
	return unused;
}

APART(threads_may_begin_while_a_handle_is_opened)
{
	struct qrt_sched_process_config config =
		process_config(apart_plan("paio_ioprio=be:5 vcpu_bias=1000"));
	struct qrt_sched_process *process = NULL;
	struct qrt_sched_error error;
	pthread_t threads[2];
	int i;

	config.flags = QRT_SCHED_PROCESS_CHECK;
	for (i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, begin_repeatedly, NULL);
	for (i = 0; i < 50; i++)
		CU_ASSERT_EQUAL(qrt_sched_process_open(&config, &process, &error), -EINVAL);
	config.plan = apart_plan("paio_ioprio=be:5");
	CU_ASSERT_EQUAL(qrt_sched_process_open(&config, &process, &error), 0);
	usleep(1000);
	atomic_store(&is_over, 1);
	for (i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
}

APART(a_plan_may_be_closed_when_another_one_is_taken)
{
	struct qrt_sched_plan *plan = apart_plan("paio_ioprio=be:5"), *next;
	struct qrt_sched_process_config config = process_config(plan);
	struct qrt_sched_process *process = NULL;
	struct qrt_sched_error error;
	pthread_t thread;
	int i;

	CU_ASSERT_EQUAL(qrt_sched_process_open(&config, &process, &error), 0);
	pthread_create(&thread, NULL, begin_repeatedly, NULL);
	for (i = 0; i < 200; i++) {
		next = apart_plan(i % 2 ? "paio_ioprio=be:5" : "paio_ioprio=be:6");
		CU_ASSERT_EQUAL(qrt_sched_process_change(process, next, &error), 0);
		qrt_sched_plan_close(plan);
		plan = next;
		usleep(50);
	}
	atomic_store(&is_over, 1);
	pthread_join(thread, NULL);
}

static const struct tap_test tests[] = {
	{"threads are placed from birth to end", threads_are_placed_from_birth_to_end},
	{"entering and leaving keep errno", entering_and_leaving_keep_errno},
	{"another plan moves all", another_plan_moves_all},
	{"quanta come and go with the role", quanta_come_and_go_with_the_role},
	{"what only a supervisor does is said once", what_only_a_supervisor_does_is_said_once},
	{"what the plan leaves as it is is not left out", what_the_plan_leaves_as_it_is_is_not_left_out},
	{"a missing right is said once", a_missing_right_is_said_once},
	{"threads may begin while a handle is opened", threads_may_begin_while_a_handle_is_opened},
	{"a plan may be closed when another one is taken", a_plan_may_be_closed_when_another_one_is_taken},
};

TAP_MAIN("contract of processes", tests)
