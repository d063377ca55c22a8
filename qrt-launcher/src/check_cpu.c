/* SPDX-License-Identifier: MIT */
/* Probes of the CPUs: frequency, idle states, isolation, siblings, interrupts. */
#include "check_item.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <qrt/shield.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static DIR *open_folder(const struct check_host *host, const char *path)
{
	int fd = openat(host->root_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir && fd >= 0)
		close(fd);
	return dir;
}

struct governors {
	int total, slow;
	char example[64]; /* one that is not "performance" */
};

static void count_governors(const struct check_host *host, const char *folder, const char *prefix,
			    const char *below, struct governors *sum)
{
	DIR *dir = open_folder(host, folder);
	struct dirent *entry;
	char path[512], name[64];

	while (dir && (entry = readdir(dir))) {
		if (strncmp(entry->d_name, prefix, strlen(prefix)) != 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s/%sscaling_governor", folder, entry->d_name, below);
		if (check_read(host, path, name, sizeof(name)) <= 0)
			continue;
		sum->total++;
		if (strcmp(name, "performance") != 0) {
			sum->slow++;
			snprintf(sum->example, sizeof(sum->example), "%s", name);
		}
	}
	if (dir)
		closedir(dir);
}

void check_governor(const struct check_host *host, struct check_item *item)
{
	struct governors sum = {0};

	count_governors(host, "sys/devices/system/cpu/cpufreq", "policy", "", &sum);
	if (sum.total == 0)
		count_governors(host, "sys/devices/system/cpu", "cpu", "cpufreq/", &sum);
	if (sum.total == 0) {
		check_found(item, CHECK_UNKNOWN,
			    "no cpufreq driver: the frequency is not this kernel's to set");
	} else if (sum.slow == 0) {
		check_found(item, CHECK_OK, "performance");
	} else {
		check_found(item, CHECK_WARNING, "%s on %d of %d", sum.example, sum.slow, sum.total);
		check_remedy(item, "cpupower frequency-set -g performance");
	}
}

struct idle_states {
	int count;
	int64_t latency; /* of the deepest that is on, us */
	char name[48];
};

static void find_deepest(const struct check_host *host, struct idle_states *ret)
{
	static const char folder[] = "sys/devices/system/cpu/cpu0/cpuidle";
	int64_t latency, disabled;
	char path[128];
	int i;

	for (i = 0; i < 16; i++) {
		snprintf(path, sizeof(path), "%s/state%d/latency", folder, i);
		if (check_read_number(host, path, &latency) < 0)
			break;
		ret->count++;
		snprintf(path, sizeof(path), "%s/state%d/disable", folder, i);
		disabled = 0;
		check_read_number(host, path, &disabled);
		if (disabled || latency < ret->latency)
			continue;
		ret->latency = latency;
		snprintf(path, sizeof(path), "%s/state%d/name", folder, i);
		check_read(host, path, ret->name, sizeof(ret->name));
	}
}

/* An exit latency from which on a wake-up is visibly late. */
#define IDLE_LATENCY_FINE_US 10

void check_idle_states(const struct check_host *host, struct check_item *item)
{
	bool can_hold = faccessat(host->root_fd, "dev/cpu_dma_latency", W_OK, AT_EACCESS) == 0;
	struct idle_states states = {0};

	find_deepest(host, &states);
	if (states.count == 0) {
		if (check_cpu_flag(host, "hypervisor") == 1)
			check_found(item, CHECK_UNKNOWN,
				    "none in this kernel; those of the machine's own host count");
		else
			check_found(item, CHECK_UNKNOWN, "no idle states are readable");
		return;
	}
	if (states.latency <= IDLE_LATENCY_FINE_US) {
		check_found(item, CHECK_OK, "deepest %s, %lld us", states.name, (long long)states.latency);
		return;
	}
	check_found(item, CHECK_WARNING, "deepest %s, %lld us; /dev/cpu_dma_latency %s", states.name,
		    (long long)states.latency, can_hold ? "can hold it" : "is not ours to write");
	check_remedy(
		item,
		"hold /dev/cpu_dma_latency at 0 while the VM runs (keep it open), or cpupower idle-set -D %d",
		IDLE_LATENCY_FINE_US);
}

/* Some kernels print "(null)" for an empty list. */
static int read_cpu_list(const struct check_host *host, const char *path, char *buf, size_t size)
{
	int r = check_read(host, path, buf, size);

	if (r >= 0 && !isdigit((unsigned char)buf[0]))
		buf[0] = '\0';
	return r;
}

/* True where CPUs are isolated while a shield is up. */
static bool is_shielded(const struct check_host *host, struct check_item *item)
{
	struct qrt_sched_cpus cpus;
	char list[128];

	if (!host->live || qrt_sched_shield_read(NULL, &cpus) < 0 ||
	    qrt_sched_cpus_format(&cpus, list, sizeof(list)) < 0)
		return false;
	check_found(item, CHECK_OK, "%s, by the shield that is up ('qrt-launcher shield' shows it)", list);
	return true;
}

void check_isolated(const struct check_host *host, struct check_item *item)
{
	char list[160], online[160] = "";

	if (read_cpu_list(host, "sys/devices/system/cpu/isolated", list, sizeof(list)) < 0) {
		check_found(item, CHECK_UNKNOWN, "the list of isolated CPUs is not readable");
		return;
	}
	if (list[0]) {
		check_found(item, CHECK_OK, "%s", list);
		return;
	}
	if (is_shielded(host, item))
		return;
	read_cpu_list(host, "sys/devices/system/cpu/online", online, sizeof(online));
	if (strcmp(online, "0") == 0) {
		check_found(item, CHECK_WARNING, "none, and there is one CPU only");
		check_remedy(item, "a machine with two CPUs or more: one for the host and the VM's I/O");
		return;
	}
	check_found(item, CHECK_WARNING, "none");
	check_remedy(item, "'qrt-launcher shield N --all' or 'run --shield', or boot with "
			   "isolcpus=managed_irq,domain,N for the vCPUs' CPUs N");
}

void check_nohz_full(const struct check_host *host, struct check_item *item)
{
	char list[160];

	if (read_cpu_list(host, "sys/devices/system/cpu/nohz_full", list, sizeof(list)) < 0) {
		check_absent(host, item, CHECK_WARNING, "sys/devices/system/cpu");
		if (item->state == CHECK_WARNING)
			check_remedy(item,
				     "a kernel with CONFIG_NO_HZ_FULL, booted with nohz_full=N rcu_nocbs=N");
	} else if (list[0]) {
		check_found(item, CHECK_OK, "%s", list);
	} else {
		check_found(item, CHECK_WARNING, "none");
		check_remedy(item, "boot with nohz_full=N rcu_nocbs=N for the vCPUs' CPUs N");
	}
}

void check_smt(const struct check_host *host, struct check_item *item)
{
	int64_t active;

	if (check_read_number(host, "sys/devices/system/cpu/smt/active", &active) < 0) {
		check_found(item, CHECK_UNKNOWN, "not readable");
	} else if (active == 0) {
		check_found(item, CHECK_OK, "no siblings are active");
	} else {
		check_found(item, CHECK_WARNING, "active");
		check_remedy(
			item,
			"leave the siblings of the vCPUs' CPUs idle "
			"(topology/thread_siblings_list), or echo off > /sys/devices/system/cpu/smt/control");
	}
}

static int find_process(const struct check_host *host, const char *comm)
{
	DIR *dir = open_folder(host, "proc");
	struct dirent *entry;
	char path[300], name[32];
	int found = 0;

	if (!dir)
		return -ENOENT;
	while (found == 0 && (entry = readdir(dir))) {
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		snprintf(path, sizeof(path), "proc/%s/comm", entry->d_name);
		found = check_read(host, path, name, sizeof(name)) > 0 && strcmp(name, comm) == 0;
	}
	closedir(dir);
	return found;
}

void check_irqbalance(const struct check_host *host, struct check_item *item)
{
	int found = find_process(host, "irqbalance");

	if (found < 0) {
		check_found(item, CHECK_UNKNOWN, "processes are not readable");
	} else if (found == 0) {
		check_found(item, CHECK_OK, "not running");
	} else {
		check_found(item, CHECK_WARNING, "running");
		check_remedy(
			item,
			"set IRQBALANCE_BANNED_CPULIST to the vCPUs' CPUs, or systemctl stop irqbalance");
	}
}
