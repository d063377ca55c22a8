/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "host_tree.h"
#include "hostfs_p.h"
#include "saved_p.h"
#include "sys_p.h"
#include "tap.h"
#include "task_p.h"

#define POLL "/sys/module/kvm/parameters/halt_poll_ns"

static struct qrt_sched_saved *saved;
static struct host_tree_kept kept;
static struct qrt_sched_error error;

static void begin(void)
{
	host_tree_begin();
	memset(&kept, 0, sizeof(kept));
	CU_ASSERT_EQUAL_FATAL(qrt_sched_saved_new(host_tree_keep, &kept, &saved), 0);
}

static void end(void)
{
	saved = qrt_sched_saved_close(saved);
	free(kept.text);
	host_tree_end();
}

static int set(enum qrt_sched_tunable tunable, const char *value)
{
	memset(&error, 0, sizeof(error));
	return qrt_sched_tunable_set(tunable, value, saved, &error);
}

static void expect_refusal(enum qrt_sched_tunable tunable, const char *value, int rc, const char *words)
{
	int got = set(tunable, value);

	if (got != rc || !strstr(error.message, words))
		tap_note("%d, expected %d with '%s': %s", got, rc, words, error.message);
	CU_ASSERT_EQUAL(got, rc);
	CU_ASSERT_PTR_NOT_NULL(strstr(error.message, words));
}

static void expect_file(const char *path, const char *text)
{
	CU_ASSERT_STRING_EQUAL(host_tree_read(path), text);
}

static void what_is_not_there_is_said(void)
{
	begin();
	expect_refusal(QRT_SCHED_TUNABLE_CSTATE, "0", -EOPNOTSUPP, "/dev/cpu_dma_latency");
	expect_refusal(QRT_SCHED_TUNABLE_HALT_POLL, "0", -EOPNOTSUPP, "load the module kvm");
	expect_refusal(QRT_SCHED_TUNABLE_TIMER_PRIO, "60", -EOPNOTSUPP, "not PREEMPT_RT");
	expect_refusal(QRT_SCHED_TUNABLE_RESCTRL, "L3:0=f", -EOPNOTSUPP, "has no resctrl");
	fake_kernel_file("/proc/filesystems", "nodev\tresctrl\n");
	expect_refusal(QRT_SCHED_TUNABLE_RESCTRL, "L3:0=f", -EOPNOTSUPP, "is not mounted");
	CU_ASSERT_EQUAL(qrt_sched_tunable_enter_resctrl(100, saved, &error), -EOPNOTSUPP);
	CU_ASSERT_EQUAL(kept.times, 0);
	end();
}

static void bad_values_are_refused(void)
{
	begin();
	expect_refusal(QRT_SCHED_TUNABLE_CSTATE, "-1", -EINVAL, "'-1' is no number from 0");
	expect_refusal(QRT_SCHED_TUNABLE_CSTATE, "99999999999", -EINVAL, "no number");
	expect_refusal(QRT_SCHED_TUNABLE_HALT_POLL, "", -EINVAL, "no number");
	expect_refusal(QRT_SCHED_TUNABLE_HALT_POLL, "1 2", -EINVAL, "no number");
	expect_refusal(QRT_SCHED_TUNABLE_TIMER_PRIO, "0", -EINVAL, "from 1 to 99");
	expect_refusal(QRT_SCHED_TUNABLE_RESCTRL, "L3:0=f\nL2:0=1", -EINVAL, "no schemata line");
	expect_refusal(QRT_SCHED_TUNABLE_RESCTRL, "", -EINVAL, "no schemata line");
	expect_refusal((enum qrt_sched_tunable)9, "1", -EINVAL, "number 9");
	expect_refusal(QRT_SCHED_TUNABLE_CSTATE, NULL, -EINVAL, "needs a value");
	end();
}

/* ---- idle states --------------------------------------------------------------------------------- */

static int32_t read_latency(void)
{
	int32_t value = -1;
	char text[64];

	if (qrt_sched_p_read("/dev/cpu_dma_latency", text, sizeof(text)) == sizeof(value))
		memcpy(&value, text, sizeof(value));
	return value;
}

