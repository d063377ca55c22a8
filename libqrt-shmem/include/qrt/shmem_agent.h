/* SPDX-License-Identifier: MIT */
/*
 * What hosts and guest agents say to each other, in a layout (<qrt/shmem_layout.h>): names of values, types
 * of messages. The host is slot 0; a guest's slot is its id.
 */
#ifndef QRT_SHMEM_AGENT_H
#define QRT_SHMEM_AGENT_H

#include <qrt/shmem_ring.h>
#include <qrt/shmem_value.h>

#ifdef __cplusplus
extern "C" {
#endif

#define QRT_SHMEM_HOST 0u

/* Values that an agent publishes each interval, at these indices; from QRT_SHMEM_AGENT_VALUES on they are
 * free for other programs of the guest. */
enum qrt_shmem_agent_value {
	/* "qrt.cpu", double[]: busy share 0..1 of all CPUs, then of CPUs 0..7; -1: of one that is not online,
	 * or only since the last time */
	QRT_SHMEM_AGENT_CPU,
	QRT_SHMEM_AGENT_TASKS,    /* "qrt.tasks", u64[2]: runnable now, of how many */
	QRT_SHMEM_AGENT_MEMORY,   /* "qrt.memory", u64[2]: bytes available, in all */
	QRT_SHMEM_AGENT_IRQS,     /* "qrt.irqs", double: interrupts a second */
	QRT_SHMEM_AGENT_UPTIME,   /* "qrt.uptime", double: seconds */
	QRT_SHMEM_AGENT_INTERVAL, /* "qrt.interval", u64: milliseconds between two beats */
	QRT_SHMEM_AGENT_KERNEL,   /* "qrt.kernel", text */
	QRT_SHMEM_AGENT_VERSION,  /* "qrt.agent", text: its version */
	QRT_SHMEM_AGENT_CPU_8, /* "qrt.cpu.8", double[]: of CPUs 8..15, where there are such; so on up to 63
				*/
	QRT_SHMEM_AGENT_CPUS = 15, /* "qrt.cpus", u64[2]: how many are online, and up to which one, exclusive,
				    * each has its share: QRT_SHMEM_AGENT_CPUS_MAX at most */
	QRT_SHMEM_AGENT_VALUES = 16,
};

#define QRT_SHMEM_AGENT_CPUS_MAX 64u /* that have a share of their own */

/* Types of messages. A receiver leaves out what it does not know. */
enum qrt_shmem_agent_type {
	QRT_SHMEM_AGENT_PING = 1, /* to the agent: struct qrt_shmem_agent_ping, which comes back as PONG */
	QRT_SHMEM_AGENT_PONG = 2,
	QRT_SHMEM_AGENT_PROBE = 3, /* to the agent: struct qrt_shmem_agent_probe */
	QRT_SHMEM_AGENT_RESULT = 4,
	QRT_SHMEM_AGENT_TYPE_USER = 1024,
};

struct qrt_shmem_agent_ping {
	uint64_t cookie; /* whatever the sender wants back */
};

/* A timer test in the guest: a thread sleeps until the next of `count` times, `interval_us` apart, and sees
 * how late it is. */
struct qrt_shmem_agent_probe {
	uint64_t cookie;
	uint32_t interval_us; /* 100 .. 1000000 */
	uint32_t count;       /* 1 .. 1000000, no longer than ten minutes in all */
	uint32_t priority;    /* of SCHED_FIFO, 1..99; 0: time sharing */
	uint32_t cpu;         /* QRT_SHMEM_AGENT_ANY_CPU, or the one it is bound to */
};

#define QRT_SHMEM_AGENT_ANY_CPU 0xffffffffu

/* Eight buckets for each power of two of nanoseconds: bucket 0..7 are 0..7 ns; bucket 8 * e + m, e >= 1,
 * begins at (8 + m) << (e - 1). */
#define QRT_SHMEM_AGENT_BUCKETS 320u

struct qrt_shmem_agent_result {
	uint64_t cookie;
	int32_t error;  /* 0; else a negative errno, and nothing was measured */
	uint32_t count; /* of wake-ups */
	uint64_t min_ns, max_ns, sum_ns;
	uint32_t buckets[QRT_SHMEM_AGENT_BUCKETS];
};

/* The bucket of a time. [rt] */
static inline uint32_t qrt_shmem_agent_bucket(uint64_t ns)
{
	uint32_t power;

	if (ns < 8)
		return (uint32_t)ns;
	power = 63 - (uint32_t)__builtin_clzll(ns);
	if (power - 2 >= QRT_SHMEM_AGENT_BUCKETS / 8)
		return QRT_SHMEM_AGENT_BUCKETS - 1;
	return (power - 2) * 8 + (uint32_t)(ns >> (power - 3) & 7);
}

/* Where a bucket begins, ns. [rt] */
static inline uint64_t qrt_shmem_agent_bucket_begin(uint32_t bucket)
{
	return bucket < 8 ? bucket : (uint64_t)(8 + (bucket & 7)) << (bucket / 8 - 1);
}

#ifdef __cplusplus
}
#endif

#endif /* QRT_SHMEM_AGENT_H */
