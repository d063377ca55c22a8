/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_kernel.h"
#include "tap.h"

#define BOOT "11111111-2222-3333-4444-555555555555"

static void set_start(int tid, unsigned long long start)
{
	char path[64], stat[256];

	snprintf(path, sizeof(path), "/proc/%d/stat", tid);
	snprintf(stat, sizeof(stat), "%d (x) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 %llu 20\n", tid,
		 start);
	fake_kernel_file(path, stat);
}

static struct qrt_sched_snapshot *begin(void)
{
	struct qrt_sched_snapshot *snapshot = NULL;

	fake_kernel_begin();
	fake_kernel_file("/proc/sys/kernel/random/boot_id", BOOT "\n");
	set_start(77, 500);
	CU_ASSERT_EQUAL_FATAL(qrt_sched_snapshot_new(&snapshot), 0);
	return snapshot;
}

static void end(struct qrt_sched_snapshot *snapshot)
{
	CU_ASSERT_PTR_NULL(qrt_sched_snapshot_close(snapshot));
	fake_kernel_end();
}

static void make_fifo(void)
{
	fake_kernel.attr.policy = QRT_SCHED_POLICY_FIFO;
	fake_kernel.attr.priority = 50;
	fake_kernel.cpus = fake_kernel_cpus("2");
}

static void the_first_memory_of_a_thread_stays(void)
{
	struct qrt_sched_snapshot *snapshot = begin();

	CU_ASSERT_EQUAL(qrt_sched_snapshot_add(snapshot, 77), 1);
	make_fifo();
	CU_ASSERT_EQUAL(qrt_sched_snapshot_add(snapshot, 77), 0);
	CU_ASSERT_EQUAL(qrt_sched_snapshot_restore(snapshot, NULL), 1);
	CU_ASSERT_EQUAL(fake_kernel.attr.policy, QRT_SCHED_POLICY_OTHER);
	CU_ASSERT_EQUAL(qrt_sched_cpus_count(&fake_kernel.cpus), 4);
	end(snapshot);
}

static void a_thread_that_ended_is_left_alone(void)
{
	struct qrt_sched_snapshot *snapshot = begin();

	CU_ASSERT_EQUAL(qrt_sched_snapshot_add(snapshot, 77), 1);
	set_start(77, 501);
	make_fifo();
	CU_ASSERT_EQUAL(qrt_sched_snapshot_restore(snapshot, NULL), 0);
	CU_ASSERT_EQUAL(fake_kernel.attr.policy, QRT_SCHED_POLICY_FIFO);
	CU_ASSERT_EQUAL(qrt_sched_snapshot_prune(snapshot), 0);
	CU_ASSERT_EQUAL(qrt_sched_snapshot_add(snapshot, 77), 1);
	CU_ASSERT_EQUAL(qrt_sched_snapshot_prune(snapshot), 1);
	end(snapshot);
}

/* SCHED_EXT, of Linux 6.12. */
static void what_could_not_be_put_back_is_not_taken_in(void)
{
	struct qrt_sched_snapshot *snapshot = begin();

	fake_kernel.attr.policy = 7;
	CU_ASSERT_EQUAL(qrt_sched_snapshot_add(snapshot, 77), -EOPNOTSUPP);
	CU_ASSERT_EQUAL(qrt_sched_snapshot_prune(snapshot), 0);
	end(snapshot);
}

static void adding_checks_what_it_gets(void)
{
	struct qrt_sched_snapshot *snapshot = begin();
	struct qrt_sched_setting s = {.set = QRT_SCHED_SET_ALL};

	CU_ASSERT_EQUAL(qrt_sched_snapshot_add_setting(snapshot, 77, &s), -EINVAL);
	s.cpus = fake_kernel_cpus("0");
	CU_ASSERT_EQUAL(qrt_sched_snapshot_add_setting(snapshot, 0, &s), -EINVAL);
	CU_ASSERT_EQUAL(qrt_sched_snapshot_add_setting(snapshot, 78, &s), -ESRCH);
	s.set = QRT_SCHED_SET_CPUS;
	CU_ASSERT_EQUAL(qrt_sched_snapshot_add_setting(snapshot, 77, &s), -EINVAL);
	CU_ASSERT_EQUAL(qrt_sched_snapshot_add(snapshot, -1), -EINVAL);
	end(snapshot);
}

