/* SPDX-License-Identifier: MIT */
/* Threads that may run on several CPUs before the share of all of these. */
#include "share_help.h"
#include "tap.h"

#define SHARE (1u << GOVERNOR_SHARE)
#define RUN(ms, ...)                                                                                         \
	share_run((const struct share_use[]){__VA_ARGS__},                                                   \
		  sizeof((const struct share_use[]){__VA_ARGS__}) / sizeof(struct share_use), ms)

static struct governor_party *own, *rival;
static struct governor_task *hogs[2], *modest[2];

/* Two hogs and two that want a tenth each; all of them may run on both CPUs. */
static void begin(void)
{
	int i;

	rival = share_begin(100);
	own = governor->own;
	for (i = 0; i < 2; i++) {
		hogs[i] = share_add(own, "0-1", 2);
		modest[i] = share_add(rival, "0-1", 2);
		hogs[i]->cpu = modest[i]->cpu = i;
	}
}

static void who_is_dropped_does_not_return_by_having_moved(void)
{
	begin();
	RUN(1000, {own, hogs[0], 0.9}, {own, hogs[1], 0.9}, {rival, modest[0], 0.1}, {rival, modest[1], 0.1});
	CU_ASSERT(hogs[0]->over == SHARE && hogs[1]->over == SHARE);
	/* All that it gets now is on one CPU: it is above its share there, below it on the other, and has
	 * what both make together. */
	RUN(1000, {own, hogs[0], 1}, {rival, modest[0], 0.1}, {rival, modest[1], 0.1});
	CU_ASSERT(governor->scale.used[1] < 480 && governor->scale.share[1] == 500);
	CU_ASSERT(hogs[0]->over == SHARE && hogs[1]->over == SHARE);
	RUN(200, {own, hogs[0], 0.2}, {rival, modest[0], 0.1}, {rival, modest[1], 0.1});
	CU_ASSERT(!hogs[0]->over && !hogs[1]->over);
	free_governor(governor);
}

static void one_that_moves_uses_the_share_of_all_its_cpus(void)
{
	begin();
	RUN(2000, {own, hogs[0], 0.8}, {rival, modest[0], 0.1}, {rival, modest[1], 0.1});
	CU_ASSERT(governor->scale.is_above[0]);
	CU_ASSERT_FALSE(hogs[0]->over);
	free_governor(governor);
}

static void who_is_where_nobody_else_wants_to_be_keeps_its_setting(void)
{
	struct governor_task *alone;

	begin();
	alone = share_add(own, "0-2", 2);
	alone->cpu = 2;
	modest[0]->cpu = 1;
	RUN(3000, {own, hogs[0], 1}, {own, hogs[1], 1}, {own, alone, 1}, {rival, modest[1], 0.1});
	CU_ASSERT(hogs[1]->over == SHARE);
	CU_ASSERT(!hogs[0]->over && !alone->over);
	free_governor(governor);
}

static void a_pinned_thread_has_the_share_of_its_cpu(void)
{
	struct governor_task *pinned;

	begin();
	pinned = share_add(own, "0", 2);
	RUN(1000, {own, pinned, 0.9}, {rival, modest[0], 0.1}, {rival, modest[1], 0.1});
	CU_ASSERT_EQUAL(pinned->over, SHARE);
	RUN(1000, {own, pinned, 0.3}, {rival, modest[0], 0.1}, {rival, modest[1], 0.1});
	CU_ASSERT_FALSE(pinned->over);
	free_governor(governor);
}

/* Where the VM was not of late its share is what it would be. */
static void a_cpu_that_was_not_used_counts(void)
{
	begin();
	rival->weight = 300;
	RUN(1000, {own, hogs[0], 1}, {rival, modest[0], 0.1}, {rival, modest[1], 0.1});
	CU_ASSERT_EQUAL(governor->scale.share[0], 250);
	CU_ASSERT_EQUAL(governor->scale.share[1], 250);
	CU_ASSERT_EQUAL(governor->scale.share[2], 1000);
	CU_ASSERT_EQUAL(hogs[0]->over, SHARE);
	free_governor(governor);
}

static const struct tap_test tests[] = {
	{"who is dropped does not return by having moved", who_is_dropped_does_not_return_by_having_moved},
	{"one that moves uses the share of all its CPUs", one_that_moves_uses_the_share_of_all_its_cpus},
	{"who is where nobody else wants to be keeps its setting",
	 who_is_where_nobody_else_wants_to_be_keeps_its_setting},
	{"a pinned thread has the share of its CPU", a_pinned_thread_has_the_share_of_its_cpu},
	{"a CPU that was not used counts", a_cpu_that_was_not_used_counts},
};

TAP_MAIN("governor_weigh", tests)
