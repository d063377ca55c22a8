/* SPDX-License-Identifier: MIT */
/*
 * The holder's side.
 *
 * A hold is written into the table before the priority rises, and taken out after it fell: the keeper never
 * misses a raised thread. Whoever tells a thread a new base writes the word first and changes the thread's
 * setting then; the thread looks at the word again after each of its own calls. Whichever comes last, it is
 * the new base that stays.
 */
#include "error_p.h"
#include "lock_p.h"
#include "setting_p.h"
#include "sys_p.h"

#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LOOKS 3 /* at words that change while they are followed */

struct qrt_sched_lock {
	struct qrt_sched_lock_table *table;
	struct qrt_sched_p_lock_slot *slot; /* NULL: kept by slice extensions */
	struct qrt_sched_p_slice slice;
	struct qrt_sched_p_lock_base base;
	uint64_t word; /* of the keeper, last followed */
	uint32_t depth;
	int is_above; /* without the lock as urgent as with it */
	int is_raised;
	int status; /* of the outermost take */
};

/* ---- slots ---- */

static int claim(struct qrt_sched_p_lock_slot *slot, int32_t from, pid_t tid)
{
	if (!atomic_compare_exchange_strong(&slot->tid, &from, tid))
		return 0;
	atomic_store(&slot->hold, 0);
	atomic_store(&slot->told, 0);
	return 1;
}

/* A thread that ended without closing leaves its slot behind. */
static int claim_from_dead(struct qrt_sched_lock_table *table, struct qrt_sched_p_lock_slot *slot, pid_t tid)
{
	int32_t had = atomic_load(&slot->tid);

	if (had > 0 && qrt_sched_p_lock_sys->is_thread_of(getpid(), had))
		return 0;
	if (!claim(slot, had, tid))
		return 0;
	qrt_sched_p_lock_know(table, had, 0);
	return 1;
}

static struct qrt_sched_p_lock_slot *find_slot(struct qrt_sched_lock_table *table, pid_t tid)
{
	struct qrt_sched_p_lock_slot *slots = table->shared->slots;
	uint32_t i;

	for (i = 0; i < table->threads; i++) {
		if (claim(&slots[i], 0, tid))
			return &slots[i];
	}
	for (i = 0; i < table->threads; i++) {
		if (claim_from_dead(table, &slots[i], tid))
			return &slots[i];
	}
	return NULL;
}

/* ---- the base ---- */

static void set_own_base(struct qrt_sched_lock *lock, const struct qrt_sched_p_lock_base *base)
{
	lock->base = *base;
	lock->is_above = base->is_suspended ||
			 qrt_sched_p_urgency(base->policy, base->priority) >= lock->table->priority;
}

/* 1 when the keeper said something new. */
static int follow(struct qrt_sched_lock *lock)
{
	uint64_t word = atomic_load_explicit(&lock->slot->told, memory_order_acquire);
	struct qrt_sched_p_lock_base base;

	if (__builtin_expect(word == lock->word, 1))
		return 0;
	lock->word = word;
	base = qrt_sched_p_lock_unpack(word);
	if (base.tid != lock->base.tid)
		return 0;
	set_own_base(lock, &base);
	return 1;
}

static int raise(const struct qrt_sched_lock *lock)
{
	int reset = lock->base.is_reset ? SCHED_RESET_ON_FORK : 0;

	return qrt_sched_p_lock_sys->set_scheduler(0, SCHED_FIFO | reset, lock->table->priority);
}

static int put_back(const struct qrt_sched_lock *lock)
{
	int reset = lock->base.is_reset ? SCHED_RESET_ON_FORK : 0;

	return qrt_sched_p_lock_sys->set_scheduler(0, (int)lock->base.policy | reset, lock->base.priority);
}

static int put_back_as_told(struct qrt_sched_lock *lock)
{
	int looks, rc = 0;

	for (looks = 0; looks < LOOKS; looks++) {
		rc = put_back(lock);
		if (!follow(lock))
			break;
	}
	return rc;
}

/* ---- opening ---- */

static int is_deadline(const struct qrt_sched_setting *now)
{
	return now->policy == QRT_SCHED_POLICY_DEADLINE;
}

/* Rights and seccomp filters are many: whether the kernel lets this thread rise and fall shows the kernel. */
static int try_out(const struct qrt_sched_lock *lock, struct qrt_sched_error *reterr)
{
	struct qrt_sched_setting raised = {.set = QRT_SCHED_SET_POLICY | QRT_SCHED_SET_PRIORITY,
					   .policy = QRT_SCHED_POLICY_FIFO,
					   .priority = lock->table->priority};
	int rc;

	if (lock->is_above)
		return 0;
	rc = raise(lock);
	if (rc < 0)
		return qrt_sched_p_refusal(reterr, rc, 0, &raised);
	return put_back(lock);
}

static int read_base(struct qrt_sched_lock *lock, struct qrt_sched_error *reterr)
{
	pid_t tid = (pid_t)syscall(SYS_gettid);
	struct qrt_sched_p_lock_base base = {.tid = tid};
	struct qrt_sched_setting now;
	int rc;

	qrt_sched_p_setting_read_some(0, &now);
	if (is_deadline(&now)) {
		base.is_suspended = 1; /* above every priority there is */
	} else {
		now.set &= QRT_SCHED_SET_POLICY | QRT_SCHED_SET_PRIORITY | QRT_SCHED_SET_FLAGS;
		rc = qrt_sched_p_lock_base_of(tid, &now, &base);
		if (rc < 0)
			return qrt_sched_p_error(reterr, rc, "how this thread runs cannot be read");
	}
	set_own_base(lock, &base);
	return 0;
}

