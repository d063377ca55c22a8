/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "fake_kernel.h"
#include "tap.h"

#define STAT(name, priority)                                                                                 \
	"5 (" name ") S 2 0 0 0 -1 69238848 0 0 0 0 0 3 0 0 20 0 1 0 6 0 0 18446744073709551615 0 0 0 0 "    \
	"0 0 0 2147483647 0 0 0 0 17 0 " priority " 1 0 0 0 0 0 0 0 0 0 0 0\n"

static struct qrt_sched_host read_host(void)
{
	struct qrt_sched_host host = {.size = sizeof(host)};

	CU_ASSERT_EQUAL(qrt_sched_host_read(&host, NULL), 0);
	return host;
}

static void begin(const char *status)
{
	fake_kernel_begin();
	fake_kernel_file("/sys/devices/system/cpu/online", "0-7\n");
	fake_kernel_file("/proc/thread-self/status", status);
	fake_kernel_file("/proc/sys/kernel/sched_rt_runtime_us", "950000\n");
	fake_kernel_file("/proc/sys/kernel/sched_rt_period_us", "1000000\n");
}

static void reads_a_plain_host(void)
{
	struct qrt_sched_host host;

	begin("CapEff:\t000001ffffffffff\n");
	fake_kernel_file("/sys/devices/system/cpu/isolated", "\n");
	host = read_host();
	CU_ASSERT_EQUAL(host.flags,
			QRT_SCHED_HOST_CAP_NICE | QRT_SCHED_HOST_CAP_LOCK | QRT_SCHED_HOST_MEMORY);
	CU_ASSERT_EQUAL(qrt_sched_cpus_count(&host.online), 8);
	CU_ASSERT_EQUAL(qrt_sched_cpus_count(&host.allowed), 4);
	CU_ASSERT_EQUAL(qrt_sched_cpus_count(&host.isolated), 0);
	CU_ASSERT_EQUAL(host.timer_priority, 0);
	CU_ASSERT_EQUAL(host.rtprio_limit, 99);
	CU_ASSERT_EQUAL(host.rt_runtime_us, 950000);
	CU_ASSERT_EQUAL(host.rt_period_us, 1000000);
	CU_ASSERT_EQUAL(qrt_sched_cpus_count(&host.fair_server), 0);
	fake_kernel_end();
}

#define PAGES "/sys/kernel/mm/hugepages/hugepages-"

static void reads_memory_and_slices(void)
{
	struct qrt_sched_host host;

	begin("CapEff:\t0000000000000000\n");
	fake_kernel_file("/sys/devices/system/node/has_memory", "0,2\n");
	fake_kernel_file(PAGES "2048kB/free_hugepages", "12\n");
	fake_kernel_file(PAGES "2048kB/resv_hugepages", "2\n");
	fake_kernel_file(PAGES "1048576kB/free_hugepages", "3\n");
	fake_kernel_file("/sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n");
	fake_kernel.kernel_slice = 2800000;
	host = read_host();
	CU_ASSERT_EQUAL(host.flags, QRT_SCHED_HOST_MEMORY | QRT_SCHED_HOST_THP | QRT_SCHED_HOST_SLICES);
	CU_ASSERT_EQUAL(qrt_sched_cpus_count(&host.nodes), 2);
	CU_ASSERT_EQUAL(qrt_sched_cpus_has(&host.nodes, 2), 1);
	CU_ASSERT_EQUAL(host.free_2m, 10);
	CU_ASSERT_EQUAL(host.free_1g, 3);
	fake_kernel_file("/sys/kernel/mm/transparent_hugepage/enabled", "always madvise [never]\n");
	CU_ASSERT_EQUAL(read_host().flags & QRT_SCHED_HOST_THP, 0);
	fake_kernel_end();
	begin("CapEff:\t0000000000000000\n");
	host = read_host(); /* a kernel without NUMA and huge pages */
	CU_ASSERT_EQUAL(qrt_sched_cpus_count(&host.nodes), 1);
	CU_ASSERT_EQUAL(host.free_2m + host.free_1g, 0);
	fake_kernel_end();
}