static void restoring_tries_all_and_returns_the_first_error(void)
{
	struct qrt_sched_snapshot *snapshot = begin();
	struct qrt_sched_error error = {0};

	set_start(78, 9);
	CU_ASSERT_EQUAL(qrt_sched_snapshot_add(snapshot, 77), 1);
	CU_ASSERT_EQUAL(qrt_sched_snapshot_add(snapshot, 78), 1);
	make_fifo();
	fake_kernel.fail_at = fake_kernel.calls;
	fake_kernel.fail_with = -EPERM;
	CU_ASSERT_EQUAL(qrt_sched_snapshot_restore(snapshot, &error), -EPERM);
	CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "77"));
	CU_ASSERT_EQUAL(fake_kernel.attr.policy, QRT_SCHED_POLICY_OTHER);
	end(snapshot);
}

static void text_goes_out_and_comes_back(void)
{
	struct qrt_sched_snapshot *snapshot = begin(), *copy = NULL;
	char text[512] = "untouched";
	int len;

	fake_kernel.cpus = fake_kernel_cpus("0,2-3");
	fake_kernel.nice = -5;
	CU_ASSERT_EQUAL(qrt_sched_snapshot_add(snapshot, 77), 1);
	len = qrt_sched_snapshot_format(snapshot, NULL, 0);
	CU_ASSERT_EQUAL(qrt_sched_snapshot_format(snapshot, text, (size_t)len), len);
	CU_ASSERT_STRING_EQUAL(text, "untouched");
	CU_ASSERT_EQUAL(qrt_sched_snapshot_format(snapshot, text, (size_t)len + 1), len);
	CU_ASSERT_STRING_EQUAL(text, "qrt-snapshot 2 " BOOT "\n77 500 0 0 -5 0 0,2-3 0/0/0 0\n");
	CU_ASSERT_EQUAL(qrt_sched_snapshot_new(&copy), 0);
	CU_ASSERT_EQUAL(qrt_sched_snapshot_parse(copy, text, (size_t)len, NULL), 0);
	make_fifo();
	CU_ASSERT_EQUAL(qrt_sched_snapshot_restore(copy, NULL), 1);
	CU_ASSERT_EQUAL(fake_kernel.nice, -5);
	CU_ASSERT_EQUAL(qrt_sched_cpus_count(&fake_kernel.cpus), 3);
	qrt_sched_snapshot_close(copy);
	end(snapshot);
}

/* What a deadline thread with an I/O priority was like, in both directions. */
static void times_and_io_go_out_and_come_back(void)
{
	struct qrt_sched_snapshot *snapshot = begin(), *copy = NULL;
	char text[512];
	int len;

	fake_kernel.attr = (struct qrt_sched_p_attr){
		.policy = QRT_SCHED_POLICY_DEADLINE, .flags = 1, .runtime = 10, .deadline = 20, .period = 30};
	fake_kernel.attr.runtime = 2000000;
	fake_kernel.attr.deadline = fake_kernel.attr.period = 10000000;
	fake_kernel.ioprio = QRT_SCHED_IOPRIO(QRT_SCHED_IOPRIO_RT, 2);
	CU_ASSERT_EQUAL(qrt_sched_snapshot_add(snapshot, 77), 1);
	len = qrt_sched_snapshot_format(snapshot, text, sizeof(text));
	CU_ASSERT_STRING_EQUAL(text, "qrt-snapshot 2 " BOOT
				     "\n77 500 6 0 0 1 0-3 2000000/10000000/10000000 8194\n");
	CU_ASSERT_EQUAL(qrt_sched_snapshot_new(&copy), 0);
	CU_ASSERT_EQUAL(qrt_sched_snapshot_parse(copy, text, (size_t)len, NULL), 0);
	make_fifo();
	fake_kernel.ioprio = 0;
	CU_ASSERT_EQUAL(qrt_sched_snapshot_restore(copy, NULL), 1);
	CU_ASSERT_EQUAL(fake_kernel.attr.policy, QRT_SCHED_POLICY_DEADLINE);
	CU_ASSERT_EQUAL(fake_kernel.attr.runtime, 2000000);
	CU_ASSERT_EQUAL(fake_kernel.ioprio, QRT_SCHED_IOPRIO(QRT_SCHED_IOPRIO_RT, 2));
	qrt_sched_snapshot_close(copy);
	end(snapshot);
}

