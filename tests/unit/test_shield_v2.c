/* SPDX-License-Identifier: MIT */
/* Shields by a cpuset partition of version 2, and threads that enter a shield. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host_tree_p.h"
#include "hostfs_p.h"
#include "tap.h"

static struct qrt_sched_saved *saved;
static struct host_tree_kept kept;
static struct qrt_sched_error error;

static void begin(int version)
{
	host_tree_begin();
	if (version == 1)
		host_tree_add_v1();
	else
		host_tree_add_v2();
	memset(&kept, 0, sizeof(kept));
	CU_ASSERT_EQUAL_FATAL(qrt_sched_saved_new(host_tree_keep, &kept, &saved), 0);
}

static void end(void)
{
	saved = qrt_sched_saved_close(saved);
	free(kept.text);
	host_tree_end();
}

static int raise_it(const char *cpus)
{
	struct qrt_sched_shield_config config = {.size = sizeof(config), .cpus = fake_kernel_cpus(cpus)};

	memset(&error, 0, sizeof(error));
	return qrt_sched_shield_raise(&config, saved, NULL, 0, NULL, &error);
}

static void expect_file(const char *path, const char *text)
{
	if (strcmp(host_tree_read(path), text) != 0)
		tap_note("%s: '%s', expected '%s'", path, host_tree_read(path), text);
	CU_ASSERT_STRING_EQUAL(host_tree_read(path), text);
}

static void makes_an_isolated_partition(void)
{
	struct qrt_sched_cpus cpus;

	begin(2);
	CU_ASSERT_EQUAL_FATAL(raise_it("1"), QRT_SCHED_CGROUP_V2);
	expect_file("/cg/qrt-shield/cpuset.cpus", "1");
	expect_file("/cg/qrt-shield/cpuset.cpus.exclusive", "1");
	expect_file("/cg/qrt-shield/cpuset.cpus.partition", "isolated");
	expect_file("/cg/qrt-shield/cgroup.type", "threaded");
	expect_file("/cg/box/cpuset.cpus", "2");
	CU_ASSERT(host_tree_runs_on(1, "0,2-3") && host_tree_runs_on(200, "0,2-3"));
	CU_ASSERT(host_tree_runs_on(300, "2"));
	CU_ASSERT_EQUAL(qrt_sched_shield_read(NULL, &cpus), QRT_SCHED_CGROUP_V2);
	CU_ASSERT(qrt_sched_saved_restore(saved, NULL) > 0);
	CU_ASSERT(!qrt_sched_p_exists("/cg/qrt-shield"));
	CU_ASSERT(host_tree_runs_on(200, "1") && host_tree_runs_on(1, "0-3"));
	CU_ASSERT_EQUAL(qrt_sched_shield_read(NULL, &cpus), -ENOENT);
	end();
}

static void older_kernels_get_a_partition(void)
{
	begin(2);
	host_tree.has_isolated = 0;
	CU_ASSERT_EQUAL_FATAL(raise_it("1"), QRT_SCHED_CGROUP_V2);
	expect_file("/cg/qrt-shield/cpuset.cpus.partition", "root");
	end();
}

static void a_partition_that_is_none_is_refused(void)
{
	char *before, *after;

	begin(2);
	before = host_tree_picture();
	host_tree.invalid = "invalid (Cpu list in cpuset.cpus not exclusive)";
	CU_ASSERT_EQUAL(raise_it("1"), -EBUSY);
	CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "not exclusive"));
	host_tree.invalid = NULL;
	after = host_tree_picture();
	CU_ASSERT_STRING_EQUAL(before, after);
	free(before);
	free(after);
	end();
}

static void cpusets_are_switched_on(void)
{
	begin(2);
	fake_kernel_file("/cg/cgroup.subtree_control", "cpu\nmemory\n");
	fake_kernel_file("/cg/box/cpuset.cpus", "\n");
	CU_ASSERT_EQUAL_FATAL(raise_it("1"), QRT_SCHED_CGROUP_V2);
	expect_file("/cg/cgroup.subtree_control", "cpu\nmemory\ncpuset");
	CU_ASSERT(qrt_sched_saved_restore(saved, NULL) > 0);
	expect_file("/cg/cgroup.subtree_control", "cpu\nmemory");
	end();
}

static void partitions_of_others_are_left_to_them(void)
{
	begin(2);
	fake_kernel_file("/cg/box/cpuset.cpus.partition", "root\n");
	CU_ASSERT_EQUAL(raise_it("1"), -EEXIST);
	CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "/cg/box has CPU 1-2 to itself"));
	CU_ASSERT_EQUAL(host_tree.calls, 0);
	end();
}

/* ---- entering ------------------------------------------------------------------------------------ */

