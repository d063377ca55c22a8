/* SPDX-License-Identifier: MIT */
/* The flight recorder of a VM: what its threads waited for in the last seconds, kept when it was too long. */
#ifndef QRT_LAUNCHER_RECORDER_H
#define QRT_LAUNCHER_RECORDER_H

#include "action.h"

#include <stdbool.h>

struct plan_request;
struct supervisor;
struct recorder;

#define RECORDER_LAST_NS UINT64_C(10000000000) /* what a recording goes back at most */

struct recorder_options {
	bool off;     /* --no-record */
	bool to_log;  /* nobody reads standard error: words go to the system's log */
	char *folder; /* --record-dir, NULL: the default one */
	struct actions actions;
};

/* Takes argv[*index], if it is an option of the recorder's, as plan_request_take() does. */
int recorder_options_take(struct recorder_options *options, int argc, char **argv, int *index);
/* What cannot be known before the plan is. Returns an exit code (EXIT_USAGE, EXIT_FAILED); what was wrong was
 * said.
 */
int recorder_options_check(const struct recorder_options *options, const struct plan_request *request,
			   bool has_library);
void recorder_options_clear(struct recorder_options *options);

/* All of these do nothing for a supervisor without a recorder. */
void recorder_open(struct supervisor *supervisor);
void recorder_close(struct supervisor *supervisor);
/* At each of the supervisor's looks. */
void recorder_look(struct supervisor *supervisor);
/* QEMU's monitor took so long for an answer. */
void recorder_note_answer(struct supervisor *supervisor, uint64_t took_ns);
/* QEMU has stopped the guest, as --on-delay wanted it; or it has not, and says why. */
void recorder_note_stop(struct supervisor *supervisor, const char *error);
/* Begins to make the answer to "recording"; the main loop gives it to told(), one line, freed by g_free(),
 * unless the recorder is closed before. -ENOENT: nothing is recorded; -EBUSY: another one is being made. */
int recorder_report(struct supervisor *supervisor, void (*told)(char *text, void *data), void *data);

#endif
