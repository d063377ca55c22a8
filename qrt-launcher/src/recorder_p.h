/* SPDX-License-Identifier: MIT */
/* The two halves of the flight recorder: what fills it, and what empties it. */
#ifndef QRT_LAUNCHER_RECORDER_P_H
#define QRT_LAUNCHER_RECORDER_P_H

#include "recorder.h"
#include "recorder_accounts.h"
#include "recorder_keeper.h"
#include "recorder_ring.h"
#include "recorder_trace.h"
#include "recording.h"

struct recorder {
	struct recorder_ring *ring;
	struct recorder_accounts *accounts;
	struct recorder_trace *trace;
	struct actions *actions; /* the supervisor's caller's */
	uint64_t least_ns;       /* of them, 0: none */
	uint64_t look_ns;        /* of the last look */
	uint64_t sweep_ns;
	uint64_t lost_mutexes;
	struct recorder_keeper *keeper;
	struct recorder_reports *reports;
	uint64_t stop_ns; /* when QEMU was asked to stop the guest, 0: it owes no answer to that */
};

/* How long a thread waited: SAMPLE and MUTEX. */
uint64_t recorder_length_of(const struct recorder_entry *entry);
/* A thread waited for too long: what was asked for is done, and the ring is kept. */
void recorder_react(struct supervisor *supervisor, const struct recorder_thread *thread,
		    const struct recorder_entry *entry);
/* Asks QEMU to stop the guest. 1: asked, recorder_note_stop() says what came of it; negative: it cannot be
 * asked, after a word. */
int recorder_stop_guest(struct supervisor *supervisor, const struct action *action);
/* At each look: whether QEMU owes the answer for too long. */
void recorder_check_stop(struct supervisor *supervisor);
/* What makes the answers for who asks. */
struct recorder_reports *recorder_reports_new(void);
struct recorder_reports *recorder_reports_free(struct recorder_reports *reports);
/* What the recorder holds now, copied and no more: recording_date() and recording_replay() follow where there
 * is time. The caller clears it. */
void recorder_take(struct supervisor *supervisor, const char *trigger, struct recording *ret_recording);

#endif
