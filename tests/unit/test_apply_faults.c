/* SPDX-License-Identifier: MIT */
/*
 * Real threads, a real kernel, and a fault at each system call of apply: what was changed until then is
 * undone. How the thread is, is read past the table in which the fault is.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sys_p.h"
#include "tap.h"

#define MS UINT64_C(1000000)

/* ---- the kernel, with a fault ---- */

static struct {
	int calls, fail_at, fail_with; /* fail_at < 0: none */
} fault = {.fail_at = -1};

static int is_now(void)
{
	return fault.calls++ == fault.fail_at;
}

static int get_attr(pid_t tid, struct qrt_sched_p_attr *ret_attr)
{
	return is_now() ? fault.fail_with : qrt_sched_p_kernel.get_attr(tid, ret_attr);
}

static int set_attr(pid_t tid, const struct qrt_sched_p_attr *attr)
{
	return is_now() ? fault.fail_with : qrt_sched_p_kernel.set_attr(tid, attr);
}

static int get_nice(pid_t tid, int *ret_nice)
{
	return is_now() ? fault.fail_with : qrt_sched_p_kernel.get_nice(tid, ret_nice);
}

static int set_nice(pid_t tid, int nice)
{
	return is_now() ? fault.fail_with : qrt_sched_p_kernel.set_nice(tid, nice);
}

static int get_cpus(pid_t tid, struct qrt_sched_cpus *ret_cpus)
{
	return is_now() ? fault.fail_with : qrt_sched_p_kernel.get_cpus(tid, ret_cpus);
}

static int set_cpus(pid_t tid, const struct qrt_sched_cpus *cpus)
{
	return is_now() ? fault.fail_with : qrt_sched_p_kernel.set_cpus(tid, cpus);
}

static int get_ioprio(pid_t tid, uint32_t *ret_ioprio)
{
	return is_now() ? fault.fail_with : qrt_sched_p_kernel.get_ioprio(tid, ret_ioprio);
}

static int set_ioprio(pid_t tid, uint32_t ioprio)
{
	return is_now() ? fault.fail_with : qrt_sched_p_kernel.set_ioprio(tid, ioprio);
}

static struct qrt_sched_p_sys faulty(void)
{
	struct qrt_sched_p_sys table = qrt_sched_p_kernel;

	table.get_attr = get_attr, table.set_attr = set_attr;
	table.get_nice = get_nice, table.set_nice = set_nice;
	table.get_cpus = get_cpus, table.set_cpus = set_cpus;
	table.get_ioprio = get_ioprio, table.set_ioprio = set_ioprio;
	return table;
}

static void arm(int at, int with)
{
	fault.calls = 0;
	fault.fail_at = at;
	fault.fail_with = with;
}

/* 1 when the fault came. */
static int disarm(void)
{
	int came = fault.fail_at >= 0 && fault.calls > fault.fail_at;

	fault.fail_at = -1;
	return came;
}

/* ---- a thread that sleeps ---- */

struct sleeper {
	pthread_t thread;
	pthread_barrier_t begun, end;
	pid_t tid;
};

static void *sleep_on(void *arg)
{
	struct sleeper *sleeper = arg;

	sleeper->tid = (pid_t)syscall(SYS_gettid);
	pthread_barrier_wait(&sleeper->begun);
	pthread_barrier_wait(&sleeper->end);
	return NULL;
}

static void sleeper_begin(struct sleeper *sleeper)
{
	pthread_barrier_init(&sleeper->begun, NULL, 2);
	pthread_barrier_init(&sleeper->end, NULL, 2);
	CU_ASSERT_EQUAL_FATAL(pthread_create(&sleeper->thread, NULL, sleep_on, sleeper), 0);
	pthread_barrier_wait(&sleeper->begun);
}

static void sleeper_end(struct sleeper *sleeper)
{
	pthread_barrier_wait(&sleeper->end);
	pthread_join(sleeper->thread, NULL);
	pthread_barrier_destroy(&sleeper->begun);
	pthread_barrier_destroy(&sleeper->end);
}

/* What the kernel has, byte for byte. */
struct seen {
	struct qrt_sched_p_attr attr;
	int nice;
	uint32_t ioprio;
	struct qrt_sched_cpus cpus;
};

static struct seen look_at(pid_t tid)
{
	struct seen seen;

	memset(&seen, 0, sizeof(seen));
	CU_ASSERT_EQUAL(qrt_sched_p_kernel.get_attr(tid, &seen.attr), 0);
	CU_ASSERT_EQUAL(qrt_sched_p_kernel.get_nice(tid, &seen.nice), 0);
	CU_ASSERT_EQUAL(qrt_sched_p_kernel.get_ioprio(tid, &seen.ioprio), 0);
	CU_ASSERT_EQUAL(qrt_sched_p_kernel.get_cpus(tid, &seen.cpus), 0);
	return seen;
}