static void reads_a_real_time_kernel(void)
{
	struct qrt_sched_host host;

	begin("CapEff:\t0000000000000000\n");
	fake_kernel.limit = 40;
	fake_kernel_file("/sys/kernel/realtime", "1\n");
	fake_kernel_file("/sys/devices/system/cpu/isolated", "4-7\n");
	fake_kernel_file("/proc/sys/kernel/sched_rt_runtime_us", "-1\n");
	fake_kernel_file("/proc/5/stat", STAT("ktimers/0", "1"));
	fake_kernel_file("/proc/6/stat", STAT("ksoftirqd/0", "0"));
	fake_kernel_file("/proc/7/stat", STAT("ktimers/1", "33"));
	fake_kernel_file("/proc/8/stat", STAT("a (ktimers/9", "98"));
	fake_kernel_file("/proc/9/stat", "garbage");
	fake_kernel_file("/proc/10/stat", "10 (ktimers/2) S 1");
	host = read_host();
	CU_ASSERT_EQUAL(host.flags, QRT_SCHED_HOST_PREEMPT_RT | QRT_SCHED_HOST_MEMORY);
	CU_ASSERT_EQUAL(host.rtprio_limit, 40);
	CU_ASSERT_EQUAL(host.rt_runtime_us, -1);
	CU_ASSERT_EQUAL(qrt_sched_cpus_count(&host.isolated), 4);
	CU_ASSERT_EQUAL(host.timer_priority, 33);
	fake_kernel_file("/proc/5/stat", STAT("ktimers/0", "0"));
	fake_kernel_file("/proc/7/stat", STAT("qemu", "33"));
	CU_ASSERT_EQUAL(read_host().timer_priority, 0);
	fake_kernel_file("/proc/5/stat", STAT("bash", "0"));
	fake_kernel_file("/proc/6/stat", STAT("bash", "0"));
	fake_kernel_file("/proc/10/stat", STAT("bash", "0"));
	CU_ASSERT_EQUAL(read_host().timer_priority, -1);
	fake_kernel_end();
}

static void knows_a_real_time_kernel_without_its_file(void)
{
	begin("CapEff:\t0000000000000000\n");
	fake_kernel_file("/proc/version", "Linux version 6.12.9-rt (gcc) #1 SMP PREEMPT_RT Debian\n");
	CU_ASSERT(read_host().flags & QRT_SCHED_HOST_PREEMPT_RT);
	fake_kernel_file("/proc/version", "Linux version 6.12.9 (gcc) #1 SMP PREEMPT_DYNAMIC Debian\n");
	CU_ASSERT_FALSE(read_host().flags & QRT_SCHED_HOST_PREEMPT_RT);
	fake_kernel_end();
}

static void expect_fair_server(const char *what, const char *release, const char *list)
{
	struct qrt_sched_host host;
	char text[64];

	if (release)
		fake_kernel_file("/proc/sys/kernel/osrelease", release);
	host = read_host();
	qrt_sched_cpus_format(&host.fair_server, text, sizeof(text));
	if (strcmp(text, list) != 0)
		tap_note("%s: %s, expected %s", what, text, list);
	CU_ASSERT_STRING_EQUAL(text, list);
	CU_ASSERT_EQUAL(!(host.flags & QRT_SCHED_HOST_FAIR_SERVER), !*list);
	CU_ASSERT_EQUAL(host.fair_runtime_us, *list ? 50000 : 0);
	CU_ASSERT_EQUAL(host.fair_period_us, *list ? 1000000 : 0);
}

static void a_fair_server_is_known_by_the_kernels_version(void)
{
	begin("CapEff:\t000001ffffffffff\n");
	expect_fair_server("no version", NULL, "");
	expect_fair_server("5.15", "5.15.0-91-generic\n", "");
	expect_fair_server("6.1", "6.1.0-12-amd64\n", "");
	expect_fair_server("6.11", "6.11.99\n", "");
	expect_fair_server("6.12", "6.12.3-rt1\n", "0-7");
	expect_fair_server("6.18", "6.18.44\n", "0-7");
	expect_fair_server("7.0", "7.0-rc1\n", "0-7");
	fake_kernel_end();
}

