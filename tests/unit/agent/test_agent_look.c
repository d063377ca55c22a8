/* SPDX-License-Identifier: MIT */
/* How a guest fares, by a /proc that the test makes. */
#include "agent.h"
#include "lines.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LENGTH (128u << 10)
#define SLOT   1u

static struct device device;
static struct load *load;
static char folder[64];
static unsigned allocations;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

void *__wrap_malloc(size_t size)
{
	allocations++;
	return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	allocations++;
	return __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
	allocations++;
	return __real_realloc(old, size);
}

static void write_file(const char *name, const char *text)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "we");
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	fputs(text, file);
	fclose(file);
}

/* CPU n is busy for n of 128 ticks in each turn; `hole` is not online. */
static void write_stat(uint32_t cpus, uint32_t hole, uint32_t turn)
{
	static char text[64 << 10];
	size_t length;
	uint32_t i;

	length = (size_t)snprintf(text, sizeof(text), "cpu  %u 0 0 %u 0 0 0 0 0 0\n", turn * 50, turn * 50);
	for (i = 0; i < cpus; i++) {
		if (i != hole)
			length += (size_t)snprintf(text + length, sizeof(text) - length,
						   "cpu%u %u 0 0 %u 0 0 0 0 0 0\n", (unsigned)i,
						   (unsigned)(turn * i), (unsigned)(turn * (128 - i)));
	}
	/* As many interrupts as make a line that is longer than any buffer. */
	length += (size_t)snprintf(text + length, sizeof(text) - length, "intr %u", turn * 1000);
	for (i = 0; i < 8000; i++)
		length += (size_t)snprintf(text + length, sizeof(text) - length, " 0");
	snprintf(text + length, sizeof(text) - length, "\nctxt 5\n");
	write_file("stat", text);
}

static void begin(void)
{
	snprintf(folder, sizeof(folder), "/tmp/qrt-agent-XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
	memset(&device, 0, sizeof(device));
	device.slot = SLOT;
	device.guest.memory = aligned_alloc(QRT_SHMEM_PAGE, LENGTH);
	CU_ASSERT_EQUAL_FATAL(
		qrt_shmem_make(device.guest.memory, LENGTH, 2, QRT_SHMEM_AGENT_VALUES, 4096, 4711), 0);
	CU_ASSERT_EQUAL_FATAL(qrt_shmem_attach(&device.view, device.guest.memory, LENGTH), 0);
	write_file("loadavg", "0.20 0.18 0.12 3/80 11206\n");
	write_file("meminfo", "MemTotal:        2048 kB\nMemFree: 1 kB\nMemAvailable:    1024 kB\n");
	load = load_new(folder);
	CU_ASSERT_PTR_NOT_NULL_FATAL(load);
}

static void end(void)
{
	static const char *const names[] = {"stat", "loadavg", "meminfo"};
	char path[128];
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		unlink(path);
	}
	rmdir(folder);
	load_free(load);
	free(device.guest.memory);
}

static struct qrt_shmem_value read_value(uint32_t index, const char *name)
{
	struct qrt_shmem_value value = {.size = 0};

	CU_ASSERT_EQUAL_FATAL(qrt_shmem_read_value(&device.view, SLOT, index, &value), 0);
	CU_ASSERT_STRING_EQUAL(value.name, name);
	return value;
}

static double share_of(uint32_t cpu)
{
	const uint32_t first = cpu / 8 * 8,
		       index = first ? QRT_SHMEM_AGENT_CPU_8 + first / 8 - 1 : QRT_SHMEM_AGENT_CPU;
	struct qrt_shmem_value value;
	char name[24] = "qrt.cpu";

	if (first)
		snprintf(name, sizeof(name), "qrt.cpu.%u", (unsigned)first);
	value = read_value(index, name);
	return value.is.real[cpu - first + (first ? 0 : 1)];
}

static void expect_cpus(uint64_t online, uint64_t listed)
{
	struct qrt_shmem_value value = read_value(QRT_SHMEM_AGENT_CPUS, "qrt.cpus");

	CU_ASSERT_EQUAL(value.size, 16);
	CU_ASSERT_EQUAL(value.is.u64[0], online);
	CU_ASSERT_EQUAL(value.is.u64[1], listed);
}

static void look_twice(uint32_t cpus, uint32_t hole)
{
	write_stat(cpus, hole, 1);
	load_publish(load, &device, 500);
	write_stat(cpus, hole, 2);
	load_publish(load, &device, 500);
}

