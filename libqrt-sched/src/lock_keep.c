/* SPDX-License-Identifier: MIT */
/*
 * The keeper's side. What stands in the shared memory is what a process says that is not trusted: it is
 * read once into a variable, indexes nothing, and each call's work has an upper bound. What a thread goes
 * back to is known from tell alone.
 */
#include "lock_p.h"
#include "setting_p.h"
#include "sys_p.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define BURST     16     /* holds that one call ends */
#define REST_NS   100000 /* the shortest sleep, */
#define REST_EACH 9      /* and as often as long as what came before it */
#define QUIET     8      /* looks without a take before the keeper goes to sleep */

/* ---- what is known of threads ---- */

int qrt_sched_p_lock_know(struct qrt_sched_lock_table *table, pid_t tid, uint64_t word)
{
	uint64_t had;
	uint32_t i;

	for (i = 0; i < table->threads; i++) {
		had = atomic_load(&table->kept[i].told);
		if (had && qrt_sched_p_lock_unpack(had).tid == tid &&
		    atomic_compare_exchange_strong(&table->kept[i].told, &had, word))
			return 0;
	}
	for (i = 0; word && i < table->threads; i++) {
		had = 0;
		if (atomic_compare_exchange_strong(&table->kept[i].told, &had, word))
			return 0;
	}
	return word ? -ENOSPC : 0;
}

static int find_known(const struct qrt_sched_lock_table *table, pid_t tid,
		      struct qrt_sched_p_lock_base *ret_base)
{
	uint64_t word;
	uint32_t i;

	for (i = 0; i < table->threads; i++) {
		word = atomic_load(&table->kept[i].told);
		if (!word || qrt_sched_p_lock_unpack(word).tid != tid)
			continue;
		*ret_base = qrt_sched_p_lock_unpack(word);
		return 1;
	}
	return 0;
}

int qrt_sched_lock_table_tell(struct qrt_sched_lock_table *table, pid_t tid,
			      const struct qrt_sched_setting *base, int is_suspended)
{
	struct qrt_sched_p_lock_slot *slot;
	struct qrt_sched_p_lock_base own;
	uint64_t word;
	int rc;

	if (tid <= 0)
		return -EINVAL;
	if (!base)
		return qrt_sched_p_lock_know(table, tid, 0);
	rc = qrt_sched_p_lock_base_of(tid, base, &own);
	if (rc < 0)
		return rc;
	own.is_suspended = is_suspended != 0;
	word = qrt_sched_p_lock_pack(&own);
	rc = qrt_sched_p_lock_know(table, tid, word);
	slot = qrt_sched_p_lock_find(table, tid);
	if (slot && atomic_load(&slot->told) != word)
		atomic_store(&slot->told, word);
	return rc < 0 ? rc : slot != NULL;
}

/* ---- who holds ---- */

static uint64_t since(uint64_t hold)
{
	return hold & ~(uint64_t)QRT_SCHED_P_LOCK_ENDED;
}

/* A hold that began in the future is none that a thread of good will wrote: `now` was read after it. */
static int is_over(const struct qrt_sched_lock_table *table, uint64_t hold, uint64_t now)
{
	return since(hold) > now || now - since(hold) >= table->max_ns;
}

int qrt_sched_lock_table_list(const struct qrt_sched_lock_table *table,
			      struct qrt_sched_lock_holder *ret_holders, size_t max)
{
	int count = 0;
	uint32_t i;

	for (i = 0; i < table->threads; i++) {
		struct qrt_sched_p_lock_slot *slot = &table->shared->slots[i];
		uint64_t hold = atomic_load(&slot->hold);
		int32_t tid = atomic_load(&slot->tid);

		if (!hold || (hold & QRT_SCHED_P_LOCK_ENDED) || tid <= 0 ||
		    is_over(table, hold, qrt_sched_p_sys->now()))
			continue;
		if ((size_t)count < max)
			ret_holders[count] = (struct qrt_sched_lock_holder){
				.tid = tid,
				.slot = i,
				.since_ns = since(hold),
				.ended = atomic_load(&table->kept[i].ended),
			};
		count++;
	}
	return count;
}

/* ---- the end of a hold ---- */

static void lower(const struct qrt_sched_lock_table *table, pid_t tgid, pid_t tid)
{
	struct qrt_sched_p_lock_base base;
	struct qrt_sched_p_attr now = {0};

	if (!find_known(table, tid, &base) || !qrt_sched_p_lock_sys->is_thread_of(tgid, tid))
		return;
	if (qrt_sched_p_sys->get_attr(tid, &now) < 0 ||
	    qrt_sched_p_urgency(now.policy, (int32_t)now.priority) <=
		    qrt_sched_p_urgency(base.policy, base.priority))
		return;
	qrt_sched_p_lock_sys->set_scheduler(tid, (int)base.policy | (base.is_reset ? SCHED_RESET_ON_FORK : 0),
					    base.priority);
}

static int mark(struct qrt_sched_lock_table *table, uint32_t i, uint64_t hold)
{
	if (!atomic_compare_exchange_strong(&table->shared->slots[i].hold, &hold,
					    hold | QRT_SCHED_P_LOCK_ENDED))
		return 0;
	atomic_fetch_add(&table->kept[i].ended, 1);
	return 1;
}