static void a_fair_server_is_read_where_debugfs_shows_it(void)
{
	struct qrt_sched_host host;
	char text[64];

	begin("CapEff:\t000001ffffffffff\n");
	fake_kernel_file("/sys/devices/system/cpu/online", "0-2\n");
	fake_kernel_file("/sys/kernel/debug/sched/fair_server/cpu0/runtime", "0\n");
	fake_kernel_file("/sys/kernel/debug/sched/fair_server/cpu0/period", "1000000000\n");
	fake_kernel_file("/sys/kernel/debug/sched/fair_server/cpu1/runtime", "20000000\n");
	fake_kernel_file("/sys/kernel/debug/sched/fair_server/cpu1/period", "500000000\n");
	fake_kernel_file("/sys/kernel/debug/sched/fair_server/cpu2/runtime", "50000000\n");
	fake_kernel_file("/sys/kernel/debug/sched/fair_server/cpu2/period", "1000000000\n");
	host = read_host();
	CU_ASSERT(host.flags & QRT_SCHED_HOST_FAIR_SERVER);
	qrt_sched_cpus_format(&host.fair_server, text, sizeof(text));
	CU_ASSERT_STRING_EQUAL(text, "1-2");
	CU_ASSERT_EQUAL(host.fair_runtime_us, 20000);
	CU_ASSERT_EQUAL(host.fair_period_us, 500000);
	fake_kernel_file("/sys/kernel/debug/sched/fair_server/cpu1/runtime", "0\n");
	fake_kernel_file("/sys/kernel/debug/sched/fair_server/cpu2/runtime", "0\n");
	host = read_host();
	CU_ASSERT(host.flags & QRT_SCHED_HOST_FAIR_SERVER);
	CU_ASSERT_EQUAL(qrt_sched_cpus_count(&host.fair_server), 0);
	fake_kernel_end();
}

static void groups_of_real_time_threads_are_known_by_their_files(void)
{
	begin("CapEff:\t000001ffffffffff\n");
	CU_ASSERT(!(read_host().flags & QRT_SCHED_HOST_RT_GROUPS));
	fake_kernel_file("/sys/fs/cgroup/cpu,cpuacct/cpu.rt_runtime_us", "950000\n");
	CU_ASSERT(read_host().flags & QRT_SCHED_HOST_RT_GROUPS);
	fake_kernel_end();
	begin("CapEff:\t000001ffffffffff\n");
	fake_kernel_file("/sys/fs/cgroup/cpu/cpu.rt_runtime_us", "-1\n");
	CU_ASSERT(read_host().flags & QRT_SCHED_HOST_RT_GROUPS);
	fake_kernel_end();
}

static void expect_allowed(const char *what, const char *list)
{
	struct qrt_sched_host host = read_host();
	char text[64];

	qrt_sched_cpus_format(&host.allowed, text, sizeof(text));
	if (strcmp(text, list) != 0)
		tap_note("%s: %s, expected %s", what, text, list);
	CU_ASSERT_STRING_EQUAL(text, list);
}

/* The affinity under isolcpus=2-3 of a host with CPUs 0-3. */
static void begin_isolated(void)
{
	begin("CapEff:\t0000000000000000\n");
	fake_kernel.cpus = fake_kernel_cpus("0-1");
	fake_kernel_file("/sys/devices/system/cpu/isolated", "2-3\n");
}

