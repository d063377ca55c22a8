/* SPDX-License-Identifier: MIT */
/*
 * What the flight recorder of a VM held at one moment, as text and back: one JSON object a line, the first
 * one says of which VM and when.
 */
#ifndef QRT_LAUNCHER_RECORDING_H
#define QRT_LAUNCHER_RECORDING_H

#include "blame_copy.h"
#include "blame_model.h"
#include "blame_names.h"
#include "recorder_accounts.h"
#include "recorder_ring.h"

#include <glib.h>
#include <json-glib/json-glib.h>

#define RECORDING_MAX (16u << 20) /* bytes of one, as text */

/* A task that is none of the VM's, but kept one of its threads from running. */
struct recording_task {
	int32_t tid;
	struct blame_name name;
};

struct recording {
	char name[65]; /* of the VM; clean, as all texts here */
	int32_t pid;
	uint64_t start_ns, end_ns; /* CLOCK_MONOTONIC */
	uint64_t lost_mutexes;
	bool mutexes;      /* waits for them are recorded */
	int64_t wall_s;    /* end_ns on a wall clock, until recording_date() */
	char when[32];     /* the same in words */
	char trigger[160]; /* why it was kept, empty: somebody asked */
	GArray *threads;   /* struct recorder_thread */
	GArray *entries;   /* struct recorder_entry, the oldest first */

	/* Of threads that are traced the switches say more than their accounts, from then on; 0: no switches.
	 */
	uint64_t traced_ns;
	int32_t trace_error; /* why there are none, a positive errno; 0: no thread has CPUs of its own */
	struct blame_copy *switches; /* as the kernel wrote them, NULL: none; until recording_replay() */
	GArray *events;              /* struct blame_event, until recording_replay() makes delays of them */
	GArray *delays;              /* struct blame_delay, none of them for a mutex */
	GArray *tasks;               /* struct recording_task: who is named in delays */
};

#define RECORDING_DELAYS_MAX 4000u /* of more the shorter ones are left out */

void recording_init(struct recording *recording);
void recording_clear(struct recording *recording);
/* Says when it was. For a thread that may wait for the lock of the time zone. */
void recording_date(struct recording *recording);
/* The lines, freed by g_free(). */
char *recording_format(const struct recording *recording, size_t *ret_len);
/* Takes in one line. -EINVAL: none of such a text. */
int recording_take(struct recording *recording, JsonObject *object);
/* Takes in a whole text. -EINVAL, with the line's number; nothing else is said of it. */
int recording_parse(struct recording *recording, const char *text, size_t len, unsigned int *ret_line);

#endif
