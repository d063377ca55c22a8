/* SPDX-License-Identifier: MIT */
/* Quanta of threads that do not end their slices themselves: ended from outside. */
#ifndef QRT_LAUNCHER_SLICES_H
#define QRT_LAUNCHER_SLICES_H

#include <qrt/quantum.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct slices;

/* `rank`: how its own thread runs, which starts with the first quantum: above all that it rotates. */
struct slices *slices_open(const struct qrt_sched_setting *rank);
/* The threads stay as they are. */
struct slices *slices_close(struct slices *slices);
/* Makes slices of this length for a thread that runs under FIFO; 0: none any more. 0, or the error;
 * -EOPNOTSUPP for NULL, which makes none. */
int slices_set(struct slices *slices, pid_t tid, uint64_t quantum_ns);

/* Around what changes or compares how such a thread runs: who is rotated is lower for a moment, and has what
 * it had before after that. They do not nest. NULL: nothing. */
void slices_hold(struct slices *slices);
/* The same for who must not wait; false: somebody else has it, and who is changed meanwhile may be changed
 * back.
 */
bool slices_try_hold(struct slices *slices);
void slices_release(struct slices *slices);

#endif
