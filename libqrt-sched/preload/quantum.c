/* SPDX-License-Identifier: MIT */
/*
 * Quanta of the plan's own: a thread whose role has one makes its slices itself, by a timer whose signal
 * yields. The program must not get to see that signal, nor keep it away by accident: it blocks all signals
 * in its threads as a matter of course.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "preload_p.h"
#include "quantum_p.h"

/* Ours once a thread has a quantum, 0 before. */
static _Atomic int taken;

static struct {
	int (*sigaction)(int, const struct sigaction *, struct sigaction *);
	sighandler_t (*signal)(int, sighandler_t);
	int (*pthread_sigmask)(int, const sigset_t *, sigset_t *);
	int (*sigprocmask)(int, const sigset_t *, sigset_t *);
} real;
static _Atomic int is_resolved;

static void resolve_all(void)
{
	void *symbols[] = {preload_symbol("sigaction", NULL), preload_symbol("signal", NULL),
			   preload_symbol("pthread_sigmask", NULL), preload_symbol("sigprocmask", NULL)};

	_Static_assert(sizeof(symbols) == sizeof(real), "one symbol for each");
	memcpy(&real, symbols, sizeof(real));
}

/* Not by a signal handler's first call, if it can be helped: the loader has a lock. */
__attribute__((constructor)) static void resolve(void)
{
	if (LIKELY(atomic_load_explicit(&is_resolved, memory_order_acquire)))
		return;
	resolve_all();
	atomic_store_explicit(&is_resolved, 1, memory_order_release);
}

void preload_know_quantum(void)
{
	if (qrt_sched_p_quantum_own)
		atomic_store_explicit(&taken, qrt_sched_quantum_get_signal(), memory_order_relaxed);
}

/* ---- the signal ---- */

const sigset_t *preload_without_quantum(const sigset_t *set, sigset_t *copy)
{
	int number = qrt_sched_quantum_get_signal();

	if (!set || !qrt_sched_p_quantum_own || sigismember(set, number) != 1)
		return set;
	*copy = *set;
	sigdelset(copy, number);
	return copy;
}

const sigset_t *preload_with_quantum(const sigset_t *set, sigset_t *copy)
{
	if (!set || !qrt_sched_p_quantum_own)
		return set;
	*copy = *set;
	sigaddset(copy, qrt_sched_quantum_get_signal());
	return copy;
}

EXPORT int pthread_sigmask(int how, const sigset_t *set, sigset_t *old)
{
	sigset_t copy;

	resolve();
	return real.pthread_sigmask(how, how == SIG_UNBLOCK ? set : preload_without_quantum(set, &copy), old);
}

EXPORT int sigprocmask(int how, const sigset_t *set, sigset_t *old)
{
	sigset_t copy;

	resolve();
	return real.sigprocmask(how, how == SIG_UNBLOCK ? set : preload_without_quantum(set, &copy), old);
}

static int is_ours(int number)
{
	return number && number == atomic_load_explicit(&taken, memory_order_relaxed);
}

/* A program that goes through all signals and sets them to their defaults would be ended by the next one. */
EXPORT int sigaction(int number, const struct sigaction *action, struct sigaction *old)
{
	resolve();
	if (!is_ours(number))
		return real.sigaction(number, action, old);
	if (old)
		memset(old, 0, sizeof(*old));
	return 0;
}

EXPORT sighandler_t signal(int number, sighandler_t handler)
{
	resolve();
	return is_ours(number) ? SIG_DFL : real.signal(number, handler);
}

__attribute__((constructor)) static void resolve_early(void)
{
	resolve();
}