static void a_thread_enters_and_comes_back(int version)
{
	const char *list = version == 1 ? "/cg/qrt-shield/tasks" : "/cg/qrt-shield/cgroup.threads";

	begin(version);
	CU_ASSERT_EQUAL(qrt_sched_shield_enter(NULL, 101, saved, &error), -ENOENT);
	CU_ASSERT_EQUAL_FATAL(raise_it("1"), version);
	CU_ASSERT_EQUAL(qrt_sched_shield_enter(NULL, 101, saved, &error), 0);
	expect_file(list, "101");
	CU_ASSERT(host_tree_runs_on(101, "1") && host_tree_runs_on(100, "0,2-3"));
	/* Once more, and by who does not remember. */
	CU_ASSERT_EQUAL(qrt_sched_shield_enter(NULL, 101, saved, &error), 0);
	CU_ASSERT_EQUAL(qrt_sched_shield_enter("qrt-shield", 1, NULL, &error), 0);
	CU_ASSERT(host_tree_runs_on(1, "1"));
	CU_ASSERT_EQUAL(qrt_sched_shield_enter(NULL, 77, saved, &error), -ESRCH);
	CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "it has ended"));
	CU_ASSERT_EQUAL(qrt_sched_shield_enter(NULL, 0, saved, &error), -EINVAL);
	CU_ASSERT(qrt_sched_saved_restore(saved, NULL) > 0);
	CU_ASSERT(host_tree_runs_on(101, "0-3") && host_tree_runs_on(1, "0-3"));
	CU_ASSERT(!qrt_sched_p_exists("/cg/qrt-shield"));
	end();
}

static void a_thread_leaves(int version)
{
	begin(version);
	CU_ASSERT_EQUAL(qrt_sched_shield_leave(NULL, 101, &error), -ENOENT);
	CU_ASSERT_EQUAL_FATAL(raise_it("1"), version);
	CU_ASSERT_EQUAL(qrt_sched_shield_leave(NULL, 101, &error), 0);
	CU_ASSERT(host_tree_runs_on(101, "0,2-3"));
	CU_ASSERT_EQUAL(qrt_sched_shield_enter(NULL, 101, NULL, &error), 0);
	CU_ASSERT(host_tree_runs_on(101, "1"));
	CU_ASSERT_EQUAL(qrt_sched_shield_leave(NULL, 101, &error), 0);
	CU_ASSERT(host_tree_runs_on(101, "0,2-3"));
	expect_file("/proc/101/cgroup", version == 1 ? "3:cpuset:/qrt-shield-host" : "0::/");
	CU_ASSERT_EQUAL(qrt_sched_shield_leave(NULL, 77, &error), -ESRCH);
	CU_ASSERT_EQUAL(qrt_sched_shield_leave(NULL, -1, &error), -EINVAL);
	CU_ASSERT(qrt_sched_saved_restore(saved, NULL) > 0);
	CU_ASSERT(host_tree_runs_on(101, "0-3"));
	end();
}

static void threads_leave_again(void)
{
	a_thread_leaves(1);
	a_thread_leaves(2);
}

static void threads_enter_and_come_back(void)
{
	a_thread_enters_and_comes_back(1);
	a_thread_enters_and_comes_back(2);
}

/* Threads of a process lie in one domain: it goes to the top first, and back in the end. */
static void a_process_of_another_cgroup_comes_along(void)
{
	begin(2);
	CU_ASSERT_EQUAL_FATAL(raise_it("1"), QRT_SCHED_CGROUP_V2);
	CU_ASSERT_EQUAL(qrt_sched_shield_enter(NULL, 300, saved, &error), 0);
	expect_file("/proc/300/cgroup", "0::/qrt-shield");
	CU_ASSERT(host_tree_runs_on(300, "1"));
	CU_ASSERT(qrt_sched_saved_restore(saved, NULL) > 0);
	expect_file("/proc/300/cgroup", "0::/box");
	end();
}

/* Of version 1: not to where all others are. */
static void who_left_comes_back_to_its_own_cpuset(void)
{
	struct qrt_sched_saved *places;

	begin(1);
	CU_ASSERT_EQUAL_FATAL(raise_it("3"), QRT_SCHED_CGROUP_V1);
	CU_ASSERT_EQUAL_FATAL(qrt_sched_saved_new(NULL, NULL, &places), 0);
	CU_ASSERT_EQUAL(qrt_sched_shield_enter(NULL, 300, places, &error), 0);
	CU_ASSERT_EQUAL(qrt_sched_shield_enter(NULL, 101, places, &error), 0);
	CU_ASSERT_EQUAL(qrt_sched_shield_leave(NULL, 300, &error), 0);
	CU_ASSERT_EQUAL(qrt_sched_shield_leave(NULL, 101, &error), 0);
	expect_file("/proc/300/cgroup", "3:cpuset:/qrt-shield-host");
	qrt_sched_saved_restore(places, NULL);
	expect_file("/proc/300/cgroup", "3:cpuset:/box");
	expect_file("/proc/101/cgroup", "3:cpuset:/qrt-shield-host");
	qrt_sched_saved_close(places);
	end();
}

