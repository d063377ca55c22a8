/* SPDX-License-Identifier: MIT */
#include "recording_delays.h"
#include "tap.h"

#include <string.h>

#define MS UINT64_C(1000000)

static struct {
	size_t count;
	struct blame_delay delays[8];
} found;

static void note(void *context, const struct blame_delay *delay)
{
	(void)context;
	if (found.count < G_N_ELEMENTS(found.delays))
		found.delays[found.count] = *delay;
	found.count++;
}

static void add_sample(struct recording *recording, int32_t tid, uint64_t end_ms, uint64_t delay_ms,
		       uint64_t run_ms, uint64_t arrivals, int32_t cpu)
{
	struct recorder_entry entry = {.kind = RECORDER_SAMPLE, .tid = tid, .time_ns = end_ms * MS};

	entry.took_ns = 20 * MS;
	entry.sample.delay_ns = delay_ms * MS;
	entry.sample.run_ns = run_ms * MS;
	entry.sample.arrivals = arrivals;
	entry.sample.cpu = cpu;
	g_array_append_val(recording->entries, entry);
}

static uint64_t find(struct recording *recording, uint64_t over_ms)
{
	uint64_t possible;

	memset(&found, 0, sizeof(found));
	possible = recording_find_delays(recording, over_ms * MS, note, NULL);
	recording_clear(recording);
	return possible;
}

static void test_one_wake(void)
{
	struct recording recording;

	recording_init(&recording);
	add_sample(&recording, 1, 100, 8, 1, 1, 3);
	add_sample(&recording, 1, 120, 1, 1, 1, 3);
	CU_ASSERT_EQUAL(find(&recording, 5), 0);
	CU_ASSERT_EQUAL_FATAL(found.count, 1);
	CU_ASSERT_EQUAL(found.delays[0].kind, BLAME_WOKEN);
	CU_ASSERT_EQUAL(found.delays[0].ns, 8 * MS);
	CU_ASSERT_EQUAL(found.delays[0].least_ns, 8 * MS);
	CU_ASSERT_EQUAL(found.delays[0].start_ns, 92 * MS);
	CU_ASSERT_EQUAL(found.delays[0].cpu, 3);
}

/* Of several wake-ups one waited at least the mean. */
static void test_several(void)
{
	struct recording recording;

	recording_init(&recording);
	add_sample(&recording, 1, 100, 8, 1, 4, -1);
	add_sample(&recording, 1, 120, 18, 1, 3, -1);
	CU_ASSERT_EQUAL(find(&recording, 5), 1);
	CU_ASSERT_EQUAL_FATAL(found.count, 1);
	CU_ASSERT_EQUAL(found.delays[0].least_ns, 6 * MS);
	CU_ASSERT_EQUAL(found.delays[0].ns, 18 * MS);
	CU_ASSERT_EQUAL(found.delays[0].wakes, 3);
}

/* A wait that is longer than the time between two looks counts when it ends. */
static void test_long(void)
{
	struct recording recording;

	recording_init(&recording);
	add_sample(&recording, 1, 900, 700, 1, 1, -1);
	find(&recording, 5);
	CU_ASSERT_EQUAL_FATAL(found.count, 1);
	CU_ASSERT_EQUAL(found.delays[0].start_ns, 200 * MS);
	CU_ASSERT_EQUAL_FATAL(found.delays[0].culprits_count, 1);
	CU_ASSERT_EQUAL(found.delays[0].culprits[0].tid, BLAME_TID_UNKNOWN);
}

/* Thread 2 ran on the same CPU for half of the time, 3 on another one. */
static void test_culprits(void)
{
	struct recording recording;

	recording_init(&recording);
	add_sample(&recording, 2, 100, 0, 10, 1, 3);
	add_sample(&recording, 3, 100, 0, 20, 1, 2);
	add_sample(&recording, 1, 100, 20, 0, 1, 3);
	find(&recording, 5);
	CU_ASSERT_EQUAL_FATAL(found.count, 1);
	CU_ASSERT_EQUAL_FATAL(found.delays[0].culprits_count, 2);
	CU_ASSERT_EQUAL(found.delays[0].culprits[0].ns + found.delays[0].culprits[1].ns, 20 * MS);
	CU_ASSERT_EQUAL(found.delays[0].culprits[0].ns, 10 * MS);
	CU_ASSERT_TRUE(found.delays[0].culprits[0].tid == 2 || found.delays[0].culprits[1].tid == 2);
}

static void test_many_culprits(void)
{
	struct recording recording;
	uint64_t sum_ns = 0;
	int32_t tid;
	size_t i;

	recording_init(&recording);
	for (tid = 2; tid < 20; tid++)
		add_sample(&recording, tid, 100, 0, 4, 1, 3);
	add_sample(&recording, 1, 100, 20, 0, 1, 3);
	find(&recording, 5);
	CU_ASSERT_EQUAL_FATAL(found.count, 1);
	for (i = 0; i < found.delays[0].culprits_count; i++)
		sum_ns += found.delays[0].culprits[i].ns;
	CU_ASSERT_EQUAL(sum_ns, 20 * MS);
}

