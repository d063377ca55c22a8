/* SPDX-License-Identifier: MIT */
/* What happened to a VM in the last seconds: a ring of entries in memory that is there from the start. Pure.
 */
#ifndef QRT_LAUNCHER_RECORDER_RING_H
#define QRT_LAUNCHER_RECORDER_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum recorder_kind {
	RECORDER_SAMPLE,  /* what grew in a thread's account */
	RECORDER_STARVES, /* a thread is ready and does not run: its account is silent until it does */
	RECORDER_MUTEX,   /* a thread waited for a mutex */
	RECORDER_MONITOR, /* QEMU's monitor answered */
	RECORDER_SILENT,  /* it has not yet: the question is that old */
	RECORDER_LOOK,    /* the supervisor's own look was late */
};
#define RECORDER_KINDS 6

struct recorder_entry {
	enum recorder_kind kind;
	int32_t tid;      /* SAMPLE, STARVES, MUTEX */
	uint64_t time_ns; /* CLOCK_MONOTONIC, of its end */
	uint64_t took_ns; /* the window of a SAMPLE, the waits, the answer, or the wait for it, the time
			     between looks */
	union {
		struct {
			uint64_t delay_ns; /* ready without running; a wait counts when it has ended */
			uint64_t run_ns;
			uint64_t arrivals; /* how often it was switched in */
			int32_t cpu;       /* where it ran last, -1: nobody looked; of STARVES, too */
			bool told;         /* of a recording: task switches say more of it */
		} sample;
		struct {
			uint64_t mutex, caller;
			int32_t owner; /* 0: unknown */
		} mutex;
	};
};

struct recorder_ring;

/* From since_ns on all that happens is pushed. */
struct recorder_ring *recorder_ring_new(size_t capacity, uint64_t since_ns);
struct recorder_ring *recorder_ring_free(struct recorder_ring *ring);
/* Overwrites the oldest one where it is full. */
void recorder_ring_push(struct recorder_ring *ring, const struct recorder_entry *entry);
size_t recorder_ring_count(const struct recorder_ring *ring);
/* The oldest one is 0. */
const struct recorder_entry *recorder_ring_get(const struct recorder_ring *ring, size_t index);
/* The first index whose entry is not older than since_ns; count where all are. */
size_t recorder_ring_find(const struct recorder_ring *ring, uint64_t since_ns);
/* The time from when on nothing is missing: what was overwritten is older. */
uint64_t recorder_ring_get_since(const struct recorder_ring *ring);

#endif
