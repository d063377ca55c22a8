/* SPDX-License-Identifier: MIT */
/* Which threads of a recording waited, and for whom. Pure. */
#ifndef QRT_LAUNCHER_RECORDING_DELAYS_H
#define QRT_LAUNCHER_RECORDING_DELAYS_H

#include "recording.h"

/* Calls emit() for every delay of at least over_ns. Of traced threads they are in the recording. Of others an
 * account says how long a thread waited between two looks, and how often it was switched in: with one of them
 * the length is exact, else it is between the mean and the sum; culprits are those of the VM's own threads
 * that ran on the same CPU; who else did is not recorded. Returns in how many windows a wait of over_ns may
 * be hidden among several. */
uint64_t recording_find_delays(const struct recording *recording, uint64_t over_ns, blame_delay_fn emit,
			       void *context);

/* An entry of the kind MUTEX as a delay, however short. */
struct blame_delay recording_make_wait(const struct recorder_entry *entry);

#endif