static void test_mutex(void)
{
	struct recording recording;
	struct recorder_entry entry = {
		.kind = RECORDER_MUTEX, .tid = 1, .time_ns = 50 * MS, .took_ns = 6 * MS};

	recording_init(&recording);
	entry.mutex.owner = 2;
	g_array_append_val(recording.entries, entry);
	entry.took_ns = 4 * MS;
	g_array_append_val(recording.entries, entry);
	find(&recording, 5);
	CU_ASSERT_EQUAL_FATAL(found.count, 1);
	CU_ASSERT_EQUAL(found.delays[0].kind, BLAME_MUTEX);
	CU_ASSERT_EQUAL(found.delays[0].start_ns, 44 * MS);
	CU_ASSERT_EQUAL(found.delays[0].owner, 2);
}

static void add_starving(struct recording *recording, int32_t tid, uint64_t end_ms, uint64_t ms)
{
	struct recorder_entry entry = {.kind = RECORDER_STARVES, .tid = tid};

	entry.time_ns = end_ms * MS;
	entry.took_ns = ms * MS;
	entry.sample.cpu = 1;
	g_array_append_val(recording->entries, entry);
}

/* The last word of one that waits still; who ran in the end has its wait in its account. */
static void test_starves(void)
{
	struct recording recording;

	recording_init(&recording);
	add_starving(&recording, 1, 5000, 2000);
	add_starving(&recording, 2, 5000, 2000);
	add_starving(&recording, 1, 5200, 2200);
	add_sample(&recording, 2, 5300, 2300, 1, 1, 1);
	find(&recording, 5);
	CU_ASSERT_EQUAL_FATAL(found.count, 2);
	CU_ASSERT_EQUAL(found.delays[0].tid, 1);
	CU_ASSERT_TRUE(found.delays[0].lasts);
	CU_ASSERT_EQUAL(found.delays[0].ns, 2200 * MS);
	CU_ASSERT_EQUAL(found.delays[0].start_ns, 3000 * MS);
	CU_ASSERT_EQUAL(found.delays[1].tid, 2);
	CU_ASSERT_FALSE(found.delays[1].lasts);
	CU_ASSERT_EQUAL(found.delays[1].ns, 2300 * MS);
}

/* What the switches say takes the place of the account, from when on there are any. */
static void test_traced(void)
{
	struct recording recording;
	struct recorder_thread thread = {.tid = 1, .traced_ns = 1};
	struct blame_delay delay = {
		.kind = BLAME_PREEMPTED, .tid = 1, .start_ns = 200 * MS, .ns = 9 * MS, .least_ns = 9 * MS};

	recording_init(&recording);
	recording.traced_ns = 150 * MS;
	g_array_append_val(recording.threads, thread);
	add_sample(&recording, 1, 100, 8, 1, 1, 3);
	add_sample(&recording, 1, 180, 9, 1, 1, 3);
	g_array_index(recording.entries, struct recorder_entry, 1).sample.told = true;
	add_sample(&recording, 1, 220, 9, 1, 1, 3);
	add_sample(&recording, 2, 220, 7, 1, 1, 3);
	add_starving(&recording, 1, 5000, 2000);
	g_array_append_val(recording.delays, delay);
	delay.least_ns = 2 * MS;
	delay.lasts = true;
	delay.start_ns = 2900 * MS;
	delay.ns = 2100 * MS;
	g_array_append_val(recording.delays, delay);
	CU_ASSERT_EQUAL(find(&recording, 5), 1);
	CU_ASSERT_EQUAL_FATAL(found.count, 3);
	CU_ASSERT_EQUAL(found.delays[0].start_ns, 92 * MS);
	CU_ASSERT_EQUAL(found.delays[1].tid, 2);
	CU_ASSERT_EQUAL(found.delays[2].kind, BLAME_PREEMPTED);
}

/* What began before the switches go back is in the accounts alone. */
static void test_older(void)
{
	struct recording recording;
	struct recorder_thread thread = {.tid = 1, .traced_ns = 1};

	recording_init(&recording);
	recording.traced_ns = 4000 * MS;
	g_array_append_val(recording.threads, thread);
	add_sample(&recording, 1, 4500, 3000, 1, 1, 3);
	add_sample(&recording, 1, 4600, 50, 1, 1, 3);
	g_array_index(recording.entries, struct recorder_entry, 1).sample.told = true;
	add_starving(&recording, 1, 7000, 2000);
	find(&recording, 5);
	CU_ASSERT_EQUAL_FATAL(found.count, 2);
	CU_ASSERT_EQUAL(found.delays[0].ns, 3000 * MS);
	CU_ASSERT_TRUE(found.delays[1].lasts);
}

/* No number in a file may lead outside of what is there. */
static void test_hostile(void)
{
	struct recording recording;
	struct recorder_entry entry = {.kind = RECORDER_SAMPLE, .tid = 1, .time_ns = 10, .took_ns = 10};

	recording_init(&recording);
	entry.sample.delay_ns = entry.sample.run_ns = entry.sample.arrivals = INT64_MAX;
	entry.sample.cpu = INT32_MAX;
	g_array_append_val(recording.entries, entry);
	entry.tid = 2;
	g_array_append_val(recording.entries, entry);
	find(&recording, 5);
	CU_ASSERT_EQUAL(found.count, 0);
}

static const struct tap_test tests[] = {
	{"a wait with one wake-up is exact", test_one_wake},
	{"several wake-ups bound it", test_several},
	{"a long wait began before", test_long},
	{"who ran on the same CPU", test_culprits},
	{"more culprits than there is place for", test_many_culprits},
	{"waits for mutexes", test_mutex},
	{"a thread that waits still", test_starves},
	{"what switches say goes before accounts", test_traced},
	{"what is older than the switches", test_older},
	{"numbers out of any range", test_hostile},
};

TAP_MAIN("recording_delays", tests)
