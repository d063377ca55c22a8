/* SPDX-License-Identifier: MIT */
/* Every task switch of the host, from the kernel's software event that carries switch records. */
#ifndef QRT_LAUNCHER_BLAME_PERF_H
#define QRT_LAUNCHER_BLAME_PERF_H

#include "blame_copy.h"

#include <glib.h>
#include <qrt/sched.h>
#include <stdbool.h>
#include <stdint.h>

enum blame_event_type {
	BLAME_EVENT_SWITCH, /* tid went out, other came in */
	BLAME_EVENT_COMM,   /* tid has a new name */
	BLAME_EVENT_FORK,   /* tid was made in process pid, by other */
	BLAME_EVENT_EXIT,   /* tid ended */
	BLAME_EVENT_LOST,   /* `count` records of this CPU were lost */
};

struct blame_event {
	uint64_t time_ns; /* CLOCK_MONOTONIC */
	enum blame_event_type type;
	uint32_t cpu;
	int32_t tid, pid;
	int32_t other;
	bool still_ready; /* SWITCH: tid could have run on */
	bool told_by_in;  /* SWITCH: told by `other` */
	uint64_t count;
	char comm[16];
};

struct blame_perf;

/* Opens the events on all CPUs that are there. Negative errno: -EACCES and -EPERM without the right,
 * -ENOSYS or -ENOENT without perf events, -ENOMEM. */
int blame_perf_open(struct blame_perf **ret_perf);
struct blame_perf *blame_perf_close(struct blame_perf *perf);

/* Appends what came since the last call, unordered between CPUs, to `events` (struct blame_event). */
void blame_perf_read(struct blame_perf *perf, GArray *events);

/* The same for these CPUs, in rings of which the kernel overwrites the oldest: nobody has to read. */
int blame_perf_open_last(const struct qrt_sched_cpus *cpus, struct blame_perf **ret_perf);
/* What these rings hold; freed by blame_copy_free(). */
struct blame_copy *blame_perf_copy_last(const struct blame_perf *perf);

/* How many bytes were ever written into the one of these rings that has most of them. */
uint64_t blame_perf_get_written(const struct blame_perf *perf);

/* One record of `size` bytes, as the kernel wrote it, on `cpu`. Returns 1 when it is one of ours and
 * whole, else 0. */
int blame_perf_decode(const void *record, size_t size, uint32_t cpu, struct blame_event *ret_event);

#endif
