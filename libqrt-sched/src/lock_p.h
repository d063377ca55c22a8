/* SPDX-License-Identifier: MIT */
/* What the files of the preempt lock share: the table's memory, and their way to the kernel. */
#ifndef QRT_SCHED_LOCK_P_H
#define QRT_SCHED_LOCK_P_H

#include <qrt/preempt_lock.h>
#include <stdatomic.h>
#include <stddef.h>

/* ---- shared memory: everything in it may be overwritten by the other side at any time ---- */

#define QRT_SCHED_P_LOCK_ENDED 1u /* in `hold`: the keeper ended it */

struct qrt_sched_p_lock_slot {
	_Atomic int32_t tid;   /* whose it is, 0: free */
	_Atomic uint32_t pad;  /* 0 */
	_Atomic uint64_t hold; /* since when (ns, the lowest bit for the keeper's mark), 0: not held */
	_Atomic uint64_t count;
	_Atomic uint64_t told; /* the keeper's word about the thread, 0: none */
	uint64_t padding[4];   /* a cache line each: holders do not slow each other down */
};

struct qrt_sched_p_lock_shared {
	uint32_t magic;
	uint32_t version;
	int32_t priority;
	uint32_t flags;
	uint64_t max_ns;
	uint64_t padding_1[5];
	_Atomic uint32_t is_keeper_asleep; /* a futex: who takes a lock wakes the keeper */
	uint32_t padding_2[15];
	struct qrt_sched_p_lock_slot slots[];
};

_Static_assert(sizeof(struct qrt_sched_p_lock_slot) == 64, "a cache line");
_Static_assert(offsetof(struct qrt_sched_p_lock_shared, slots) == 128, "two cache lines");

/* ---- a word about a thread: what it runs at without the lock ---- */

struct qrt_sched_p_lock_base {
	int32_t tid; /* 0: no word */
	uint32_t policy;
	int32_t priority;
	int is_reset;     /* RESET_ON_FORK */
	int is_suspended; /* it takes no lock */
};

uint64_t qrt_sched_p_lock_pack(const struct qrt_sched_p_lock_base *base);
struct qrt_sched_p_lock_base qrt_sched_p_lock_unpack(uint64_t word);
/* The word of a setting. -EINVAL: policy or priority are not named, or not ours to give (DEADLINE). */
int qrt_sched_p_lock_base_of(pid_t tid, const struct qrt_sched_setting *setting,
			     struct qrt_sched_p_lock_base *ret_base);

/* ---- a handle ---- */

/* Private: what one side knows, and the other cannot write. */
struct qrt_sched_p_lock_kept {
	_Atomic uint64_t told;  /* a word, of any thread; 0: free */
	_Atomic uint64_t ended; /* holds of the slot with this number */
};

struct qrt_sched_lock_table {
	struct qrt_sched_p_lock_shared *shared;
	size_t size;
	int fd;
	uint32_t threads; /* our own copies */
	int32_t priority;
	uint32_t flags;
	uint64_t max_ns;
	uint64_t woke_ns;   /* when wait returned last */
	uint64_t last_seen; /* count at the last wait */
	uint32_t quiet;     /* looks without a take */
	uint32_t cursor;    /* slot whose end is checked next */
	struct qrt_sched_p_lock_kept kept[];
};

/* Remembers (word 0: forgets) what a thread runs at. -ENOSPC. */
int qrt_sched_p_lock_know(struct qrt_sched_lock_table *table, pid_t tid, uint64_t word);
/* The slot of a thread, NULL where it has none. */
struct qrt_sched_p_lock_slot *qrt_sched_p_lock_find(const struct qrt_sched_lock_table *table, pid_t tid);

/* ---- the kernel's slice extension (lock_slice.c) ---- */

struct qrt_sched_p_slice {
	volatile uint8_t *request, *granted; /* NULL: there is none */
};

/* Switches it on for the calling thread. -EOPNOTSUPP. */
int qrt_sched_p_slice_open(struct qrt_sched_p_slice *ret_slice);
void qrt_sched_p_slice_take(const struct qrt_sched_p_slice *slice);
void qrt_sched_p_slice_give(const struct qrt_sched_p_slice *slice);

/* ---- the way to the kernel, which tests replace ---- */

struct qrt_sched_p_lock_sys {
	int (*set_scheduler)(pid_t tid, int policy, int priority); /* keeps nice value, slice and CPUs */
	int (*is_thread_of)(pid_t tgid, pid_t tid);
	/* The calling thread's registered rseq area and how much of it the kernel knows; NULL: none. */
	void *(*get_rseq)(size_t *ret_size);
	int (*enable_slices)(void);
	int (*yield_slice)(void);
};

extern const struct qrt_sched_p_lock_sys *qrt_sched_p_lock_sys;
extern const struct qrt_sched_p_lock_sys qrt_sched_p_lock_kernel;

#endif
