/* SPDX-License-Identifier: MIT */
/* A thread's own quantum: over a made-up kernel, and in real threads. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "quantum_p.h"
#include "tap.h"
#include "turns.h"

#define MS UINT64_C(1000000)

/* ---- a made-up kernel ---- */

static struct {
	uint64_t time;
	void (*handler)(int);
	int timers_made, timers_live;
	int fail_timer, fail_signal; /* negative errno; of which timer: */
	int fail_at;
	int yields;
	int blocked;
	int was_set;
	uint64_t set_for;
} fake;

static uint64_t fake_time(void)
{
	return fake.time;
}

static uint64_t fake_tick(void)
{
	return 4 * MS;
}

static int fake_make(clockid_t clock, int signal, int *ret_timer)
{
	(void)clock, (void)signal;
	if (fake.fail_timer && fake.timers_made == fake.fail_at)
		return fake.fail_timer;
	fake.timers_live++;
	*ret_timer = 70 + fake.timers_made++;
	return 0;
}

static int fake_set(int timer, uint64_t ns)
{
	fake.was_set = timer;
	fake.set_for = ns;
	return 0;
}

static int fake_delete(int timer)
{
	(void)timer;
	fake.timers_live--;
	return 0;
}

static int fake_yield(void)
{
	fake.yields++;
	/* Others run now: for this thread no time goes by. */
	fake.was_set = 0;
	return 0;
}

static int fake_block(int signal, int on)
{
	int had = fake.blocked;

	(void)signal;
	fake.blocked = on;
	return had;
}

static int fake_take(int signal, void (*handler)(int))
{
	(void)signal;
	if (fake.fail_signal)
		return fake.fail_signal;
	fake.handler = handler;
	return 0;
}

static const struct qrt_sched_p_timing fake_timing = {fake_time,   fake_tick,  fake_make,  fake_set,
						      fake_delete, fake_yield, fake_block, fake_take};

/* The signal is taken once in a process: a test over the made-up kernel is a process of its own. */
static void run_in_child(void (*body)(void))
{
	const CU_FailureRecord *f;

	qrt_sched_p_timing = &fake_timing;
	body();
	for (f = CU_get_failure_list(); f; f = f->pNext)
		tap_note("%s:%u: %s", f->strFileName, f->uiLineNumber, f->strCondition);
	fflush(stdout);
	_exit(CU_get_failure_list() != NULL);
}

static void in_child(void (*body)(void))
{
	int status = -1;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid)
		run_in_child(body);
	CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
	CU_ASSERT_EQUAL(status, 0);
}

static void slices(void)
{
	struct qrt_sched_quantum *quantum = NULL;

	fake.blocked = 1;
	CU_ASSERT_EQUAL(qrt_sched_quantum_start(20 * MS, &quantum, NULL), 0);
	CU_ASSERT_EQUAL(fake.blocked, 0);
	CU_ASSERT_EQUAL(fake.timers_live, 2);
	CU_ASSERT_EQUAL(fake.set_for, 16 * MS);
	fake.time = 20 * MS;
	fake.handler(0);
	CU_ASSERT_EQUAL(fake.yields, 1);
	CU_ASSERT_EQUAL(qrt_sched_quantum_get_count(), 1);
	/* Set after the yield. */
	CU_ASSERT_EQUAL(fake.was_set, 70);
	CU_ASSERT_EQUAL(qrt_sched_quantum_set(quantum, 100 * MS), 0);
	fake.time = 38 * MS;
	fake.handler(0);
	CU_ASSERT_EQUAL(fake.yields, 1);
	CU_ASSERT_EQUAL(fake.was_set, 71);
	fake.time = 40 * MS;
	fake.handler(0);
	CU_ASSERT_EQUAL(fake.yields, 2);
	CU_ASSERT_EQUAL(fake.set_for, 96 * MS);
	CU_ASSERT_EQUAL(qrt_sched_p_quantum_signals(), 3);
	CU_ASSERT_PTR_NULL(qrt_sched_quantum_stop(quantum));
	CU_ASSERT_EQUAL(fake.timers_live, 0);
	CU_ASSERT_EQUAL(fake.blocked, 1);
	/* One that was under way. */
	fake.handler(0);
	CU_ASSERT_EQUAL(fake.yields, 2);
	CU_ASSERT_EQUAL(qrt_sched_quantum_get_count(), 0);
}

static void slices_end_by_yielding(void)
{
	in_child(slices);
}

