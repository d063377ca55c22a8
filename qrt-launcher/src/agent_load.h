/* SPDX-License-Identifier: MIT */
/* How a guest fares, by its agent: figures that make sense, whatever a guest writes there. */
#ifndef QRT_LAUNCHER_AGENT_LOAD_H
#define QRT_LAUNCHER_AGENT_LOAD_H

#include <qrt/shmem_agent.h>
#include <stdbool.h>

#define AGENT_LOAD_INTERVAL_MAX 60000 /* ms: the longest that an agent takes */

/* Where nothing is said, or no sense is in it, a number is negative, and a text empty. */
struct agent_load {
	double cpu; /* busy share of all CPUs, 0..1 */
	/* CPUs that are online, and how many have a share of their own, which is negative where it is not
	 * known: those beyond QRT_SHMEM_AGENT_CPUS_MAX have none. */
	int64_t cpus, listed;
	double each[QRT_SHMEM_AGENT_CPUS_MAX];
	int64_t runnable, tasks;
	int64_t available, memory; /* bytes */
	double interrupts;         /* a second */
	double uptime;             /* s */
	int64_t interval_ms;       /* between two beats */
	char kernel[QRT_SHMEM_DATA_MAX + 1], version[QRT_SHMEM_DATA_MAX + 1];
};

void agent_load_read(const struct qrt_shmem_view *view, uint32_t slot, struct agent_load *ret_load);
/* The interval alone. */
int64_t agent_load_read_interval(const struct qrt_shmem_view *view, uint32_t slot);

#endif
