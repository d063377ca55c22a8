/* SPDX-License-Identifier: MIT */
/* Another plan that comes while a thread is on its way in. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fake_kernel.h"
#include "placer_help.h"
#include "placer_p.h"
#include "plan_help.h"
#include "tap.h"

static struct qrt_sched_p_sys meddled;
static const struct qrt_sched_p_sys *kernel;
static struct qrt_sched_plan *next;
static int changes, result;

static void *change(void *unused)
{
	result = qrt_sched_placer_change(placer, next, NULL);
	return unused;
}

/* The first `changes` times that the thread sets itself, somebody changes the plan just before. */
static int set_attr(pid_t tid, const struct qrt_sched_p_attr *attr)
{
	pthread_t thread;

	if (changes > 0 && (!tid || tid == gettid())) {
		changes--;
		pthread_create(&thread, NULL, change, NULL);
		pthread_join(thread, NULL);
	}
	return kernel->set_attr(tid, attr);
}

static void begin(const char *text, const char *text_of_next)
{
	placer_begin_plan(text, 0, 0);
	next = plan_of(text_of_next);
	kernel = qrt_sched_p_sys;
	meddled = *kernel;
	meddled.set_attr = set_attr;
	qrt_sched_p_sys = &meddled;
	changes = 1;
	result = -1;
}

static void end(void)
{
	CU_ASSERT_EQUAL(result, 0);
	placer_end();
	qrt_sched_plan_close(next);
}

static void the_later_plan_counts(void)
{
	struct qrt_sched_placed placed;

	begin("paio_prio=11\n", "paio_prio=22");
	CU_ASSERT_EQUAL(qrt_sched_placer_enter(placer, "worker", NULL), QRT_SCHED_PLACED_SELF);
	CU_ASSERT_EQUAL(fake_kernel.attr.priority, 22);
	CU_ASSERT_EQUAL(qrt_sched_placer_list(placer, &placed, 1), 1);
	CU_ASSERT_EQUAL(placed.want.priority, 22);
	end();
}

static void the_later_plans_names_count(void)
{
	struct qrt_sched_placed placed;

	begin("othr_prio=11\n", "ioth_name=mine ioth_prio=22 othr_prio=5");
	CU_ASSERT_EQUAL(qrt_sched_placer_enter(placer, "mine", NULL), QRT_SCHED_PLACED_SELF);
	CU_ASSERT_EQUAL(fake_kernel.attr.priority, 22);
	CU_ASSERT_EQUAL(qrt_sched_placer_list(placer, &placed, 1), 1);
	CU_ASSERT_EQUAL(placed.role, QRT_SCHED_ROLE_IOTH);
	end();
}

static void a_later_plan_without_the_role_puts_back(void)
{
	begin("paio_prio=11\n", "vcpu_prio=22");
	CU_ASSERT(qrt_sched_placer_enter(placer, "worker", NULL) >= 0);
	CU_ASSERT_EQUAL(fake_kernel.attr.policy, QRT_SCHED_POLICY_OTHER);
	end();
}

/* What comes of a change where the vCPU that there is has a preempt lock of priority 50. */
static int change_with_lock(int with_broker, const char *text)
{
	struct qrt_sched_plan *other = plan_of(text);
	int rc;

	placer_begin_plan("vcpu_prio=10 main_prio=20\n", with_broker, 0);
	if (!with_broker)
		qrt_sched_placer_enter(placer, "CPU 0/KVM", NULL);
	placer->ceiling = 50;
	rc = qrt_sched_placer_change(placer, other, NULL);
	qrt_sched_plan_close(other);
	placer_end();
	return rc;
}

static void beside_locks_vcpus_keep_their_urgency(void)
{
	CU_ASSERT_EQUAL(change_with_lock(0, "vcpu_prio=10 main_prio=30"), 0);
	CU_ASSERT_EQUAL(change_with_lock(0, "vcpu_prio=10 vcpu_bias=0"), 0);
	CU_ASSERT_EQUAL(change_with_lock(0, "vcpu_prio=10,33 main_prio=49"), 0);
	CU_ASSERT_EQUAL(change_with_lock(0, "vcpu_prio=11"), -EOPNOTSUPP);
	CU_ASSERT_EQUAL(change_with_lock(0, "main_prio=20"), -EOPNOTSUPP);
}

