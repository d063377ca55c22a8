/* SPDX-License-Identifier: MIT */
/* Each change of a shield fails, or is the last one before a kill. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shield_help.h"
#include "tap.h"

/* A change that fails, at each place: either it is reported, or all is as before. */
static int fail_once(int version, int at)
{
	struct shield_help up;
	int rc, calls;

	shield_help_begin(version);
	shield_help_prepare(&up, "1", QRT_SCHED_SHIELD_ALL);
	host_tree.fail_at = at;
	rc = shield_help_raise(&up);
	host_tree.fail_at = -1;
	calls = host_tree.calls;
	if (rc < 0) {
		CU_ASSERT(up.error.code == rc && up.error.message[0]);
		shield_help_as_before(&up, "after a fault");
	} else {
		CU_ASSERT(qrt_sched_saved_restore(up.saved, NULL) >= 0);
		shield_help_as_before(&up, "after a fault that was reported");
	}
	shield_help_finish(&up);
	host_tree_end();
	return calls > at;
}

static void a_fault_leaves_nothing_half_changed(void)
{
	int version, at;

	for (version = 0; version <= 2; version++) {
		for (at = 0; fail_once(version, at) && at < 500; at++)
			;
		tap_note("version %d: %d changes, each failed once", version, at);
		CU_ASSERT(at > 10 && at < 500);
	}
}

/* Killed before a change, the text puts all back. Returns how many changes there were before. */
static int die_once(int version, int at, int is_adjusting)
{
	struct shield_help up;
	int calls;

	shield_help_begin(version);
	shield_help_prepare(&up, "1", QRT_SCHED_SHIELD_ALL);
	if (is_adjusting) {
		CU_ASSERT(shield_help_raise(&up) >= 0);
		up.config.cpus = fake_kernel_cpus("2-3");
		host_tree.calls = 0;
	}
	host_tree.dead_from = at;
	shield_help_raise(&up);
	calls = host_tree.calls;
	host_tree.dead_from = -1;
	if (up.kept.text)
		shield_help_restore(&up);
	shield_help_as_before(&up, "after a kill");
	shield_help_finish(&up);
	host_tree_end();
	return calls;
}

static void a_kill_at_any_point_is_repaired(void)
{
	int version, at, adjusting, total;

	for (version = 0; version <= 2; version++) {
		for (adjusting = 0; adjusting <= 1; adjusting++) {
			total = die_once(version, 1000, adjusting);
			CU_ASSERT(total > 5 && total < 500);
			for (at = 0; at <= total; at++)
				die_once(version, at, adjusting);
		}
	}
}

static void nothing_is_changed_that_is_not_kept(void)
{
	struct shield_help up;

	host_tree_begin();
	host_tree_add_v1();
	shield_help_prepare(&up, "1", QRT_SCHED_SHIELD_ALL);
	up.kept.refuse = -ENOSPC;
	CU_ASSERT_EQUAL(shield_help_raise(&up), -ENOSPC);
	CU_ASSERT_PTR_NOT_NULL(strstr(up.error.message, "cannot be kept"));
	CU_ASSERT_EQUAL(host_tree.calls, 0);
	shield_help_as_before(&up, "not kept");
	shield_help_finish(&up);
	host_tree_end();
}

static const struct tap_test tests[] = {
	{"a fault leaves nothing half changed", a_fault_leaves_nothing_half_changed},
	{"a kill at any point is repaired", a_kill_at_any_point_is_repaired},
	{"nothing is changed that is not kept", nothing_is_changed_that_is_not_kept},
};

TAP_MAIN("shield_faults", tests)
