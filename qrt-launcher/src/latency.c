/* SPDX-License-Identifier: MIT */
#include "latency.h"

#include "blame_account.h"
#include "blame_observer.h"
#include "command.h"

#include <errno.h>
#include <qrt/shield.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define DELAY_NS 20000000u /* until the first wake-up: all threads wait for it then */
#define TICK_NS  1000000000u

/* A page that comes late is a latency of its own; the pages of threads that are born later count, too. */
static bool lock_memory(void)
{
	if (mlockall(MCL_CURRENT | MCL_FUTURE) == 0)
		return true;
	complain("warning: latency: memory is not locked: %s; CAP_IPC_LOCK or a higher limit (ulimit -l) "
		 "allows "
		 "it",
		 strerror(errno));
	return false;
}

/* As `run` would: the plan's limit for idle states, until it is closed. */
static struct qrt_sched_saved *hold_cstate(const struct qrt_sched_plan *plan)
{
	struct qrt_sched_globals globals = {.size = sizeof(globals)};
	struct qrt_sched_saved *saved = NULL;
	struct qrt_sched_error error = {.message = ""};
	char value[16];

	qrt_sched_plan_get_globals(plan, &globals);
	if (!(globals.set & QRT_SCHED_GLOBAL_CSTATE) || qrt_sched_saved_new(NULL, NULL, &saved) < 0)
		return NULL;
	snprintf(value, sizeof(value), "%u", globals.cstate_us);
	if (qrt_sched_tunable_set(QRT_SCHED_TUNABLE_CSTATE, value, saved, &error) < 0)
		complain("warning: latency: cstate=%s: %s", value, error.message);
	return saved;
}

static int open_threads(struct latency *latency)
{
	uint32_t size = MAX(latency->options->histogram_us, LATENCY_BUCKETS_LEAST);
	size_t i;
	int r;

	for (i = 0; i < latency->count; i++) {
		r = latency_thread_open(&latency->threads[i], size);
		if (r < 0) {
			complain("latency: thread %zu of %zu cannot be started: %s", i + 1, latency->count,
				 strerror(-r));
			latency->count = i;
			return EXIT_FAILED;
		}
	}
	return EXIT_OK;
}

static int place_threads(struct latency *latency, const struct qrt_sched_plan *plan,
			 struct qrt_sched_saved *places)
{
	struct qrt_sched_error error;
	struct latency_thread *thread;
	size_t i;
	int r;

	for (i = 0; i < latency->count; i++) {
		thread = &latency->threads[i];
		error.message[0] = '\0';
		r = latency_thread_place(thread, plan, places, &error);
		if (r < 0 || r == 1)
			complain("%slatency: %s %u: %s%s",
				 r < 0 ? "" : "warning: ", qrt_sched_role_name(thread->role), thread->index,
				 error.message[0] ? error.message : strerror(-r),
				 r < 0 ? "" : "; its fallback is measured");
		if (r < 0)
			return EXIT_FAILED;
		if (!thread->is_planned)
			complain("warning: latency: the plan says nothing of %s %u: it is measured as this "
				 "command runs",
				 qrt_sched_role_name(thread->role), thread->index);
	}
	return EXIT_OK;
}

static bool are_done(const struct latency *latency)
{
	size_t i;

	for (i = 0; i < latency->count; i++) {
		if (!atomic_load(&latency->threads[i].is_done))
			return false;
	}
	return true;
}

static void stop_threads(struct latency *latency)
{
	size_t i;

	latency->is_cut = true;
	for (i = 0; i < latency->count; i++)
		latency_thread_stop(&latency->threads[i]);
}

/* Who qualifies a host for days wants to know at once. */
static void say_over(const struct latency *latency, bool *said)
{
	const struct latency_thread *thread = *said ? NULL : latency_find_over(latency);
	char when[32];

	if (!thread)
		return;
	*said = true;
	latency_print_progress_end();
	complain("latency: %s %u woke up %.1f us late at %s on CPU %d: over %.1f us",
		 qrt_sched_role_name(thread->role), thread->index, (double)thread->first_over.late_ns / 1e3,
		 latency_format_when(latency, thread->first_over.at_ns, when, sizeof(when)),
		 thread->first_over.cpu, (double)latency->options->over_ns / 1e3);
}