static void nothing_gets_as_urgent_as_the_locks(void)
{
	CU_ASSERT_EQUAL(change_with_lock(0, "vcpu_prio=10 main_prio=50"), -EOPNOTSUPP);
	CU_ASSERT_EQUAL(change_with_lock(0, "vcpu_prio=10,51"), -EOPNOTSUPP);
}

static void a_supervisors_plan_is_its_own_beside_locks_too(void)
{
	CU_ASSERT_EQUAL(change_with_lock(1, "vcpu_prio=11"), -EBUSY);
}

/* ---- in which order ---- */

static char calls[64];
static pid_t caller;

static int write_down(pid_t tid, const struct qrt_sched_p_attr *attr)
{
	size_t length = strlen(calls);

	snprintf(calls + length, sizeof(calls) - length, "%s%u ", tid == caller || !tid ? "main " : "vcpu ",
		 attr->priority);
	fake_kernel.attr = *attr;
	return attr->priority == 66 ? -EPERM : 0;
}

static pthread_barrier_t entered, done;

static void *run_vcpu(void *unused)
{
	qrt_sched_placer_enter(placer, "CPU 0/KVM", NULL);
	pthread_barrier_wait(&entered);
	pthread_barrier_wait(&done);
	return unused;
}

/* What the kernel is asked when the main loop, at 12, changes the plan beside a vCPU at 10. */
static const char *change_both(const char *text)
{
	pthread_t vcpu;

	begin("main_prio=12\nvcpu_prio=10\n", text);
	changes = 0;
	caller = gettid();
	qrt_sched_placer_enter(placer, QRT_SCHED_PLACER_MAIN, NULL);
	pthread_barrier_init(&entered, NULL, 2);
	pthread_barrier_init(&done, NULL, 2);
	pthread_create(&vcpu, NULL, run_vcpu, NULL);
	pthread_barrier_wait(&entered);
	meddled.set_attr = write_down;
	*calls = 0;
	qrt_sched_placer_change(placer, next, NULL);
	meddled.set_attr = set_attr;
	pthread_barrier_wait(&done);
	pthread_join(vcpu, NULL);
	result = 0;
	end();
	return calls;
}

static void who_changes_the_others_falls_last_and_rises_first(void)
{
	CU_ASSERT_STRING_EQUAL(change_both("main_prio=6 vcpu_prio=4"), "vcpu 4 main 6 ");
	CU_ASSERT_STRING_EQUAL(change_both("main_prio=22 vcpu_prio=20"), "main 22 vcpu 20 ");
	CU_ASSERT_STRING_EQUAL(change_both("main_prio=14 vcpu_prio=5"), "main 14 vcpu 5 ");
}

static void what_fails_is_undone_the_other_way_round(void)
{
	CU_ASSERT_STRING_EQUAL(change_both("main_prio=67 vcpu_prio=66"), "main 67 vcpu 66 vcpu 10 main 12 ");
}

static void budgets_are_not_taken(void)
{
	CU_ASSERT_EQUAL(change_with_lock(0, "vcpu_prio=10 main_prio=20 budget=30%/100ms"), -EOPNOTSUPP);
	CU_ASSERT_EQUAL(change_with_lock(0, "vcpu_prio=10 main_prio=20 vcpu_budget=30%/100ms"), -EOPNOTSUPP);
}

static const struct tap_test tests[] = {
	{"the later plan counts", the_later_plan_counts},
	{"the later plan's names count", the_later_plans_names_count},
	{"a later plan without the role puts back", a_later_plan_without_the_role_puts_back},
	{"beside locks vCPUs keep their urgency", beside_locks_vcpus_keep_their_urgency},
	{"nothing gets as urgent as the locks", nothing_gets_as_urgent_as_the_locks},
	{"a supervisor's plan is its own, beside locks, too", a_supervisors_plan_is_its_own_beside_locks_too},
	{"who changes the others falls last and rises first",
	 who_changes_the_others_falls_last_and_rises_first},
	{"budgets are not taken", budgets_are_not_taken},
	{"what fails is undone the other way round", what_fails_is_undone_the_other_way_round},
};

TAP_MAIN("placer, another plan", tests)
