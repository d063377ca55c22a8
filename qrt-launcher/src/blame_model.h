/* SPDX-License-Identifier: MIT */
/*
 * From switches and run-delay samples to delays with culprits. Pure: no system calls, no clock.
 *
 * A thread that is switched out while still ready waits until it is switched in again: the records
 * tell that wait exactly. The wake-up of a thread that slept is in no record. But the kernel counts
 * per thread how long it was ready without running (run delay), and how often it was switched in;
 * what grew between two samples, less the waits already known, belongs to the wake-ups between
 * them. With one wake-up that is exact. With several it bounds the longest wait from both sides:
 * none was longer than its sleep, and one was at least the mean.
 */
#ifndef QRT_LAUNCHER_BLAME_MODEL_H
#define QRT_LAUNCHER_BLAME_MODEL_H

#include "blame_timeline.h"

#include <stdbool.h>

enum blame_kind {
	BLAME_PREEMPTED, /* was ready all the time, after it had run */
	BLAME_WOKEN,     /* was woken, and then waited */
	BLAME_MUTEX,     /* waited for a mutex; the model passes these through */
};
#define BLAME_KINDS 3

struct blame_delay {
	enum blame_kind kind;
	int32_t tid;
	int32_t cpu; /* the CPU whose tasks are the culprits, -1: unknown */
	uint64_t start_ns, ns;
	uint64_t least_ns; /* == ns where the length is exact; else ns is the most it can have been */
	uint32_t wakes;    /* WOKEN: among how many wake-ups */
	bool lasts;        /* it had not ended when blame did */
	int32_t owner;     /* MUTEX: who held it, 0: unknown */
	uint64_t mutex, caller;
	size_t culprits_count;
	struct blame_culprit culprits[BLAME_CULPRITS]; /* the longest first */
};

/* The thread's line in the kernel's accounts, and between which times it was read. */
struct blame_sample {
	uint64_t before_ns, after_ns;
	uint64_t run_ns; /* on a CPU */
	uint64_t run_delay_ns;
	uint64_t arrivals; /* how often it was switched in */
};

struct blame_switch {
	uint64_t time_ns;
	uint32_t cpu;
	int32_t out, in;  /* thread ids; 0: idle */
	bool still_ready; /* the one that went out could have run on */
	/* Told by the one that came in, which does not know still_ready. Each switch is told twice; this
	 * one counts where the other is missing, as it is at times when kernel threads go out. */
	bool told_by_in;
};

struct blame_counts {
	uint64_t possible; /* windows whose waits together may hide one of the length asked for */
	uint64_t broken;   /* windows that were given up: records did not fit the samples */
	uint64_t lost;     /* switch records that were lost */
};

struct blame_model;

typedef void (*blame_delay_fn)(void *context, const struct blame_delay *delay);

/* `emit` is called for every delay of at least over_ns. */
struct blame_model *blame_model_new(uint64_t over_ns, blame_delay_fn emit, void *context);
struct blame_model *blame_model_free(struct blame_model *model);

void blame_model_watch(struct blame_model *model, int32_t tid);
void blame_model_forget(struct blame_model *model, int32_t tid);

/* Switches in the order of time. */
void blame_model_switch(struct blame_model *model, const struct blame_switch *record);
/* Records of a CPU were lost before time_ns. */
void blame_model_lost(struct blame_model *model, uint32_t cpu, uint64_t time_ns, uint64_t count);
/* A sample, after all switches up to its after_ns. True: what the thread waited since the last one is known
 * now. */
bool blame_model_sample(struct blame_model *model, int32_t tid, const struct blame_sample *sample);
/* The thread was seen ready at time_ns; where the records have it asleep, it waits since then at least. */
void blame_model_ready(struct blame_model *model, int32_t tid, uint64_t time_ns);
/* The end: emits waits that still last. */
void blame_model_finish(struct blame_model *model, uint64_t time_ns);

void blame_model_get_counts(const struct blame_model *model, struct blame_counts *ret_counts);

#endif