static void idle_states_are_held_open(void)
{
	begin();
	fake_kernel_file("/dev/cpu_dma_latency", "");
	CU_ASSERT_EQUAL(set(QRT_SCHED_TUNABLE_CSTATE, "20"), 0);
	CU_ASSERT_EQUAL(read_latency(), 20);
	CU_ASSERT(saved->cstate_fd >= 0);
	CU_ASSERT_EQUAL(set(QRT_SCHED_TUNABLE_CSTATE, "0"), 0);
	CU_ASSERT_EQUAL(read_latency(), 0);
	end();
}

/* The kernel tells what is in force to who reads it. */
static void idle_states_of_this_host(void)
{
	int32_t before = -1, now = -1;
	FILE *file = fopen("/dev/cpu_dma_latency", "rbe");
	int rc;

	if (!file || fread(&before, sizeof(before), 1, file) != 1) {
		tap_skip("/dev/cpu_dma_latency cannot be read here");
		if (file)
			fclose(file);
		return;
	}
	fclose(file);
	CU_ASSERT_EQUAL_FATAL(qrt_sched_saved_new(NULL, NULL, &saved), 0);
	rc = set(QRT_SCHED_TUNABLE_CSTATE, "7");
	CU_ASSERT_EQUAL(rc, 0);
	file = fopen("/dev/cpu_dma_latency", "rbe");
	CU_ASSERT_EQUAL(fread(&now, sizeof(now), 1, file), 1);
	CU_ASSERT_EQUAL(now, before < 7 ? before : 7);
	fclose(file);
	saved = qrt_sched_saved_close(saved);
	file = fopen("/dev/cpu_dma_latency", "rbe");
	CU_ASSERT_EQUAL(fread(&now, sizeof(now), 1, file), 1);
	CU_ASSERT_EQUAL(now, before);
	fclose(file);
}

/* ---- halt polling -------------------------------------------------------------------------------- */

static void halt_polling_is_set_and_put_back(void)
{
	begin();
	fake_kernel_file(POLL, "200000\n");
	CU_ASSERT_EQUAL(set(QRT_SCHED_TUNABLE_HALT_POLL, "0"), 0);
	expect_file(POLL, "0");
	CU_ASSERT_EQUAL(kept.times, 1);
	CU_ASSERT_EQUAL(set(QRT_SCHED_TUNABLE_HALT_POLL, "5000"), 0);
	expect_file(POLL, "5000");
	CU_ASSERT_EQUAL(qrt_sched_saved_restore(saved, NULL), 1);
	expect_file(POLL, "200000");
	end();
}

static void somebody_elses_halt_polling_stays(void)
{
	begin();
	fake_kernel_file(POLL, "200000\n");
	CU_ASSERT_EQUAL(set(QRT_SCHED_TUNABLE_HALT_POLL, "0"), 0);
	fake_kernel_file(POLL, "77\n");
	expect_refusal(QRT_SCHED_TUNABLE_HALT_POLL, "5000", -EBUSY, "stays at 77 ns");
	CU_ASSERT_EQUAL(qrt_sched_saved_restore(saved, NULL), 0);
	expect_file(POLL, "77");
	end();
}

static void halt_polling_that_nobody_may_set_is_said(void)
{
	char path[512];

	begin();
	fake_kernel_file(POLL, "200000\n");
	snprintf(path, sizeof(path), "%s" POLL, qrt_sched_p_sys->root);
	CU_ASSERT_EQUAL(chmod(path, 0444), 0);
	expect_refusal(QRT_SCHED_TUNABLE_HALT_POLL, "0", -EOPNOTSUPP, "kvm.halt_poll_ns=0");
	CU_ASSERT_EQUAL(set(QRT_SCHED_TUNABLE_HALT_POLL, "200000"), 0);
	expect_file(POLL, "200000");
	end();
}

/* ---- timers -------------------------------------------------------------------------------------- */

static void begin_timers(void)
{
	begin();
	host_tree_add_thread(17, 17, QRT_SCHED_P_TASK_KERNEL | QRT_SCHED_P_TASK_BOUND, "ktimers/1", "1");
	host_tree_add_thread(18, 18, QRT_SCHED_P_TASK_KERNEL | QRT_SCHED_P_TASK_BOUND, "ktimers/0", "0");
	host_tree_add_thread(110, 110, 0, "ktimers/9", "0-3");
	host_tree_find(17)->policy = 1;
	host_tree_find(17)->priority = 1;
	host_tree_find(18)->policy = 1;
	host_tree_find(18)->priority = 80;
}