/* Ends the hold that was seen in a slot. Returns how many were ended. */
static int end(struct qrt_sched_lock_table *table, pid_t tgid, uint32_t i, uint64_t hold)
{
	struct qrt_sched_p_lock_slot *slot = &table->shared->slots[i];
	int32_t tid = atomic_load(&slot->tid);
	uint64_t later;

	if (!mark(table, i, hold))
		return 0;
	if (tid <= 0)
		return 1;
	lower(table, tgid, tid);
	/* It gave the lock back meanwhile and took it again: then that hold may have been lowered. */
	later = atomic_load(&slot->hold);
	if (later && later != (hold | QRT_SCHED_P_LOCK_ENDED) && !(later & QRT_SCHED_P_LOCK_ENDED))
		return 1 + mark(table, i, later);
	return 1;
}

/* A thread that was kept from running between its word in the table and its rise rises after the end.
 * One a call: that is rare. */
static void check_one_ended(struct qrt_sched_lock_table *table, pid_t tgid)
{
	uint32_t n, i;
	uint64_t hold;
	int32_t tid;

	for (n = 0; n < table->threads; n++) {
		i = table->cursor++ % table->threads;
		hold = atomic_load(&table->shared->slots[i].hold);
		tid = atomic_load(&table->shared->slots[i].tid);
		if (!hold || !(hold & QRT_SCHED_P_LOCK_ENDED) || tid <= 0)
			continue;
		lower(table, tgid, tid);
		return;
	}
}

int qrt_sched_lock_table_enforce(struct qrt_sched_lock_table *table, pid_t tgid)
{
	int ended = 0;
	uint64_t hold;
	uint32_t i;

	for (i = 0; i < table->threads && ended < BURST; i++) {
		hold = atomic_load(&table->shared->slots[i].hold);
		if (!hold || (hold & QRT_SCHED_P_LOCK_ENDED) || !is_over(table, hold, qrt_sched_p_sys->now()))
			continue;
		ended += end(table, tgid, i, hold);
	}
	check_one_ended(table, tgid);
	return ended;
}

/* ---- when to look again ---- */

static void sleep_until(uint64_t until_ns)
{
	struct timespec ts = {(time_t)(until_ns / 1000000000u), (long)(until_ns % 1000000000u)};

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
}

/* When the first hold can be over; 0: nobody holds. */
static uint64_t find_due(const struct qrt_sched_lock_table *table)
{
	uint64_t due = 0, hold;
	uint32_t i;

	for (i = 0; i < table->threads; i++) {
		hold = atomic_load(&table->shared->slots[i].hold);
		if (!hold || (hold & QRT_SCHED_P_LOCK_ENDED) || hold > UINT64_MAX - table->max_ns)
			continue;
		if (!due || since(hold) + table->max_ns < due)
			due = since(hold) + table->max_ns;
	}
	return due;
}

static void doze(struct qrt_sched_lock_table *table, uint64_t until_ns)
{
	struct qrt_sched_p_lock_shared *shared = table->shared;
	uint64_t now = qrt_sched_p_sys->now(), left = now < until_ns ? until_ns - now : 0;
	struct timespec ts = {(time_t)(left / 1000000000u), (long)(left % 1000000000u)};

	atomic_store(&shared->is_keeper_asleep, 1);
	/* After the word above was written: who takes a lock now sees it, who took it before is seen. */
	if (left && !find_due(table) && qrt_sched_lock_table_get_count(table) == table->last_seen)
		syscall(SYS_futex, &shared->is_keeper_asleep, FUTEX_WAIT, 1, &ts, NULL, 0);
	atomic_store(&shared->is_keeper_asleep, 0);
}

/* The shortest sleep from now on: what the process writes could keep the keeper busy otherwise. */
static uint64_t find_rest(const struct qrt_sched_lock_table *table, uint64_t now)
{
	uint64_t worked = table->woke_ns && now > table->woke_ns ? now - table->woke_ns : 0;
	uint64_t rest = worked < QRT_SCHED_LOCK_MAX_NS ? worked * REST_EACH : QRT_SCHED_LOCK_MAX_NS;

	return now + (rest > REST_NS ? rest : REST_NS);
}

static int is_in_use(struct qrt_sched_lock_table *table)
{
	uint64_t count = qrt_sched_lock_table_get_count(table);

	if (count != table->last_seen || find_due(table))
		table->quiet = 0;
	else if (table->quiet < QUIET)
		table->quiet++;
	table->last_seen = count;
	return table->quiet < QUIET;
}

int qrt_sched_lock_table_wait(struct qrt_sched_lock_table *table, uint64_t longest_ns)
{
	uint64_t now = qrt_sched_p_sys->now(), rest = find_rest(table, now), last, due;
	int used = is_in_use(table);

	if (__builtin_add_overflow(now, longest_ns, &last))
		last = UINT64_MAX;
	if (used) {
		due = find_due(table);
		/* A hold that begins after this is not over before. */
		if (!due || due > now + table->max_ns)
			due = now + table->max_ns;
		if (due > last)
			due = last;
		sleep_until(due > rest ? due : rest);
	} else {
		sleep_until(rest);
		doze(table, last);
	}
	table->woke_ns = qrt_sched_p_sys->now();
	return used;
}