static void failures(void)
{
	struct qrt_sched_quantum *quantum = (void *)&fake;
	struct qrt_sched_error error = {0};
	int at;

	fake.fail_signal = -EBUSY;
	CU_ASSERT_EQUAL(qrt_sched_quantum_start(20 * MS, &quantum, &error), -EBUSY);
	CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "qrt_sched_quantum_set_signal"));
	fake.fail_signal = 0;
	fake.fail_timer = -EAGAIN;
	for (at = 0; at < 2; at++) {
		fake.fail_at = at;
		fake.timers_made = 0;
		CU_ASSERT_EQUAL(qrt_sched_quantum_start(20 * MS, &quantum, &error), -EAGAIN);
		CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "RLIMIT_SIGPENDING"));
		CU_ASSERT_EQUAL(fake.timers_live, 0);
		CU_ASSERT_PTR_NULL(qrt_sched_p_quantum_own);
	}
	fake.fail_timer = 0;
	CU_ASSERT_EQUAL(qrt_sched_quantum_start(QRT_SCHED_QUANTUM_MIN - 1, &quantum, &error), -ERANGE);
	CU_ASSERT_EQUAL(qrt_sched_quantum_start(QRT_SCHED_QUANTUM_MAX + 1, &quantum, &error), -ERANGE);
	CU_ASSERT_PTR_EQUAL(quantum, (void *)&fake);
	CU_ASSERT_EQUAL(qrt_sched_quantum_start(20 * MS, &quantum, &error), 0);
	CU_ASSERT_EQUAL(qrt_sched_quantum_start(20 * MS, &quantum, &error), -EBUSY);
	CU_ASSERT_EQUAL(qrt_sched_quantum_set(quantum, 0), -ERANGE);
	CU_ASSERT_EQUAL(qrt_sched_quantum_set_signal(SIGRTMAX), -EALREADY);
	qrt_sched_quantum_stop(quantum);
}

static void what_fails_leaves_nothing(void)
{
	in_child(failures);
}

static void holds(void)
{
	struct qrt_sched_quantum *quantum = NULL;

	qrt_sched_quantum_hold();
	CU_ASSERT_EQUAL(fake.blocked, 0);
	qrt_sched_quantum_start(20 * MS, &quantum, NULL);
	qrt_sched_quantum_hold();
	CU_ASSERT_EQUAL(fake.blocked, 1);
	qrt_sched_quantum_release();
	CU_ASSERT_EQUAL(fake.blocked, 0);
	qrt_sched_quantum_stop(quantum);
	CU_ASSERT_EQUAL(fake.blocked, 0);
}

static void holding_blocks_the_signal_of_who_has_a_quantum(void)
{
	in_child(holds);
}

/* ---- the kernel ---- */

static void signals(void)
{
	struct qrt_sched_quantum *quantum = NULL;
	struct sigaction action = {.sa_handler = SIG_IGN};

	qrt_sched_p_timing = &qrt_sched_p_timing_kernel;
	CU_ASSERT_EQUAL(qrt_sched_quantum_get_signal(), SIGRTMAX - 4);
	CU_ASSERT_EQUAL(qrt_sched_quantum_set_signal(SIGALRM), -EINVAL);
	CU_ASSERT_EQUAL(qrt_sched_quantum_set_signal(SIGRTMAX + 1), -EINVAL);
	CU_ASSERT_EQUAL(qrt_sched_quantum_set_signal(SIGRTMAX - 9), 0);
	sigaction(SIGRTMAX - 9, &action, NULL);
	CU_ASSERT_EQUAL(qrt_sched_quantum_start(20 * MS, &quantum, NULL), -EBUSY);
	sigaction(SIGRTMAX - 9, NULL, &action);
	CU_ASSERT(action.sa_handler == SIG_IGN);
	CU_ASSERT_EQUAL(qrt_sched_quantum_set_signal(SIGRTMAX - 8), 0);
	CU_ASSERT_EQUAL(qrt_sched_quantum_start(20 * MS, &quantum, NULL), 0);
	sigaction(SIGRTMAX - 8, NULL, &action);
	CU_ASSERT(action.sa_handler != SIG_DFL);
	CU_ASSERT(action.sa_flags & SA_RESTART);
	qrt_sched_quantum_stop(quantum);
}

static void a_signal_of_the_program_is_left_alone(void)
{
	in_child(signals);
}

/* Burns CPU time until it has a number of slices behind it, or for some seconds. */
static int burn_slices(uint64_t count)
{
	uint64_t until = turns_now() + 20000 * MS;

	while (qrt_sched_quantum_get_count() < count && turns_now() < until)
		sched_getcpu();
	return qrt_sched_quantum_get_count() >= count;
}

static void the_slices_of_a_real_thread_end(void)
{
	struct qrt_sched_quantum *quantum = NULL;
	uint64_t begun, used;

	CU_ASSERT_EQUAL_FATAL(qrt_sched_quantum_start(5 * MS, &quantum, NULL), 0);
	begun = qrt_sched_p_timing->thread_time();
	CU_ASSERT(burn_slices(4));
	used = qrt_sched_p_timing->thread_time() - begun;
	CU_ASSERT(used > 4 * (5 * MS - 5 * MS / QRT_SCHED_P_SLACK) - MS);
	qrt_sched_quantum_stop(quantum);
	CU_ASSERT_EQUAL(qrt_sched_quantum_get_count(), 0);
}

static int count_timers(void)
{
	char line[128];
	int count = 0;
	FILE *file = fopen("/proc/self/timers", "re");

	while (file && fgets(line, sizeof(line), file))
		count += !strncmp(line, "ID:", 3);
	if (file)
		fclose(file);
	return file ? count : -1;
}

