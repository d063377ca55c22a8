/* SPDX-License-Identifier: MIT */
#include "agent_load.h"
#include "tap.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LENGTH (128u << 10)

static struct qrt_shmem_view view;
static void *memory;

static void begin(void)
{
	memory = aligned_alloc(QRT_SHMEM_PAGE, LENGTH);
	CU_ASSERT_EQUAL_FATAL(qrt_shmem_make(memory, LENGTH, 2, QRT_SHMEM_AGENT_VALUES, 4096, 4711), 0);
	CU_ASSERT_EQUAL_FATAL(qrt_shmem_attach(&view, memory, LENGTH), 0);
}

static void publish(uint32_t index, uint16_t type, const void *data, size_t size)
{
	struct qrt_shmem_value value = {.type = type, .size = (uint16_t)size};

	memcpy(value.is.data, data, size);
	CU_ASSERT_EQUAL(qrt_shmem_publish(&view, 1, index, &value), 0);
}

static void publish_real(uint32_t index, double number)
{
	publish(index, QRT_SHMEM_DOUBLE, &number, sizeof(number));
}

static void publish_pair(uint32_t index, uint64_t a, uint64_t b)
{
	const uint64_t both[2] = {a, b};

	publish(index, QRT_SHMEM_U64, both, sizeof(both));
}

static void expect_nothing(void)
{
	struct agent_load load;

	agent_load_read(&view, 1, &load);
	CU_ASSERT_TRUE(load.cpu < 0 && load.interrupts < 0 && load.uptime < 0);
	CU_ASSERT_TRUE(load.runnable < 0 && load.tasks < 0 && load.available < 0 && load.memory < 0);
	CU_ASSERT_TRUE(load.interval_ms < 0);
}

static void nothing_is_said(void)
{
	struct agent_load load;

	begin();
	expect_nothing();
	agent_load_read(&view, 1, &load);
	CU_ASSERT_STRING_EQUAL(load.kernel, "");
	free(memory);
}

static void what_an_agent_says(void)
{
	const uint64_t interval = 500;
	struct agent_load load;

	begin();
	publish_real(QRT_SHMEM_AGENT_CPU, 0.25);
	publish_pair(QRT_SHMEM_AGENT_TASKS, 2, 56);
	publish_pair(QRT_SHMEM_AGENT_MEMORY, 1 << 20, 4 << 20);
	publish_real(QRT_SHMEM_AGENT_IRQS, 100);
	publish_real(QRT_SHMEM_AGENT_UPTIME, 7.5);
	publish(QRT_SHMEM_AGENT_INTERVAL, QRT_SHMEM_U64, &interval, sizeof(interval));
	publish(QRT_SHMEM_AGENT_KERNEL, QRT_SHMEM_TEXT, "6.1.0-rt", 8);
	agent_load_read(&view, 1, &load);
	CU_ASSERT_TRUE(load.cpu == 0.25 && load.interrupts == 100 && load.uptime == 7.5);
	CU_ASSERT_TRUE(load.runnable == 2 && load.tasks == 56);
	CU_ASSERT_TRUE(load.available == 1 << 20 && load.memory == 4 << 20);
	CU_ASSERT_EQUAL(load.interval_ms, 500);
	CU_ASSERT_STRING_EQUAL(load.kernel, "6.1.0-rt");
	free(memory);
}

static void publish_shares(uint32_t index, double first, uint32_t count)
{
	double shares[QRT_SHMEM_DATA_MAX / 8];
	uint32_t i;

	for (i = 0; i < count; i++)
		shares[i] = first + i / 128.0;
	publish(index, QRT_SHMEM_DOUBLE, shares, count * sizeof(double));
}

static void every_cpu_has_its_share(void)
{
	struct agent_load load;
	uint32_t i;

	begin();
	publish_shares(QRT_SHMEM_AGENT_CPU, 0, 9);
	for (i = 1; i < 8; i++)
		publish_shares(QRT_SHMEM_AGENT_CPU_8 + i - 1, (1 + i * 8) / 128.0, 8);
	publish_pair(QRT_SHMEM_AGENT_CPUS, 96, 64);
	agent_load_read(&view, 1, &load);
	CU_ASSERT_TRUE(load.cpu == 0 && load.cpus == 96 && load.listed == 64);
	for (i = 0; i < 64; i++)
		CU_ASSERT_TRUE(load.each[i] == (i + 1) / 128.0);
	/* Of fewer, what lies behind them is older. */
	publish_pair(QRT_SHMEM_AGENT_CPUS, 9, 10);
	agent_load_read(&view, 1, &load);
	CU_ASSERT_TRUE(load.cpus == 9 && load.listed == 10 && load.each[9] == 10 / 128.0 &&
		       load.each[10] < 0);
	free(memory);
}

