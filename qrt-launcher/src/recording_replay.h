/* SPDX-License-Identifier: MIT */
/* From a recording's task switches to delays with culprits, as if blame had watched. */
#ifndef QRT_LAUNCHER_RECORDING_REPLAY_H
#define QRT_LAUNCHER_RECORDING_REPLAY_H

#include "recording.h"

/* Waits that are shorter are not kept. */
#define RECORDING_REPLAY_NS 200000u

/* Reads the recording's switches. Makes its events, of which none is left, into its delays, and names who is
 * in them; looks into /proc for that. */
void recording_replay(struct recording *recording);

#endif
