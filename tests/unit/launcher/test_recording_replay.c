/* SPDX-License-Identifier: MIT */
#include "blame_perf.h"
#include "recording_replay.h"
#include "tap.h"

#include <string.h>

#define MS UINT64_C(1000000)

#define OURS  7
#define OTHER 900000017 /* no kernel has such a number */
#define CPU   3

static struct recording recording;

static void open_recording(uint64_t traced_ns)
{
	struct recorder_thread thread = {.tid = OURS, .role = QRT_SCHED_ROLE_VCPU, .traced_ns = traced_ns};

	recording_init(&recording);
	recording.start_ns = 1;
	recording.end_ns = 1000 * MS;
	recording.traced_ns = 10 * MS;
	g_array_append_val(recording.threads, thread);
}

static void add_switch(uint64_t time_ns, int32_t out, int32_t in, bool still_ready)
{
	struct blame_event event = {.type = BLAME_EVENT_SWITCH, .time_ns = time_ns, .cpu = CPU};

	event.tid = out;
	event.other = in;
	event.still_ready = still_ready;
	g_array_append_val(recording.events, event);
}

static void add_comm(uint64_t time_ns, int32_t tid, const char *comm)
{
	struct blame_event event = {.type = BLAME_EVENT_COMM, .time_ns = time_ns, .tid = tid, .pid = tid - 1};

	g_strlcpy(event.comm, comm, sizeof(event.comm));
	g_array_append_val(recording.events, event);
}

static void add_sample(uint64_t time_ns, uint64_t delay_ns, uint64_t arrivals)
{
	struct recorder_entry entry = {
		.kind = RECORDER_SAMPLE, .tid = OURS, .time_ns = time_ns, .took_ns = 20 * MS};

	entry.sample.delay_ns = delay_ns;
	entry.sample.run_ns = MS;
	entry.sample.arrivals = arrivals;
	g_array_append_val(recording.entries, entry);
}

static const struct blame_delay *delay_at(guint i)
{
	CU_ASSERT_TRUE_FATAL(i < recording.delays->len);
	return &g_array_index(recording.delays, struct blame_delay, i);
}

/* In no order, as rings are read. */
static void test_preempted(void)
{
	const struct recording_task *task;

	open_recording(1);
	add_switch(58 * MS, OTHER, OURS, false);
	add_switch(50 * MS, OURS, OTHER, true);
	add_comm(40 * MS, OTHER, "rsync\033");
	recording_replay(&recording);
	CU_ASSERT_EQUAL(recording.events->len, 0);
	CU_ASSERT_EQUAL(recording.delays->len, 1);
	CU_ASSERT_EQUAL(delay_at(0)->kind, BLAME_PREEMPTED);
	CU_ASSERT_EQUAL(delay_at(0)->start_ns, 50 * MS);
	CU_ASSERT_EQUAL(delay_at(0)->ns, 8 * MS);
	CU_ASSERT_EQUAL(delay_at(0)->cpu, CPU);
	CU_ASSERT_EQUAL_FATAL(delay_at(0)->culprits_count, 1);
	CU_ASSERT_EQUAL(delay_at(0)->culprits[0].tid, OTHER);
	CU_ASSERT_EQUAL_FATAL(recording.tasks->len, 1);
	task = &g_array_index(recording.tasks, struct recording_task, 0);
	CU_ASSERT_EQUAL(task->tid, OTHER);
	CU_ASSERT_EQUAL(task->name.pid, OTHER - 1);
	CU_ASSERT_STRING_EQUAL(task->name.comm, "rsync?");
	recording_clear(&recording);
}

