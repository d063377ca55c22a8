/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host_tree.h"
#include "saved_p.h"
#include "tap.h"
#include "task_p.h"

#define HEAD "qrt-saved 1 11111111-2222-3333-4444-555555555555\n"
#define IRQ  "/proc/irq/24/smp_affinity"

static struct qrt_sched_saved *new_saved(struct host_tree_kept *kept)
{
	struct qrt_sched_saved *saved = NULL;

	CU_ASSERT_EQUAL_FATAL(qrt_sched_saved_new(kept ? host_tree_keep : NULL, kept, &saved), 0);
	return saved;
}

static int parse(struct qrt_sched_saved *saved, const char *text, struct qrt_sched_error *error)
{
	return qrt_sched_saved_parse(saved, text, strlen(text), error);
}

/* Parses one text into a new handle. */
static struct qrt_sched_saved *saved_of(const char *lines)
{
	struct qrt_sched_saved *saved = new_saved(NULL);
	struct qrt_sched_error error = {0};
	char text[4096];

	snprintf(text, sizeof(text), HEAD "%s", lines);
	if (parse(saved, text, &error) < 0)
		tap_note("%s", error.message);
	CU_ASSERT_EQUAL(error.code, 0);
	return saved;
}

static void expect_restore(const char *lines, int wanted)
{
	struct qrt_sched_saved *saved = saved_of(lines);
	struct qrt_sched_error error = {0};
	int rc = qrt_sched_saved_restore(saved, &error);

	if (rc != wanted)
		tap_note("%s: %d, expected %d: %s", lines, rc, wanted, error.message);
	CU_ASSERT_EQUAL(rc, wanted);
	CU_ASSERT_EQUAL(error.code, rc < 0 ? rc : 0);
	qrt_sched_saved_close(saved);
}

static void expect_file(const char *path, const char *text)
{
	CU_ASSERT_STRING_EQUAL(host_tree_read(path), text);
}

/* ---- putting back -------------------------------------------------------------------------------- */

static void files_come_back(void)
{
	host_tree_begin();
	fake_kernel_file(IRQ, "0000000d\n");
	expect_restore("file " IRQ " f d\n", 1);
	expect_file(IRQ, "f");
	/* As before already; gone. */
	expect_restore("file " IRQ " f d\n", 0);
	expect_restore("file /proc/irq/77/smp_affinity f d\n", 0);
	host_tree_end();
}

static void what_somebody_else_changed_stays(void)
{
	host_tree_begin();
	host_tree_add_v1();
	fake_kernel_file(IRQ, "4\n");
	expect_restore("file " IRQ " f d\n", 0);
	expect_file(IRQ, "4");
	/* While it was being changed from one value of ours to another. */
	expect_restore("file " IRQ " f d 4\n", 1);
	expect_file(IRQ, "f");
	host_tree_find(200)->cpus = fake_kernel_cpus("3");
	expect_restore("cpus 200 1200 1 0,2-3\n", 0);
	CU_ASSERT(host_tree_runs_on(200, "3"));
	host_tree_end();
}

static void threads_come_back(void)
{
	host_tree_begin();
	host_tree_find(200)->cpus = fake_kernel_cpus("0,2-3");
	expect_restore("cpus 200 1200 1 0,2-3\n", 1);
	CU_ASSERT(host_tree_runs_on(200, "1"));
	/* What leaving a cpuset makes of it is nobody's choice. */
	host_tree_find(200)->cpus = fake_kernel_cpus("0-3");
	expect_restore("cpus 200 1200 1 0,2-3\n", 1);
	/* A later thread of that number; one that ended. */
	host_tree_find(200)->cpus = fake_kernel_cpus("0,2-3");
	expect_restore("cpus 200 1201 1 0,2-3\n", 0);
	expect_restore("cpus 222 1222 1 0,2-3\n", 0);
	CU_ASSERT(host_tree_runs_on(200, "0,2-3"));
	host_tree_find(15)->policy = 1;
	host_tree_find(15)->priority = 60;
	expect_restore("rank 15 1015 0\\0400 1\\04060\n", 1);
	CU_ASSERT_EQUAL(host_tree_find(15)->policy, 0);
	CU_ASSERT_EQUAL(host_tree_find(15)->priority, 0);
	host_tree_end();
}