static int is_as(pid_t tid, const struct seen *before)
{
	struct seen now = look_at(tid);

	return !memcmp(&now, before, sizeof(now));
}

static int is_as_asked(pid_t tid, const struct qrt_sched_setting *want)
{
	struct qrt_sched_setting have;

	return qrt_sched_setting_read(tid, &have) == 0 && qrt_sched_setting_compare(want, &have, NULL) == 0;
}

/* ---- settings of every kind ---- */

#define KINDS 6

static struct qrt_sched_setting kinds[KINDS];

static struct qrt_sched_setting setting(uint32_t policy, int32_t priority, const struct qrt_sched_cpus *cpus)
{
	return (struct qrt_sched_setting){
		.set = QRT_SCHED_SET_ALL, .policy = policy, .priority = priority, .cpus = *cpus};
}

/* 0, or why this machine cannot have them. */
static const char *make_kinds(pid_t tid)
{
	static struct qrt_sched_error error;
	struct qrt_sched_cpus all, one = {0};
	int i;

	CU_ASSERT_EQUAL(qrt_sched_p_read_cpus("/sys/devices/system/cpu/online", &all), 0);
	qrt_sched_cpus_add(&one, qrt_sched_cpus_next(&all, -1));
	kinds[0] = setting(QRT_SCHED_POLICY_OTHER, 0, &all);
	kinds[0].nice = 5;
	kinds[1] = setting(QRT_SCHED_POLICY_OTHER, 0, &one);
	kinds[1].runtime_ns = 20 * MS;
	kinds[1].ioprio = QRT_SCHED_IOPRIO(QRT_SCHED_IOPRIO_IDLE, 0);
	kinds[2] = setting(QRT_SCHED_POLICY_DEADLINE, 0, &all);
	kinds[2].flags = QRT_SCHED_FLAG_RESET_ON_FORK;
	kinds[2].runtime_ns = 1 * MS;
	kinds[2].deadline_ns = kinds[2].period_ns = 100 * MS;
	kinds[2].ioprio = QRT_SCHED_IOPRIO(QRT_SCHED_IOPRIO_RT, 0);
	kinds[3] = kinds[2];
	kinds[3].runtime_ns = 2 * MS;
	kinds[3].ioprio = QRT_SCHED_IOPRIO(QRT_SCHED_IOPRIO_BE, 2);
	kinds[4] = setting(QRT_SCHED_POLICY_FIFO, 2, &one);
	kinds[4].nice = -3;
	kinds[4].ioprio = QRT_SCHED_IOPRIO(QRT_SCHED_IOPRIO_RT, 7);
	kinds[5] = setting(QRT_SCHED_POLICY_IDLE, 0, &one);
	for (i = 0; i < KINDS; i++) {
		if (qrt_sched_setting_apply(tid, &kinds[i], &error) < 0)
			return error.message;
	}
	return NULL;
}

/* Runs it with a thread, where the machine can have settings of every kind. */
static void on_a_sleeper(void (*run)(pid_t tid))
{
	struct qrt_sched_p_sys table = faulty();
	struct sleeper sleeper;
	const char *why;

	sleeper_begin(&sleeper);
	why = make_kinds(sleeper.tid);
	if (why) {
		tap_skip(why);
	} else {
		qrt_sched_p_sys = &table;
		run(sleeper.tid);
		qrt_sched_p_sys = &qrt_sched_p_kernel;
	}
	sleeper_end(&sleeper);
}

/* ---- settings ---- */

/* Not those that say that a right or a time is no good here: who is refused these goes on where it may. */
static const int errors[] = {-EBUSY, -EIO, -ENOSYS};
#define ERRORS ((int)(sizeof(errors) / sizeof(errors[0])))

/* Fails each call of the change once. Returns how many calls there were. */
static int fail_each(pid_t tid, const struct qrt_sched_setting *from, const struct qrt_sched_setting *to)
{
	struct seen before;
	int at, rc, came = 1, is_wrong, wrong = 0;

	for (at = 0; came && at < 100; at++) {
		CU_ASSERT_EQUAL(qrt_sched_setting_apply(tid, from, NULL), 0);
		before = look_at(tid);
		arm(at, errors[at % ERRORS]);
		rc = qrt_sched_setting_apply(tid, to, NULL);
		came = disarm();
		is_wrong = rc < 0 ? !came || !is_as(tid, &before) : !is_as_asked(tid, to);
		if (is_wrong)
			tap_note("from %d to %d: wrong after a fault at call %d: %d", (int)(from - kinds),
				 (int)(to - kinds), at, rc);
		wrong += is_wrong;
	}
	CU_ASSERT_EQUAL(wrong, 0);
	return at - 1;
}

