/* SPDX-License-Identifier: MIT */
/* The words for what is in a recording, for who writes and who reads its text. */
#ifndef QRT_LAUNCHER_RECORDING_KINDS_H
#define QRT_LAUNCHER_RECORDING_KINDS_H

#include "blame_model.h"
#include "recorder_ring.h"

extern const char *const recording_kinds[RECORDER_KINDS];
extern const char *const recording_delay_kinds[BLAME_KINDS];

#endif
