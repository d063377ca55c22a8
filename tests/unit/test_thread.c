/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fake_kernel.h"
#include "tap.h"

#define TID 77
#define MS  1000000ull

/* A name with blanks and parentheses, as a hostile one would be. */
static void set_start(unsigned long long start, char state)
{
	char stat[256];

	snprintf(stat, sizeof(stat),
		 "77 (a) S 1) 2 (b) %c 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 %llu 20\n", state, start);
	fake_kernel_file("/proc/77/stat", stat);
}

static struct qrt_sched_thread *begin(void)
{
	struct qrt_sched_thread *thread = NULL;

	fake_kernel_begin();
	fake_kernel.now = 1000 * MS;
	fake_kernel_file("/sys/devices/system/cpu/online", "0-3\n");
	set_start(500, 'S');
	CU_ASSERT_EQUAL_FATAL(qrt_sched_thread_open(TID, &thread), 0);
	return thread;
}

static void end(struct qrt_sched_thread *thread)
{
	CU_ASSERT_PTR_NULL(qrt_sched_thread_close(thread));
	fake_kernel_end();
}

static struct qrt_sched_layer_value fifo(int priority, const char *cpus)
{
	struct qrt_sched_layer_value v = {.setting = {.set = QRT_SCHED_SET_POLICY | QRT_SCHED_SET_PRIORITY,
						      .policy = QRT_SCHED_POLICY_FIFO,
						      .priority = priority}};

	if (cpus) {
		v.setting.set |= QRT_SCHED_SET_CPUS;
		v.setting.cpus = fake_kernel_cpus(cpus);
	}
	return v;
}

static void opening_remembers_and_changes_nothing(void)
{
	struct qrt_sched_thread *thread = begin();
	struct qrt_sched_layer_value origin = {0};

	CU_ASSERT_EQUAL(qrt_sched_thread_get_tid(thread), TID);
	CU_ASSERT_EQUAL(qrt_sched_thread_get_layer(thread, QRT_SCHED_LAYER_ORIGIN, &origin), 0);
	CU_ASSERT_EQUAL(origin.setting.set, QRT_SCHED_SET_ALL);
	CU_ASSERT_EQUAL(qrt_sched_cpus_count(&origin.setting.cpus), 4);
	CU_ASSERT_EQUAL(qrt_sched_thread_verify(thread, NULL), 0);
	CU_ASSERT_EQUAL(qrt_sched_thread_apply(thread, NULL), 0);
	CU_ASSERT_STRING_EQUAL(fake_kernel.log, "");
	end(thread);
}

static void the_plan_is_applied_verified_and_taken_back(void)
{
	struct qrt_sched_thread *thread = begin();
	struct qrt_sched_layer_value plan = fifo(10, "1");
	struct qrt_sched_setting have;

	CU_ASSERT_EQUAL(qrt_sched_thread_set_layer(thread, QRT_SCHED_LAYER_PLAN, &plan), 0);
	CU_ASSERT_EQUAL(qrt_sched_thread_verify(thread, NULL),
			QRT_SCHED_SET_POLICY | QRT_SCHED_SET_PRIORITY | QRT_SCHED_SET_CPUS);
	CU_ASSERT_EQUAL(qrt_sched_thread_apply(thread, NULL), 1);
	CU_ASSERT_EQUAL(qrt_sched_thread_apply(thread, NULL), 0);
	CU_ASSERT_EQUAL(qrt_sched_thread_verify(thread, &have), 0);
	CU_ASSERT_EQUAL(have.priority, 10);
	CU_ASSERT_EQUAL(qrt_sched_thread_restore(thread, NULL), 1);
	CU_ASSERT_EQUAL(fake_kernel.attr.policy, 0);
	CU_ASSERT_EQUAL(qrt_sched_cpus_count(&fake_kernel.cpus), 4);
	end(thread);
}

static void cpus_that_are_offline_do_not_count(void)
{
	struct qrt_sched_thread *thread = begin();
	struct qrt_sched_layer_value plan = fifo(10, "1,9");

	CU_ASSERT_EQUAL(qrt_sched_thread_set_layer(thread, QRT_SCHED_LAYER_PLAN, &plan), 0);
	CU_ASSERT_EQUAL(qrt_sched_thread_apply(thread, NULL), 1);
	fake_kernel.cpus = fake_kernel_cpus("1"); /* what a kernel with four CPUs makes of it */
	CU_ASSERT_EQUAL(qrt_sched_thread_verify(thread, NULL), 0);
	end(thread);
}

