/* SPDX-License-Identifier: MIT */
/*
 * libqrt-sched: preempt lock for user code.
 *
 * A thread that takes the lock runs at the lock's priority until it gives it back: nothing below that
 * takes its CPU in between (device emulation, a critical section that others spin for). Nestable;
 * bounded: who keeps it longer than the maximum loses it, by a keeper that stands above.
 *
 * A pair costs two system calls, or none where the kernel grants slice extensions (rseq, Linux 7) and
 * the sections are meant to be that short.
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

#define QRT_SCHED_LOCK_MAX_NS      100000000ull /* the longest maximum: 100 ms, as layer LOCK has it */
#define QRT_SCHED_LOCK_THREADS_MAX 4096

/* Sections of a few microseconds at most: the kernel's slice extension serves where there is one. It
 * delays whoever would take the CPU by 5 us (the kernel's default), once; the maximum is the kernel's. */
#define QRT_SCHED_LOCK_SHORT 1u

struct qrt_sched_lock_table;

struct qrt_sched_lock_config {
	uint32_t size;
	uint32_t threads; /* slots, 0: 64; at most QRT_SCHED_LOCK_THREADS_MAX */
	int32_t priority; /* FIFO, 1..99: what a holder runs at, where it is not above already */
	uint32_t flags;   /* QRT_SCHED_LOCK_SHORT */
	uint64_t max_ns;  /* longest hold, 0: 1 ms; 1000..QRT_SCHED_LOCK_MAX_NS */
};

/* Makes a table (the keeper's side), in memory that can be shared. -EINVAL, -E2BIG, -ENOMEM. [setup] */
QRT_SCHED_API int qrt_sched_lock_table_new(const struct qrt_sched_lock_config *config,
					   struct qrt_sched_lock_table **ret_table,
					   struct qrt_sched_error *reterr);
/* The same one by a descriptor (dup'ed): the holders' side. -EINVAL where it is none. [setup] */
QRT_SCHED_API int qrt_sched_lock_table_open(int fd, struct qrt_sched_lock_table **ret_table);
/* After the locks of this handle. Takes NULL, returns NULL. [setup] */
QRT_SCHED_API struct qrt_sched_lock_table *qrt_sched_lock_table_close(struct qrt_sched_lock_table *table);
/* CLOEXEC, the table's own. [rt] */
QRT_SCHED_API int qrt_sched_lock_table_get_fd(const struct qrt_sched_lock_table *table);

/* ---- holders ------------------------------------------------------------------------------- */

struct qrt_sched_lock;

/* The calling thread's lock. It reads how the thread runs now: that is what giving goes back to, until
 * set_base or the keeper says otherwise; and it takes and gives once, to know that it may. RETURN 0; 1:
 * short sections, kept by the kernel's slice extension; -ENOSPC: no slot left; -EPERM with the missing
 * right. THREADS: used by this thread alone, not after fork. [setup] */
QRT_SCHED_API int qrt_sched_lock_open(struct qrt_sched_lock_table *table, struct qrt_sched_lock **ret_lock,
				      struct qrt_sched_error *reterr);
/* Gives it back where it is held. Takes NULL, returns NULL. [setup] */
QRT_SCHED_API struct qrt_sched_lock *qrt_sched_lock_close(struct qrt_sched_lock *lock);
/* How the thread runs without the lock: policy, priority, and flags where named. Not while it is held
 * (-EBUSY). -EINVAL. [rt] */
QRT_SCHED_API int qrt_sched_lock_set_base(struct qrt_sched_lock *lock,
					  const struct qrt_sched_setting *setting);
/* Takes it; nests. Does nothing to the priority of a thread that is above, or that the keeper suspended.
 * RETURN 0, or a negative errno: the thread runs on as it was, and give is still due. [rt] */
QRT_SCHED_API int qrt_sched_lock_take(struct qrt_sched_lock *lock);
/* Gives it back; the outermost one puts the thread back. Returns 1 when the maximum had ended it before,
 * 0, -EPERM where it is not held; what the kernel refused: the keeper puts it right. [rt] */
QRT_SCHED_API int qrt_sched_lock_give(struct qrt_sched_lock *lock);

/* ---- the keeper ---------------------------------------------------------------------------- */

/* Says how a thread runs without the lock: what giving goes back to, and what enforce gives back, never
 * what the process says. is_suspended: the thread takes nothing until told otherwise (layers LIFECYCLE,
 * GOVERNOR). NULL: forget it. Tell before the thread's setting is changed, and now and then: a lock that
 * was opened since learns it then. In the process that holds it is not needed, opening a lock tells.
 * RETURN 1: the thread has a lock, 0: not yet, -ENOSPC, -EINVAL. THREADS: one tells, another enforces and
 * waits. [rt] */
QRT_SCHED_API int qrt_sched_lock_table_tell(struct qrt_sched_lock_table *table, pid_t tid,
					    const struct qrt_sched_setting *base, int is_suspended);

/* Ends what is held for longer than the maximum: marks it, and gives the thread back what was told of it.
 * Only threads of process tgid that were told of are touched. Returns how many were ended. [rt] */
QRT_SCHED_API int qrt_sched_lock_table_enforce(struct qrt_sched_lock_table *table, pid_t tgid);
/* Sleeps until the next hold can be over, or, while nobody takes locks, until one is taken; at most
 * longest_ns. Whatever the process writes, a loop of wait and enforce takes at most a tenth of a CPU.
 * Returns 1 while locks are taken, else 0. [setup] */
QRT_SCHED_API int qrt_sched_lock_table_wait(struct qrt_sched_lock_table *table, uint64_t longest_ns);

/* Who holds; what the process says of itself. */
struct qrt_sched_lock_holder {
	int32_t tid;
	uint32_t slot;
	uint64_t since_ns; /* CLOCK_MONOTONIC, when the outermost was taken */
	uint64_t ended;    /* how often the maximum ended a hold of this slot */
};

/* Writes up to max holders, returns how many there are. A hold that is over its maximum is none. [rt] */
QRT_SCHED_API int qrt_sched_lock_table_list(const struct qrt_sched_lock_table *table,
					    struct qrt_sched_lock_holder *ret_holders, size_t max);
/* How often locks of the table were taken, and ended by the maximum, all slots. [rt] */
QRT_SCHED_API uint64_t qrt_sched_lock_table_get_count(const struct qrt_sched_lock_table *table);
QRT_SCHED_API uint64_t qrt_sched_lock_table_get_ended(const struct qrt_sched_lock_table *table);

#ifdef __cplusplus
}
#endif

#endif /* QRT_PREEMPT_LOCK_H */