/* It knew of neither: they stay as they are, and are not claimed when it is written again. */
static void the_old_text_is_still_read(void)
{
	struct qrt_sched_snapshot *snapshot = begin();
	const char *old = "qrt-snapshot 1 " BOOT "\n77 500 0 0 -5 0 0,2-3\n";
	char text[512];

	CU_ASSERT_EQUAL(qrt_sched_snapshot_parse(snapshot, old, strlen(old), NULL), 0);
	make_fifo();
	fake_kernel.ioprio = QRT_SCHED_IOPRIO(QRT_SCHED_IOPRIO_IDLE, 0);
	CU_ASSERT_EQUAL(qrt_sched_snapshot_restore(snapshot, NULL), 1);
	CU_ASSERT_EQUAL(fake_kernel.attr.policy, QRT_SCHED_POLICY_OTHER);
	CU_ASSERT_EQUAL(fake_kernel.nice, -5);
	CU_ASSERT_EQUAL(fake_kernel.ioprio, QRT_SCHED_IOPRIO(QRT_SCHED_IOPRIO_IDLE, 0));
	qrt_sched_snapshot_format(snapshot, text, sizeof(text));
	CU_ASSERT_STRING_EQUAL(text, "qrt-snapshot 2 " BOOT "\n77 500 0 0 -5 0 0,2-3 - -\n");
	CU_ASSERT_EQUAL(qrt_sched_snapshot_parse(snapshot, text, strlen(text), NULL), 0);
	end(snapshot);
}

/* At each call of the kernel: what could be put back is, and who asks again has the rest. */
static void a_fault_at_any_call_of_restoring_loses_nothing(void)
{
	static const int errors[] = {-EPERM, -EINVAL, -ESRCH, -EBUSY};
	struct fake_kernel before, changed;
	int at, rc, last, i, wrong = 0;

	for (i = 0; i < 4; i++) {
		for (at = 0, last = 1; last && at < 100; at++) {
			struct qrt_sched_snapshot *snapshot = begin();

			fake_kernel.nice = 3;
			fake_kernel.ioprio = QRT_SCHED_IOPRIO(QRT_SCHED_IOPRIO_BE, 7);
			before = fake_kernel;
			CU_ASSERT_EQUAL(qrt_sched_snapshot_add(snapshot, 77), 1);
			make_fifo();
			fake_kernel.ioprio = QRT_SCHED_IOPRIO(QRT_SCHED_IOPRIO_RT, 0);
			changed = fake_kernel;
			fake_kernel.fail_at = fake_kernel.calls + at;
			fake_kernel.fail_with = errors[i];
			rc = qrt_sched_snapshot_restore(snapshot, NULL);
			last = fake_kernel.calls > fake_kernel.fail_at;
			/* One that ended meanwhile counts for nothing. */
			if (rc == 0 && errors[i] == -ESRCH)
				rc = -ESRCH;
			if (rc < 0 && (fake_kernel.ioprio != changed.ioprio || fake_kernel.attr.policy != 1 ||
				       memcmp(&fake_kernel.cpus, &changed.cpus, sizeof(changed.cpus)) != 0))
				wrong++;
			fake_kernel.fail_at = -1;
			CU_ASSERT_EQUAL(qrt_sched_snapshot_restore(snapshot, NULL), 1);
			if (fake_kernel.ioprio != before.ioprio || fake_kernel.attr.policy != 0 ||
			    fake_kernel.nice != 3 ||
			    memcmp(&fake_kernel.cpus, &before.cpus, sizeof(before.cpus)) != 0)
				wrong++;
			end(snapshot);
		}
		CU_ASSERT(at > 7);
	}
	CU_ASSERT_EQUAL(wrong, 0);
}

