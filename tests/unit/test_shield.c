/* SPDX-License-Identifier: MIT */
/* Shields by cpusets of version 1 and without cpusets, and what all shields have in common. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shield_help.h"
#include "tap.h"

/* ---- version 1 ----------------------------------------------------------------------------------- */

static void version_1_moves_everything_away(void)
{
	struct qrt_sched_cpus cpus;
	struct shield_help up;

	host_tree_begin();
	host_tree_add_v1();
	shield_help_prepare(&up, "1", QRT_SCHED_SHIELD_ALL);
	CU_ASSERT_EQUAL_FATAL(shield_help_raise(&up), QRT_SCHED_CGROUP_V1);
	CU_ASSERT_EQUAL(qrt_sched_shield_read(NULL, &cpus), QRT_SCHED_CGROUP_V1);
	CU_ASSERT(qrt_sched_cpus_has(&cpus, 1) && qrt_sched_cpus_count(&cpus) == 1);
	shield_help_file("/proc/irq/default_smp_affinity", "d");
	shield_help_file("/proc/irq/1/smp_affinity", "1");
	shield_help_file("/proc/irq/24/smp_affinity", "d");
	shield_help_file("/sys/devices/virtual/workqueue/cpumask", "d");
	shield_help_file("/sys/devices/virtual/workqueue/writeback/cpumask", "d");
	shield_help_file("/sys/class/net/eth0/queues/rx-0/rps_cpus", "d");
	shield_help_file("/sys/class/net/eth0/queues/rx-1/rps_cpus", "0");
	shield_help_file("/cg/cpuset.sched_load_balance", "0");
	shield_help_file("/cg/qrt-shield/cpuset.sched_load_balance", "0");
	shield_help_file("/cg/qrt-shield-host/cpuset.cpus", "0,2-3");
	shield_help_file("/cg/qrt-shield-host/cpuset.mems", "0");
	shield_help_file("/cg/box/cpuset.cpus", "2");
	CU_ASSERT(host_tree_runs_on(1, "0,2-3") && host_tree_runs_on(101, "0,2-3"));
	CU_ASSERT(host_tree_runs_on(200, "0,2-3") && host_tree_runs_on(300, "2"));
	CU_ASSERT(host_tree_runs_on(2, "0,2-3") && host_tree_runs_on(16, "0,2-3"));
	shield_help_finish(&up);
	host_tree_end();
}

static void what_the_kernel_keeps_is_reported(void)
{
	struct shield_help up;

	host_tree_begin();
	host_tree_add_v1();
	host_tree_find(16)->refuse = -EPERM;
	shield_help_prepare(&up, "1", QRT_SCHED_SHIELD_ALL);
	CU_ASSERT_FATAL(shield_help_raise(&up) >= 0);
	CU_ASSERT(shield_help_is_left(&up, "irq", "9 (acpi)"));
	CU_ASSERT(shield_help_is_left(&up, "kthread", "ksoftirqd/1"));
	CU_ASSERT(shield_help_is_left(&up, "kthread", "kswapd0"));
	CU_ASSERT(!shield_help_is_left(&up, "kthread", "kthreadd"));
	CU_ASSERT_EQUAL(up.count, 3);
	/* All of them are counted, those that there is room for are written. */
	CU_ASSERT(qrt_sched_shield_raise(&up.config, up.saved, up.left, 1, &up.count, NULL) >= 0);
	CU_ASSERT_EQUAL(up.count, 3);
	CU_ASSERT(qrt_sched_shield_raise(&up.config, up.saved, NULL, 0, NULL, NULL) >= 0);
	shield_help_finish(&up);
	host_tree_end();
}