static void many_cpus(void)
{
	uint32_t i;

	begin();
	look_twice(96, 5);
	expect_cpus(95, 64);
	CU_ASSERT_DOUBLE_EQUAL(read_value(QRT_SHMEM_AGENT_CPU, "qrt.cpu").is.real[0], 0.5, 1e-9);
	for (i = 0; i < 64; i++)
		CU_ASSERT_DOUBLE_EQUAL(share_of(i), i == 5 ? -1 : i / 128.0, 1e-9);
	end();
}

static void few_cpus(void)
{
	struct qrt_shmem_value value;

	begin();
	look_twice(1, 99);
	expect_cpus(1, 1);
	CU_ASSERT_EQUAL(read_value(QRT_SHMEM_AGENT_CPU, "qrt.cpu").size, 16);
	CU_ASSERT_EQUAL(qrt_shmem_read_value(&device.view, SLOT, QRT_SHMEM_AGENT_CPU_8, &value), -ENOENT);
	look_twice(9, 99);
	expect_cpus(9, 9);
	CU_ASSERT_EQUAL(read_value(QRT_SHMEM_AGENT_CPU_8, "qrt.cpu.8").size, 8);
	end();
}

/* One that comes has no share before it was there for a while, and one that goes has none. */
static void cpus_that_come_and_go(void)
{
	begin();
	look_twice(4, 2);
	CU_ASSERT_TRUE(share_of(2) < 0);
	write_stat(4, 99, 3);
	load_publish(load, &device, 500);
	expect_cpus(4, 4);
	CU_ASSERT_TRUE(share_of(2) < 0);
	write_stat(4, 1, 4);
	load_publish(load, &device, 500);
	CU_ASSERT_DOUBLE_EQUAL(share_of(2), 2 / 128.0, 1e-9);
	CU_ASSERT_TRUE(share_of(1) < 0);
	end();
}

static void the_rest(void)
{
	begin();
	look_twice(2, 99);
	CU_ASSERT_EQUAL(read_value(QRT_SHMEM_AGENT_TASKS, "qrt.tasks").is.u64[0], 2);
	CU_ASSERT_EQUAL(read_value(QRT_SHMEM_AGENT_MEMORY, "qrt.memory").is.u64[0], 1 << 20);
	CU_ASSERT_EQUAL(read_value(QRT_SHMEM_AGENT_MEMORY, "qrt.memory").is.u64[1], 2 << 20);
	CU_ASSERT_TRUE(read_value(QRT_SHMEM_AGENT_IRQS, "qrt.irqs").is.real[0] > 0);
	end();
}

/* Not in the middle of real-time work. */
static void it_allocates_nothing(void)
{
	begin();
	look_twice(64, 99);
	write_stat(64, 99, 3);
	allocations = 0;
	load_publish(load, &device, 500);
	CU_ASSERT_EQUAL(allocations, 0);
	end();
}

static void without_proc(void)
{
	struct qrt_shmem_value value;

	begin();
	load_free(load);
	load = load_new("/nowhere");
	load_publish(load, &device, 500);
	load_publish(load, &device, 500);
	expect_cpus(0, 0);
	CU_ASSERT_EQUAL(qrt_shmem_read_value(&device.view, SLOT, QRT_SHMEM_AGENT_TASKS, &value), -ENOENT);
	end();
}

static void lines_of_any_length(void)
{
	struct lines lines;
	char line[8];

	begin();
	write_file("stat", "\nshort\nlonger than that\nlast");
	lines_open(&lines, folder, "stat");
	CU_ASSERT_TRUE(lines_next(&lines, line, sizeof(line)) && !strcmp(line, ""));
	CU_ASSERT_TRUE(lines_next(&lines, line, sizeof(line)) && !strcmp(line, "short"));
	CU_ASSERT_TRUE(lines_next(&lines, line, sizeof(line)) && !strcmp(line, "longer "));
	CU_ASSERT_TRUE(lines_next(&lines, line, sizeof(line)) && !strcmp(line, "last"));
	CU_ASSERT_FALSE(lines_next(&lines, line, sizeof(line)));
	lines_close(&lines);
	end();
}

static const struct tap_test tests[] = {
	{"of 96 CPUs the first 64 have their share", many_cpus},
	{"few CPUs", few_cpus},
	{"CPUs that come and go", cpus_that_come_and_go},
	{"tasks, memory, interrupts", the_rest},
	{"a look allocates nothing", it_allocates_nothing},
	{"without /proc", without_proc},
	{"lines of any length", lines_of_any_length},
};

TAP_MAIN("agent_look", tests)