static void fail_settings(pid_t tid)
{
	int from, to, calls;

	for (from = 0; from < KINDS; from++) {
		for (to = 0; to < KINDS; to++) {
			calls = fail_each(tid, &kinds[from], &kinds[to]);
			CU_ASSERT(from == to || calls >= 6);
		}
	}
}

static void a_fault_at_any_call_leaves_the_thread_as_it_was(void)
{
	on_a_sleeper(fail_settings);
}

/* ---- layers ---- */

/* A plan comes and goes: the fault is once in apply, and once in restore, which can be tried again. */
static int fail_layers(pid_t tid, const struct qrt_sched_setting *plan, int at)
{
	struct qrt_sched_layer_value value = {.setting = *plan};
	struct qrt_sched_thread *thread;
	struct seen before = look_at(tid), placed;
	int rc, came;

	CU_ASSERT_EQUAL_FATAL(qrt_sched_thread_open(tid, &thread), 0);
	CU_ASSERT_EQUAL(qrt_sched_thread_set_layer(thread, QRT_SCHED_LAYER_PLAN, &value), 0);
	arm(at, -EIO);
	rc = qrt_sched_thread_apply(thread, NULL);
	came = disarm();
	CU_ASSERT(rc >= 0 ? is_as_asked(tid, plan) : is_as(tid, &before));
	CU_ASSERT(qrt_sched_thread_apply(thread, NULL) >= 0);
	placed = look_at(tid);
	arm(at, -EIO);
	rc = qrt_sched_thread_restore(thread, NULL);
	came |= disarm();
	CU_ASSERT(is_as(tid, rc >= 0 ? &before : &placed));
	CU_ASSERT(qrt_sched_thread_restore(thread, NULL) >= 0);
	CU_ASSERT(is_as(tid, &before));
	qrt_sched_thread_close(thread);
	return came;
}

static void fail_plans(pid_t tid)
{
	int from, to, at;

	for (from = 0; from < KINDS; from++) {
		CU_ASSERT_EQUAL(qrt_sched_setting_apply(tid, &kinds[from], NULL), 0);
		for (to = 0; to < KINDS; to++) {
			for (at = 0; at < 100 && fail_layers(tid, &kinds[to], at); at++)
				;
			CU_ASSERT(from == to || (at >= 10 && at < 100));
		}
	}
}

static void a_plan_is_undone_whatever_fails(void)
{
	on_a_sleeper(fail_plans);
}

/* ---- snapshots ---- */

static void fail_snapshots(pid_t tid)
{
	struct qrt_sched_snapshot *snapshot;
	struct seen before, changed;
	int from, at, rc, came;

	for (from = 0; from < KINDS; from++) {
		for (at = 0, came = 1; came && at < 100; at++) {
			CU_ASSERT_EQUAL(qrt_sched_setting_apply(tid, &kinds[from], NULL), 0);
			before = look_at(tid);
			CU_ASSERT_EQUAL_FATAL(qrt_sched_snapshot_new(&snapshot), 0);
			CU_ASSERT_EQUAL(qrt_sched_snapshot_add(snapshot, tid), 1);
			CU_ASSERT_EQUAL(qrt_sched_setting_apply(tid, &kinds[(from + 1) % KINDS], NULL), 0);
			changed = look_at(tid);
			arm(at, -EIO);
			rc = qrt_sched_snapshot_restore(snapshot, NULL);
			came = disarm();
			CU_ASSERT(is_as(tid, rc >= 0 ? &before : &changed));
			CU_ASSERT(qrt_sched_snapshot_restore(snapshot, NULL) >= 0);
			CU_ASSERT(is_as(tid, &before));
			qrt_sched_snapshot_close(snapshot);
		}
		CU_ASSERT(at > 6 && at < 100);
	}
}

static void a_snapshot_can_be_restored_again_where_it_failed(void)
{
	on_a_sleeper(fail_snapshots);
}

static const struct tap_test tests[] = {
	{"a fault at any call leaves the thread as it was", a_fault_at_any_call_leaves_the_thread_as_it_was},
	{"a plan is undone, whatever fails", a_plan_is_undone_whatever_fails},
	{"a snapshot can be restored again where it failed",
	 a_snapshot_can_be_restored_again_where_it_failed},
};

TAP_MAIN("apply_faults", tests)