static void parts_not_asked_for_stay(void)
{
	struct shield_help up;

	host_tree_begin();
	host_tree_add_v1();
	shield_help_prepare(&up, "1", 0);
	CU_ASSERT_FATAL(shield_help_raise(&up) >= 0);
	shield_help_file("/proc/irq/default_smp_affinity", "f");
	shield_help_file("/sys/devices/virtual/workqueue/cpumask", "f");
	shield_help_file("/sys/class/net/eth0/queues/rx-0/rps_cpus", "2");
	CU_ASSERT(host_tree_runs_on(16, "0-3") && host_tree_runs_on(1, "0,2-3"));
	CU_ASSERT_EQUAL(up.count, 0);
	shield_help_finish(&up);
	host_tree_end();
}

static void all_is_put_back(int version, int forgets, int has_isolated, int by_text)
{
	struct shield_help up;

	host_tree_begin();
	if (version == 1)
		host_tree_add_v1();
	else if (version == 2)
		host_tree_add_v2();
	host_tree.forgets = forgets;
	host_tree.has_isolated = has_isolated;
	shield_help_prepare(&up, "1-2", QRT_SCHED_SHIELD_ALL);
	/* What runs on CPUs 1-2 alone stands against it. */
	if (version) {
		CU_ASSERT_EQUAL(shield_help_raise(&up), -EBUSY);
		shield_help_as_before(&up, "refused");
		up.config.cpus = fake_kernel_cpus("0-1");
	}
	CU_ASSERT_EQUAL_FATAL(shield_help_raise(&up), version);
	if (by_text)
		shield_help_restore(&up);
	else
		CU_ASSERT(qrt_sched_saved_restore(up.saved, NULL) > 0);
	shield_help_as_before(&up, by_text ? "by text" : "by handle");
	shield_help_finish(&up);
	host_tree_end();
}

static void everything_is_put_back(void)
{
	int version, forgets, isolated;

	for (version = 0; version <= 2; version++) {
		for (forgets = 0; forgets <= 1; forgets++) {
			for (isolated = 0; isolated <= version / 2; isolated++) {
				all_is_put_back(version, forgets, isolated, 0);
				all_is_put_back(version, forgets, isolated, 1);
			}
		}
	}
}

static void choices_of_threads_are_kept_in_part(void)
{
	struct shield_help up;

	host_tree_begin();
	host_tree_add_v1();
	host_tree.forgets = 1;
	host_tree_add_thread(201, 201, 0, "pinned to two", "1-2");
	fake_kernel_file("/proc/201/cgroup", "3:cpuset:/\n");
	fake_kernel_file("/cg/tasks", "1\n2\n15\n16\n100\n101\n200\n201\n");
	shield_help_prepare(&up, "1", 0);
	CU_ASSERT_FATAL(shield_help_raise(&up) >= 0);
	CU_ASSERT(host_tree_runs_on(201, "2"));
	CU_ASSERT(host_tree_runs_on(200, "0,2-3"));
	shield_help_finish(&up);
	host_tree_end();
}

static void processes_born_meanwhile_are_caught(void)
{
	struct shield_help up;

	host_tree_begin();
	host_tree_add_v1();
	host_tree.births = 5;
	shield_help_prepare(&up, "1", 0);
	CU_ASSERT_FATAL(shield_help_raise(&up) >= 0);
	CU_ASSERT_EQUAL(host_tree.births, 0);
	CU_ASSERT(host_tree_runs_on(901, "0,2-3") && host_tree_runs_on(905, "0,2-3"));
	CU_ASSERT_EQUAL(up.count, 0);
	shield_help_finish(&up);
	host_tree_end();
}

/* ---- without cpusets ----------------------------------------------------------------------------- */

