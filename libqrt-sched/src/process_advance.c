/* SPDX-License-Identifier: MIT */
/*
 * Timer advance: the main loop's deadlines are met, not passed.
 *
 * Without KVM's own interrupt controller a guest's timer is a deadline of the main loop: it sleeps in
 * ppoll, wakes, and wakes the halted vCPU. Both wake-ups wait for whatever the kernel does for other
 * tasks on those two CPUs, which on a kernel that does not preempt itself is the longest part of the
 * guest's latency. So the main loop is woken early and looks again and again until the deadline, and
 * so is the vCPU that it is going to wake: by a signal, whose handler spins where the vCPU sleeps
 * anyway. Whatever the kernel was doing is over by then. (KVM's lapic_timer_advance_ns does the first
 * half of this for its own timers.)
 *
 * It costs up to the advance of each CPU per deadline, and no more: it is bounded here, by the clock.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "process_p.h"

#define VCPUS     64    /* those that can be woken along: more do not sleep in step with one main loop */
#define LATE_NS   40000 /* how long after the deadline a vCPU still waits for the main loop's signal */
#define SCORE_MAX 8     /* how many deadlines that were not for it a vCPU stays awake for */

static struct vcpu {
	_Atomic int is_taken;
	_Atomic pid_t tid;
	_Atomic(const void *) sleeps_on; /* condition variable; NULL: awake */
	_Atomic uint64_t until_ns;       /* the handler spins no longer than that */
	_Atomic int is_called;           /* the wake-up came */
	_Atomic int score;               /* > 0: the main loop's deadlines are this vCPU's timers */
} vcpus[VCPUS];

static _Atomic int vcpu_count;     /* the slots from here on were never taken */
static _Atomic int is_dispatching; /* a deadline was met, what it does is being done */
static uint64_t advance_ns;        /* 0: off */
static int wake_signal;
static pid_t own_pid;
static int (*wait_for)(struct pollfd *, nfds_t, const struct timespec *, const sigset_t *) = ppoll;
static __thread struct vcpu *self;
static __thread int is_main;

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

/* On the vCPU's thread, inside its wait: a signal there ends nothing, the wait goes on after it. */
static void stay_awake(int number)
{
	struct vcpu *v = self;

	(void)number;
	if (!v)
		return;
	while (atomic_load_explicit(&v->sleeps_on, memory_order_acquire) &&
	       !atomic_load_explicit(&v->is_called, memory_order_acquire) &&
	       now() < atomic_load_explicit(&v->until_ns, memory_order_relaxed))
		relax();
}

static int take_signal(void)
{
	struct sigaction action, had;

	memset(&action, 0, sizeof(action));
	action.sa_handler = stay_awake;
	action.sa_flags = SA_RESTART;
	wake_signal = SIGRTMAX - 3;
	if (sigaction(wake_signal, NULL, &had) < 0)
		return -errno;
	if (had.sa_handler != SIG_DFL)
		return -EBUSY;
	return sigaction(wake_signal, &action, NULL) < 0 ? -errno : 0;
}

void qrt_sched_p_process_wait_by(int (*poll)(struct pollfd *, nfds_t, const struct timespec *,
					     const sigset_t *))
{
	wait_for = poll;
}

void qrt_sched_p_process_advance_main(struct qrt_sched_process *process)
{
	is_main = 1;
	own_pid = process->pid;
	if (!process->globals.advance_us || advance_ns)
		return;
	if (take_signal() < 0) {
		qrt_sched_p_process_say(
			process, "advance: the program uses signal %d itself: only the main loop wakes early",
			SIGRTMAX - 3);
		wake_signal = 0;
	}
	advance_ns = (uint64_t)process->globals.advance_us * 1000;
}

static struct vcpu *take_slot(void)
{
	int slot, count = atomic_load(&vcpu_count);

	for (slot = 0; slot < VCPUS; slot++) {
		if (!atomic_exchange(&vcpus[slot].is_taken, 1))
			break;
	}
	if (slot == VCPUS)
		return NULL;
	while (count <= slot && !atomic_compare_exchange_weak(&vcpu_count, &count, slot + 1))
		;
	return &vcpus[slot];
}