static void the_last_change_comes_first(void)
{
	struct qrt_sched_saved *saved;

	host_tree_begin();
	host_tree_add_v1();
	fake_kernel_file("/cg/box/cpuset.cpus", "2\n");
	/* The inner cpuset can have CPU 1 only after the outer one. */
	fake_kernel_file("/cg/box/in/cgroup.procs", "");
	fake_kernel_file("/cg/box/in/cpuset.cpus", "2\n");
	saved = saved_of("file /cg/box/in/cpuset.cpus 1-2 2\nfile /cg/box/cpuset.cpus 1-2 2\n");
	CU_ASSERT_EQUAL(qrt_sched_saved_restore(saved, NULL), 2);
	expect_file("/cg/box/in/cpuset.cpus", "1-2");
	qrt_sched_saved_close(saved);
	host_tree_end();
}

static void what_fails_is_said_and_stays(void)
{
	struct qrt_sched_error error = {0};
	struct qrt_sched_saved *saved;
	char text[512] = "";

	host_tree_begin();
	fake_kernel_file(IRQ, "d\n");
	saved = saved_of("file " IRQ " f d\nfile /proc/irq/9/smp_affinity 1 f\n");
	CU_ASSERT_EQUAL(qrt_sched_saved_restore(saved, &error), -EIO);
	CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "/proc/irq/9/smp_affinity cannot be put back"));
	expect_file(IRQ, "f");
	qrt_sched_saved_format(saved, text, sizeof(text));
	CU_ASSERT_STRING_EQUAL(text, HEAD "file /proc/irq/9/smp_affinity 1 f\n");
	qrt_sched_saved_close(saved);
	host_tree_end();
}

static void made_folders_are_emptied_and_removed(void)
{
	host_tree_begin();
	host_tree_add_v1();
	expect_restore("made /cg/box \\- \\-\n", 1);
	CU_ASSERT(!qrt_sched_p_exists("/cg/box"));
	CU_ASSERT(qrt_sched_p_cgroup_lists("/cg", "tasks", 300));
	expect_restore("made /cg/box \\- \\-\n", 0);
	host_tree_end();
}

/* Somebody made a cpuset in ours: that is not ours to remove. */
static void a_folder_with_others_in_it_gets_all_cpus(void)
{
	struct qrt_sched_saved *saved;

	host_tree_begin();
	host_tree_add_v1();
	fake_kernel_file("/cg/box/theirs/cgroup.procs", "");
	saved = saved_of("made /cg/box \\- \\-\n");
	CU_ASSERT_EQUAL(qrt_sched_saved_restore(saved, NULL), -EBUSY);
	expect_file("/cg/box/cpuset.cpus", "0-3");
	CU_ASSERT(qrt_sched_p_cgroup_lists("/cg", "tasks", 300));
	qrt_sched_saved_close(saved);
	host_tree_end();
}

static void controllers_that_others_use_stay_on(void)
{
	const char *line = "controller /cg/cgroup.subtree_control \\- cpuset\n";

	host_tree_begin();
	host_tree_add_v2();
	expect_restore(line, 0);
	fake_kernel_file("/cg/box/cpuset.cpus", "\n");
	expect_restore(line, 1);
	expect_file("/cg/cgroup.subtree_control", "cpu\nmemory");
	expect_restore(line, 0);
	host_tree_end();
}

/* ---- the text ------------------------------------------------------------------------------------ */

static void keeps_before_it_changes(void)
{
	struct host_tree_kept kept = {0};
	struct qrt_sched_saved *saved;
	struct qrt_sched_p_change change = {
		.kind = QRT_SCHED_P_SAVED_FILE, .path = IRQ, .before = "f", .after = "d"};

	host_tree_begin();
	saved = new_saved(&kept);
	CU_ASSERT_EQUAL(qrt_sched_p_saved_note(saved, &change), 0);
	CU_ASSERT_EQUAL(kept.times, 0);
	CU_ASSERT_EQUAL(qrt_sched_p_saved_keep(saved, NULL), 0);
	CU_ASSERT_STRING_EQUAL(kept.text, HEAD "file " IRQ " f d\n");
	qrt_sched_p_saved_commit(saved);
	/* Changed again: what it was before stays, and both values count as ours. */
	change.after = "7";
	change.before = "d";
	CU_ASSERT_EQUAL(qrt_sched_p_saved_note(saved, &change), 0);
	qrt_sched_p_saved_keep(saved, NULL);
	CU_ASSERT_STRING_EQUAL(kept.text, HEAD "file " IRQ " f 7 d\n");
	qrt_sched_saved_close(saved);
	free(kept.text);
	host_tree_end();
}