static void without_cpusets_threads_are_moved(void)
{
	struct qrt_sched_cpus cpus;
	struct shield_help up;

	host_tree_begin();
	host_tree_find(101)->refuse = -EPERM;
	shield_help_prepare(&up, "1", 0);
	CU_ASSERT_EQUAL_FATAL(shield_help_raise(&up), QRT_SCHED_CGROUP_NONE);
	CU_ASSERT(host_tree_runs_on(1, "0,2-3") && host_tree_runs_on(200, "0,2-3"));
	CU_ASSERT(host_tree_runs_on(16, "0-3"));
	CU_ASSERT(shield_help_is_left(&up, "process", "worker"));
	CU_ASSERT_EQUAL(up.count, 1);
	CU_ASSERT_EQUAL(qrt_sched_shield_read(NULL, &cpus), -ENOENT);
	CU_ASSERT_EQUAL(qrt_sched_shield_enter(NULL, 200, NULL, &up.error), -ENOENT);
	shield_help_finish(&up);
	host_tree_end();
}

/* ---- the CPUs of a shield change ----------------------------------------------------------------- */

static void other_cpus(int version)
{
	struct shield_help up;

	host_tree_begin();
	if (version == 1)
		host_tree_add_v1();
	else if (version == 2)
		host_tree_add_v2();
	shield_help_prepare(&up, "1", QRT_SCHED_SHIELD_ALL);
	CU_ASSERT_EQUAL_FATAL(shield_help_raise(&up), version);
	up.config.cpus = fake_kernel_cpus("2-3");
	CU_ASSERT_EQUAL_FATAL(shield_help_raise(&up), version);
	shield_help_file("/proc/irq/24/smp_affinity", "3");
	CU_ASSERT(host_tree_runs_on(1, "0-1"));
	CU_ASSERT(host_tree_runs_on(200, "1"));
	CU_ASSERT(host_tree_runs_on(16, "0-1"));
	if (version) {
		shield_help_file("/cg/box/cpuset.cpus", "1");
		shield_help_file("/cg/qrt-shield/cpuset.cpus", "2-3");
	}
	shield_help_restore(&up);
	shield_help_as_before(&up, "by text");
	shield_help_finish(&up);
	host_tree_end();
}

static void a_shield_can_get_other_cpus(void)
{
	other_cpus(0);
	other_cpus(1);
	other_cpus(2);
}

/* ---- the parts of a shield change ---------------------------------------------------------------- */

/* The host after a shield of these parts, of all parts and of these then; freed by free(). */
static char *picture_of(int version, uint32_t first, uint32_t then)
{
	struct shield_help up;
	char *picture;

	shield_help_begin(version);
	shield_help_prepare(&up, "1", first);
	CU_ASSERT_EQUAL_FATAL(shield_help_raise(&up), version);
	up.config.flags = then;
	CU_ASSERT_EQUAL_FATAL(shield_help_raise(&up), version);
	picture = host_tree_picture();
	shield_help_restore(&up);
	shield_help_as_before(&up, "restored");
	shield_help_finish(&up);
	host_tree_end();
	return picture;
}

static void parts_asked_for_no_more_are_put_back(void)
{
	int version, part;

	for (version = 0; version <= 2; version++) {
		for (part = -1; part < 4; part++) {
			uint32_t flags = part < 0 ? 0 : 1u << part;
			char *wanted = picture_of(version, flags, flags);
			char *got = picture_of(version, QRT_SCHED_SHIELD_ALL, flags);

			CU_ASSERT_STRING_EQUAL(got, wanted);
			free(wanted);
			free(got);
		}
	}
}

static const struct tap_test tests[] = {
	{"version 1 moves everything away", version_1_moves_everything_away},
	{"what the kernel keeps is reported", what_the_kernel_keeps_is_reported},
	{"parts not asked for stay", parts_not_asked_for_stay},
	{"everything is put back", everything_is_put_back},
	{"choices of threads are kept in part", choices_of_threads_are_kept_in_part},
	{"processes born meanwhile are caught", processes_born_meanwhile_are_caught},
	{"without cpusets threads are moved", without_cpusets_threads_are_moved},
	{"a shield can get other CPUs", a_shield_can_get_other_cpus},
	{"parts asked for no more are put back", parts_asked_for_no_more_are_put_back},
};

TAP_MAIN("shield", tests)