static void begin_realtime(void)
{
	begin_timers();
	fake_kernel_file("/sys/kernel/realtime", "1\n");
}

static int has_rank(pid_t tid, int policy, int priority)
{
	const struct host_tree_thread *thread = host_tree_find(tid);

	return thread->policy == policy && thread->priority == priority;
}

static void timers_are_raised_and_put_back(void)
{
	begin_realtime();
	CU_ASSERT_EQUAL(set(QRT_SCHED_TUNABLE_TIMER_PRIO, "60"), 0);
	CU_ASSERT(has_rank(17, 1, 60) && has_rank(15, 1, 60));
	/* Higher already; no kernel thread, whatever its name. */
	CU_ASSERT(has_rank(18, 1, 80) && has_rank(110, 0, 0) && has_rank(16, 0, 0));
	CU_ASSERT_EQUAL(set(QRT_SCHED_TUNABLE_TIMER_PRIO, "50"), 0);
	CU_ASSERT(has_rank(17, 1, 50) && has_rank(18, 1, 80));
	CU_ASSERT_EQUAL(qrt_sched_saved_restore(saved, NULL), 2);
	CU_ASSERT(has_rank(17, 1, 1) && has_rank(15, 0, 0) && has_rank(18, 1, 80));
	end();
}

/* Not every version that has PREEMPT_RT has the file. */
static void a_kernel_is_known_by_its_version(void)
{
	begin_timers();
	fake_kernel_file("/proc/version", "Linux version 6.12.9 (cc) #1 SMP PREEMPT_DYNAMIC Debian\n");
	expect_refusal(QRT_SCHED_TUNABLE_TIMER_PRIO, "60", -EOPNOTSUPP, "not PREEMPT_RT");
	fake_kernel_file("/proc/version", "Linux version 6.12.9 (cc) #1 SMP PREEMPT_RT Debian\n");
	CU_ASSERT_EQUAL(set(QRT_SCHED_TUNABLE_TIMER_PRIO, "60"), 0);
	CU_ASSERT(has_rank(17, 1, 60));
	CU_ASSERT_EQUAL(qrt_sched_saved_restore(saved, NULL), 2);
	CU_ASSERT(has_rank(17, 1, 1));
	end();
}

static void timers_that_are_refused_leave_nothing(void)
{
	begin_realtime();
	host_tree_find(17)->refuse = -EPERM;
	expect_refusal(QRT_SCHED_TUNABLE_TIMER_PRIO, "60", -EPERM, "thread 17");
	CU_ASSERT(has_rank(15, 0, 0) && has_rank(17, 1, 1));
	end();
}

/* ---- cache --------------------------------------------------------------------------------------- */

static void begin_resctrl(void)
{
	begin();
	fake_kernel_file("/proc/self/mountinfo", "40 1 0:20 / /rc rw - resctrl resctrl rw\n");
	fake_kernel_file("/rc/schemata", "L3:0=ff\n");
	fake_kernel_file("/rc/tasks", "1\n100\n101\n");
	fake_kernel_file("/rc/theirs/tasks", "200\n");
}

static void a_cache_group_is_made_and_removed(void)
{
	begin_resctrl();
	/* What the kernel puts into a new group, a test must. */
	CU_ASSERT_EQUAL(qrt_sched_tunable_enter_resctrl(100, saved, &error), -ENOENT);
	CU_ASSERT_EQUAL(set(QRT_SCHED_TUNABLE_RESCTRL, "L3:0=f"), -ENOENT);
	CU_ASSERT(!qrt_sched_p_exists("/rc/qrt"));
	fake_kernel_file("/rc/qrt/schemata", "L3:0=ff\n");
	expect_refusal(QRT_SCHED_TUNABLE_RESCTRL, "L3:0=f", -EBUSY, "is there already");
	end();
}