static void strange_letters_go_through(void)
{
	const char *lines = "file /sys/devices/virtual/workqueue/a\\040b\\134\\012\\377/cpumask f d\n";
	struct qrt_sched_saved *saved;
	char text[512] = "", wanted[512];
	int len;

	host_tree_begin();
	saved = saved_of(lines);
	snprintf(wanted, sizeof(wanted), HEAD "%s", lines);
	len = qrt_sched_saved_format(saved, NULL, 0);
	CU_ASSERT_EQUAL(len, (int)strlen(wanted));
	CU_ASSERT_EQUAL(qrt_sched_saved_format(saved, text, (size_t)len), len);
	CU_ASSERT_STRING_EQUAL(text, "");
	CU_ASSERT_EQUAL(qrt_sched_saved_format(saved, text, (size_t)len + 1), len);
	CU_ASSERT_STRING_EQUAL(text, wanted);
	qrt_sched_saved_close(saved);
	host_tree_end();
}

static void another_boots_text_is_empty(void)
{
	struct qrt_sched_saved *saved;
	char text[256] = "";

	host_tree_begin();
	saved = new_saved(NULL);
	CU_ASSERT_EQUAL(parse(saved, "qrt-saved 1 99999999-2222\nfile " IRQ " f d\ngarbage\n", NULL), 0);
	qrt_sched_saved_format(saved, text, sizeof(text));
	CU_ASSERT_STRING_EQUAL(text, HEAD);
	qrt_sched_saved_close(saved);
	host_tree_end();
}

static void garbage_is_refused_with_its_line(void)
{
	static const struct {
		const char *text;
		uint32_t line;
	} bad[] = {
		{"", 1},
		{"hello\n", 1},
		{"qrt-saved 2 x\n", 1},
		{HEAD "file\n", 2},
		{HEAD "\n", 2},
		{HEAD "file " IRQ "\n", 2},
		{HEAD "file " IRQ " f\n", 2},
		{HEAD "file " IRQ " f d 7 8\n", 2},
		{HEAD "file  " IRQ " f d\n", 2},
		{HEAD "file " IRQ " f d", 2},
		{HEAD "file " IRQ " f d\nfile " IRQ " f \\0\n", 3},
		{HEAD "file " IRQ " f \\000\n", 2},
		{HEAD "file " IRQ " f \\777\n", 2},
		{HEAD "file " IRQ " f hello\n", 2},
		{HEAD "thing " IRQ " f d\n", 2},
		{HEAD "cpus 0 5 1 2\n", 2},
		{HEAD "cpus -4 5 1 2\n", 2},
		{HEAD "cpus 4 5x 1 2\n", 2},
		{HEAD "cpus 4 5 1 x\n", 2},
		{HEAD "cpus 99999999999 5 1 2\n", 2},
		{HEAD "rank 4 5 0 0\n", 2},
		{HEAD "rank 4 5 9\\0400 0\\0400\n", 2},
		{HEAD "made /cg/box x \\-\n", 2},
	};
	struct qrt_sched_error error;
	struct qrt_sched_saved *saved;
	size_t i;

	host_tree_begin();
	host_tree_add_v1();
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		saved = new_saved(NULL);
		memset(&error, 0, sizeof(error));
		if (parse(saved, bad[i].text, &error) != -EINVAL || error.line != bad[i].line)
			tap_note("not refused in line %u: %s", bad[i].line, bad[i].text);
		CU_ASSERT_EQUAL(error.code, -EINVAL);
		CU_ASSERT_EQUAL(error.line, bad[i].line);
		CU_ASSERT_EQUAL(qrt_sched_saved_restore(saved, NULL), 0);
		qrt_sched_saved_close(saved);
	}
	host_tree_end();
}