static int enter_table(struct qrt_sched_lock *lock, struct qrt_sched_error *reterr)
{
	int rc = read_base(lock, reterr);

	if (rc >= 0)
		rc = try_out(lock, reterr);
	if (rc < 0)
		return rc;
	lock->slot = find_slot(lock->table, lock->base.tid);
	if (!lock->slot)
		return qrt_sched_p_error(reterr, -ENOSPC, "the lock table has no slot left: all %u are taken",
					 lock->table->threads);
	if (!is_deadline(&(struct qrt_sched_setting){.policy = lock->base.policy}))
		qrt_sched_p_lock_know(lock->table, lock->base.tid, qrt_sched_p_lock_pack(&lock->base));
	return 0;
}

int qrt_sched_lock_open(struct qrt_sched_lock_table *table, struct qrt_sched_lock **ret_lock,
			struct qrt_sched_error *reterr)
{
	struct qrt_sched_lock *lock = calloc(1, sizeof(*lock));
	int rc;

	if (!lock)
		return qrt_sched_p_error(reterr, -ENOMEM, "no memory for a preempt lock");
	lock->table = table;
	if ((table->flags & QRT_SCHED_LOCK_SHORT) && qrt_sched_p_slice_open(&lock->slice) == 0) {
		*ret_lock = lock;
		return 1;
	}
	rc = enter_table(lock, reterr);
	if (rc < 0) {
		free(lock);
		return rc;
	}
	*ret_lock = lock;
	return 0;
}

struct qrt_sched_lock *qrt_sched_lock_close(struct qrt_sched_lock *lock)
{
	if (!lock)
		return NULL;
	while (lock->depth)
		qrt_sched_lock_give(lock);
	if (lock->slot) {
		qrt_sched_p_lock_know(lock->table, lock->base.tid, 0);
		atomic_store(&lock->slot->told, 0);
		atomic_store(&lock->slot->tid, 0);
	}
	free(lock);
	return NULL;
}

int qrt_sched_lock_set_base(struct qrt_sched_lock *lock, const struct qrt_sched_setting *setting)
{
	struct qrt_sched_p_lock_base base;
	int rc;

	if (lock->depth)
		return -EBUSY;
	rc = qrt_sched_p_lock_base_of((pid_t)syscall(SYS_gettid), setting, &base);
	if (rc < 0 || !lock->slot)
		return rc;
	if (!(setting->set & QRT_SCHED_SET_FLAGS))
		base.is_reset = lock->base.is_reset;
	/* What the keeper said was about the time before; it says it again where it does not agree. */
	atomic_store(&lock->slot->told, 0);
	lock->word = 0;
	set_own_base(lock, &base);
	qrt_sched_p_lock_know(lock->table, base.tid, qrt_sched_p_lock_pack(&base));
	return 0;
}

/* ---- taking and giving ---- */

static void wake_keeper(struct qrt_sched_p_lock_shared *shared)
{
	if (__builtin_expect(!atomic_load(&shared->is_keeper_asleep), 1))
		return;
	if (atomic_exchange(&shared->is_keeper_asleep, 0))
		syscall(SYS_futex, &shared->is_keeper_asleep, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void end_hold(struct qrt_sched_lock *lock)
{
	put_back_as_told(lock);
	atomic_store(&lock->slot->hold, 0);
	lock->is_raised = 0;
}

static int take_outermost(struct qrt_sched_lock *lock)
{
	struct qrt_sched_p_lock_slot *slot = lock->slot;
	uint64_t count;
	int rc;

	follow(lock);
	if (lock->is_above)
		return 0;
	count = atomic_load_explicit(&slot->count, memory_order_relaxed);
	atomic_store_explicit(&slot->count, count + 1, memory_order_relaxed);
	/* Sequentially consistent with the look at the sleeping keeper: one of the two sees the other. */
	atomic_store(&slot->hold, qrt_sched_p_sys->now() & ~(uint64_t)QRT_SCHED_P_LOCK_ENDED);
	rc = raise(lock);
	if (rc < 0) {
		atomic_store(&slot->hold, 0);
		return rc;
	}
	lock->is_raised = 1;
	if (__builtin_expect(follow(lock), 0))
		end_hold(lock);
	wake_keeper(lock->table->shared);
	return 0;
}

int qrt_sched_lock_take(struct qrt_sched_lock *lock)
{
	if (lock->depth++)
		return lock->status;
	if (lock->slice.request) {
		qrt_sched_p_slice_take(&lock->slice);
		return 0;
	}
	lock->status = take_outermost(lock);
	return lock->status;
}

static int give_outermost(struct qrt_sched_lock *lock)
{
	uint64_t hold;
	int rc;

	if (!lock->is_raised)
		return 0;
	follow(lock);
	rc = put_back_as_told(lock);
	/* It stays in the table where it stays raised: then it is the keeper's. */
	if (rc < 0)
		return rc;
	lock->is_raised = 0;
	hold = atomic_exchange(&lock->slot->hold, 0);
	return (hold & QRT_SCHED_P_LOCK_ENDED) != 0;
}

int qrt_sched_lock_give(struct qrt_sched_lock *lock)
{
	if (!lock->depth)
		return -EPERM;
	if (--lock->depth)
		return 0;
	if (lock->slice.request) {
		qrt_sched_p_slice_give(&lock->slice);
		return 0;
	}
	return give_outermost(lock);
}
