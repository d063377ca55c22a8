/* SPDX-License-Identifier: MIT */
/* Preempt locks of one VM's vCPUs, seen from their supervisor. */
#ifndef QRT_LAUNCHER_LOCKS_H
#define QRT_LAUNCHER_LOCKS_H

#include <qrt/preempt_lock.h>
#include <stdbool.h>

struct watched;
struct locks;

/* The highest priority that a plan gives to any thread, 0: none is real-time. */
int locks_find_highest(const struct qrt_sched_plan *plan);
/* What a holder would run at: above that. */
int locks_plan_priority(const struct qrt_sched_plan *plan);

/* As the plan says; NULL where it asks for none, or where there can be none, having said so. */
struct locks *locks_open(const struct qrt_sched_plan *plan, uint32_t vcpus, bool has_library);
struct locks *locks_close(struct locks *locks);
/* To be handed to QEMU; -1 for NULL. */
int locks_get_fd(const struct locks *locks);
/* What a holder runs at. */
int locks_get_priority(const struct locks *locks);

/* How often a lock was taken, and how often the maximum ended that. */
void locks_get_counts(const struct locks *locks, uint64_t *ret_taken, uint64_t *ret_ended);

/* As qrt_sched_thread_verify(), but that a thread which holds its lock is as it shall be. */
int locks_verify(const struct watched *watched);
/* Before a thread's setting is changed, and at every look. Nothing where the thread takes no locks. */
void locks_tell(struct locks *locks, const struct watched *watched);
void locks_forget(struct locks *locks, pid_t tid);

/* On the watchdog's thread: sleeps this long, and ends what is held too long meanwhile. */
void locks_keep(struct locks *locks, pid_t qemu, uint32_t ms);

#endif