/* The account says how long the wait of a wake-up was, the switches which of them it was. */
static void test_woken(void)
{
	open_recording(1);
	add_sample(20 * MS, 0, 5);
	add_switch(30 * MS, OURS, 0, false);
	add_switch(31 * MS, 0, OTHER, false);
	add_switch(36 * MS, OTHER, OURS, true);
	add_sample(40 * MS, 4 * MS, 1);
	recording_replay(&recording);
	CU_ASSERT_EQUAL(recording.delays->len, 1);
	CU_ASSERT_EQUAL(delay_at(0)->kind, BLAME_WOKEN);
	CU_ASSERT_EQUAL(delay_at(0)->start_ns, 32 * MS);
	CU_ASSERT_EQUAL(delay_at(0)->ns, 4 * MS);
	CU_ASSERT_EQUAL(delay_at(0)->least_ns, 4 * MS);
	CU_ASSERT_EQUAL(delay_at(0)->wakes, 1);
	CU_ASSERT_FALSE(g_array_index(recording.entries, struct recorder_entry, 0).sample.told);
	CU_ASSERT_TRUE(g_array_index(recording.entries, struct recorder_entry, 1).sample.told);
	CU_ASSERT_EQUAL_FATAL(delay_at(0)->culprits_count, 1);
	CU_ASSERT_EQUAL(delay_at(0)->culprits[0].tid, OTHER);
	recording_clear(&recording);
}

/* What some rings had no place for any more is of no use: the thread may have run where nothing is left. */
static void test_incomplete(void)
{
	open_recording(1);
	add_switch(5 * MS, OURS, OTHER, true);
	add_switch(50 * MS, OTHER, OURS, false);
	recording_replay(&recording);
	CU_ASSERT_EQUAL(recording.delays->len, 0);
	recording_clear(&recording);
}

static void test_lasts(void)
{
	open_recording(1);
	add_switch(50 * MS, OURS, OTHER, true);
	recording_replay(&recording);
	CU_ASSERT_TRUE(delay_at(0)->lasts);
	CU_ASSERT_EQUAL(delay_at(0)->ns, 950 * MS);
	recording_clear(&recording);
}

static void test_others(void)
{
	open_recording(0);
	add_switch(50 * MS, OURS, OTHER, true);
	add_switch(58 * MS, OTHER, OURS, false);
	recording_replay(&recording);
	CU_ASSERT_EQUAL(recording.delays->len, 0);
	recording_clear(&recording);
}

/* Before it had its CPUs it may have run where nobody saw it. */
static void test_later(void)
{
	open_recording(55 * MS);
	add_switch(50 * MS, OURS, OTHER, true);
	add_switch(58 * MS, OTHER, OURS, false);
	add_switch(60 * MS, OURS, OTHER, true);
	add_switch(63 * MS, OTHER, OURS, false);
	recording_replay(&recording);
	CU_ASSERT_EQUAL(recording.delays->len, 1);
	CU_ASSERT_EQUAL(delay_at(0)->start_ns, 60 * MS);
	recording_clear(&recording);
}

/* Of too many the longer ones stay. */
static void test_many(void)
{
	uint64_t i, time_ns = 20 * MS;
	guint longest = 0;

	open_recording(1);
	recording.end_ns = 100000 * MS;
	for (i = 0; i < 10000; i++) {
		add_switch(time_ns, OURS, OTHER, true);
		time_ns += MS + i;
		add_switch(time_ns, OTHER, OURS, false);
		time_ns += MS;
	}
	recording_replay(&recording);
	CU_ASSERT_TRUE(recording.delays->len > 0 && recording.delays->len < RECORDING_DELAYS_MAX);
	for (i = 0; i < recording.delays->len; i++)
		longest += delay_at((guint)i)->ns >= MS + 9000;
	CU_ASSERT_EQUAL(longest, 1000);
	recording_clear(&recording);
}

static const struct tap_test tests[] = {
	{"a thread that was pushed aside, and by whom", test_preempted},
	{"a thread that was woken", test_woken},
	{"what not all rings remember", test_incomplete},
	{"a wait that lasts", test_lasts},
	{"threads that are not traced", test_others},
	{"a thread that is traced later", test_later},
	{"more delays than there is place for", test_many},
};

TAP_MAIN("recording_replay", tests)