static void raises_end_with_their_longest_time(void)
{
	struct qrt_sched_thread *thread = begin();
	struct qrt_sched_layer_value lock = fifo(50, NULL), got;
	struct qrt_sched_setting s;

	CU_ASSERT_EQUAL(qrt_sched_thread_set_layer(thread, QRT_SCHED_LAYER_LOCK, &lock), 0);
	CU_ASSERT_EQUAL(qrt_sched_thread_get_deadline(thread), 1100 * MS);
	lock.until_ns = 99999 * MS;
	CU_ASSERT_EQUAL(qrt_sched_thread_set_layer(thread, QRT_SCHED_LAYER_INHERIT, &lock), 0);
	CU_ASSERT_EQUAL(qrt_sched_thread_get_layer(thread, QRT_SCHED_LAYER_INHERIT, &got), 0);
	CU_ASSERT_EQUAL(got.until_ns, 2000 * MS);
	CU_ASSERT_EQUAL(qrt_sched_thread_get_effective(thread, &s), 0);
	CU_ASSERT_EQUAL(s.priority, 50);
	fake_kernel.now = 1100 * MS;
	CU_ASSERT_EQUAL(qrt_sched_thread_get_deadline(thread), 2000 * MS);
	fake_kernel.now = 2000 * MS;
	CU_ASSERT_EQUAL(qrt_sched_thread_get_effective(thread, &s), 0);
	CU_ASSERT_EQUAL(s.policy, QRT_SCHED_POLICY_OTHER);
	CU_ASSERT_EQUAL(qrt_sched_thread_get_deadline(thread), 0);
	end(thread);
}

static void a_bad_layer_is_refused_and_the_old_one_stays(void)
{
	struct qrt_sched_thread *thread = begin();
	struct qrt_sched_layer_value good = fifo(10, NULL), bad = fifo(10, "1"), none = {0}, got;

	CU_ASSERT_EQUAL(qrt_sched_thread_set_layer(thread, QRT_SCHED_LAYER_LOCK, &good), 0);
	CU_ASSERT_EQUAL(qrt_sched_thread_set_layer(thread, QRT_SCHED_LAYER_LOCK, &bad), -EINVAL);
	CU_ASSERT_EQUAL(qrt_sched_thread_get_layer(thread, QRT_SCHED_LAYER_LOCK, &got), 0);
	CU_ASSERT_EQUAL(got.setting.set, good.setting.set);
	CU_ASSERT_EQUAL(qrt_sched_thread_set_layer(thread, QRT_SCHED_LAYER_ORIGIN, &none), -EINVAL);
	CU_ASSERT_EQUAL(qrt_sched_thread_set_layer(thread, (enum qrt_sched_layer)99, &good), -EINVAL);
	CU_ASSERT_EQUAL(qrt_sched_thread_set_layer(thread, QRT_SCHED_LAYER_LOCK, NULL), -EINVAL);
	CU_ASSERT_EQUAL(qrt_sched_thread_set_layer(thread, QRT_SCHED_LAYER_LOCK, &none), 0);
	CU_ASSERT_EQUAL(qrt_sched_thread_get_deadline(thread), 0);
	end(thread);
}

static void a_new_thread_with_the_number_does_not_count(void)
{
	struct qrt_sched_thread *thread = begin();
	struct qrt_sched_layer_value plan = fifo(10, NULL);
	struct qrt_sched_error error = {0};

	CU_ASSERT_EQUAL(qrt_sched_thread_is_alive(thread), 1);
	CU_ASSERT_EQUAL(qrt_sched_thread_set_layer(thread, QRT_SCHED_LAYER_PLAN, &plan), 0);
	set_start(501, 'S');
	CU_ASSERT_EQUAL(qrt_sched_thread_is_alive(thread), 0);
	CU_ASSERT_EQUAL(qrt_sched_thread_verify(thread, NULL), -ESRCH);
	CU_ASSERT_EQUAL(qrt_sched_thread_apply(thread, &error), -ESRCH);
	CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "77"));
	CU_ASSERT_STRING_EQUAL(fake_kernel.log, "");
	set_start(500, 'Z');
	CU_ASSERT_EQUAL(qrt_sched_thread_is_alive(thread), 0);
	end(thread);
}

