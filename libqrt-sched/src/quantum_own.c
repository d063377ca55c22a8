/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "error_p.h"
#include "quantum_p.h"

/* The handler and its thread share it: what both write is atomic, what the handler alone needs is not. */
struct qrt_sched_quantum {
	pid_t tid;
	_Atomic uint64_t length_ns; /* of the next slice */
	_Atomic uint64_t ended;     /* slices */
	_Atomic uint64_t signals;
	struct qrt_sched_p_slice slice;
	uint64_t tick_ns;
	int timers[QRT_SCHED_P_TIMERS];
	int was_blocked; /* the signal, before */
};

__thread struct qrt_sched_quantum *qrt_sched_p_quantum_own
	__attribute__((tls_model("initial-exec"), visibility("hidden")));

/* Of the whole process, like the signal itself. */
static struct {
	pthread_mutex_t lock;
	_Atomic int signal; /* 0: the default */
	int is_taken;
	pthread_key_t end; /* of a thread with a quantum */
} process = {.lock = PTHREAD_MUTEX_INITIALIZER};

int qrt_sched_quantum_get_signal(void)
{
	int number = atomic_load_explicit(&process.signal, memory_order_relaxed);

	return number ? number : SIGRTMAX - 4;
}

int qrt_sched_quantum_set_signal(int number)
{
	int rc = 0;

	if (number < SIGRTMIN || number > SIGRTMAX)
		return -EINVAL;
	pthread_mutex_lock(&process.lock);
	if (process.is_taken)
		rc = -EALREADY;
	else
		atomic_store(&process.signal, number);
	pthread_mutex_unlock(&process.lock);
	return rc;
}

/* ---- in the handler ---- */

static void set_alarm(struct qrt_sched_quantum *q, const struct qrt_sched_p_alarm *alarm)
{
	qrt_sched_p_timing->set_timer(q->timers[alarm->timer], alarm->ns);
}

/* What the thread runs in here from now on belongs to the next slice. The timer is set after the others
 * had their turn: one on real time would run out meanwhile. */
static void end_slice(struct qrt_sched_quantum *q, uint64_t now)
{
	uint64_t length = atomic_load_explicit(&q->length_ns, memory_order_relaxed);
	struct qrt_sched_p_alarm alarm = qrt_sched_p_slice_begin(&q->slice, now, length, q->tick_ns);

	qrt_sched_p_timing->yield();
	set_alarm(q, &alarm);
	atomic_fetch_add_explicit(&q->ended, 1, memory_order_relaxed);
}

static void look(struct qrt_sched_quantum *q)
{
	uint64_t now = qrt_sched_p_timing->thread_time();
	struct qrt_sched_p_alarm alarm;

	if (qrt_sched_p_slice_is_over(&q->slice, now, q->tick_ns, &alarm))
		end_slice(q, now);
	else
		set_alarm(q, &alarm);
}

static void on_signal(int number)
{
	struct qrt_sched_quantum *q = qrt_sched_p_quantum_own;
	int saved = errno;

	(void)number;
	/* One that was under way when the quantum was stopped finds none. */
	if (q) {
		atomic_fetch_add_explicit(&q->signals, 1, memory_order_relaxed);
		look(q);
	}
	errno = saved;
}

/* ---- start and stop ---- */

static void delete_timers(const struct qrt_sched_quantum *q, int count)
{
	/* The numbers say nothing in a forked child, or mean timers of its own. */
	if (q->tid != (pid_t)syscall(SYS_gettid))
		return;
	while (count-- > 0)
		qrt_sched_p_timing->delete_timer(q->timers[count]);
}

static void end(struct qrt_sched_quantum *q)
{
	if (qrt_sched_p_quantum_own == q)
		qrt_sched_p_quantum_own = NULL;
	atomic_signal_fence(memory_order_seq_cst);
	delete_timers(q, QRT_SCHED_P_TIMERS);
	if (q->was_blocked)
		qrt_sched_p_timing->block(qrt_sched_quantum_get_signal(), 1);
	free(q);
}

/* The kernel keeps a timer whose thread has ended. */
static void end_with_thread(void *q)
{
	end(q);
}

static int take_signal(struct qrt_sched_error *reterr)
{
	int number = qrt_sched_quantum_get_signal(), rc = 0;

	pthread_mutex_lock(&process.lock);
	if (!process.is_taken) {
		rc = -pthread_key_create(&process.end, end_with_thread);
		if (rc == 0) {
			rc = qrt_sched_p_timing->take_signal(number, on_signal);
			if (rc < 0)
				pthread_key_delete(process.end);
		}
		process.is_taken = rc == 0;
	}
	pthread_mutex_unlock(&process.lock);
	if (rc == -EBUSY)
		return qrt_sched_p_error(
			reterr, rc,
			"the program uses signal %d itself: name another by qrt_sched_quantum_set_signal()",
			number);
	return rc < 0 ? qrt_sched_p_error(reterr, rc, "no signal for quanta: %s", strerror(-rc)) : 0;
}

