/* SPDX-License-Identifier: MIT */
/* Where recordings come from: a running VM's supervisor, or a file. */
#ifndef QRT_LAUNCHER_RECORDING_FIND_H
#define QRT_LAUNCHER_RECORDING_FIND_H

#include "recording.h"

/* Both return 0, or a negative exit code after a word; the caller clears what they return. */

/* Asks the supervisor of a VM; NULL: of the only one that runs. */
int recording_ask(const char *name, struct recording *ret_recording);
int recording_load(const char *path, struct recording *ret_recording);

#endif
