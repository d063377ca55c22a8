/* SPDX-License-Identifier: MIT */
/* How late threads of a plan's roles wake up on this host. */
#ifndef QRT_LAUNCHER_LATENCY_H
#define QRT_LAUNCHER_LATENCY_H

#include "latency_thread.h"
#include "plan_request.h"

#include <qrt/shmem_agent.h>

#define LATENCY_THREADS_MAX   64u
#define LATENCY_HISTOGRAM_MAX 1000000u
#define LATENCY_BUCKETS_LEAST 100000u /* 100 ms: also where nobody wants to see them, for the shares */

/* What is told of each thread: "p99" is what 99 % did not pass. */
struct latency_share {
	const char *name;
	uint32_t share;
};

#define LATENCY_SHARES 4

extern const struct latency_share latency_shares[LATENCY_SHARES];

struct latency_options {
	const char *guest; /* --guest: the VM in whose guest it is measured; NULL: on this host */
	uint32_t priority; /* --priority, of SCHED_FIFO in the guest; 0: time sharing */
	int32_t cpu;       /* --cpu of the guest + 1; 0: any */
	bool in_hours;     /* --hours said how long */
	uint64_t interval_ns, length_ns;
	uint64_t over_ns;      /* --fail-over, 0: none */
	uint32_t histogram_us; /* print counts below that, 0: none */
	uint32_t threads;      /* of each role, 0: as many as the VM has of it */
	size_t roles_count;    /* of what --role names */
	struct {
		enum qrt_sched_role role;
		int32_t index; /* the first one, -1: all of the role */
	} roles[QRT_SCHED_ROLES];
};

struct latency {
	const struct latency_options *options;
	size_t count;
	struct latency_thread threads[LATENCY_THREADS_MAX];
	uint64_t start_ns, end_ns; /* CLOCK_MONOTONIC */
	int64_t wall_ns;           /* what a wall clock is ahead of that */
	uint64_t steal_ns;         /* what the machine below took meanwhile, over all CPUs */
	bool locked;               /* memory was locked */
	bool is_cut;               /* by a signal */
};

enum latency_verdict {
	LATENCY_NONE, /* nothing was asked for */
	LATENCY_PASSED,
	LATENCY_FAILED,
	LATENCY_OPEN, /* ended before its time, and until then nothing failed */
};

/* Which threads are to be measured. Returns an exit code; what was wrong was said. */
int latency_choose(struct latency *latency, const struct plan_request *request);
/* Measures. Returns an exit code; what was wrong was said. What was found stays until clear. */
int latency_run(struct latency *latency, const struct qrt_sched_plan *plan);
/* The same in a VM's guest, where its agent does it: options that are for the host are refused by name. */
int latency_guest_check(const struct latency_options *options, const struct plan_request *request);
int latency_guest_run(struct latency *latency);
/* What an agent measured becomes what a thread here would have measured: see latency_guest.c. -ENOMEM. */
int latency_guest_take(struct latency *latency, const struct qrt_shmem_agent_result *result);
void latency_clear(struct latency *latency);

enum latency_verdict latency_judge(const struct latency *latency);
/* The thread with the longest latency. */
const struct latency_thread *latency_find_worst(const struct latency *latency);
/* The first wake-up over the mark, NULL: none. */
const struct latency_thread *latency_find_over(const struct latency *latency);

/* "2026-11-21 16:40:07" of a time of CLOCK_MONOTONIC. Returns buf. */
const char *latency_format_when(const struct latency *latency, uint64_t at_ns, char *buf, size_t size);

void latency_print_text(const struct latency *latency);
void latency_print_json(const struct latency *latency);
/* One line on standard error while it runs. */
void latency_print_progress(const struct latency *latency, uint64_t now_ns);
void latency_print_progress_end(void);

#endif