static int make_timers(struct qrt_sched_quantum *q, struct qrt_sched_error *reterr)
{
	static const clockid_t clocks[QRT_SCHED_P_TIMERS] = {
		[QRT_SCHED_P_TIMER_CPU] = CLOCK_THREAD_CPUTIME_ID,
		[QRT_SCHED_P_TIMER_REAL] = CLOCK_MONOTONIC,
	};
	int i, rc;

	for (i = 0; i < QRT_SCHED_P_TIMERS; i++) {
		rc = qrt_sched_p_timing->make_timer(clocks[i], qrt_sched_quantum_get_signal(), &q->timers[i]);
		if (rc >= 0)
			continue;
		delete_timers(q, i);
		if (rc == -EAGAIN)
			return qrt_sched_p_error(
				reterr, rc,
				"no timer left for a quantum: raise RLIMIT_SIGPENDING (ulimit -i)");
		return qrt_sched_p_error(reterr, rc, "no timer for a quantum: %s", strerror(-rc));
	}
	return 0;
}

static int check_length(uint64_t quantum_ns, struct qrt_sched_error *reterr)
{
	if (quantum_ns >= QRT_SCHED_QUANTUM_MIN && quantum_ns <= QRT_SCHED_QUANTUM_MAX)
		return 0;
	return qrt_sched_p_error(reterr, -ERANGE, "a quantum of %" PRIu64 " ns is not within %llu..%llu",
				 quantum_ns, QRT_SCHED_QUANTUM_MIN, QRT_SCHED_QUANTUM_MAX);
}

static int check_start(uint64_t quantum_ns, struct qrt_sched_error *reterr)
{
	int rc = check_length(quantum_ns, reterr);

	if (rc < 0)
		return rc;
	if (qrt_sched_p_quantum_own)
		return qrt_sched_p_error(reterr, -EBUSY, "the thread has a quantum already: stop it first");
	return take_signal(reterr);
}

static void begin(struct qrt_sched_quantum *q, uint64_t quantum_ns)
{
	struct qrt_sched_p_alarm alarm;

	q->length_ns = quantum_ns;
	q->tick_ns = qrt_sched_p_timing->tick();
	alarm = qrt_sched_p_slice_begin(&q->slice, qrt_sched_p_timing->thread_time(), quantum_ns, q->tick_ns);
	pthread_setspecific(process.end, q);
	q->was_blocked = qrt_sched_p_timing->block(qrt_sched_quantum_get_signal(), 0) > 0;
	qrt_sched_p_quantum_own = q;
	atomic_signal_fence(memory_order_seq_cst);
	set_alarm(q, &alarm);
}

int qrt_sched_quantum_start(uint64_t quantum_ns, struct qrt_sched_quantum **ret_quantum,
			    struct qrt_sched_error *reterr)
{
	struct qrt_sched_quantum *q;
	int rc = check_start(quantum_ns, reterr);

	if (rc < 0)
		return rc;
	q = calloc(1, sizeof(*q));
	if (!q)
		return qrt_sched_p_error(reterr, -ENOMEM, "no memory for a quantum");
	q->tid = (pid_t)syscall(SYS_gettid);
	rc = make_timers(q, reterr);
	if (rc < 0) {
		free(q);
		return rc;
	}
	begin(q, quantum_ns);
	*ret_quantum = q;
	return 0;
}

int qrt_sched_quantum_set(struct qrt_sched_quantum *quantum, uint64_t quantum_ns)
{
	int rc = check_length(quantum_ns, NULL);

	if (rc == 0)
		atomic_store_explicit(&quantum->length_ns, quantum_ns, memory_order_relaxed);
	return rc;
}

struct qrt_sched_quantum *qrt_sched_quantum_stop(struct qrt_sched_quantum *quantum)
{
	if (quantum) {
		pthread_setspecific(process.end, NULL);
		end(quantum);
	}
	return NULL;
}

void qrt_sched_p_quantum_forget(void)
{
	qrt_sched_quantum_stop(qrt_sched_p_quantum_own);
}

/* ---- the calling thread ---- */

uint64_t qrt_sched_quantum_get_count(void)
{
	const struct qrt_sched_quantum *q = qrt_sched_p_quantum_own;

	return q ? atomic_load_explicit(&q->ended, memory_order_relaxed) : 0;
}

uint64_t qrt_sched_p_quantum_signals(void)
{
	const struct qrt_sched_quantum *q = qrt_sched_p_quantum_own;

	return q ? atomic_load_explicit(&q->signals, memory_order_relaxed) : 0;
}

void qrt_sched_quantum_hold(void)
{
	if (qrt_sched_p_quantum_own)
		qrt_sched_p_timing->block(qrt_sched_quantum_get_signal(), 1);
}

void qrt_sched_quantum_release(void)
{
	if (qrt_sched_p_quantum_own)
		qrt_sched_p_timing->block(qrt_sched_quantum_get_signal(), 0);
}
