/* SPDX-License-Identifier: MIT */
/*
 * A mutex that inherits priority holds the number of its owner's thread, and nobody else can unlock it.
 * The thread that forks has another number in the child: what it held it could never unlock there,
 * which plain mutexes allow and programs rely on (QEMU -daemonize holds its big lock, atfork handlers
 * unlock in the child what they locked before). So the child's thread is made the owner of what is its.
 */
#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "preload_p.h"

#define SLOTS  8192u /* mutexes that can be known; others are not handed on */
#define WINDOW 32u   /* slots that one address can be in */

static _Atomic(pthread_mutex_t *) slots[SLOTS];
static __thread pid_t forker;

static _Atomic(pthread_mutex_t *) *slot_of(const pthread_mutex_t *mutex, unsigned n)
{
	uint64_t hash = ((uintptr_t)mutex >> 3) * 0x9e3779b97f4a7c15u;

	return &slots[((hash >> 32) + n) % SLOTS];
}

void preload_know_mutex(pthread_mutex_t *mutex)
{
	pthread_mutex_t *none;
	unsigned n;

	/* Where it was made anew without having been destroyed, it is there already. */
	for (n = 0; n < WINDOW; n++) {
		if (atomic_load_explicit(slot_of(mutex, n), memory_order_relaxed) == mutex)
			return;
	}
	for (n = 0; n < WINDOW; n++) {
		none = NULL;
		if (atomic_compare_exchange_strong(slot_of(mutex, n), &none, mutex))
			return;
	}
}

static void forget_mutex(pthread_mutex_t *mutex)
{
	pthread_mutex_t *own;
	unsigned n;

	for (n = 0; n < WINDOW; n++) {
		own = mutex;
		if (atomic_compare_exchange_strong(slot_of(mutex, n), &own, NULL))
			return;
	}
}

EXPORT int pthread_mutex_destroy(pthread_mutex_t *mutex)
{
	if (preload_process.globals.pi_mutexes)
		forget_mutex(mutex);
	return preload_real()->pthread_mutex_destroy(mutex);
}

/* Its memory may be long gone, or another thing's: programs free mutexes without destroying them. */
static int is_held_by(pthread_mutex_t *mutex, pid_t owner)
{
	pthread_mutex_t copy;
	struct iovec to = {&copy, sizeof(copy)}, from = {mutex, sizeof(copy)};

	return process_vm_readv(getpid(), &to, 1, &from, 1, 0) == sizeof(copy) &&
	       (copy.__data.__kind & 0x7f) == PTHREAD_PRIO_INHERIT << 5 && copy.__data.__owner == owner &&
	       ((unsigned)copy.__data.__lock & FUTEX_TID_MASK) == (unsigned)owner;
}

void preload_remember_forker(void)
{
	forker = (pid_t)syscall(SYS_gettid);
}

void preload_inherit_mutexes(void)
{
	pid_t heir = (pid_t)syscall(SYS_gettid);
	pthread_mutex_t *mutex;
	int saved = errno;
	unsigned i;

	for (i = 0; i < SLOTS; i++) {
		mutex = atomic_load_explicit(&slots[i], memory_order_relaxed);
		if (!mutex || !is_held_by(mutex, forker))
			continue;
		/* Nobody waits for it here: no flag is kept. */
		mutex->__data.__lock = heir;
		mutex->__data.__owner = heir;
	}
	errno = saved;
}
