/* SPDX-License-Identifier: MIT */
/* Probes of what is below the kernel: its own host, firmware. */
#include "check_item.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MSR_SMI_COUNT 0x34

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static int64_t read_smi_count(const struct check_host *host)
{
	uint64_t count = 0;
	int fd = openat(host->root_fd, "dev/cpu/0/msr", O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = pread(fd, &count, sizeof(count), MSR_SMI_COUNT);
	close(fd);
	/* The register has 32 bits. */
	return n == (ssize_t)sizeof(count) ? (int64_t)(count & UINT32_MAX) : -1;
}

/* The first line: "cpu" and the ticks in user, nice, system, idle, iowait, irq, softirq, steal. */
static void read_steal(const struct check_host *host, struct check_counters *ret)
{
	enum { FIELDS = 8 };
	char text[4096], *rest = text + 3, *end;
	uint64_t value = 0, total = 0;
	int i;

	ret->steal = ret->total = 0;
	if (check_read(host, "proc/stat", text, sizeof(text)) < 0 || strncmp(text, "cpu ", 4) != 0)
		return;
	for (i = 0; i < FIELDS; i++) {
		value = strtoull(rest, &end, 10);
		if (end == rest)
			return;
		rest = end;
		total += value;
	}
	ret->total = total;
	ret->steal = value;
}

void check_counters_read(const struct check_host *host, struct check_counters *ret_counters)
{
	read_steal(host, ret_counters);
	ret_counters->smi = read_smi_count(host);
}

void check_counters_again(const struct check_host *host, struct check_counters *ret_counters)
{
	uint64_t due = host->first_ns + host->watch_ns;
	struct timespec ts = {.tv_sec = (time_t)(due / 1000000000u), .tv_nsec = (long)(due % 1000000000u)};

	if (due > now_ns()) {
		while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR)
			;
	}
	check_counters_read(host, ret_counters);
}

int check_host_open(struct check_host *host, const char *root)
{
	host->root_fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (host->root_fd < 0)
		return -errno;
	check_counters_read(host, &host->first);
	host->first_ns = now_ns();
	return 0;
}

void check_host_close(struct check_host *host)
{
	close(host->root_fd);
}

void check_hypervisor(const struct check_host *host, struct check_item *item)
{
	int guest = check_cpu_flag(host, "hypervisor");

	if (guest < 0) {
		check_found(item, CHECK_UNKNOWN, "the CPU's flags are not readable");
	} else if (guest == 0) {
		check_found(item, CHECK_OK, "bare hardware");
	} else {
		check_found(item, CHECK_WARNING, "this machine is itself a guest");
		check_remedy(
			item,
			"for bounds that hold, run on bare hardware; else make its own host real-time first");
	}
}

/* What was stolen before, at the machine's own boot perhaps, is worth knowing and no reason to act. */
void check_steal(const struct check_host *host, struct check_item *item)
{
	struct check_counters again;
	uint64_t steal, total;

	check_counters_again(host, &again);
	if (again.total == 0 || again.total < host->first.total || again.steal < host->first.steal) {
		check_found(item, CHECK_UNKNOWN, "/proc/stat tells no steal time");
		return;
	}
	steal = again.steal - host->first.steal;
	total = again.total - host->first.total;
	check_found(item, steal > 0 ? CHECK_WARNING : CHECK_OK,
		    "%" PRIu64 " of %" PRIu64 " ticks now, %.2f %% since boot", steal, total,
		    100.0 * (double)again.steal / (double)again.total);
	if (item->state != CHECK_OK)
		check_remedy(item, "pin and prioritise this machine's vCPUs on its own host");
}

void check_smi(const struct check_host *host, struct check_item *item)
{
	struct check_counters again;

	check_counters_again(host, &again);
	if (again.smi < 0 || host->first.smi < 0) {
		check_found(item, CHECK_UNKNOWN, "the counter (MSR 0x34, Intel only) is not readable");
		check_remedy(item, "on Intel hardware: modprobe msr, and run this as root");
	} else if (again.smi != host->first.smi) {
		check_found(item, CHECK_WARNING, "%" PRId64 " within half a second",
			    again.smi - host->first.smi);
		check_remedy(item,
			     "firmware set-up: turn off USB legacy emulation, power management and error "
			     "reporting by SMI");
	} else {
		check_found(item, CHECK_OK, "%" PRId64 " since boot, none now", again.smi);
	}
}
