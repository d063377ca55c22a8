/* SPDX-License-Identifier: MIT */
#include "blame_observer.h"

#include "check_item.h"
#include "command.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/resource.h>

void blame_observer_open_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur == limit.rlim_max)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

uint64_t blame_observer_read_steal(void)
{
	struct check_host host = {.live = true};
	uint64_t ticks;

	if (check_host_open(&host, "/") < 0)
		return UINT64_MAX;
	ticks = host.first.steal;
	check_host_close(&host);
	return ticks;
}

int blame_observer_complain(int error)
{
	if (error == -EACCES || error == -EPERM)
		complain("blame: the kernel's switch records are not ours to read: %s; give CAP_PERFMON (or "
			 "run as root), or set kernel.perf_event_paranoid to -1",
			 strerror(-error));
	else if (error == -ENOSYS || error == -ENOENT || error == -EOPNOTSUPP)
		complain("blame: this kernel has no performance events (CONFIG_PERF_EVENTS): %s",
			 strerror(-error));
	else
		complain("blame: performance events: %s", strerror(-error));
	return -EXIT_FAILED;
}

/* The observer must not be what it observes: it stays off the vCPUs' CPUs where there are others, and
 * above time sharing only where it watches real-time threads, which are above it in turn. */
void blame_observer_place(const struct blame_threads *threads)
{
	struct sched_param param = {.sched_priority = 1};
	struct qrt_sched_setting own = {.set = 0};
	struct qrt_sched_cpus vcpus;
	bool realtime;
	int cpu = -1;
	cpu_set_t mask;

	blame_threads_read_cpus(threads, &vcpus, &realtime);
	CPU_ZERO(&mask);
	if (qrt_sched_setting_read(0, &own) < 0)
		return;
	while ((cpu = qrt_sched_cpus_next(&own.cpus, cpu)) >= 0) {
		if (qrt_sched_cpus_has(&vcpus, cpu) == 0)
			CPU_SET((size_t)cpu, &mask);
	}
	if (CPU_COUNT(&mask) > 0)
		sched_setaffinity(0, sizeof(mask), &mask);
	if (realtime && CPU_COUNT(&mask) > 0)
		sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &param);
}