/* It is root that reads such a text. */
static void other_places_are_refused(void)
{
	static const char *const bad[] = {
		"file /etc/passwd f d",
		"file /proc/sys/kernel/core_pattern f d",
		"file /proc/irq/../sys/kernel/x/smp_affinity f d",
		"file /proc/irq/24/smp_affinity_list 0 1",
		"file /proc/irq/24/../24/smp_affinity f d",
		"file proc/irq/24/smp_affinity f d",
		"file /proc//irq/24/smp_affinity f d",
		"file /sys/class/net/eth0/address f d",
		"file /sys/devices/virtual/workqueue/a/b/cpumask f d",
		"file /sys/module/kvm/parameters/halt_poll_ns 1 x",
		"file /sys/module/kvm/parameters/ignore_msrs 1 0",
		"file /cgx/cpuset.cpus 1 2",
		"file /cg/../etc/cpuset.cpus 1 2",
		"file /cg/box/release_agent 1 2",
		"file /cg/box/cpuset.cpus 1 /bin/sh",
		"file /tmp/cpuset.cpus 1 2",
		"made /cg \\- \\-",
		"made /cg/ \\- \\-",
		"made /cg/box/.. \\- \\-",
		"made /tmp/x \\- \\-",
		"controller /cg/cgroup.subtree_control \\- memory",
		"controller /tmp/cgroup.subtree_control \\- cpuset",
		"thread 4 5 /cg /tmp",
		"thread 4 5 /tmp /cg",
		"process 4 5 /cg/box/../.. /cg",
	};
	struct qrt_sched_error error;
	struct qrt_sched_saved *saved;
	char text[512];
	size_t i;

	host_tree_begin();
	host_tree_add_v1();
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		saved = new_saved(NULL);
		snprintf(text, sizeof(text), HEAD "file " IRQ " f d\n%s\n", bad[i]);
		memset(&error, 0, sizeof(error));
		parse(saved, text, &error);
		if (error.line != 3)
			tap_note("not refused: %s", bad[i]);
		CU_ASSERT_EQUAL(error.line, 3);
		CU_ASSERT_EQUAL(saved->count, 0);
		qrt_sched_saved_close(saved);
	}
	host_tree_end();
}

/* The table that writes does so only where the kernel shows its settings, whatever path it is given. */
static void nothing_is_written_elsewhere(void)
{
	char path[] = "/tmp/qrt-saved-XXXXXX", folder[64];
	int fd = mkstemp(path);

	CU_ASSERT_EQUAL(qrt_sched_p_hostfs_kernel.write(path, "x"), -EXDEV);
	CU_ASSERT_EQUAL(lseek(fd, 0, SEEK_END), 0);
	snprintf(folder, sizeof(folder), "%s-folder", path);
	CU_ASSERT_EQUAL(qrt_sched_p_hostfs_kernel.make(folder), -EXDEV);
	CU_ASSERT_EQUAL(qrt_sched_p_hostfs_kernel.remove("/tmp"), -EXDEV);
	close(fd);
	unlink(path);
}

static const struct tap_test tests[] = {
	{"files come back", files_come_back},
	{"what somebody else changed stays", what_somebody_else_changed_stays},
	{"threads come back", threads_come_back},
	{"the last change comes first", the_last_change_comes_first},
	{"what fails is said and stays", what_fails_is_said_and_stays},
	{"made folders are emptied and removed", made_folders_are_emptied_and_removed},
	{"a folder with others in it gets all CPUs", a_folder_with_others_in_it_gets_all_cpus},
	{"controllers that others use stay on", controllers_that_others_use_stay_on},
	{"keeps before it changes", keeps_before_it_changes},
	{"strange letters go through", strange_letters_go_through},
	{"another boot's text is empty", another_boots_text_is_empty},
	{"garbage is refused with its line", garbage_is_refused_with_its_line},
	{"other places are refused", other_places_are_refused},
	{"nothing is written elsewhere", nothing_is_written_elsewhere},
};

TAP_MAIN("saved", tests)
