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

/* A VM of libvirt's, and a shield of CPU 3. */
static void begin(void)
{
	struct qrt_sched_shield_config config = {.size = sizeof(config), .cpus = fake_kernel_cpus("3")};
	struct qrt_sched_error error;

	host_tree_begin();
	host_tree_add_v2();
	host_tree_add_thread(300, 301, 0, "CPU 0/KVM", "1-2");
	host_tree_add_thread(300, 302, 0, "CPU 1/KVM", "1-2");
	give_cgroup(300, "/cg/box/emulator");
	give_cgroup(301, "/cg/box/vcpu0");
	give_cgroup(302, "/cg/box/vcpu1");
	memset(&kept, 0, sizeof(kept));
	CU_ASSERT_EQUAL_FATAL(qrt_sched_saved_new(NULL, NULL, &shield), 0);
	CU_ASSERT_EQUAL_FATAL(qrt_sched_saved_new(host_tree_keep, &kept, &places), 0);
	CU_ASSERT_EQUAL_FATAL(qrt_sched_shield_raise(&config, shield, NULL, 0, NULL, &error),
			      QRT_SCHED_CGROUP_V2);
}

static void end(void)
{
	places = qrt_sched_saved_close(places);
	shield = qrt_sched_saved_close(shield);
	free(kept.text);
	host_tree_end();
}

static void expect_place(pid_t tid, const char *place)
{
	char path[64];

	host_tree_compose(path, sizeof(path), "/proc/%d/cgroup", (int)tid);
	if (strcmp(host_tree_read(path), place) != 0)
		tap_note("%d: '%s', expected '%s'", (int)tid, host_tree_read(path), place);
	CU_ASSERT_STRING_EQUAL(host_tree_read(path), place);
}

static void expect_before(void)
{
	expect_place(300, "0::/box/emulator");
	expect_place(301, "0::/box/vcpu0");
	expect_place(302, "0::/box/vcpu1");
}

static void admit(pid_t tid, const char *cpus)
{
	const struct qrt_sched_setting planned = {.set = QRT_SCHED_SET_CPUS, .cpus = fake_kernel_cpus(cpus)};

	host_admit(tid, &planned, places);
}

static void comes_back(void)
{
	begin();
	admit(300, "0-2");
	expect_before();
	admit(301, "3");
	admit(302, "3");
	admit(301, "3");
	expect_place(300, "0::/");
	expect_place(301, "0::/qrt-shield");
	expect_place(302, "0::/qrt-shield");
	admit(302, "0");
	expect_place(302, "0::/");
	CU_ASSERT(qrt_sched_saved_restore(places, NULL) > 0);
	expect_before();
	end();
}

/* By what was kept before the first thread moved. */
static void comes_back_after_a_kill(void)
{
	struct qrt_sched_error error;

	begin();
	admit(302, "3");
	CU_ASSERT_EQUAL(kept.times, 2);
	admit(301, "3");
	places = qrt_sched_saved_close(places);
	CU_ASSERT_EQUAL_FATAL(qrt_sched_saved_new(NULL, NULL, &places), 0);
	CU_ASSERT_EQUAL_FATAL(qrt_sched_saved_parse(places, kept.text, kept.len, &error), 0);
	CU_ASSERT(qrt_sched_saved_restore(places, NULL) > 0);
	expect_before();
	end();
}

/* What cannot be kept is not done. */
static void stays_where_it_cannot_be_kept(void)
{
	begin();
	kept.refuse = -ENOSPC;
	admit(301, "3");
	expect_before();
	end();
}

static const struct tap_test tests[] = {
	{"a VM comes back to its cgroups", comes_back},
	{"a VM comes back after a kill", comes_back_after_a_kill},
	{"a VM stays where its place cannot be kept", stays_where_it_cannot_be_kept},
};

TAP_MAIN("host_admit", tests)