static void text_of_another_boot_is_empty(void)
{
	struct qrt_sched_snapshot *snapshot = begin();
	const char *text = "qrt-snapshot 2 of-yesterday\n77 500 1 99 0 0 0\nnot even looked at";

	CU_ASSERT_EQUAL(qrt_sched_snapshot_parse(snapshot, text, strlen(text), NULL), 0);
	CU_ASSERT_EQUAL(qrt_sched_snapshot_prune(snapshot), 0);
	end(snapshot);
}

#define HEAD   "qrt-snapshot 1 " BOOT "\n"
#define HEAD_2 "qrt-snapshot 2 " BOOT "\n"

static void bad_text_is_refused_with_its_line_and_changes_nothing(void)
{
	static const struct {
		const char *text;
		uint32_t line;
	} bad[] = {
		{"", 1},
		{"qrt-snapshot 3 x\n", 1},
		{"something else\n", 1},
		{"qrt-snapshot 1 " BOOT, 1},
		{HEAD "77 500 0 0 0 0 0-3\n77", 3},
		{HEAD "77 500 0 0 0 0 0-3\n\n", 3},
		{HEAD "77 500 0 0 0 0 0-3", 2},
		{HEAD "77 500 0 0 0 0\n", 2},
		{HEAD "77 500 0 0 0 0 \n", 2},
		{HEAD "77 500 0 0 0 0 9999\n", 2},
		{HEAD "77 500 0 0 0 0 0-3 x\n", 2},
		{HEAD "0 500 0 0 0 0 0-3\n", 2},
		{HEAD "-5 500 0 0 0 0 0-3\n", 2},
		{HEAD "99999999999999999999 500 0 0 0 0 0-3\n", 2},
		{HEAD "77 -1 0 0 0 0 0-3\n", 2},
		{HEAD "77 500 4 0 0 0 0-3\n", 2},
		{HEAD "77 500 1 0 0 0 0-3\n", 2},
		{HEAD "77 500 1 100 0 0 0-3\n", 2},
		{HEAD "77 500 0 1 0 0 0-3\n", 2},
		{HEAD "77 500 0 0 20 0 0-3\n", 2},
		{HEAD "77 500 0 0 0 2 0-3\n", 2},
		{HEAD " 77 500 0 0 0 0 0-3\n", 2},
		{HEAD "77 500 0 0 0x0 0 0-3\n", 2},
		{HEAD "77 500 0 0 0 0 0-3 0/0/0 0\n", 2},
		{HEAD_2 "77 500 0 0 0 0 0-3\n", 2},
		{HEAD_2 "77 500 0 0 0 0 0-3 0/0/0\n", 2},
		{HEAD_2 "77 500 0 0 0 0 0-3 0/0/0 \n", 2},
		{HEAD_2 "77 500 0 0 0 0 0-3 0/0 0\n", 2},
		{HEAD_2 "77 500 0 0 0 0 0-3 0/0/0/0 0\n", 2},
		{HEAD_2 "77 500 0 0 0 0 0-3 -1/0/0 0\n", 2},
		{HEAD_2 "77 500 0 0 0 0 0-3 0/0/9223372036854775808 0\n", 2},
		{HEAD_2 "77 500 0 0 0 0 0-3 0/0/0 65536\n", 2},
		{HEAD_2 "77 500 0 0 0 0 0-3 0/0/0 -1\n", 2},
		{HEAD_2 "77 500 0 0 0 0 0-3 0/0/0 0 \n", 2},
		{HEAD_2 "77 500 0 0 0 0 0-3 0/0/0 0 0\n", 2},
		{HEAD_2 "77 500 0 0 0 0 0-3 -- 0\n", 2},
		{HEAD_2 "77 500 0 0 0 0 0-3 - --\n", 2},
		{HEAD_2 "77 500 0 0 0 0 0-3 -\n", 2},
		{HEAD_2 "77 500 7 0 0 0 0-3 - -\n", 2},
	};
	struct qrt_sched_snapshot *snapshot = begin();
	struct qrt_sched_error error;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		memset(&error, 0, sizeof(error));
		CU_ASSERT_EQUAL(qrt_sched_snapshot_parse(snapshot, bad[i].text, strlen(bad[i].text), &error),
				-EINVAL);
		CU_ASSERT_EQUAL(error.line, bad[i].line);
		CU_ASSERT_EQUAL(qrt_sched_snapshot_prune(snapshot), 0);
	}
	CU_ASSERT_EQUAL(
		qrt_sched_snapshot_parse(snapshot, HEAD "77 500\0 0 0 0 0 0-3\n", strlen(HEAD) + 20, &error),
		-EINVAL);
	end(snapshot);
}

