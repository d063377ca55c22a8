/* SPDX-License-Identifier: MIT */
/* What a shield is refused for. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shield_help.h"
#include "tap.h"

static void expect_refusal(struct shield_help *up, int rc, const char *words)
{
	int got = qrt_sched_shield_check(&up->config, &up->error);

	if (got != rc || !strstr(up->error.message, words))
		tap_note("%d, expected %d with '%s': %s", got, rc, words, up->error.message);
	CU_ASSERT_EQUAL(got, rc);
	CU_ASSERT_PTR_NOT_NULL(strstr(up->error.message, words));
	CU_ASSERT_EQUAL(shield_help_raise(up), rc);
}

static void refuses_what_would_lock_out(void)
{
	struct shield_help up;

	host_tree_begin();
	host_tree_add_v1();
	shield_help_prepare(&up, "0-3", 0);
	expect_refusal(&up, -EBUSY, "leave it at least one");
	up.config.cpus = fake_kernel_cpus("1,4-5");
	expect_refusal(&up, -EINVAL, "CPU 4-5 is not there");
	up.config.cpus = (struct qrt_sched_cpus){0};
	expect_refusal(&up, -EINVAL, "name one");
	/* CPU 0 alone may be left, but not to who may run on CPUs 1-2 alone. */
	up.config.cpus = fake_kernel_cpus("1-3");
	expect_refusal(&up, -EBUSY, "what runs in /cg/box");
	fake_kernel_file("/cg/box/tasks", "");
	CU_ASSERT_EQUAL(qrt_sched_shield_check(&up.config, &up.error), 0);
	fake_kernel_file("/cg/box/tasks", "300\n");
	shield_help_as_before(&up, "refused");
	shield_help_finish(&up);
	host_tree_end();
}

/* The session that asks would be locked out itself. */
static void refuses_to_shield_its_own_session(void)
{
	char path[64];
	struct shield_help up;

	host_tree_begin();
	host_tree_add_v1();
	snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)getpid());
	fake_kernel_file(path, "4:memory:/\n3:cpuset:/box\n");
	shield_help_prepare(&up, "1-2", 0);
	expect_refusal(&up, -EBUSY, "this session may run on CPU 1-2 alone (/cg/box)");
	shield_help_finish(&up);
	host_tree_end();
}

static void refuses_cpus_of_other_shields(void)
{
	struct shield_help up;

	host_tree_begin();
	host_tree_add_v1();
	fake_kernel_file("/cg/box/cpuset.cpu_exclusive", "1\n");
	shield_help_prepare(&up, "2-3", 0);
	expect_refusal(&up, -EEXIST, "/cg/box has CPU 1-2 to itself");
	fake_kernel_file("/cg/box/cpuset.cpu_exclusive", "0\n");
	up.config.cpus = fake_kernel_cpus("1");
	up.config.name = "first";
	CU_ASSERT(shield_help_raise(&up) >= 0);
	up.config.name = NULL;
	expect_refusal(&up, -EEXIST, "/cg/first has CPU 1 to itself");
	/* The same name by somebody who did not raise it. */
	qrt_sched_saved_close(up.saved);
	qrt_sched_saved_new(NULL, NULL, &up.saved);
	up.config.name = "first";
	up.config.cpus = fake_kernel_cpus("3");
	CU_ASSERT_EQUAL(shield_help_raise(&up), -EEXIST);
	CU_ASSERT_PTR_NOT_NULL(strstr(up.error.message, "is there already"));
	shield_help_restore(&up);
	shield_help_finish(&up);
	host_tree_end();
}

static void refuses_without_rights(void)
{
	struct shield_help up;

	host_tree_begin();
	fake_kernel_file("/proc/thread-self/status", "CapEff:\t0000000000800000\n");
	shield_help_prepare(&up, "1", 0);
	expect_refusal(&up, -EPERM, "needs root");
	shield_help_as_before(&up, "refused");
	shield_help_finish(&up);
	host_tree_end();
}

static void refuses_a_bad_configuration(void)
{
	struct shield_help up;

	host_tree_begin();
	shield_help_prepare(&up, "1", 16);
	expect_refusal(&up, -EINVAL, "unknown parts");
	up.config.flags = 0;
	up.config.name = "../x";
	expect_refusal(&up, -EINVAL, "no name of a shield");
	up.config.name = "a-name-that-is-much-too-long-to-be-one-of-a-cpuset";
	expect_refusal(&up, -EINVAL, "no name of a shield");
	up.config.name = NULL;
	up.config.size = 0;
	expect_refusal(&up, -EINVAL, "has no size");
	CU_ASSERT_EQUAL(host_tree.calls, 0);
	shield_help_finish(&up);
	host_tree_end();
}

static const struct tap_test tests[] = {
	{"refuses what would lock out", refuses_what_would_lock_out},
	{"refuses to shield its own session", refuses_to_shield_its_own_session},
	{"refuses CPUs of other shields", refuses_cpus_of_other_shields},
	{"refuses without rights", refuses_without_rights},
	{"refuses a bad configuration", refuses_a_bad_configuration},
};

TAP_MAIN("shield_refusal", tests)
