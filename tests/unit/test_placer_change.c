/* SPDX-License-Identifier: MIT */
/* Another plan that comes while a thread is on its way in. */
#include <pthread.h>
#include <unistd.h>

#include "fake_kernel.h"
#include "placer_help.h"
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

static const struct tap_test tests[] = {
	{"the later plan counts", the_later_plan_counts},
	{"the later plan's names count", the_later_plans_names_count},
	{"a later plan without the role puts back", a_later_plan_without_the_role_puts_back},
};

TAP_MAIN("placer, another plan", tests)