/* Every prefix of a good text, and every byte of it broken: never more than an error. */
static void damaged_text_never_does_harm(void)
{
	static const char good[] = HEAD_2 "77 500 0 0 0 0 0-3 1/2/3 8192\n78 500 1 50 -3 1 1,3 - -\n";
	struct qrt_sched_snapshot *snapshot = begin();
	char text[sizeof(good)];
	size_t i;

	for (i = 0; i < sizeof(good) - 1; i++) {
		char *cut = malloc(i + 1);

		memcpy(cut, good, i);
		qrt_sched_snapshot_parse(snapshot, cut, i, NULL);
		free(cut);
		memcpy(text, good, sizeof(good));
		text[i] ^= 0x15;
		qrt_sched_snapshot_parse(snapshot, text, sizeof(good) - 1, NULL);
	}
	CU_ASSERT_EQUAL(qrt_sched_snapshot_parse(snapshot, good, sizeof(good) - 1, NULL), 0);
	end(snapshot);
}

static void text_with_too_many_threads_is_refused(void)
{
	struct qrt_sched_snapshot *snapshot = begin();
	struct qrt_sched_error error = {0};
	size_t len = 0, size = 17000 * 32 + 128;
	char *text = malloc(size);
	int i;

	len += (size_t)snprintf(text, size, HEAD);
	for (i = 1; i < 17000; i++)
		len += (size_t)snprintf(text + len, size - len, "%d 1 0 0 0 0 0\n", i);
	CU_ASSERT_EQUAL(qrt_sched_snapshot_parse(snapshot, text, len, &error), -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "more threads"));
	free(text);
	end(snapshot);
}

static void closing_nothing_is_fine(void)
{
	CU_ASSERT_PTR_NULL(qrt_sched_snapshot_close(NULL));
}

static const struct tap_test tests[] = {
	{"the first memory of a thread stays", the_first_memory_of_a_thread_stays},
	{"a thread that ended is left alone", a_thread_that_ended_is_left_alone},
	{"adding checks what it gets", adding_checks_what_it_gets},
	{"a thread under a policy that is not known is not taken in",
	 what_could_not_be_put_back_is_not_taken_in},
	{"restoring tries all and returns the first error", restoring_tries_all_and_returns_the_first_error},
	{"text goes out and comes back", text_goes_out_and_comes_back},
	{"times and I/O priorities go out and come back", times_and_io_go_out_and_come_back},
	{"the old text is still read", the_old_text_is_still_read},
	{"a fault at any call of restoring loses nothing", a_fault_at_any_call_of_restoring_loses_nothing},
	{"text of another boot is empty", text_of_another_boot_is_empty},
	{"bad text is refused with its line and changes nothing",
	 bad_text_is_refused_with_its_line_and_changes_nothing},
	{"damaged text never does harm", damaged_text_never_does_harm},
	{"text with too many threads is refused", text_with_too_many_threads_is_refused},
	{"closing nothing is fine", closing_nothing_is_fine},
};

TAP_MAIN("snapshot", tests)
