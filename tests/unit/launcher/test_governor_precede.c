/* SPDX-License-Identifier: MIT */
/* Which VM steps a priority down, and what its threads may have then. */
#include "share_help.h"
#include "tap.h"

static struct governor_party *own, *rival;
static struct governor_task *mine, *other;

static void begin(int priority)
{
	rival = share_begin(100);
	own = governor->own;
	mine = share_add(own, "0", priority);
	other = share_add(rival, "0", 2);
}

static void run(double used, double rivals, unsigned ms)
{
	const struct share_use uses[] = {{own, mine, used}, {rival, other, rivals}};

	share_run(uses, 2, ms);
}

static void who_used_most_of_its_share_gives_way(void)
{
	begin(2);
	run(0.4, 0.05, 3000);
	CU_ASSERT(governor->gives_way && mine->is_lower && !mine->over);
	/* By half, and back a little below. */
	run(0.24, 0.05, 3000);
	CU_ASSERT_TRUE(governor->gives_way);
	run(0.2, 0.05, 3000);
	CU_ASSERT(!governor->gives_way && !mine->is_lower);
	run(0.24, 0.05, 3000);
	CU_ASSERT_FALSE(governor->gives_way);
	free_governor(governor);
}

static void nobody_gives_way_to_who_used_most_of_its_own(void)
{
	begin(2);
	run(0.4, 0.4, 3000);
	CU_ASSERT_FALSE(governor->gives_way);
	run(0.4, 0.1, 3000);
	CU_ASSERT_TRUE(governor->gives_way);
	free_governor(governor);
}

static void nobody_gives_way_to_who_does_nothing(void)
{
	begin(2);
	run(1, 0, 3000);
	CU_ASSERT(!governor->gives_way && !mine->over);
	/* Too little to be a rival for its share, and enough to wait for. */
	run(1, 0.004, 3000);
	CU_ASSERT(governor->gives_way && mine->is_lower && !mine->over);
	free_governor(governor);
}

static void nobody_gives_way_where_they_do_not_meet(void)
{
	begin(2);
	qrt_sched_cpus_parse("1", &other->cpus);
	other->cpu = 1;
	run(1, 0.1, 3000);
	CU_ASSERT_FALSE(governor->gives_way);
	free_governor(governor);
}

static void without_a_weight_nobody_gives_way(void)
{
	rival = share_begin(0);
	own = governor->own;
	mine = share_add(own, "0", 2);
	other = share_add(rival, "0", 2);
	run(1, 0.1, 3000);
	CU_ASSERT_FALSE(governor->gives_way);
	free_governor(governor);
}

static void who_has_no_priority_below_it_stays(void)
{
	begin(3);
	share_add(own, "1", 1);
	run(0.4, 0.1, 1000);
	CU_ASSERT_FALSE(governor->gives_way);
	own->tasks[1].planned.priority = 2;
	run(0.4, 0.1, 1000);
	CU_ASSERT(governor->gives_way && own->tasks[1].is_lower);
	/* A lock's holder has a priority that is not the plan's. */
	governor->may_settle = false;
	run(0.4, 0.1, 10);
	CU_ASSERT(!governor->gives_way && !mine->is_lower);
	free_governor(governor);
}

static void limits_are_a_step_and_time_sharing(void)
{
	struct governor_task *shared, *deadline;
	struct qrt_sched_setting limit;

	begin(2);
	shared = share_add(own, "0", 0);
	deadline = share_add(own, "0", 5);
	deadline->planned.policy = QRT_SCHED_POLICY_DEADLINE;
	CU_ASSERT_EQUAL(governor_precede_limit(governor, mine).set, 0);
	run(0.4, 0.1, 1000);
	limit = governor_precede_limit(governor, mine);
	CU_ASSERT(limit.set == (QRT_SCHED_SET_POLICY | QRT_SCHED_SET_PRIORITY) &&
		  limit.policy == QRT_SCHED_POLICY_FIFO && limit.priority == 1);
	CU_ASSERT_EQUAL(governor_precede_limit(governor, shared).set, 0);
	CU_ASSERT_EQUAL(governor_precede_limit(governor, deadline).set, 0);
	run(0.9, 0.1, 1000);
	limit = governor_precede_limit(governor, mine);
	CU_ASSERT(limit.policy == QRT_SCHED_POLICY_OTHER && limit.priority == 0);
	free_governor(governor);
}

static const struct tap_test tests[] = {
	{"who used most of its share gives way", who_used_most_of_its_share_gives_way},
	{"nobody gives way to who used most of its own", nobody_gives_way_to_who_used_most_of_its_own},
	{"nobody gives way to who does nothing", nobody_gives_way_to_who_does_nothing},
	{"nobody gives way where they do not meet", nobody_gives_way_where_they_do_not_meet},
	{"without a weight nobody gives way", without_a_weight_nobody_gives_way},
	{"who has no priority below it stays", who_has_no_priority_below_it_stays},
	{"limits are a step and time sharing", limits_are_a_step_and_time_sharing},
};

TAP_MAIN("governor_precede", tests)
