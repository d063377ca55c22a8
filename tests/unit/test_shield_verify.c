/* SPDX-License-Identifier: MIT */
/* A shield whose cpuset is there, and that shields nothing any more. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "shield_help.h"
#include "tap.h"

#define PARTITION "/cg/qrt-shield/cpuset.cpus.partition"

static void begin(struct shield_help *up, int version)
{
	shield_help_begin(version);
	shield_help_prepare(up, "1", 0);
	CU_ASSERT_EQUAL_FATAL(shield_help_raise(up), version);
}

static void end(struct shield_help *up)
{
	shield_help_restore(up);
	shield_help_finish(up);
	host_tree_end();
}

/* It is said, by the file's name, and raising it again mends it. */
static void undone(int version, const char *path, const char *text)
{
	struct shield_help up;
	char line[128];

	begin(&up, version);
	CU_ASSERT_EQUAL(qrt_sched_shield_verify(NULL, &up.error), 0);
	snprintf(line, sizeof(line), "%s\n", text);
	fake_kernel_file(path, line);
	CU_ASSERT_EQUAL(qrt_sched_shield_verify(NULL, &up.error), -ESTALE);
	CU_ASSERT_EQUAL(qrt_sched_shield_verify(NULL, NULL), -ESTALE);
	if (!strstr(up.error.message, text))
		tap_note("%s", up.error.message);
	CU_ASSERT_PTR_NOT_NULL(strstr(up.error.message, text));
	CU_ASSERT_PTR_NOT_NULL(strstr(up.error.message, "/cg"));
	CU_ASSERT_EQUAL(shield_help_raise(&up), version);
	CU_ASSERT_EQUAL(qrt_sched_shield_verify(NULL, &up.error), 0);
	end(&up);
}

static void load_balancing_that_is_on_again_is_seen(void)
{
	undone(1, "/cg/cpuset.sched_load_balance", "1");
	undone(1, "/cg/qrt-shield/cpuset.sched_load_balance", "1");
}

static void others_that_have_its_cpus_are_seen(void)
{
	undone(1, "/cg/qrt-shield-host/cpuset.cpus", "0-3");
}

static void a_partition_that_is_none_is_seen(void)
{
	undone(2, PARTITION, "member");
	undone(2, PARTITION, "isolated invalid (Cpu list in cpuset.cpus not exclusive)");
	undone(2, PARTITION, "root invalid");
}

static void older_kernels_have_another_partition(void)
{
	struct shield_help up;

	shield_help_begin(2);
	host_tree.has_isolated = 0;
	shield_help_prepare(&up, "1", 0);
	CU_ASSERT_EQUAL_FATAL(shield_help_raise(&up), 2);
	shield_help_file(PARTITION, "root");
	CU_ASSERT_EQUAL(qrt_sched_shield_verify(NULL, &up.error), 0);
	end(&up);
}

static void what_is_not_up_does_not_hold(void)
{
	struct qrt_sched_error error = {0};
	struct shield_help up;

	host_tree_begin();
	CU_ASSERT_EQUAL(qrt_sched_shield_verify(NULL, &error), -ENOENT);
	CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "qrt-shield"));
	host_tree_end();
	begin(&up, 1);
	CU_ASSERT_EQUAL(qrt_sched_shield_verify("another", &error), -ENOENT);
	end(&up);
}

static const struct tap_test tests[] = {
	{"load balancing that is on again is seen", load_balancing_that_is_on_again_is_seen},
	{"others that have its CPUs are seen", others_that_have_its_cpus_are_seen},
	{"a partition that is none is seen", a_partition_that_is_none_is_seen},
	{"older kernels have another partition", older_kernels_have_another_partition},
	{"what is not up does not hold", what_is_not_up_does_not_hold},
};

TAP_MAIN("shield_verify", tests)
