/* SPDX-License-Identifier: MIT */
/*
 * libqrt-sched: preempt lock for user code.
 *
 * A thread that takes the lock runs at the lock's priority until it gives it back: nothing below that
 * takes its CPU in between (device emulation, a critical section that others spin for). Nestable;
 * bounded: who keeps it longer than the maximum loses it, by a keeper that stands above.
 *
 * A pair costs two system calls, or none where the kernel grants slice extensions (rseq, Linux 7) and
 * the section is meant to be that short.
 *
 * The table of holders is shared memory, so that a supervisor in another process sees who holds, and
 * enforces the maximum. The process is not trusted: what it writes can cost itself its locks, nothing
 * else. Conventions as in <qrt/sched.h>.
 */
#ifndef QRT_PREEMPT_LOCK_H
#define QRT_PREEMPT_LOCK_H

#include <qrt/sched.h>

#ifdef __cplusplus
extern "C" {
#endif

#define QRT_SCHED_LOCK_MAX_NS 100000000ull /* the longest maximum: 100 ms, as layer LOCK has it */

struct qrt_sched_lock_table;

struct qrt_sched_lock_config {
	uint32_t size;
	uint32_t threads;  /* slots, 0: 64; at most 4096 */
	int32_t priority;  /* FIFO, 1..99: what a holder runs at, where it is not above already */
	uint32_t reserved; /* 0 */
	uint64_t max_ns;   /* longest hold, 0: 1 ms; at most QRT_SCHED_LOCK_MAX_NS */
};

/* Makes a table (the keeper's side), in memory that can be shared. -EINVAL, -E2BIG, -ENOMEM. [setup] */
QRT_SCHED_API int qrt_sched_lock_table_new(const struct qrt_sched_lock_config *config,
					   struct qrt_sched_lock_table **ret_table,
					   struct qrt_sched_error *reterr);
/* The same one by a descriptor (dup'ed): the holders' side. -EINVAL where it is none. [setup] */
QRT_SCHED_API int qrt_sched_lock_table_open(int fd, struct qrt_sched_lock_table **ret_table);
QRT_SCHED_API struct qrt_sched_lock_table *qrt_sched_lock_table_close(struct qrt_sched_lock_table *table);
/* CLOEXEC, the table's own. [rt] */
QRT_SCHED_API int qrt_sched_lock_table_get_fd(const struct qrt_sched_lock_table *table);

struct qrt_sched_lock;

/* The calling thread's lock. It reads how the thread runs now: that is what an unlock goes back to;
 * open it anew after the thread's setting was changed, or tell by set_base. -ENOSPC: no slot left;
 * -EPERM with the missing right. THREADS: used by this thread alone. [setup] */
QRT_SCHED_API int qrt_sched_lock_open(struct qrt_sched_lock_table *table, struct qrt_sched_lock **ret_lock,
				      struct qrt_sched_error *reterr);
QRT_SCHED_API struct qrt_sched_lock *qrt_sched_lock_close(struct qrt_sched_lock *lock);
/* What an unlock goes back to. [rt] */
QRT_SCHED_API int qrt_sched_lock_set_base(struct qrt_sched_lock *lock,
					  const struct qrt_sched_setting *setting);
/* Takes it; nests. Does nothing to the priority of a thread that is above. RETURN 0, or a negative errno:
 * the thread runs on as it was, and unlock is still due. [rt] */
QRT_SCHED_API int qrt_sched_lock_take(struct qrt_sched_lock *lock);
/* Gives it back; the outermost one puts the thread back. Returns 1 when the maximum had ended it before,
 * 0, -EPERM where it is not held. [rt] */
QRT_SCHED_API int qrt_sched_lock_give(struct qrt_sched_lock *lock);

/* Who holds, for the keeper. */
struct qrt_sched_lock_holder {
	int32_t tid;
	uint32_t slot;
	uint64_t since_ns; /* CLOCK_MONOTONIC, when the outermost was taken */
	uint64_t ended;    /* how often the maximum ended a hold of this slot */
};

/* Writes up to max holders, returns how many there are. [rt] */
QRT_SCHED_API int qrt_sched_lock_table_list(const struct qrt_sched_lock_table *table,
					    struct qrt_sched_lock_holder *ret_holders, size_t max);
/* Ends what is held for longer than the maximum: marks the slot, and gives the thread `base(slot's tid)`
 * back, which is what the caller knows of it (never what the process says). Only threads of process
 * `tgid` are touched. Returns how many were ended. Call it at least every max_ns / 2 while the table is
 * in use: it is in use while the count below changes. [rt] */
typedef int (*qrt_sched_lock_base)(void *context, pid_t tid, struct qrt_sched_setting *ret_setting);
QRT_SCHED_API int qrt_sched_lock_table_enforce(struct qrt_sched_lock_table *table, pid_t tgid,
					       qrt_sched_lock_base base, void *context);
/* How often locks of the table were taken, all slots. [rt] */
QRT_SCHED_API uint64_t qrt_sched_lock_table_get_count(const struct qrt_sched_lock_table *table);

#ifdef __cplusplus
}
#endif

#endif /* QRT_PREEMPT_LOCK_H */
