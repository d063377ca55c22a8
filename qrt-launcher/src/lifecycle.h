/* SPDX-License-Identifier: MIT */
/*
 * What a guest is at, by what its agent says, what QEMU says of it, and for how long neither said anything.
 * Pure: it is told all, the time too.
 *
 * Time counts while the guest runs alone, and in small steps: what a supervisor missed is no silence of the
 * guest's. A guest that says another thing again and again is heard a bounded number of times.
 */
#ifndef QRT_LAUNCHER_LIFECYCLE_H
#define QRT_LAUNCHER_LIFECYCLE_H

#include <stdbool.h>
#include <stdint.h>

enum lifecycle_state {
	LIFECYCLE_UNKNOWN, /* its agent ended without a word why */
	LIFECYCLE_BOOTING,
	LIFECYCLE_READY,
	LIFECYCLE_REBOOTING,
	LIFECYCLE_HALTING,
	LIFECYCLE_LOST, /* it was ready, and is not heard of any more */
};

struct lifecycle_limits {
	uint64_t boot_ns;    /* the longest time that it is lowered for; 0: for ever */
	uint64_t silence_ns; /* without a beat for so long it is lost; 0: it never is */
};

struct lifecycle {
	enum lifecycle_state state;
	char why[40];      /* it came to that */
	uint64_t since_ns; /* by the caller's clock */
	bool is_over;      /* it was lowered for the longest time */

	bool is_running; /* the VM */
	bool is_down;    /* QEMU said so: what an agent said before that counts no more */
	bool is_known;   /* `beat` was seen in this life */
	uint32_t beat;
	uint64_t last_ns;   /* until when time has passed */
	uint64_t silent_ns; /* since the last beat */
	uint64_t spent_ns;  /* lowered */
	uint32_t changes;   /* by the agent's word, that are left to it */
	uint64_t more_ns;   /* when it had one more last */
};

/* "booting", ... */
const char *lifecycle_name(enum lifecycle_state state);
/* It boots; whether the VM runs is told later. */
void lifecycle_begin(struct lifecycle *life, uint64_t now_ns);
void lifecycle_set_running(struct lifecycle *life, bool is_running);
/* What the agent says: QRT_SHMEM_STATE_*. The same beat again is the same word again. */
void lifecycle_hear(struct lifecycle *life, uint32_t said, uint32_t beat, uint64_t now_ns);
/* QEMU began it anew, or ended it; the reason is QEMU's word for it. */
void lifecycle_reset(struct lifecycle *life, const char *reason, uint64_t now_ns);
void lifecycle_shut_down(struct lifecycle *life, const char *reason, uint64_t now_ns);
/* After what was heard: time passes. */
void lifecycle_pass(struct lifecycle *life, const struct lifecycle_limits *limits, uint64_t now_ns);
/* Whether it needs no real time now. */
bool lifecycle_is_lowered(const struct lifecycle *life);

#endif
