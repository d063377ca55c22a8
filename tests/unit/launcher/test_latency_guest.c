/* SPDX-License-Identifier: MIT */
#include "latency.h"
#include "tap.h"

#include <string.h>

static struct latency_options options;
static struct latency latency;
static struct qrt_shmem_agent_result result;

static void begin(void)
{
	memset(&options, 0, sizeof(options));
	memset(&latency, 0, sizeof(latency));
	memset(&result, 0, sizeof(result));
	options.length_ns = 1000000000;
	latency.options = &options;
	result.min_ns = UINT64_MAX;
}

/* As the agent does. */
static void count(uint64_t late_ns, uint32_t times)
{
	result.count += times;
	result.sum_ns += late_ns * times;
	result.min_ns = MIN(result.min_ns, late_ns);
	result.max_ns = MAX(result.max_ns, late_ns);
	result.buckets[qrt_shmem_agent_bucket(late_ns)] += times;
}

static const struct latency_thread *take(void)
{
	CU_ASSERT_EQUAL_FATAL(latency_guest_take(&latency, &result), 0);
	CU_ASSERT_EQUAL(latency.count, 1);
	return &latency.threads[0];
}

static void end(void)
{
	latency_histogram_clear(&latency.threads[0].histogram);
}

static void the_numbers(void)
{
	const struct latency_thread *thread;
	char text[256];

	begin();
	options.priority = 7;
	options.cpu = 1 + 3;
	count(1234, 1);
	count(50000, 98);
	count(777777, 1);
	thread = take();
	CU_ASSERT_TRUE(thread->is_guest && !thread->is_planned);
	CU_ASSERT_TRUE(thread->histogram.min_ns == 1234 && thread->histogram.max_ns == 777777);
	CU_ASSERT_EQUAL(thread->histogram.count, 100);
	CU_ASSERT_EQUAL(thread->histogram.counts[53], 98); /* 49152 to 53247 ns */
	CU_ASSERT_EQUAL(latency_histogram_get_share(&thread->histogram, 5000), 53);
	CU_ASSERT_EQUAL(latency_histogram_get_share(&thread->histogram, 10000), 777);
	CU_ASSERT_TRUE(qrt_sched_setting_describe(&thread->setting, text, sizeof(text)) > 0);
	CU_ASSERT_STRING_EQUAL(text, "fifo 7 on 3");
	CU_ASSERT_EQUAL(latency.end_ns - latency.start_ns, 1000000000);
	end();
}

/* Whatever the latencies: each share is what it was, or above it by an eighth at most. */
static void shares(void)
{
	static const uint32_t wanted[] = {1, 5000, 9900, 9990, 9999, 10000};
	const struct latency_thread *thread;
	uint64_t late[1000], exact, told;
	size_t i, n;

	begin();
	for (i = 0; i < G_N_ELEMENTS(late); i++) {
		late[i] = i * i * 61 + 900; /* in order */
		count(late[i], 1);
	}
	thread = take();
	for (i = 0; i < G_N_ELEMENTS(wanted); i++) {
		n = (wanted[i] * G_N_ELEMENTS(late) + 9999) / 10000;
		exact = late[n - 1];
		told = latency_histogram_get_share(&thread->histogram, wanted[i]);
		CU_ASSERT_TRUE(told >= exact / 1000 && told <= (exact + exact / 8) / 1000);
	}
	end();
}

static void the_longest_ones(void)
{
	const struct latency_thread *thread;

	begin();
	count(UINT64_C(600000000000), 3);
	count(0, 1);
	thread = take();
	CU_ASSERT_TRUE(thread->histogram.beyond == 3 && thread->histogram.counts[0] == 1);
	CU_ASSERT_EQUAL(latency_histogram_get_share(&thread->histogram, 9999), 600000000);
	end();
}

/* One bucket may be on both sides of the mark: it is exact whether one was over, and not how many. */
static void the_mark(void)
{
	begin();
	count(50000, 5);
	count(52000, 5);
	count(70000, 2);
	options.over_ns = 51000;
	CU_ASSERT_EQUAL(take()->overs, 2);
	end();
	options.over_ns = 69999;
	CU_ASSERT_EQUAL(take()->overs, 1);
	CU_ASSERT_EQUAL(latency_judge(&latency), LATENCY_FAILED);
	end();
	options.over_ns = 70000;
	CU_ASSERT_EQUAL(take()->overs, 0);
	CU_ASSERT_EQUAL(latency_judge(&latency), LATENCY_PASSED);
	end();
	options.over_ns = 1;
	CU_ASSERT_EQUAL(take()->overs, 12);
	end();
}

static const struct tap_test tests[] = {
	{"numbers and setting", the_numbers},
	{"a share is never below what it was", shares},
	{"latencies beyond the histogram", the_longest_ones},
	{"a mark is exact", the_mark},
};

TAP_MAIN("latency_guest", tests)