static void threads_enter_a_cache_group(void)
{
	struct qrt_sched_p_change change = {
		.kind = QRT_SCHED_P_SAVED_MADE, .path = "/rc/qrt", .before = "", .after = ""};
	const struct qrt_sched_p_saved_entry *entry;

	begin_resctrl();
	fake_kernel_file("/rc/qrt/schemata", "L3:0=ff\n");
	fake_kernel_file("/rc/qrt/tasks", "");
	CU_ASSERT_EQUAL(qrt_sched_p_saved_note(saved, &change), 0);
	CU_ASSERT_EQUAL(set(QRT_SCHED_TUNABLE_RESCTRL, "L3:0=f"), 0);
	expect_file("/rc/qrt/schemata", "L3:0=f");
	/* The tree's file holds what was written last. */
	CU_ASSERT_EQUAL(qrt_sched_tunable_enter_resctrl(200, saved, &error), 0);
	expect_file("/rc/qrt/tasks", "200");
	entry = &saved->entries[saved->count - 1];
	CU_ASSERT_EQUAL(entry->kind, QRT_SCHED_P_SAVED_THREAD);
	CU_ASSERT_STRING_EQUAL(entry->before, "/rc/theirs");
	CU_ASSERT_EQUAL(qrt_sched_tunable_enter_resctrl(999, saved, &error), -ESRCH);
	end();
}

/* A group of ours that the kernel has made, beside a common one that has all ways. */
static void begin_own_group(void)
{
	struct qrt_sched_p_change change = {
		.kind = QRT_SCHED_P_SAVED_MADE, .path = "/rc/qrt", .before = "", .after = ""};

	begin_resctrl();
	fake_kernel_file("/rc/schemata", "    MB:0=100;1=100\n    L3:0=00ff;1=00ff\n");
	fake_kernel_file("/rc/info/L3/cbm_mask", "ff\n");
	fake_kernel_file("/rc/info/MB/min_bandwidth", "10\n");
	fake_kernel_file("/rc/qrt/schemata", "L3:0=ff\n");
	fake_kernel_file("/rc/qrt/tasks", "");
	CU_ASSERT_EQUAL(qrt_sched_p_saved_note(saved, &change), 0);
}

static void ways_are_taken_from_all_others(void)
{
	begin_own_group();
	CU_ASSERT_EQUAL(set(QRT_SCHED_TUNABLE_RESCTRL, "L3:0=f"), 0);
	expect_file("/rc/qrt/schemata", "L3:0=f");
	expect_file("/rc/schemata", "L3:0=f0;1=ff");
	CU_ASSERT_EQUAL(set(QRT_SCHED_TUNABLE_RESCTRL, "L3:0=f"), 0);
	expect_file("/rc/schemata", "L3:0=f0;1=ff");
	/* Of what there was at first, not of what is left. */
	CU_ASSERT_EQUAL(set(QRT_SCHED_TUNABLE_RESCTRL, "L3:1=3"), 0);
	expect_file("/rc/schemata", "L3:0=ff;1=fc");
	CU_ASSERT(qrt_sched_saved_restore(saved, &error) > 0);
	expect_file("/rc/schemata", "L3:0=ff;1=ff");
	CU_ASSERT(!qrt_sched_p_exists("/rc/qrt"));
	end();
}

static void a_text_gives_them_back(void)
{
	struct qrt_sched_saved *other = NULL;

	begin_own_group();
	CU_ASSERT_EQUAL(set(QRT_SCHED_TUNABLE_RESCTRL, "L3:0=f;1=f"), 0);
	expect_file("/rc/schemata", "L3:0=f0;1=f0");
	qrt_sched_saved_new(NULL, NULL, &other);
	CU_ASSERT_EQUAL_FATAL(qrt_sched_saved_parse(other, kept.text, kept.len, &error), 0);
	CU_ASSERT_EQUAL(qrt_sched_saved_restore(other, &error), 2);
	qrt_sched_saved_close(other);
	expect_file("/rc/schemata", "L3:0=ff;1=ff");
	end();
}