static void numbers_that_are_no_threads_are_refused(void)
{
	struct qrt_sched_thread *thread = NULL;

	CU_ASSERT_EQUAL(qrt_sched_thread_open(0, &thread), -EINVAL);
	CU_ASSERT_EQUAL(qrt_sched_thread_open(-1, &thread), -EINVAL);
	CU_ASSERT_EQUAL(qrt_sched_thread_open(0x3ffffffe, &thread), -ESRCH);
	CU_ASSERT_PTR_NULL(thread);
	CU_ASSERT_PTR_NULL(qrt_sched_thread_close(NULL));
}

/* 2 of each 10 ms, where the kernel has it. */
static struct qrt_sched_layer_value deadline(void)
{
	return (struct qrt_sched_layer_value){
		.setting = {.set = QRT_SCHED_SET_POLICY | QRT_SCHED_SET_PRIORITY | QRT_SCHED_SET_TIMES,
			    .policy = QRT_SCHED_POLICY_DEADLINE,
			    .priority = 30,
			    .runtime_ns = 2 * MS,
			    .deadline_ns = 10 * MS,
			    .period_ns = 10 * MS}};
}

static void a_refused_deadline_falls_back_when_told_and_is_no_deviation_then(void)
{
	struct qrt_sched_thread *thread = begin();
	struct qrt_sched_layer_value plan = deadline();
	struct qrt_sched_error error = {0};

	fake_kernel.refuse_dl = -EBUSY;
	CU_ASSERT_EQUAL(qrt_sched_thread_set_layer(thread, QRT_SCHED_LAYER_PLAN, &plan), 0);
	CU_ASSERT_EQUAL(qrt_sched_thread_apply(thread, &error), -EBUSY);
	CU_ASSERT(error.message[0] != '\0');
	CU_ASSERT_EQUAL(fake_kernel.attr.policy, QRT_SCHED_POLICY_OTHER);
	CU_ASSERT_EQUAL(qrt_sched_thread_fall_back(thread, -ESRCH), -ENOENT);
	CU_ASSERT_EQUAL(qrt_sched_thread_fall_back(thread, -EBUSY), 0);
	CU_ASSERT_EQUAL(qrt_sched_thread_apply(thread, NULL), 1);
	CU_ASSERT_EQUAL(fake_kernel.attr.policy, QRT_SCHED_POLICY_FIFO);
	CU_ASSERT_EQUAL(fake_kernel.attr.priority, 30);
	CU_ASSERT_EQUAL(qrt_sched_thread_verify(thread, NULL), 0);
	CU_ASSERT_EQUAL(qrt_sched_thread_fall_back(thread, -EBUSY), -ENOENT);
	CU_ASSERT_EQUAL(qrt_sched_thread_restore(thread, NULL), 1);
	CU_ASSERT_EQUAL(fake_kernel.attr.policy, QRT_SCHED_POLICY_OTHER);
	CU_ASSERT_EQUAL(fake_kernel.attr.flags, 0);
	end(thread);
}

static void a_deadline_and_all_that_came_with_it_are_taken_back(void)
{
	struct qrt_sched_thread *thread = begin();
	struct qrt_sched_layer_value plan = deadline();

	plan.setting.set |= QRT_SCHED_SET_IOPRIO;
	plan.setting.ioprio = QRT_SCHED_IOPRIO(QRT_SCHED_IOPRIO_RT, 1);
	CU_ASSERT_EQUAL(qrt_sched_thread_set_layer(thread, QRT_SCHED_LAYER_PLAN, &plan), 0);
	CU_ASSERT_EQUAL(qrt_sched_thread_apply(thread, NULL), 1);
	CU_ASSERT_EQUAL(fake_kernel.attr.policy, QRT_SCHED_POLICY_DEADLINE);
	CU_ASSERT_EQUAL(qrt_sched_thread_verify(thread, NULL), 0);
	fake_kernel.attr.runtime++;
	CU_ASSERT_EQUAL(qrt_sched_thread_verify(thread, NULL), QRT_SCHED_SET_TIMES);
	fake_kernel.ioprio = 0;
	CU_ASSERT_EQUAL(qrt_sched_thread_apply(thread, NULL), 1);
	CU_ASSERT_EQUAL(qrt_sched_thread_verify(thread, NULL), 0);
	CU_ASSERT_EQUAL(qrt_sched_thread_restore(thread, NULL), 1);
	CU_ASSERT_EQUAL(fake_kernel.attr.policy, QRT_SCHED_POLICY_OTHER);
	CU_ASSERT_EQUAL(fake_kernel.ioprio, 0);
	end(thread);
}

