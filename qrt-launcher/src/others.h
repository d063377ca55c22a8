/* SPDX-License-Identifier: MIT */
/* Other VMs whose launcher was killed. */
#ifndef QRT_LAUNCHER_OTHERS_H
#define QRT_LAUNCHER_OTHERS_H

#include <qrt/sched.h>

/*
 * Nobody governs a VM whose supervisor was killed: who sees it first puts it back, each second, on a thread
 * of its own, for that can take long. What cannot be put back is said once, and tried again later.
 */
struct others;

/* `rank`: from where a VM that spins does not keep it away, NULL: as who calls. From where signals are
 * blocked that are for somebody else. NULL where there can be no thread, which was said. */
struct others *others_open(int run_fd, const struct qrt_sched_setting *rank);
/* Another rank from now on. */
void others_move(struct others *others, const struct qrt_sched_setting *rank);
/* Waits until what is under way is done. */
struct others *others_close(struct others *others);

#endif
