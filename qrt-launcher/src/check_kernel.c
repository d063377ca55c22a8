/* SPDX-License-Identifier: MIT */
/* Probes of how the kernel is built and set. */
#include "check_item.h"

#include <gio/gio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "none voluntary (full) lazy": the word in parentheses. */
static int take_marked_word(const char *text, char open, char close, char *ret, size_t size)
{
	const char *start = strchr(text, open);
	const char *end = start ? strchr(start, close) : NULL;

	if (!end || (size_t)(end - start) > size)
		return -1;
	snprintf(ret, size, "%.*s", (int)(end - start - 1), start + 1);
	return 0;
}

static int preempt_of_debugfs(const struct check_host *host, char *ret, size_t size)
{
	char text[128];

	if (check_read(host, "sys/kernel/debug/sched/preempt", text, sizeof(text)) < 0)
		return -1;
	return take_marked_word(text, '(', ')', ret, size);
}

static int preempt_of_command_line(const struct check_host *host, char *ret, size_t size)
{
	static const char key[] = "preempt=";
	char text[4096], *word, *rest = text;

	if (check_read(host, "proc/cmdline", text, sizeof(text)) < 0)
		return -1;
	while ((word = strsep(&rest, " \n"))) {
		if (strncmp(word, key, sizeof(key) - 1) == 0) {
			snprintf(ret, size, "%s", word + sizeof(key) - 1);
			return 0;
		}
	}
	return -1;
}

static gboolean read_compressed(const struct check_host *host, char *buf, size_t size)
{
	g_autofree char *path = g_strdup_printf("/proc/self/fd/%d/proc/config.gz", host->root_fd);
	g_autoptr(GFile) file = g_file_new_for_path(path);
	g_autoptr(GFileInputStream) raw = g_file_read(file, NULL, NULL);
	g_autoptr(GZlibDecompressor) gunzip = g_zlib_decompressor_new(G_ZLIB_COMPRESSOR_FORMAT_GZIP);
	g_autoptr(GInputStream) plain = NULL;
	gsize len = 0;

	if (!raw)
		return FALSE;
	plain = g_converter_input_stream_new(G_INPUT_STREAM(raw), G_CONVERTER(gunzip));
	if (!g_input_stream_read_all(plain, buf, size - 1, &len, NULL, NULL))
		return FALSE;
	buf[len] = '\0';
	return TRUE;
}

static gboolean read_kernel_config(const struct check_host *host, char *buf, size_t size)
{
	char release[128], path[160];

	if (read_compressed(host, buf, size))
		return TRUE;
	if (check_read(host, "proc/sys/kernel/osrelease", release, sizeof(release)) < 0)
		return FALSE;
	snprintf(path, sizeof(path), "boot/config-%s", release);
	return check_read(host, path, buf, size) >= 0;
}

static int preempt_of_config(const struct check_host *host, char *ret, size_t size)
{
	static const struct {
		const char *line, *model;
	} known[] = {
		{"\nCONFIG_PREEMPT_RT=y\n", "rt"},     {"\nCONFIG_PREEMPT_LAZY=y\n", "lazy"},
		{"\nCONFIG_PREEMPT=y\n", "full"},      {"\nCONFIG_PREEMPT_VOLUNTARY=y\n", "voluntary"},
		{"\nCONFIG_PREEMPT_NONE=y\n", "none"},
	};
	enum { CONFIG_MAX = 512 * 1024 };
	g_autofree char *text = g_malloc(CONFIG_MAX);
	size_t i;

	if (!read_kernel_config(host, text, CONFIG_MAX))
		return -1;
	for (i = 0; i < G_N_ELEMENTS(known); i++) {
		if (strstr(text, known[i].line)) {
			snprintf(ret, size, "%s", known[i].model);
			return 0;
		}
	}
	return -1;
}

static gboolean is_preempt_rt(const struct check_host *host, const char *version)
{
	int64_t realtime;

	return (check_read_number(host, "sys/kernel/realtime", &realtime) == 0 && realtime == 1) ||
	       strstr(version, "PREEMPT_RT");
}

static gboolean find_preempt_model(const struct check_host *host, const char *version, char *ret, size_t size)
{
	if (preempt_of_debugfs(host, ret, size) == 0)
		return TRUE;
	if (strstr(version, "PREEMPT_DYNAMIC") && preempt_of_command_line(host, ret, size) == 0)
		return TRUE;
	if (preempt_of_config(host, ret, size) == 0)
		return TRUE;
	if (strstr(version, "PREEMPT") && !strstr(version, "PREEMPT_DYNAMIC")) {
		snprintf(ret, size, "full");
		return TRUE;
	}
	return FALSE;
}

void check_preemption(const struct check_host *host, struct check_item *item)
{
	char version[256] = "", model[32];
	int readable = check_read(host, "proc/sys/kernel/version", version, sizeof(version));

	if (is_preempt_rt(host, version)) {
		check_found(item, CHECK_OK, "PREEMPT_RT");
		return;
	}
	check_remedy(item, "boot a PREEMPT_RT kernel (Debian: linux-image-rt-amd64)");
	if (find_preempt_model(host, version, model, sizeof(model))) {
		check_found(item, CHECK_WARNING, "%s, not PREEMPT_RT", model);
		if (strcmp(model, "full") != 0)
			check_remedy(item,
				     "boot a PREEMPT_RT kernel (Debian: linux-image-rt-amd64), or this one "
				     "with preempt=full");
		return;
	}
	if (readable < 0)
		check_found(item, CHECK_UNKNOWN, "the kernel's version is not readable");
	else if (strstr(version, "PREEMPT_DYNAMIC"))
		check_found(item, CHECK_WARNING, "PREEMPT_DYNAMIC, model not readable, not PREEMPT_RT");
	else
		check_found(item, CHECK_WARNING, "none or voluntary, not PREEMPT_RT");
}