/* As libvirt has them: a threaded cgroup for each kind of thread. */
static void give_cgroup(pid_t tid, const char *folder)
{
	char path[128], text[16];

	if (!qrt_sched_p_exists(folder)) {
		CU_ASSERT_EQUAL_FATAL(qrt_sched_p_hostfs->make(folder), 0);
		host_tree_compose(path, sizeof(path), "%s/cgroup.type", folder);
		fake_kernel_file(path, "threaded\n");
	}
	host_tree_compose(path, sizeof(path), "%s/cgroup.threads", folder);
	host_tree_compose(text, sizeof(text), "%d\n", (int)tid);
	CU_ASSERT_EQUAL_FATAL(qrt_sched_p_hostfs->write(path, text), 0);
}

static void begin_with_libvirt(void)
{
	begin(2);
	host_tree_add_thread(300, 301, 0, "CPU 0/KVM", "1-2");
	host_tree_add_thread(300, 302, 0, "CPU 1/KVM", "1-2");
	host_tree_add_thread(300, 303, 0, "IO iothread1", "1-2");
	give_cgroup(301, "/cg/box/vcpu0");
	give_cgroup(302, "/cg/box/vcpu1");
	give_cgroup(303, "/cg/box/vcpu1");
	CU_ASSERT_EQUAL_FATAL(raise_it("3"), QRT_SCHED_CGROUP_V2);
}

static void expect_libvirt(void)
{
	expect_file("/proc/300/cgroup", "0::/box");
	expect_file("/proc/301/cgroup", "0::/box/vcpu0");
	expect_file("/proc/302/cgroup", "0::/box/vcpu1");
	expect_file("/proc/303/cgroup", "0::/box/vcpu1");
}

/* In whatever order they enter, those that leave by a later plan as well. */
static void threads_come_back_to_their_own_cgroups(void)
{
	static const pid_t orders[][2] = {{301, 302}, {302, 301}, {303, 301}};
	struct qrt_sched_saved *places;
	size_t i;

	for (i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
		begin_with_libvirt();
		CU_ASSERT_EQUAL_FATAL(qrt_sched_saved_new(NULL, NULL, &places), 0);
		CU_ASSERT_EQUAL(qrt_sched_shield_enter(NULL, orders[i][0], places, &error), 0);
		CU_ASSERT_EQUAL(qrt_sched_shield_enter(NULL, orders[i][1], places, &error), 0);
		expect_file("/proc/300/cgroup", "0::/");
		expect_file("/proc/301/cgroup", "0::/qrt-shield");
		CU_ASSERT_EQUAL(qrt_sched_shield_leave(NULL, orders[i][1], &error), 0);
		CU_ASSERT_EQUAL(qrt_sched_shield_enter(NULL, orders[i][1], places, &error), 0);
		CU_ASSERT_EQUAL(qrt_sched_shield_leave(NULL, orders[i][0], &error), 0);
		CU_ASSERT(qrt_sched_saved_restore(places, NULL) > 0);
		expect_libvirt();
		qrt_sched_saved_close(places);
		end();
	}
}

/* By the text alone, after a kill. */
static void a_text_brings_them_back(void)
{
	struct host_tree_kept own = {.text = NULL};
	struct qrt_sched_saved *places;

	begin_with_libvirt();
	CU_ASSERT_EQUAL_FATAL(qrt_sched_saved_new(host_tree_keep, &own, &places), 0);
	CU_ASSERT_EQUAL(qrt_sched_shield_enter(NULL, 302, places, &error), 0);
	CU_ASSERT_EQUAL(qrt_sched_shield_enter(NULL, 301, places, &error), 0);
	qrt_sched_saved_close(places);
	CU_ASSERT_EQUAL_FATAL(qrt_sched_saved_new(NULL, NULL, &places), 0);
	CU_ASSERT_EQUAL_FATAL(qrt_sched_saved_parse(places, own.text, own.len, &error), 0);
	CU_ASSERT(qrt_sched_saved_restore(places, NULL) > 0);
	expect_libvirt();
	qrt_sched_saved_close(places);
	free(own.text);
	end();
}

static const struct tap_test tests[] = {
	{"makes an isolated partition", makes_an_isolated_partition},
	{"older kernels get a partition", older_kernels_get_a_partition},
	{"a partition that is none is refused", a_partition_that_is_none_is_refused},
	{"cpusets are switched on", cpusets_are_switched_on},
	{"partitions of others are left to them", partitions_of_others_are_left_to_them},
	{"threads enter and come back", threads_enter_and_come_back},
	{"threads leave again", threads_leave_again},
	{"a process of another cgroup comes along", a_process_of_another_cgroup_comes_along},
	{"who left comes back to its own cpuset", who_left_comes_back_to_its_own_cpuset},
	{"threads come back to their own cgroups", threads_come_back_to_their_own_cgroups},
	{"a text brings them back", a_text_brings_them_back},
};

TAP_MAIN("shield_v2", tests)