void qrt_sched_p_process_advance_vcpu(void)
{
	struct vcpu *slot;
	sigset_t set;

	if (!advance_ns || !wake_signal || self)
		return;
	slot = take_slot();
	if (!slot)
		return;
	atomic_store(&slot->tid, (pid_t)syscall(SYS_gettid));
	self = slot;
	sigemptyset(&set);
	sigaddset(&set, wake_signal);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

static void free_slot(struct vcpu *slot)
{
	/* One that was cancelled in its wait seems to sleep still. */
	atomic_store(&slot->sleeps_on, NULL);
	atomic_store(&slot->score, 0);
	atomic_store(&slot->is_taken, 0);
}

void qrt_sched_p_process_advance_end(void)
{
	struct vcpu *slot = self;

	self = NULL;
	if (slot)
		free_slot(slot);
}

void qrt_sched_p_process_forget_vcpus(void)
{
	int i;

	self = NULL;
	for (i = 0; i < VCPUS; i++)
		free_slot(&vcpus[i]);
	atomic_store(&vcpu_count, 0);
	atomic_store(&is_dispatching, 0);
}

/* ---- the main loop ---- */

static void wake_vcpus(uint64_t deadline)
{
	int i, count = atomic_load_explicit(&vcpu_count, memory_order_acquire);

	for (i = 0; i < count; i++) {
		struct vcpu *v = &vcpus[i];

		if (atomic_load(&v->score) <= 0 || !atomic_load(&v->sleeps_on))
			continue;
		atomic_store(&v->is_called, 0);
		atomic_store(&v->until_ns, deadline + LATE_NS);
		syscall(SYS_tgkill, own_pid, v->tid, wake_signal);
	}
}

/* After a deadline's work: who was not woken by it is less likely to be woken by the next. */
static void end_dispatch(void)
{
	int i, count = atomic_load(&vcpu_count), score;

	if (!atomic_exchange(&is_dispatching, 0))
		return;
	for (i = 0; i < count; i++) {
		score = atomic_load(&vcpus[i].score);
		if (score > 0)
			atomic_store(&vcpus[i].score, score - 1);
	}
}

static int poll_until(uint64_t deadline, struct pollfd *fds, nfds_t count, const sigset_t *mask)
{
	const struct timespec none = {0};
	int rc;

	do {
		rc = wait_for(fds, count, &none, mask);
	} while (rc == 0 && now() < deadline);
	atomic_store(&is_dispatching, rc == 0);
	return rc;
}

static int poll_advanced(struct pollfd *fds, nfds_t count, const struct timespec *timeout,
			 const sigset_t *mask)
{
	uint64_t start = now(), length, early;
	struct timespec ts;
	int rc;

	end_dispatch();
	length = (uint64_t)timeout->tv_sec * 1000000000u + (uint64_t)timeout->tv_nsec;
	if (length > advance_ns) {
		early = length - advance_ns;
		ts = (struct timespec){(time_t)(early / 1000000000u), (long)(early % 1000000000u)};
		rc = wait_for(fds, count, &ts, mask);
		if (rc)
			return rc;
	}
	wake_vcpus(start + length);
	return poll_until(start + length, fds, count, mask);
}

/* A timeout of years is none, and would overflow; a wrong one is the kernel's to refuse. */
static int is_deadline(const struct timespec *timeout)
{
	return timeout && timeout->tv_sec >= 0 && timeout->tv_sec < 1000000 && timeout->tv_nsec >= 0 &&
	       timeout->tv_nsec < 1000000000 && (timeout->tv_sec || timeout->tv_nsec);
}

int qrt_sched_process_poll(struct pollfd *fds, nfds_t count, const struct timespec *timeout,
			   const sigset_t *mask)
{
	if (is_main && advance_ns && is_deadline(timeout))
		return poll_advanced(fds, count, timeout, mask);
	return wait_for(fds, count, timeout, mask);
}

/* ---- the vCPU's sleep ---- */

void qrt_sched_process_begin_sleep(const void *cond)
{
	qrt_sched_process_begin_guest();
	if (self)
		atomic_store_explicit(&self->sleeps_on, cond, memory_order_release);
}

void qrt_sched_process_end_sleep(void)
{
	if (self)
		atomic_store_explicit(&self->sleeps_on, NULL, memory_order_release);
}

static void call_sleeper(const void *cond)
{
	int i, count = atomic_load_explicit(&vcpu_count, memory_order_acquire);

	for (i = 0; i < count; i++) {
		struct vcpu *v = &vcpus[i];

		if (atomic_load_explicit(&v->sleeps_on, memory_order_relaxed) != cond)
			continue;
		if (is_main && atomic_load(&is_dispatching))
			atomic_store(&v->score, SCORE_MAX);
		atomic_store_explicit(&v->is_called, 1, memory_order_release);
	}
}

void qrt_sched_process_signalled(const void *cond)
{
	if (atomic_load_explicit(&vcpu_count, memory_order_relaxed))
		call_sleeper(cond);
}
