/* SPDX-License-Identifier: MIT */
/* Threads of a VM that somebody else put into cgroups: into a shield, and back to where they were. */
#include "host.h"
#include "host_tree_p.h"
#include "tap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct qrt_sched_saved *shield, *places;
static struct host_tree_kept kept;

static void put_text(const char *folder, const char *file, const char *text)
{
	char path[128];

	host_tree_compose(path, sizeof(path), "%s/%s", folder, file);
	CU_ASSERT_EQUAL_FATAL(qrt_sched_p_hostfs->write(path, text), 0);
}

static void put_thread(pid_t tid, const char *folder)
{
	char text[16];

	host_tree_compose(text, sizeof(text), "%d\n", (int)tid);
	put_text(folder, host_tree.version == 1 ? "tasks" : "cgroup.threads", text);
}

static void give_cgroup(pid_t tid, const char *folder)
{
	char path[128];

	CU_ASSERT_EQUAL_FATAL(qrt_sched_p_hostfs->make(folder), 0);
	host_tree_compose(path, sizeof(path), "%s/cgroup.type", folder);
	if (host_tree.version == 1)
		put_text(folder, "cpuset.cpus", "1-2\n");
	else
		fake_kernel_file(path, "threaded\n");
	put_thread(tid, folder);
}

/* A VM of libvirt's, and a shield of CPU 3. */
static void begin(int version)
{
	struct qrt_sched_shield_config config = {.size = sizeof(config), .cpus = fake_kernel_cpus("3")};
	struct qrt_sched_error error;

	host_tree_begin();
	if (version == 1)
		host_tree_add_v1();
	else
		host_tree_add_v2();
	host_tree_add_thread(300, 301, 0, "CPU 0/KVM", "1-2");
	host_tree_add_thread(300, 302, 0, "CPU 1/KVM", "1-2");
	give_cgroup(300, "/cg/box/emulator");
	give_cgroup(301, "/cg/box/vcpu0");
	give_cgroup(302, "/cg/box/vcpu1");
	memset(&kept, 0, sizeof(kept));
	CU_ASSERT_EQUAL_FATAL(qrt_sched_saved_new(NULL, NULL, &shield), 0);
	CU_ASSERT_EQUAL_FATAL(qrt_sched_saved_new(host_tree_keep, &kept, &places), 0);
	CU_ASSERT_EQUAL_FATAL(qrt_sched_shield_raise(&config, shield, NULL, 0, NULL, &error), version);
}

static void end(void)
{
	places = qrt_sched_saved_close(places);
	shield = qrt_sched_saved_close(shield);
	free(kept.text);
	host_tree_end();
}

static void expect_place(pid_t tid, const char *folder)
{
	char path[64], place[64];

	host_tree_compose(path, sizeof(path), "/proc/%d/cgroup", (int)tid);
	host_tree_compose(place, sizeof(place), "%s%s", host_tree.version == 1 ? "3:cpuset:" : "0::", folder);
	if (strcmp(host_tree_read(path), place) != 0)
		tap_note("%d: '%s', expected '%s'", (int)tid, host_tree_read(path), place);
	CU_ASSERT_STRING_EQUAL(host_tree_read(path), place);
}

static void expect_before(void)
{
	expect_place(300, "/box/emulator");
	expect_place(301, "/box/vcpu0");
	expect_place(302, "/box/vcpu1");
}

static void admit(pid_t tid, const char *cpus)
{
	const struct qrt_sched_setting planned = {.set = QRT_SCHED_SET_CPUS, .cpus = fake_kernel_cpus(cpus)};

	host_admit(tid, &planned, places);
}

static void comes_back(int version)
{
	begin(version);
	admit(300, "0-2");
	expect_before();
	admit(301, "3");
	admit(302, "3");
	admit(301, "3");
	expect_place(300, version == 1 ? "/box/emulator" : "/");
	expect_place(301, "/qrt-shield");
	expect_place(302, "/qrt-shield");
	admit(302, "0");
	expect_place(302, version == 1 ? "/qrt-shield-host" : "/");
	CU_ASSERT(qrt_sched_saved_restore(places, NULL) > 0);
	expect_before();
	end();
}

/* By what was kept before the first thread moved. */
static void comes_back_after_a_kill(int version)
{
	struct qrt_sched_error error;

	begin(version);
	admit(302, "3");
	CU_ASSERT_EQUAL(kept.times, version); /* the thread, and its process */
	admit(301, "3");
	places = qrt_sched_saved_close(places);
	CU_ASSERT_EQUAL_FATAL(qrt_sched_saved_new(NULL, NULL, &places), 0);
	CU_ASSERT_EQUAL_FATAL(qrt_sched_saved_parse(places, kept.text, kept.len, &error), 0);
	CU_ASSERT(qrt_sched_saved_restore(places, NULL) > 0);
	expect_before();
	end();
}

/* The shield is lowered first. */
static void comes_back_without_the_shield(int version)
{
	begin(version);
	admit(301, "3");
	admit(302, "3");
	admit(302, "0");
	CU_ASSERT(qrt_sched_saved_restore(shield, NULL) > 0);
	expect_place(301, "/");
	expect_place(302, "/");
	CU_ASSERT(qrt_sched_saved_restore(places, NULL) > 0);
	expect_before();
	end();
}

static void on_version_1(void)
{
	comes_back(1);
	comes_back_after_a_kill(1);
	comes_back_without_the_shield(1);
}

static void on_version_2(void)
{
	comes_back(2);
	comes_back_after_a_kill(2);
	comes_back_without_the_shield(2);
}

/* By a vCPU, or by the first thread, once that is in the shield, too. */
static void who_is_born_in_it_comes_along(void)
{
	begin(1);
	admit(301, "3");
	host_tree_add_thread(300, 303, 0, "worker", "3");
	put_thread(303, "/cg/qrt-shield");
	admit(303, "3");
	admit(300, "3");
	host_tree_add_thread(300, 304, 0, "worker", "3");
	put_thread(304, "/cg/qrt-shield");
	admit(304, "3");
	admit(304, "3");
	CU_ASSERT_EQUAL(kept.times, 4);
	admit(303, "0");
	expect_place(303, "/qrt-shield-host");
	CU_ASSERT_EQUAL(qrt_sched_saved_restore(places, NULL), 4);
	expect_before();
	expect_place(303, "/box/emulator");
	expect_place(304, "/box/emulator");
	end();
}

/* What cannot be kept is not done. */
static void stays_where_it_cannot_be_kept(void)
{
	begin(2);
	kept.refuse = -ENOSPC;
	admit(301, "3");
	expect_before();
	end();
}

static const struct tap_test tests[] = {
	{"a VM comes back to its cpusets of version 1", on_version_1},
	{"a VM comes back to its cgroups of version 2", on_version_2},
	{"who is born in a shield comes back to where the first thread was", who_is_born_in_it_comes_along},
	{"a VM stays where its place cannot be kept", stays_where_it_cannot_be_kept},
};

TAP_MAIN("host_admit", tests)