/* From Linux 6.12 on a deadline server serves starving time-sharing tasks instead. */
static gboolean has_fair_server(const struct check_host *host)
{
	char release[128], *rest;
	unsigned long major, minor;

	if (check_read(host, "proc/sys/kernel/osrelease", release, sizeof(release)) < 0)
		return FALSE;
	major = strtoul(release, &rest, 10);
	minor = *rest == '.' ? strtoul(rest + 1, NULL, 10) : 0;
	return major > 6 || (major == 6 && minor >= 12);
}

/* How many ms time-sharing tasks wait for their turn, where real-time threads never sleep. */
static long long find_wait(const struct check_host *host)
{
	int64_t runtime = 50000000, period = 1000000000;

	check_read_number(host, "sys/kernel/debug/sched/fair_server/cpu0/runtime", &runtime);
	check_read_number(host, "sys/kernel/debug/sched/fair_server/cpu0/period", &period);
	return (period - runtime) / 1000000;
}

static void judge_server(const struct check_host *host, struct check_item *item, int64_t runtime,
			 int64_t period)
{
	check_found(item, CHECK_WARNING,
		    "%lld of %lld us, and a deadline server for starving time-sharing tasks, which wait for "
		    "it up to "
		    "%lld ms",
		    (long long)runtime, (long long)period, find_wait(host));
	check_remedy(
		item,
		"keep other tasks off the vCPUs' CPUs, or sysctl kernel.sched_rt_runtime_us=-1 and 0 "
		"in /sys/kernel/debug/sched/fair_server/cpuN/runtime; leave a CPU to the host, or give a VM "
		"on all of them a budget of 85%%/50ms for each (two: 170%%/50ms), and no shell waits for "
		"more "
		"than 200 ms");
}

void check_throttling(const struct check_host *host, struct check_item *item)
{
	int64_t runtime, period = 1000000;

	if (check_read_number(host, "proc/sys/kernel/sched_rt_runtime_us", &runtime) < 0) {
		check_found(item, CHECK_UNKNOWN, "kernel.sched_rt_runtime_us is not readable");
		return;
	}
	check_read_number(host, "proc/sys/kernel/sched_rt_period_us", &period);
	if (runtime == 0) {
		check_found(item, host->wants_rt ? CHECK_FAULT : CHECK_WARNING,
			    "0 us: no real-time time at all");
		check_remedy(item, "sysctl kernel.sched_rt_runtime_us=950000");
	} else if (runtime < 0 || runtime >= period) {
		check_found(item, CHECK_OK, "off");
	} else if (has_fair_server(host)) {
		judge_server(host, item, runtime, period);
	} else {
		check_found(item, CHECK_WARNING, "%lld of %lld us", (long long)runtime, (long long)period);
		check_remedy(item,
			     "sysctl kernel.sched_rt_runtime_us=-1, once no real-time thread spins on the "
			     "host's CPUs");
	}
}

void check_clocksource(const struct check_host *host, struct check_item *item)
{
	static const char *const fast[] = {"tsc", "kvm-clock", "hyperv_clocksource_tsc_page",
					   "arch_sys_counter"};
	char name[64];
	size_t i;

	if (check_read(host, "sys/devices/system/clocksource/clocksource0/current_clocksource", name,
		       sizeof(name)) <= 0) {
		check_found(item, CHECK_UNKNOWN, "the clock source is not readable");
		return;
	}
	for (i = 0; i < G_N_ELEMENTS(fast); i++) {
		if (strcmp(name, fast[i]) == 0) {
			check_found(item, CHECK_OK, "%s", name);
			return;
		}
	}
	check_found(item, CHECK_WARNING, "%s", name);
	check_remedy(item, "see dmesg for why tsc was given up; where the hardware is sound, boot with "
			   "tsc=reliable");
}

void check_watchdog(const struct check_host *host, struct check_item *item)
{
	int64_t nmi = 0, soft = 0;
	int nmi_read = check_read_number(host, "proc/sys/kernel/nmi_watchdog", &nmi);
	int soft_read = check_read_number(host, "proc/sys/kernel/soft_watchdog", &soft);
	int64_t all = 1;

	check_read_number(host, "proc/sys/kernel/watchdog", &all);
	if (nmi_read < 0 && soft_read < 0) {
		check_found(item, CHECK_UNKNOWN, "no watchdog settings are readable");
	} else if (all == 0 || (nmi == 0 && soft == 0)) {
		check_found(item, CHECK_OK, "off");
	} else {
		check_found(item, CHECK_WARNING, "%s%s%s", nmi ? "NMI" : "", nmi && soft ? " and " : "",
			    soft ? "soft" : "");
		check_remedy(item, "sysctl kernel.watchdog=0, or boot with nowatchdog");
	}
}

void check_autogroup(const struct check_host *host, struct check_item *item)
{
	int64_t on;

	if (check_read_number(host, "proc/sys/kernel/sched_autogroup_enabled", &on) < 0) {
		check_absent(host, item, CHECK_OK, "proc/sys/kernel");
	} else if (on == 0) {
		check_found(item, CHECK_OK, "off");
	} else if (!host->wants_nice) {
		check_found(item, CHECK_OK, "on, no matter here: the plan gives no nice values");
	} else {
		check_found(item, CHECK_WARNING, "on");
		check_remedy(item, "sysctl kernel.sched_autogroup_enabled=0");
	}
}