/* A signal of the set, or 0 after a time. */
static int wait_signal(const sigset_t *signals, uint64_t wait_ns)
{
	struct timespec ts = {.tv_sec = (time_t)(wait_ns / 1000000000u),
			      .tv_nsec = (long)(wait_ns % 1000000000u)};
	int r = sigtimedwait(signals, NULL, &ts);

	return r > 0 ? r : 0;
}

static void watch(struct latency *latency, const sigset_t *signals)
{
	uint64_t time_ns = blame_now_ns(), wait_ns;
	bool said = false;

	while (!are_done(latency)) {
		wait_ns = latency->end_ns > time_ns ? latency->end_ns - time_ns : 0;
		if (wait_signal(signals, CLAMP(wait_ns, 10000000u, TICK_NS)) != 0)
			stop_threads(latency);
		time_ns = blame_now_ns();
		latency_print_progress(latency, time_ns);
		say_over(latency, &said);
	}
	latency_print_progress_end();
	if (latency->is_cut)
		latency->end_ns = blame_now_ns();
}

static void measure(struct latency *latency, const sigset_t *signals)
{
	uint64_t steal_ticks = blame_observer_read_steal(), later_ticks;
	long hertz = sysconf(_SC_CLK_TCK);
	struct timespec wall;
	size_t i;

	latency->start_ns = blame_now_ns() + DELAY_NS;
	latency->end_ns = latency->start_ns + latency->options->length_ns;
	clock_gettime(CLOCK_REALTIME, &wall);
	latency->wall_ns = (int64_t)wall.tv_sec * 1000000000 + wall.tv_nsec - (int64_t)blame_now_ns();
	for (i = 0; i < latency->count; i++)
		latency_thread_start(&latency->threads[i], latency->start_ns, latency->end_ns);
	watch(latency, signals);
	later_ticks = blame_observer_read_steal();
	if (steal_ticks != UINT64_MAX && later_ticks != UINT64_MAX && later_ticks > steal_ticks)
		latency->steal_ns = (later_ticks - steal_ticks) *
				    (1000000000u / (uint64_t)(hertz > 0 ? hertz : 100));
}

/* Blocked in all threads that are born from here on, and taken by watch(). What nohup ignores stays so. */
static void block_signals(sigset_t *ret_signals)
{
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
	struct sigaction had;
	size_t i;

	sigemptyset(ret_signals);
	for (i = 0; i < G_N_ELEMENTS(numbers); i++) {
		if (sigaction(numbers[i], NULL, &had) == 0 && had.sa_handler != SIG_IGN)
			sigaddset(ret_signals, numbers[i]);
	}
	pthread_sigmask(SIG_BLOCK, ret_signals, NULL);
}

/* Out of a shield first: their own settings are those of the place that they came from. */
static void close_threads(struct latency *latency, struct qrt_sched_saved *places)
{
	struct qrt_sched_error error = {.message = ""};
	size_t i;

	if (qrt_sched_saved_restore(places, &error) < 0)
		complain("warning: latency: %s", error.message);
	for (i = 0; i < latency->count; i++)
		latency_thread_close(&latency->threads[i]);
}

static int run(struct latency *latency, const struct qrt_sched_plan *plan, struct qrt_sched_saved *places,
	       const sigset_t *signals)
{
	int r = open_threads(latency);

	if (r == EXIT_OK)
		r = place_threads(latency, plan, places);
	if (r == EXIT_OK)
		measure(latency, signals);
	close_threads(latency, places);
	return r;
}

int latency_run(struct latency *latency, const struct qrt_sched_plan *plan)
{
	struct qrt_sched_saved *cstate, *places;
	sigset_t signals;
	int r;

	block_signals(&signals);
	if (qrt_sched_saved_new(NULL, NULL, &places) < 0) {
		complain("out of memory");
		return EXIT_FAILED;
	}
	latency->locked = lock_memory();
	cstate = hold_cstate(plan);
	r = run(latency, plan, places, &signals);
	qrt_sched_saved_close(cstate);
	qrt_sched_saved_close(places);
	return r;
}

void latency_clear(struct latency *latency)
{
	size_t i;

	for (i = 0; i < latency->count; i++)
		latency_thread_clear(&latency->threads[i]);
	latency->count = 0;
}