static void isolated_cpus_of_the_cpuset_are_allowed(void)
{
	begin_isolated();
	expect_allowed("no cpusets", "0-3");
	fake_kernel_file("/proc/self/cgroup", "3:cpuset:/vm/a\n0::/x\n");
	fake_kernel_file("/sys/fs/cgroup/cpuset/vm/a/cpuset.effective_cpus", "0-2\n");
	expect_allowed("version 1", "0-2");
	fake_kernel_file("/proc/self/cgroup", "0::/machine.slice/b\n");
	fake_kernel_file("/sys/fs/cgroup/cpuset.cpus.effective", "0-1,3\n");
	expect_allowed("version 2, of the root", "0-1,3");
	fake_kernel_file("/sys/fs/cgroup/machine.slice/cpuset.cpus.effective", "0-1\n");
	expect_allowed("version 2, of the slice", "0-1");
	fake_kernel_end();
}

static void memory_may_be_locked_without_a_limit(void)
{
	struct qrt_sched_host host;

	begin("CapEff:\t0000000000000000\n");
	fake_kernel.limit = UINT64_MAX;
	host = read_host();
	CU_ASSERT_EQUAL(host.flags, QRT_SCHED_HOST_CAP_LOCK | QRT_SCHED_HOST_MEMORY);
	CU_ASSERT_EQUAL(host.rtprio_limit, 99);
	CU_ASSERT_EQUAL(host.memlock_limit, UINT64_MAX);
	fake_kernel.limit = 8 << 20;
	host = read_host();
	CU_ASSERT_EQUAL(host.flags, QRT_SCHED_HOST_MEMORY);
	CU_ASSERT_EQUAL(host.memlock_limit, 8 << 20);
	fake_kernel_end();
}

static void a_host_without_sys_is_an_error_in_words(void)
{
	struct qrt_sched_host host = {.size = sizeof(host), .rt_period_us = 42};
	struct qrt_sched_error error = {0};

	fake_kernel_begin();
	CU_ASSERT_EQUAL(qrt_sched_host_read(&host, &error), -ENOENT);
	CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "/sys"));
	CU_ASSERT_EQUAL(host.rt_period_us, 42);
	fake_kernel_file("/sys/devices/system/cpu/online", "what?\n");
	CU_ASSERT_EQUAL(qrt_sched_host_read(&host, &error), -EINVAL);
	fake_kernel_end();
}

static void a_host_without_a_size_is_refused(void)
{
	struct qrt_sched_host host = {0};
	struct {
		struct qrt_sched_host host;
		uint64_t newer;
	} longer = {.host = {.size = sizeof(longer)}, .newer = 7};

	begin("CapEff:\t0\n");
	CU_ASSERT_EQUAL(qrt_sched_host_read(&host, NULL), -EINVAL);
	CU_ASSERT_EQUAL(qrt_sched_host_read(&longer.host, NULL), 0);
	CU_ASSERT_EQUAL(longer.newer, 0);
	CU_ASSERT_EQUAL(longer.host.size, sizeof(longer));
	fake_kernel_end();
}

static void reads_this_host(void)
{
	struct qrt_sched_host host = read_host();

	CU_ASSERT(qrt_sched_cpus_count(&host.online) >= 1);
	CU_ASSERT(qrt_sched_cpus_count(&host.allowed) >= 1);
}

static const struct tap_test tests[] = {
	{"reads a plain host", reads_a_plain_host},
	{"reads memory and slices", reads_memory_and_slices},
	{"reads a real-time kernel", reads_a_real_time_kernel},
	{"knows a real-time kernel without its file", knows_a_real_time_kernel_without_its_file},
	{"a fair server is known by the kernel's version", a_fair_server_is_known_by_the_kernels_version},
	{"a fair server is read where debugfs shows it", a_fair_server_is_read_where_debugfs_shows_it},
	{"groups of real-time threads are known by their files",
	 groups_of_real_time_threads_are_known_by_their_files},
	{"isolated CPUs of the cpuset are allowed", isolated_cpus_of_the_cpuset_are_allowed},
	{"memory may be locked without a limit", memory_may_be_locked_without_a_limit},
	{"a host without /sys is an error in words", a_host_without_sys_is_an_error_in_words},
	{"a host without a size is refused", a_host_without_a_size_is_refused},
	{"reads this host", reads_this_host},
};

TAP_MAIN("host", tests)
