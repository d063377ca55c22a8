/* SPDX-License-Identifier: MIT */
/* How the guest fares, from /proc. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#include "agent.h"
#include "lines.h"

#define CPUS (1 + QRT_SHMEM_AGENT_CPUS_MAX) /* all of them, and those that have a share of their own */
#define EACH 8u                             /* of these in a value */

struct times {
	uint64_t busy, all; /* 0: not known */
};

/* What one look shows. */
struct look {
	struct times times[CPUS];
	uint64_t irqs;
	uint32_t online, listed;
};

struct load {
	struct times times[CPUS];
	const char *proc;
	uint64_t irqs;
	uint64_t at_ns;
	int is_first;
};

struct load *load_new(const char *proc)
{
	struct load *load = calloc(1, sizeof(*load));

	if (!load)
		return NULL;
	load->proc = proc;
	load->is_first = 1;
	return load;
}

void load_free(struct load *load)
{
	free(load);
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void publish(const struct device *device, uint32_t index, const char *name, uint16_t type,
		    const void *data, size_t size)
{
	struct qrt_shmem_value value = {.type = type, .size = (uint16_t)size};

	snprintf(value.name, sizeof(value.name), "%s", name);
	memcpy(value.is.data, data, size);
	qrt_shmem_publish(&device->view, device->slot, index, &value);
}

static void publish_text(const struct device *device, uint32_t index, const char *name, const char *text)
{
	size_t length = strlen(text);

	publish(device, index, name, QRT_SHMEM_TEXT, text,
		length < QRT_SHMEM_DATA_MAX ? length : QRT_SHMEM_DATA_MAX);
}

/* ---- /proc/stat ---- */

/* "cpu" or "cpu3", then user nice system idle iowait irq softirq steal, in ticks. Which of them; -1: no such
 * line. */
static int parse_cpu(const char *line, struct times *ret_times)
{
	uint64_t t[8] = {0};
	const char *at = line + 3;
	char *end;
	int cpu = -1, i;

	if (strncmp(line, "cpu", 3) != 0)
		return -1;
	if (*at != ' ') {
		cpu = (int)strtoul(at, &end, 10);
		at = end;
	}
	for (i = 0; i < 8; i++, at = end) {
		t[i] = strtoull(at, &end, 10);
		if (end == at)
			break;
	}
	if (i < 4)
		return -1;
	ret_times->all = 0;
	for (i = 0; i < 8; i++)
		ret_times->all += t[i];
	ret_times->busy = ret_times->all - t[3] - t[4];
	return cpu + 1;
}

/* -1: of one that was not there the last time, or is not now. */
static double share(const struct times *before, const struct times *now)
{
	uint64_t all = now->all - before->all, busy = now->busy - before->busy;

	if (!before->all || !now->all)
		return -1;
	return now->all <= before->all || busy > all ? 0 : (double)busy / (double)all;
}

/* 0 is all of them, n + 1 CPU n. */
static void take_cpu(struct look *look, uint32_t which, const struct times *now)
{
	look->online += which > 0;
	if (which >= CPUS)
		return;
	look->times[which] = *now;
	if (which > look->listed)
		look->listed = which;
}

static void read_stat(const char *proc, struct look *look)
{
	struct lines lines;
	char line[256];
	struct times now;
	int which;

	memset(look, 0, sizeof(*look));
	lines_open(&lines, proc, "stat");
	while (lines_next(&lines, line, sizeof(line))) {
		which = parse_cpu(line, &now);
		if (which >= 0)
			take_cpu(look, (uint32_t)which, &now);
		if (!strncmp(line, "intr ", 5))
			look->irqs = strtoull(line + 5, NULL, 10);
	}
	lines_close(&lines);
}

/* shares[0] is of all, shares[n + 1] of CPU n. */
static void publish_cpus(const struct device *device, const double *shares, const struct look *look)
{
	const uint64_t cpus[2] = {look->online, look->listed};
	uint32_t first, count, index = QRT_SHMEM_AGENT_CPU_8;
	char name[24];

	count = look->listed < EACH ? look->listed : EACH;
	publish(device, QRT_SHMEM_AGENT_CPU, "qrt.cpu", QRT_SHMEM_DOUBLE, shares,
		(1 + count) * sizeof(double));
	for (first = EACH; first < look->listed; first += EACH, index++) {
		count = look->listed - first < EACH ? look->listed - first : EACH;
		snprintf(name, sizeof(name), "qrt.cpu.%u", (unsigned int)first);
		publish(device, index, name, QRT_SHMEM_DOUBLE, shares + 1 + first, count * sizeof(double));
	}
	publish(device, QRT_SHMEM_AGENT_CPUS, "qrt.cpus", QRT_SHMEM_U64, cpus, sizeof(cpus));
}

static void publish_stat(struct load *load, const struct device *device)
{
	double shares[CPUS], rate;
	uint64_t now = now_ns();
	struct look look;
	uint32_t i;

	read_stat(load->proc, &look);
	for (i = 0; i < CPUS; i++)
		shares[i] = share(&load->times[i], &look.times[i]);
	memcpy(load->times, look.times, sizeof(look.times));
	rate = now > load->at_ns && look.irqs >= load->irqs
		       ? (double)(look.irqs - load->irqs) * 1e9 / (double)(now - load->at_ns)
		       : 0;
	load->irqs = look.irqs;
	load->at_ns = now;
	if (load->is_first)
		return;
	publish_cpus(device, shares, &look);
	publish(device, QRT_SHMEM_AGENT_IRQS, "qrt.irqs", QRT_SHMEM_DOUBLE, &rate, sizeof(rate));
}

/* ---- the rest ---- */

/* "0.20 0.18 0.12 1/80 11206": the fourth. */
static int parse_tasks(const char *line, uint64_t *ret_both)
{
	const char *slash = strchr(line, '/');
	char *end;

	while (slash && slash > line && slash[-1] != ' ')
		slash--;
	if (!slash)
		return -1;
	ret_both[0] = strtoull(slash, &end, 10);
	if (*end != '/')
		return -1;
	ret_both[1] = strtoull(end + 1, NULL, 10);
	return 0;
}

static void publish_tasks(const char *proc, const struct device *device)
{
	struct lines lines;
	uint64_t both[2];
	char line[128];
	int rc = -1;

	lines_open(&lines, proc, "loadavg");
	if (lines_next(&lines, line, sizeof(line)))
		rc = parse_tasks(line, both);
	lines_close(&lines);
	if (rc < 0)
		return;
	both[0] -= both[0] != 0; /* but for this agent */
	publish(device, QRT_SHMEM_AGENT_TASKS, "qrt.tasks", QRT_SHMEM_U64, both, sizeof(both));
}

/* "NAME:   123 kB", in bytes, where it is that. */
static void take_kib(const char *line, const char *name, uint64_t *bytes)
{
	size_t length = strlen(name);

	if (strncmp(line, name, length) == 0)
		*bytes = strtoull(line + length, NULL, 10) * 1024;
}

static void publish_memory(const char *proc, const struct device *device)
{
	struct lines lines;
	uint64_t both[2] = {0, 0};
	char line[256];

	lines_open(&lines, proc, "meminfo");
	while (lines_next(&lines, line, sizeof(line))) {
		take_kib(line, "MemAvailable:", &both[0]);
		take_kib(line, "MemTotal:", &both[1]);
	}
	lines_close(&lines);
	publish(device, QRT_SHMEM_AGENT_MEMORY, "qrt.memory", QRT_SHMEM_U64, both, sizeof(both));
}

static void publish_uptime(const struct device *device)
{
	struct timespec now;
	double seconds;

	clock_gettime(CLOCK_BOOTTIME, &now);
	seconds = (double)now.tv_sec + (double)now.tv_nsec / 1e9;
	publish(device, QRT_SHMEM_AGENT_UPTIME, "qrt.uptime", QRT_SHMEM_DOUBLE, &seconds, sizeof(seconds));
}

static void publish_names(const struct device *device, uint32_t interval_ms)
{
	uint64_t interval = interval_ms;
	struct utsname name;

	if (uname(&name) >= 0)
		publish_text(device, QRT_SHMEM_AGENT_KERNEL, "qrt.kernel", name.release);
	publish_text(device, QRT_SHMEM_AGENT_VERSION, "qrt.agent", QRT_AGENT_VERSION);
	publish(device, QRT_SHMEM_AGENT_INTERVAL, "qrt.interval", QRT_SHMEM_U64, &interval, sizeof(interval));
}

void load_publish(struct load *load, const struct device *device, uint32_t interval_ms)
{
	publish_stat(load, device);
	publish_tasks(load->proc, device);
	publish_memory(load->proc, device);
	publish_uptime(device);
	publish_names(device, interval_ms);
	load->is_first = 0;
}
