/* SPDX-License-Identifier: MIT */
/* A model's threads, for its parts. */
#ifndef QRT_LAUNCHER_BLAME_MODEL_P_H
#define QRT_LAUNCHER_BLAME_MODEL_P_H

#include "blame_model.h"

#include <glib.h>

enum thread_state { STATE_UNKNOWN, STATE_RUNS, STATE_READY, STATE_SLEEPS };

/* The thread was switched in. */
struct arrival {
	uint64_t time_ns;
	uint64_t since_ns;  /* when it went out, 0: unknown */
	uint64_t ready_ns;  /* seen ready, at the first of these times; 0: never */
	uint64_t waited_ns; /* known, after a preemption */
	uint32_t cpu;
	bool woken; /* it slept, or what it did is unknown */
};

struct modelled {
	int32_t tid;
	enum thread_state state;
	uint64_t since_ns, ready_ns;
	uint32_t cpu;
	bool anchored; /* base is a sample, and arrivals are exactly those after it */
	struct blame_sample base;
	GArray *arrivals; /* struct arrival */
};

struct blame_model {
	uint64_t over_ns;
	blame_delay_fn emit;
	void *context;
	struct blame_timeline *timeline;
	GHashTable *threads; /* tid -> struct modelled */
	struct blame_counts counts;
};

/* Tells of a delay, with those who ran meanwhile. */
void blame_model_emit(struct blame_model *model, struct blame_delay *delay);
/* Judges the first n arrivals, in which the thread's run delay has grown by so much. */
void blame_window_judge(struct blame_model *model, const struct modelled *thread, guint n, uint64_t grown_ns);

#endif
