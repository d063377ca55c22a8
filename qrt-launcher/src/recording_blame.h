/* SPDX-License-Identifier: MIT */
/* A recording in the words of blame. */
#ifndef QRT_LAUNCHER_RECORDING_BLAME_H
#define QRT_LAUNCHER_RECORDING_BLAME_H

#include "blame_report.h"
#include "recording.h"

/* Prints what the recording holds; options as of blame. */
void recording_print(const struct recording *recording, uint64_t over_ns, uint32_t roles, size_t top,
		     bool json);

#endif
