/* SPDX-License-Identifier: MIT */
/*
 * A thread's birth and end.
 *
 * When does a newborn without a name get the role of unnamed threads? At once is safe, but does harm
 * to one that names itself as its first act, as QEMU's do: it inherits the urgency of its creator, and
 * as time-shared it would wait behind the host's load, tens of ms, just to get to that act. Later is
 * too late for one that never names itself. So we learn by the start routine, which QEMU has one of for
 * all its threads: once a thread with it has named itself, its later ones are left as they were born
 * until they do. One of them that takes a mutex first (or ends) shows that the routine cannot be relied
 * on: that thread gets its role there, and the routine's later ones at birth.
 */
#include <errno.h>
#include <stdlib.h>

#include "preload_p.h"
#include "process_p.h"

typedef void *(*routine)(void *);

struct birth {
	routine run;
	void *arg;
};

/* What is known of start routines. Never more than one entry is taken for a routine that matters; a
 * routine that finds no room is placed at birth. */
enum habit { HABIT_UNKNOWN, HABIT_NAMES_ITSELF, HABIT_UNRELIABLE };

#define KNOWN 32

static struct {
	_Atomic(routine) run;
	_Atomic int habit;
} known[KNOWN];

_Atomic uint64_t preload_pending;

static pthread_key_t end_key;
static __thread routine own_routine; /* of the calling thread; NULL: not born by us */
static __thread int is_pending;

static enum habit habit_of(routine run)
{
	routine at;
	int i;

	for (i = 0; i < KNOWN; i++) {
		at = atomic_load_explicit(&known[i].run, memory_order_acquire);
		if (at == run)
			return (enum habit)atomic_load_explicit(&known[i].habit, memory_order_relaxed);
		if (!at)
			break;
	}
	return HABIT_UNKNOWN;
}

/* Habits only get worse: unreliable once, unreliable for good. */
static void learn(routine run, enum habit habit)
{
	routine at;
	int i, had;

	for (i = 0; i < KNOWN; i++) {
		at = NULL;
		if (!atomic_compare_exchange_strong(&known[i].run, &at, run) && at != run)
			continue;
		had = atomic_load(&known[i].habit);
		while (had < (int)habit && !atomic_compare_exchange_weak(&known[i].habit, &had, (int)habit))
			;
		return;
	}
}

static void settle(enum habit habit)
{
	if (is_pending) {
		is_pending = 0;
		atomic_fetch_sub(&preload_pending, 1);
	}
	if (own_routine)
		learn(own_routine, habit);
}

void preload_enter(const char *name)
{
	qrt_sched_process_enter(preload_process.own, name);
	preload_know_quantum();
}

void preload_named(const char *name)
{
	settle(HABIT_NAMES_ITSELF);
	preload_enter(name);
}

void preload_stayed_unnamed(void)
{
	if (!is_pending)
		return;
	settle(HABIT_UNRELIABLE);
	preload_enter(NULL);
}

void preload_forget_births(void)
{
	is_pending = 0;
	atomic_store(&preload_pending, 0);
}

static void end(void *unused)
{
	(void)unused;
	if (is_pending)
		settle(HABIT_UNRELIABLE);
}

int preload_prepare_births(void)
{
	return -pthread_key_create(&end_key, end);
}

static void be_born(routine run)
{
	own_routine = run;
	pthread_setspecific(end_key, &end_key);
	if (habit_of(run) == HABIT_NAMES_ITSELF) {
		is_pending = 1;
		atomic_fetch_add(&preload_pending, 1);
	} else {
		preload_enter(NULL);
	}
}

static void *begin(void *arg)
{
	struct birth birth = *(struct birth *)arg;

	free(arg);
	be_born(birth.run);
	return birth.run(birth.arg);
}

EXPORT int pthread_create(pthread_t *thread, const pthread_attr_t *attr, routine run, void *arg)
{
	struct birth *birth;
	int rc;

	if (!preload_is_on()) {
		if (atomic_load(&preload_process.state) != PRELOAD_FORKED)
			return preload_real()->pthread_create(thread, attr, run, arg);
		preload_resume();
	}
	birth = malloc(sizeof(*birth));
	if (!birth)
		return EAGAIN;
	*birth = (struct birth){.run = run, .arg = arg};
	rc = preload_real()->pthread_create(thread, attr, begin, birth);
	if (rc)
		free(birth);
	return rc;
}
