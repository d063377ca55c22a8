/* SPDX-License-Identifier: MIT */
/* A recording in the words of blame. */
#ifndef QRT_LAUNCHER_RECORDING_BLAME_H
#define QRT_LAUNCHER_RECORDING_BLAME_H

#include "blame_report.h"
#include "recording.h"

/* Calls emit() for every delay of at least over_ns, in the order of their ends. An account says how long a
 * thread waited between two looks, and how often it was switched in: with one of them the length is exact,
 * else it is between the mean and the sum. Culprits are those of the VM's own threads that ran on the same
 * CPU; who else did is not recorded. Returns in how many windows a wait of over_ns may be hidden among
 * several. */
uint64_t recording_find_delays(const struct recording *recording, uint64_t over_ns, blame_delay_fn emit,
			       void *context);

/* Prints what the recording holds; options as of blame. */
void recording_print(const struct recording *recording, uint64_t over_ns, uint32_t roles, size_t top,
		     bool json);

#endif