static void *end_without_stop(void *ret_code)
{
	struct qrt_sched_quantum *quantum;

	*(int *)ret_code = qrt_sched_quantum_start(5 * MS, &quantum, NULL);
	return NULL;
}

static void the_end_of_a_thread_takes_its_timers_along(void)
{
	int before = count_timers(), rc = -1, i;
	pthread_t thread;

	if (before < 0) {
		tap_skip("no /proc/self/timers");
		return;
	}
	for (i = 0; i < 3; i++) {
		CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, end_without_stop, &rc), 0);
		pthread_join(thread, NULL);
		CU_ASSERT_EQUAL(rc, 0);
	}
	CU_ASSERT_EQUAL(count_timers(), before);
}

static void a_forked_child_has_none(void)
{
	struct qrt_sched_quantum *quantum = NULL;
	int status = -1;
	pid_t pid;

	CU_ASSERT_EQUAL_FATAL(qrt_sched_quantum_start(5 * MS, &quantum, NULL), 0);
	pid = fork();
	if (!pid) {
		int has_timers = count_timers() > 0;

		qrt_sched_p_quantum_forget();
		_exit(has_timers || qrt_sched_quantum_start(5 * MS, &quantum, NULL) || !burn_slices(1));
	}
	CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
	CU_ASSERT_EQUAL(status, 0);
	CU_ASSERT(burn_slices(1));
	qrt_sched_quantum_stop(quantum);
}

/* The signal is pending for all of the call, which nobody would finish otherwise. */
static void a_held_call_is_not_interrupted(void)
{
	struct qrt_sched_quantum *quantum = NULL;
	uint64_t before;

	CU_ASSERT_EQUAL_FATAL(qrt_sched_quantum_start(100 * MS, &quantum, NULL), 0);
	qrt_sched_quantum_hold();
	before = qrt_sched_p_quantum_signals();
	pthread_kill(pthread_self(), qrt_sched_quantum_get_signal());
	CU_ASSERT_EQUAL(poll(NULL, 0, 20), 0);
	CU_ASSERT_EQUAL(qrt_sched_p_quantum_signals(), before);
	qrt_sched_quantum_release();
	CU_ASSERT(qrt_sched_p_quantum_signals() > before);
	qrt_sched_quantum_stop(quantum);
}

/* ---- two threads on one CPU ---- */

static struct qrt_sched_quantum *quanta[TURNS_THREADS];
static const uint64_t lengths[2] = {8 * MS, 16 * MS};

static int begin_quantum(struct turns *turns, int thread)
{
	(void)turns;
	return qrt_sched_quantum_start(lengths[thread], &quanta[thread], NULL);
}

static void end_quantum(struct turns *turns, int thread)
{
	(void)turns;
	qrt_sched_quantum_stop(quanta[thread]);
}

/* For the sanitizers, which deliver a signal when a function of the C library is called. */
static void call_something(struct turns *turns, int thread)
{
	(void)turns, (void)thread;
	getppid();
}

static void threads_of_one_level_take_turns(void)
{
	static struct turns turns;
	int i;

	turns = (struct turns){.threads = 2,
			       .cpu = turns_cpu(),
			       .policy = SCHED_FIFO,
			       .priority = 2,
			       .time_ns = 400 * MS,
			       .begin = begin_quantum,
			       .end = end_quantum,
			       .round = call_something};
	if (turns_why_not()) {
		tap_skip(turns_why_not());
		return;
	}
	CU_ASSERT_EQUAL_FATAL(turns_take_enough(&turns, NULL, 3), 0);
	for (i = 0; i < 2; i++) {
		uint64_t median = turns_median(&turns, i, TURNS_CPU);

		tap_note("quantum %.1f ms: %zu runs, median %.2f ms of CPU time", (double)lengths[i] / 1e6,
			 turns_count(&turns, i), (double)median / 1e6);
		CU_ASSERT(turns_count(&turns, i) >= 3);
		CU_ASSERT(median >= lengths[i] - lengths[i] / 16);
		CU_ASSERT(median <= lengths[i] * 2);
	}
}

static const struct tap_test tests[] = {
	{"slices end by yielding, and the next one has the length that was set", slices_end_by_yielding},
	{"what fails leaves nothing behind", what_fails_leaves_nothing},
	{"holding blocks the signal of who has a quantum", holding_blocks_the_signal_of_who_has_a_quantum},
	{"a signal that the program uses is left alone", a_signal_of_the_program_is_left_alone},
	{"the slices of a real thread end", the_slices_of_a_real_thread_end},
	{"the end of a thread takes its timers along", the_end_of_a_thread_takes_its_timers_along},
	{"a forked child has none, and can have its own", a_forked_child_has_none},
	{"a held call is not interrupted", a_held_call_is_not_interrupted},
	{"threads of one level take turns by their quanta", threads_of_one_level_take_turns},
};

TAP_MAIN("quantum_own", tests)