static void another_cache_gets_the_first_one_back(void)
{
	begin_own_group();
	fake_kernel_file("/rc/info/L2/cbm_mask", "ff\n");
	CU_ASSERT_EQUAL(set(QRT_SCHED_TUNABLE_RESCTRL, "L3:0=f"), 0);
	/* The kernel's file has both lines; that of a test what was written last. */
	fake_kernel_file("/rc/schemata", "L3:0=f0;1=ff\nL2:0=ff\n");
	CU_ASSERT_EQUAL(set(QRT_SCHED_TUNABLE_RESCTRL, "L2:0=1"), 0);
	expect_file("/rc/schemata", "L2:0=fe");
	CU_ASSERT(qrt_sched_saved_restore(saved, &error) > 0);
	expect_file("/rc/schemata", "L2:0=ff");
	end();
}

static void the_last_way_is_not_taken(void)
{
	begin_own_group();
	expect_refusal(QRT_SCHED_TUNABLE_RESCTRL, "L3:0=ff", -EINVAL, "leaves nobody else a way");
	CU_ASSERT_PTR_NOT_NULL(strstr(host_tree_read("/rc/schemata"), "L3:0=00ff;1=00ff"));
	end();
}

static void bandwidth_is_nobodys_own(void)
{
	begin_own_group();
	CU_ASSERT_EQUAL(set(QRT_SCHED_TUNABLE_RESCTRL, "MB:0=50"), 0);
	expect_file("/rc/qrt/schemata", "MB:0=50");
	CU_ASSERT_PTR_NOT_NULL(strstr(host_tree_read("/rc/schemata"), "MB:0=100;1=100"));
	CU_ASSERT_PTR_NULL(strstr(kept.text ? kept.text : "", "/rc/schemata"));
	end();
}

static void somebody_elses_ways_stay(void)
{
	begin_own_group();
	CU_ASSERT_EQUAL(set(QRT_SCHED_TUNABLE_RESCTRL, "L3:0=f"), 0);
	fake_kernel_file("/rc/schemata", "L3:0=80;1=ff\n");
	expect_refusal(QRT_SCHED_TUNABLE_RESCTRL, "L3:0=3", -EBUSY, "stays 'L3:0=80;1=ff'");
	qrt_sched_saved_restore(saved, &error);
	expect_file("/rc/schemata", "L3:0=80;1=ff");
	end();
}

static void texts_change_no_other_schemata(void)
{
	static const char *const lines[] = {"file /rc/theirs/schemata L3:0=ff L3:0=f",
					    "file /rc/schemata L3:0=ff\\012MB:0=10 L3:0=f",
					    "file /rc/schemata f d", "file /rc/cpus f d"};
	char text[256];
	size_t i;

	begin_resctrl();
	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		snprintf(text, sizeof(text), "qrt-saved 1 11111111-2222-3333-4444-555555555555\n%s\n",
			 lines[i]);
		CU_ASSERT_EQUAL(qrt_sched_saved_parse(saved, text, strlen(text), &error), -EINVAL);
	}
	end();
}

static const struct tap_test tests[] = {
	{"what is not there is said", what_is_not_there_is_said},
	{"bad values are refused", bad_values_are_refused},
	{"idle states are held open", idle_states_are_held_open},
	{"idle states of this host", idle_states_of_this_host},
	{"halt polling is set and put back", halt_polling_is_set_and_put_back},
	{"somebody else's halt polling stays", somebody_elses_halt_polling_stays},
	{"halt polling that nobody may set is said", halt_polling_that_nobody_may_set_is_said},
	{"timers are raised and put back", timers_are_raised_and_put_back},
	{"a PREEMPT_RT kernel is known by its version, too", a_kernel_is_known_by_its_version},
	{"timers that are refused leave nothing", timers_that_are_refused_leave_nothing},
	{"a cache group is made and removed", a_cache_group_is_made_and_removed},
	{"threads enter a cache group", threads_enter_a_cache_group},
	{"ways are taken from all others", ways_are_taken_from_all_others},
	{"a text gives them back", a_text_gives_them_back},
	{"another cache gets the first one back", another_cache_gets_the_first_one_back},
	{"the last way is not taken", the_last_way_is_not_taken},
	{"bandwidth is nobody's own", bandwidth_is_nobodys_own},
	{"somebody else's ways stay", somebody_elses_ways_stay},
	{"texts change no other schemata", texts_change_no_other_schemata},
};

TAP_MAIN("tunable", tests)