/* The kernel's own slice is no number that could be compared: it is not looked for, only taken back to. */
static void a_slice_is_taken_back_when_the_plan_has_none(void)
{
	struct qrt_sched_thread *thread = begin();
	struct qrt_sched_layer_value slice = {.setting = {.set = QRT_SCHED_SET_TIMES, .runtime_ns = 20 * MS}};
	struct qrt_sched_layer_value none = {.setting = {.set = 0}};

	fake_kernel.kernel_slice = 3 * MS;
	CU_ASSERT_EQUAL(qrt_sched_thread_set_layer(thread, QRT_SCHED_LAYER_PLAN, &slice), 0);
	CU_ASSERT_EQUAL(qrt_sched_thread_apply(thread, NULL), 1);
	CU_ASSERT_EQUAL(fake_kernel.attr.runtime, 20 * MS);
	CU_ASSERT_EQUAL(qrt_sched_thread_set_layer(thread, QRT_SCHED_LAYER_PLAN, &none), 0);
	CU_ASSERT_EQUAL(qrt_sched_thread_verify(thread, NULL), 0);
	CU_ASSERT_EQUAL(qrt_sched_thread_apply(thread, NULL), 1);
	CU_ASSERT_EQUAL(fake_kernel.attr.runtime, 0);
	CU_ASSERT_EQUAL(qrt_sched_thread_apply(thread, NULL), 0);
	end(thread);
}

/* ---- a real thread ---- */

static _Atomic int other_tid, stop;

static void *wait_for_stop(void *unused)
{
	(void)unused;
	other_tid = (int)syscall(SYS_gettid);
	while (!stop)
		usleep(1000);
	return NULL;
}

static void a_real_thread_is_found_dead_after_it_ended(void)
{
	struct qrt_sched_thread *thread = NULL;
	struct qrt_sched_layer_value nice = {.setting = {.set = QRT_SCHED_SET_NICE, .nice = 7}};
	pthread_t id;
	int i;

	pthread_create(&id, NULL, wait_for_stop, NULL);
	while (!other_tid)
		usleep(1000);
	CU_ASSERT_EQUAL_FATAL(qrt_sched_thread_open(other_tid, &thread), 0);
	CU_ASSERT_EQUAL(qrt_sched_thread_is_alive(thread), 1);
	CU_ASSERT_EQUAL(qrt_sched_thread_set_layer(thread, QRT_SCHED_LAYER_PLAN, &nice), 0);
	CU_ASSERT_EQUAL(qrt_sched_thread_apply(thread, NULL), 1);
	CU_ASSERT_EQUAL(qrt_sched_thread_verify(thread, NULL), 0);
	stop = 1;
	pthread_join(id, NULL);
	/* Who is joined has yet to go for good. */
	for (i = 0; i < 20000 && qrt_sched_thread_is_alive(thread); i++)
		usleep(1000);
	CU_ASSERT_EQUAL(qrt_sched_thread_is_alive(thread), 0);
	CU_ASSERT_EQUAL(qrt_sched_thread_restore(thread, NULL), -ESRCH);
	CU_ASSERT_PTR_NULL(qrt_sched_thread_close(thread));
}

static const struct tap_test tests[] = {
	{"opening remembers and changes nothing", opening_remembers_and_changes_nothing},
	{"the plan is applied, verified, and taken back", the_plan_is_applied_verified_and_taken_back},
	{"CPUs that are offline do not count", cpus_that_are_offline_do_not_count},
	{"raises end with their longest time", raises_end_with_their_longest_time},
	{"a bad layer is refused and the old one stays", a_bad_layer_is_refused_and_the_old_one_stays},
	{"a new thread with the number does not count", a_new_thread_with_the_number_does_not_count},
	{"numbers that are no threads are refused", numbers_that_are_no_threads_are_refused},
	{"a refused DEADLINE falls back when told, and is no deviation then",
	 a_refused_deadline_falls_back_when_told_and_is_no_deviation_then},
	{"a DEADLINE and all that came with it are taken back",
	 a_deadline_and_all_that_came_with_it_are_taken_back},
	{"a slice is taken back when the plan has none", a_slice_is_taken_back_when_the_plan_has_none},
	{"a real thread is found dead after it ended", a_real_thread_is_found_dead_after_it_ended},
};

TAP_MAIN("thread", tests)
