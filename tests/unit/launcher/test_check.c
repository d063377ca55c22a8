/* SPDX-License-Identifier: MIT */
/* Each probe over a folder that the test fills as a kernel would. */
#include "tap.h"

#include "check_item.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[64];
static struct check_host host;

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void close_tree(void)
{
	if (!root[0])
		return;
	check_host_close(&host);
	nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	root[0] = '\0';
}

/* A new, empty tree; the plan wants real-time policies. */
static void open_tree(void)
{
	close_tree();
	snprintf(root, sizeof(root), "/tmp/qrt-check-XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(root));
	memset(&host, 0, sizeof(host));
	host.wants_rt = true;
	host.priority = 10;
	CU_ASSERT_EQUAL_FATAL(check_host_open(&host, root), 0);
}

static void put_bytes(const char *path, const void *data, size_t size)
{
	char full[PATH_MAX], *slash;
	FILE *file;

	snprintf(full, sizeof(full), "%s/%s", root, path);
	for (slash = full + strlen(root) + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		mkdir(full, 0700);
		*slash = '/';
	}
	file = fopen(full, "we");
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	fwrite(data, 1, size, file);
	fclose(file);
}

static void put(const char *path, const char *text)
{
	put_bytes(path, text, strlen(text));
}

static struct check_item look(const char *id)
{
	struct check_item items[CHECK_ITEMS_MAX], none = {.id = "", .state = CHECK_UNKNOWN};
	size_t n = check_run(&host, items, CHECK_ITEMS_MAX), i;

	for (i = 0; i < n; i++) {
		if (strcmp(items[i].id, id) == 0)
			return items[i];
	}
	CU_FAIL("no such item");
	return none;
}

static void expect(const char *id, enum check_state state, const char *found)
{
	struct check_item item = look(id);

	CU_ASSERT_EQUAL(item.state, state);
	CU_ASSERT_PTR_NOT_NULL(strstr(item.found, found));
	if (item.state != state || !strstr(item.found, found))
		tap_note("%s: state %d, found '%s', wanted %d, '%s'", id, item.state, item.found, state,
			 found);
	if (state == CHECK_WARNING || state == CHECK_FAULT)
		CU_ASSERT_NOT_EQUAL(item.remedy[0], '\0');
}

static void nothing_there_is_unknown_and_no_fault(void)
{
	struct check_item items[CHECK_ITEMS_MAX];
	size_t n, i;

	open_tree();
	n = check_run(&host, items, CHECK_ITEMS_MAX);
	CU_ASSERT_TRUE(n > 20);
	for (i = 0; i < n; i++) {
		CU_ASSERT_EQUAL(items[i].state, CHECK_UNKNOWN);
		CU_ASSERT_NOT_EQUAL(items[i].found[0], '\0');
		CU_ASSERT_PTR_NOT_NULL(items[i].why);
	}
	CU_ASSERT_EQUAL(check_run(&host, items, 3), 3);
	close_tree();
}

static void preemption_model_is_found_where_it_is(void)
{
	open_tree();
	put("proc/sys/kernel/version", "#1 SMP PREEMPT_DYNAMIC Debian\n");
	put("proc/sys/kernel/osrelease", "6.1.0-x\n");
	expect("preemption", CHECK_WARNING, "not readable");
	put("boot/config-6.1.0-x",
	    "# CONFIG_PREEMPT is not set\nCONFIG_PREEMPT_NONE=y\nCONFIG_PREEMPT_COUNT=y\n");
	expect("preemption", CHECK_WARNING, "none");
	put("proc/cmdline", "quiet preempt=voluntary ro\n");
	expect("preemption", CHECK_WARNING, "voluntary");
	put("sys/kernel/debug/sched/preempt", "none voluntary (full)\n");
	expect("preemption", CHECK_WARNING, "full");
	put("sys/kernel/realtime", "1\n");
	expect("preemption", CHECK_OK, "PREEMPT_RT");
	open_tree();
	put("proc/sys/kernel/version", "#1 SMP PREEMPT_RT Debian\n");
	expect("preemption", CHECK_OK, "PREEMPT_RT");
	close_tree();
}

static void throttling_off_on_and_total(void)
{
	open_tree();
	put("proc/sys/kernel/osrelease", "6.1.0\n");
	put("proc/sys/kernel/sched_rt_period_us", "1000000\n");
	put("proc/sys/kernel/sched_rt_runtime_us", "-1\n");
	expect("rt-throttling", CHECK_OK, "off");
	put("proc/sys/kernel/sched_rt_runtime_us", "950000\n");
	expect("rt-throttling", CHECK_WARNING, "950000 of 1000000");
	put("proc/sys/kernel/osrelease", "6.12.3\n");
	expect("rt-throttling", CHECK_WARNING, "deadline server");
	expect("rt-throttling", CHECK_WARNING, "wait for it up to 950 ms");
	put("proc/sys/kernel/sched_rt_runtime_us", "0\n");
	expect("rt-throttling", CHECK_FAULT, "no real-time time");
	put("proc/sys/kernel/sched_rt_runtime_us", "many\n");
	expect("rt-throttling", CHECK_UNKNOWN, "not readable");
	close_tree();
}

#define LIMITS(rtprio, memlock)                                                                              \
	"Limit                     Soft Limit           Hard Limit           Units     \n"                   \
	"Max locked memory         " memlock "              8388608              bytes     \n"               \
	"Max nice priority         0                    0                    \n"                             \
	"Max realtime priority     " rtprio "                    0                    \n"

static void rights_by_capability_or_by_limit(void)
{
	open_tree();
	put("proc/self/status", "Name:\tx\nCapEff:\t000001ffffffffff\n");
	put("proc/self/limits", LIMITS("0", "65536"));
	expect("privileges", CHECK_OK, "CAP_SYS_NICE, CAP_IPC_LOCK");
	expect("limits", CHECK_OK, "RTPRIO 0");
	put("proc/self/status", "Name:\tx\nCapEff:\t0000000000000000\n");
	expect("privileges", CHECK_FAULT, "no CAP_SYS_NICE");
	expect("limits", CHECK_WARNING, "no capability");
	put("proc/self/limits", LIMITS("10", "unlimited"));
	expect("privileges", CHECK_WARNING, "no CAP_SYS_NICE");
	expect("limits", CHECK_OK, "MEMLOCK unlimited");
	put("proc/self/limits", LIMITS("9", "unlimited"));
	expect("limits", CHECK_WARNING, "RTPRIO 9");
	put("proc/self/status", "Name:\tx\nCapEff:\t0000000001800000\n");
	host.wants_lock = true;
	put("proc/self/limits", LIMITS("0", "65536"));
	expect("privileges", CHECK_OK, "CAP_SYS_RESOURCE");
	expect("limits", CHECK_OK, "MEMLOCK 65536");
	host.wants_lock = false;
	put("proc/self/status", "Name:\tx\nCapEff:\t0000000000000000\n");
	host.wants_rt = false;
	expect("privileges", CHECK_WARNING, "no CAP_SYS_NICE");
	expect("limits", CHECK_OK, "RTPRIO 0");
	close_tree();
}

static void group_without_budget_is_a_fault(void)
{
	open_tree();
	put("proc/self/cgroup", "12:cpuset:/a\n11:cpuacct,cpu:/vm/one\n0::/\n");
	put("sys/fs/cgroup/cpuacct,cpu/vm/one/cpu.rt_runtime_us", "0\n");
	expect("rt-group", CHECK_FAULT, "/vm/one: 0 us");
	put("sys/fs/cgroup/cpuacct,cpu/vm/one/cpu.rt_runtime_us", "950000\n");
	expect("rt-group", CHECK_OK, "950000");
	put("proc/self/cgroup", "0::/system.slice\n");
	expect("rt-group", CHECK_OK, "no version 1");
	put("proc/self/cgroup", ":::\n\nrubbish\n3:cpu\n");
	expect("rt-group", CHECK_OK, "no version 1");
	close_tree();
}

static void cpus_frequency_idle_isolation_siblings(void)
{
	open_tree();
	put("sys/devices/system/cpu/cpufreq/policy0/scaling_governor", "performance\n");
	expect("frequency", CHECK_OK, "performance");
	put("sys/devices/system/cpu/cpufreq/policy1/scaling_governor", "schedutil\n");
	expect("frequency", CHECK_WARNING, "schedutil on 1 of 2");
	put("sys/devices/system/cpu/cpu0/cpuidle/state0/latency", "0\n");
	put("sys/devices/system/cpu/cpu0/cpuidle/state0/name", "POLL\n");
	put("sys/devices/system/cpu/cpu0/cpuidle/state1/latency", "85\n");
	put("sys/devices/system/cpu/cpu0/cpuidle/state1/name", "C6\n");
	expect("idle-states", CHECK_WARNING, "C6, 85 us");
	put("sys/devices/system/cpu/cpu0/cpuidle/state1/disable", "1\n");
	expect("idle-states", CHECK_OK, "POLL");
	put("sys/devices/system/cpu/isolated", "\n");
	put("sys/devices/system/cpu/online", "0-3\n");
	put("sys/devices/system/cpu/nohz_full", "  (null)\n");
	expect("isolated-cpus", CHECK_WARNING, "none");
	expect("nohz-full", CHECK_WARNING, "none");
	put("sys/devices/system/cpu/isolated", "2-3\n");
	put("sys/devices/system/cpu/nohz_full", "2-3\n");
	expect("isolated-cpus", CHECK_OK, "2-3");
	expect("nohz-full", CHECK_OK, "2-3");
	put("sys/devices/system/cpu/smt/active", "1\n");
	expect("smt", CHECK_WARNING, "active");
	close_tree();
}

static void irqbalance_is_found_among_processes(void)
{
	open_tree();
	put("proc/1/comm", "systemd\n");
	put("proc/self/comm", "irqbalance\n");
	expect("irqbalance", CHECK_OK, "not running");
	put("proc/812/comm", "irqbalance\n");
	expect("irqbalance", CHECK_WARNING, "running");
	close_tree();
}

static void memory_pages_swap_merging_balancing(void)
{
	open_tree();
	put("sys/kernel/mm/transparent_hugepage/enabled", "[always] madvise never\n");
	expect("huge-pages", CHECK_WARNING, "always");
	put("sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n");
	expect("huge-pages", CHECK_OK, "madvise");
	put("proc/swaps", "Filename\t\tType\t\tSize\n");
	expect("swap", CHECK_OK, "none");
	put("proc/swaps", "Filename\t\tType\t\tSize\n/dev/sda2 partition 1 0 -2\n");
	expect("swap", CHECK_WARNING, "1 in use");
	host.wants_lock = true;
	expect("swap", CHECK_OK, "locks");
	expect("ksm", CHECK_OK, "not in this kernel");
	put("sys/kernel/mm/ksm/run", "1\n");
	expect("ksm", CHECK_WARNING, "on");
	put("proc/sys/kernel/numa_balancing", "1\n");
	put("sys/devices/system/node/online", "0\n");
	expect("numa-balancing", CHECK_OK, "one node");
	put("sys/devices/system/node/online", "0-1\n");
	expect("numa-balancing", CHECK_WARNING, "on");
	close_tree();
}

static void clocks_watchdogs_groups(void)
{
	open_tree();
	put("sys/devices/system/clocksource/clocksource0/current_clocksource", "tsc\n");
	expect("clock-source", CHECK_OK, "tsc");
	put("sys/devices/system/clocksource/clocksource0/current_clocksource", "hpet\n");
	expect("clock-source", CHECK_WARNING, "hpet");
	put("proc/sys/kernel/nmi_watchdog", "1\n");
	put("proc/sys/kernel/soft_watchdog", "1\n");
	expect("watchdog", CHECK_WARNING, "NMI and soft");
	put("proc/sys/kernel/watchdog", "0\n");
	expect("watchdog", CHECK_OK, "off");
	put("proc/sys/kernel/sched_autogroup_enabled", "1\n");
	expect("autogroup", CHECK_OK, "no matter");
	host.wants_nice = true;
	expect("autogroup", CHECK_WARNING, "on");
	close_tree();
}

static void what_is_below_the_kernel(void)
{
	unsigned char msr[0x3c] = {0};

	open_tree();
	put("proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu vme hypervisor lm\n\nprocessor : 1\n");
	expect("hypervisor", CHECK_WARNING, "guest");
	put("proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu vmx nohypervisor\n");
	expect("hypervisor", CHECK_OK, "bare");
	put("proc/stat", "cpu  100 0 100 9800 0 0 0 0 0 0\n");
	check_counters_read(&host, &host.first);
	expect("steal-time", CHECK_OK, "0.00 %");
	put("proc/stat", "cpu  100 0 100 9800 0 0 0 50 0 0\n");
	expect("steal-time", CHECK_WARNING, "50 of 50");
	check_counters_read(&host, &host.first);
	put("proc/stat", "cpu  100 0 100 9900 0 0 0 50 0 0\n");
	expect("steal-time", CHECK_OK, "0 of 100 ticks now, 0.49 %");
	put("proc/stat", "cpu  100 0\n");
	expect("steal-time", CHECK_UNKNOWN, "no steal time");
	msr[0x34] = 7;
	put_bytes("dev/cpu/0/msr", msr, sizeof(msr));
	check_counters_read(&host, &host.first);
	expect("smi", CHECK_OK, "7 since boot");
	msr[0x34] = 9;
	put_bytes("dev/cpu/0/msr", msr, sizeof(msr));
	expect("smi", CHECK_WARNING, "2 within");
	close_tree();
}

static void hostile_files_do_no_harm(void)
{
	static char big[300000];
	char path[128];

	memset(big, '[', sizeof(big));
	big[100] = '\0';
	open_tree();
	put_bytes("proc/cpuinfo", big, sizeof(big));
	put_bytes("proc/self/status", big, sizeof(big));
	put_bytes("proc/self/limits", big, sizeof(big));
	put_bytes("proc/self/cgroup", big, sizeof(big));
	put_bytes("proc/cmdline", big, sizeof(big));
	put_bytes("proc/stat", big, sizeof(big));
	put_bytes("proc/swaps", big, sizeof(big));
	put_bytes("proc/sys/kernel/version", big, sizeof(big));
	put_bytes("proc/sys/kernel/osrelease", big, sizeof(big));
	put_bytes("proc/config.gz", big, sizeof(big));
	put_bytes("sys/kernel/debug/sched/preempt", big, sizeof(big));
	put_bytes("sys/kernel/mm/transparent_hugepage/enabled", big, sizeof(big));
	put_bytes("sys/devices/system/cpu/isolated", big, sizeof(big));
	put_bytes("sys/devices/system/cpu/cpufreq/policy0/scaling_governor", big, sizeof(big));
	put("sys/kernel/realtime", "");
	snprintf(path, sizeof(path), "%s/proc/1", root);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/proc/1/comm", root);
	CU_ASSERT_EQUAL(mkfifo(path, 0600), 0);
	expect("privileges", CHECK_UNKNOWN, "not readable");
	expect("irqbalance", CHECK_OK, "not running");
	close_tree();
	CU_ASSERT_EQUAL(check_host_open(&host, "/nonexistent"), -ENOENT);
}

static const struct tap_test tests[] = {
	{"an empty tree is unknown, no fault and no crash", nothing_there_is_unknown_and_no_fault},
	{"the preemption model is found where it is", preemption_model_is_found_where_it_is},
	{"throttling: off, on, total", throttling_off_on_and_total},
	{"rights come from capabilities or from limits", rights_by_capability_or_by_limit},
	{"a group without a budget is a fault", group_without_budget_is_a_fault},
	{"frequency, idle states, isolation, siblings", cpus_frequency_idle_isolation_siblings},
	{"irqbalance is found among processes", irqbalance_is_found_among_processes},
	{"huge pages, swap, merging, NUMA balancing", memory_pages_swap_merging_balancing},
	{"clock source, watchdogs, session groups", clocks_watchdogs_groups},
	{"hypervisor, steal time, SMIs", what_is_below_the_kernel},
	{"hostile files do no harm", hostile_files_do_no_harm},
};

TAP_MAIN("check", tests)