static void nonsense_of_cpus(void)
{
	static const double numbers[] = {0.5, NAN, -1, 0.25, 1.5, INFINITY, 1, 0};
	static const bool is_known[] = {true, false, false, true, false, false, true, true};
	struct agent_load load;
	uint32_t i;

	begin();
	publish(QRT_SHMEM_AGENT_CPU_8, QRT_SHMEM_DOUBLE, numbers, sizeof(numbers));
	agent_load_read(&view, 1, &load);
	CU_ASSERT_TRUE(load.cpus < 0 && load.listed < 0 && load.each[8] < 0);
	publish_pair(QRT_SHMEM_AGENT_CPUS, 64, 65);
	agent_load_read(&view, 1, &load);
	CU_ASSERT_TRUE(load.cpus < 0 && load.listed < 0 && load.each[8] < 0);
	publish_pair(QRT_SHMEM_AGENT_CPUS, 64, 64);
	agent_load_read(&view, 1, &load);
	CU_ASSERT_TRUE(load.listed == 64);
	for (i = 0; i < 64; i++)
		CU_ASSERT_EQUAL(load.each[i] >= 0, i >= 8 && i < 16 && is_known[i - 8]);
	free(memory);
}

static void nonsense(void)
{
	static const double numbers[] = {NAN, INFINITY, -INFINITY, -0.5, 1e300};
	const uint64_t interval = UINT64_MAX;
	size_t i;

	begin();
	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		publish_real(QRT_SHMEM_AGENT_CPU, numbers[i]);
		publish_real(QRT_SHMEM_AGENT_IRQS, numbers[i]);
		publish_real(QRT_SHMEM_AGENT_UPTIME, numbers[i]);
		expect_nothing();
	}
	publish_pair(QRT_SHMEM_AGENT_TASKS, 57, 56);
	publish_pair(QRT_SHMEM_AGENT_MEMORY, 1, UINT64_MAX);
	publish(QRT_SHMEM_AGENT_INTERVAL, QRT_SHMEM_U64, &interval, sizeof(interval));
	expect_nothing();
	/* Of another type, or without a number in it. */
	publish_pair(QRT_SHMEM_AGENT_CPU, 0, 0);
	publish(QRT_SHMEM_AGENT_TASKS, QRT_SHMEM_U64, &interval, sizeof(interval));
	publish(QRT_SHMEM_AGENT_UPTIME, QRT_SHMEM_DOUBLE, &interval, 0);
	expect_nothing();
	free(memory);
}

static void text_of_any_bytes(void)
{
	char text[QRT_SHMEM_DATA_MAX];
	struct agent_load load;
	size_t i;

	begin();
	for (i = 0; i < sizeof(text); i++)
		text[i] = (char)(i * 7 + 27);
	publish(QRT_SHMEM_AGENT_VERSION, QRT_SHMEM_TEXT, text, sizeof(text));
	agent_load_read(&view, 1, &load);
	CU_ASSERT_EQUAL(strlen(load.version), sizeof(text));
	for (i = 0; i < sizeof(text); i++)
		CU_ASSERT_TRUE(load.version[i] > ' ' && load.version[i] < 127);
	free(memory);
}

/* A guest may write whatever it likes to all of it, also while it is read. */
static void random_memory(void)
{
	unsigned char *bytes;
	struct agent_load load;
	uint32_t i, round;

	begin();
	bytes = memory;
	srand(1);
	for (round = 0; round < 200; round++) {
		for (i = 0; i < 4096; i++)
			bytes[(uint32_t)rand() % LENGTH] = (unsigned char)rand();
		agent_load_read(&view, 1, &load);
		CU_ASSERT_TRUE(load.cpu <= 1 && load.runnable <= load.tasks &&
			       load.interval_ms <= AGENT_LOAD_INTERVAL_MAX);
	}
	free(memory);
}

static const struct tap_test tests[] = {
	{"nothing is said", nothing_is_said},
	{"what an agent says", what_an_agent_says},
	{"every CPU has its share", every_cpu_has_its_share},
	{"nonsense of CPUs", nonsense_of_cpus},
	{"nonsense is nothing", nonsense},
	{"a text of any bytes is printable", text_of_any_bytes},
	{"memory of any content", random_memory},
};

TAP_MAIN("agent_load", tests)
