/* SPDX-License-Identifier: MIT */
#include "blame_session.h"

#include "blame_account.h"
#include "blame_observer.h"
#include "blame_perf.h"
#include "command.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TICK_NS      5000000u   /* samples are taken this often: fewer wake-ups share one */
#define TICK_MOST_NS 20000000u  /* with very many threads */
#define THREAD_NS    8000u      /* what a sample of one thread costs at most */
#define SCAN_NS      100000000u /* new and ended threads are looked for this often */
#define RECORDS_MAX  256u
#define ROUNDS_MAX   256 /* of reading records: who writes them may never stop */

struct session {
	const struct blame_options *options;
	struct blame_vm *vm;
	struct blame_model *model;
	struct blame_perf *perf;
	struct blame_names *names;
	struct blame_threads *threads;
	struct blame_report report;
	struct blame_facts facts;
	GArray *events; /* struct blame_event, not given to the model yet */
	uint64_t old_threshold;
	uint64_t steal_ticks;
};

static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
	(void)number;
	stopped = 1;
}

/* What nohup ignores stays ignored. */
static void catch_signals(void)
{
	struct sigaction action = {.sa_handler = on_signal}, had;

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	if (sigaction(SIGHUP, NULL, &had) == 0 && had.sa_handler != SIG_IGN)
		sigaction(SIGHUP, &action, NULL);
}

static void sleep_until(uint64_t time_ns)
{
	struct timespec ts = {.tv_sec = (time_t)(time_ns / 1000000000u),
			      .tv_nsec = (long)(time_ns % 1000000000u)};

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
}

static void start_recorder(struct session *session)
{
	struct qrt_sched_recorder *recorder = session->vm->recorder;
	struct qrt_sched_record stale[RECORDS_MAX];
	uint64_t lost;
	int round;

	session->facts.mutexes = recorder != NULL;
	if (!recorder)
		return;
	session->old_threshold = qrt_sched_recorder_get_threshold(recorder);
	/* Who records shorter waits goes on with that. */
	if (session->old_threshold == 0 || session->options->over_ns < session->old_threshold)
		qrt_sched_recorder_set_threshold(recorder, session->options->over_ns);
	for (round = 0; round < ROUNDS_MAX; round++) {
		if (qrt_sched_recorder_read(recorder, stale, RECORDS_MAX, &lost) <= 0)
			break;
	}
}

static void stop_recorder(const struct session *session)
{
	if (session->vm->recorder)
		qrt_sched_recorder_set_threshold(session->vm->recorder, session->old_threshold);
}

static int start(struct session *session)
{
	const GArray *told = session->vm->told;
	int r = blame_perf_open(&session->perf);
	guint i;

	if (r < 0)
		return blame_observer_complain(r);
	session->names = blame_names_new();
	session->threads = blame_threads_new(session->vm->pid, session->vm->plan);
	session->model = blame_model_new(session->options->over_ns, blame_report_add, &session->report);
	session->events = g_array_new(FALSE, FALSE, sizeof(struct blame_event));
	blame_report_init(&session->report, session->options->roles, session->names, session->threads);
	for (i = 0; i < told->len; i++)
		blame_threads_tell(session->threads, session->model,
				   &g_array_index(told, struct blame_thread, i));
	blame_threads_scan(session->threads, session->model);
	blame_observer_place(session->threads);
	start_recorder(session);
	session->steal_ticks = blame_observer_read_steal();
	session->facts.start_ns = blame_now_ns();
	return 0;
}

/* The child of a fork has its parent's name until it takes one. */
static void take_fork(struct session *session, const struct blame_event *event)
{
	struct blame_name parent;

	if (event->pid == session->vm->pid)
		blame_threads_add(session->threads, session->model, event->tid);
	if (blame_names_get(session->names, event->other)->pid == 0)
		blame_names_look(session->names, event->other);
	parent = *blame_names_get(session->names, event->other);
	blame_names_set(session->names, event->tid, event->pid, parent.comm);
}

static void take_event(struct session *session, const struct blame_event *event)
{
	struct blame_switch record = {.time_ns = event->time_ns, .cpu = event->cpu};

	switch (event->type) {
	case BLAME_EVENT_SWITCH:
		record.out = event->tid;
		record.in = event->other;
		record.still_ready = event->still_ready;
		record.told_by_in = event->told_by_in;
		blame_model_switch(session->model, &record);
		break;
	case BLAME_EVENT_COMM:
		blame_names_set(session->names, event->tid, event->pid, event->comm);
		break;
	case BLAME_EVENT_FORK:
		take_fork(session, event);
		break;
	case BLAME_EVENT_EXIT:
		blame_threads_end(session->threads, session->model, event->tid);
		break;
	case BLAME_EVENT_LOST:
		blame_model_lost(session->model, event->cpu, event->time_ns, event->count);
		break;
	}
}

static gint compare_events(gconstpointer a, gconstpointer b)
{
	const struct blame_event *x = a, *y = b;

	return (x->time_ns > y->time_ns) - (x->time_ns < y->time_ns);
}

/* What is newer than until_ns waits: another CPU's ring, read before it, may hold something older. */
static void take_events(struct session *session, uint64_t until_ns)
{
	guint n = 0;

	blame_perf_read(session->perf, session->events);
	g_array_sort(session->events, compare_events);
	while (n < session->events->len &&
	       g_array_index(session->events, struct blame_event, n).time_ns <= until_ns)
		take_event(session, &g_array_index(session->events, struct blame_event, n++));
	g_array_remove_range(session->events, 0, n);
}

static void take_mutex(struct session *session, const struct qrt_sched_record *record)
{
	struct blame_delay delay = {.kind = BLAME_MUTEX, .tid = record->tid, .cpu = -1};

	delay.start_ns = record->start_ns;
	delay.ns = delay.least_ns = record->wait_ns;
	delay.owner = record->owner;
	delay.mutex = record->mutex;
	delay.caller = record->caller;
	blame_report_note_wait(&session->report, &delay);
	if (delay.ns >= session->options->over_ns)
		blame_report_add(&session->report, &delay);
}

/* QEMU wrote it, and may have been taken over by its guest. */
static bool is_possible(const struct qrt_sched_record *record, uint64_t time_ns)
{
	return record->start_ns <= time_ns && record->wait_ns <= time_ns - record->start_ns;
}

static void take_mutexes(struct session *session)
{
	struct qrt_sched_record records[RECORDS_MAX];
	uint64_t lost = 0, time_ns;
	int round, n = 1, i;

	for (round = 0; session->vm->recorder && n > 0 && round < ROUNDS_MAX; round++) {
		n = qrt_sched_recorder_read(session->vm->recorder, records, RECORDS_MAX, &lost);
		time_ns = blame_now_ns();
		session->facts.lost_mutexes += lost;
		for (i = 0; i < n; i++) {
			if (is_possible(&records[i], time_ns))
				take_mutex(session, &records[i]);
			else
				session->facts.lost_mutexes++;
		}
	}
}

static void tick(struct session *session)
{
	uint64_t until_ns;

	blame_threads_sample(session->threads);
	until_ns = blame_now_ns();
	take_events(session, until_ns);
	blame_threads_feed(session->threads, session->model);
	take_mutexes(session);
}

static uint64_t tick_length(const struct session *session)
{
	/* At most 2 % of a CPU. */
	uint64_t ns = blame_threads_count(session->threads) * THREAD_NS * 50;

	return ns < TICK_NS ? TICK_NS : ns > TICK_MOST_NS ? TICK_MOST_NS : ns;
}

static void watch(struct session *session)
{
	uint64_t end_ns = session->facts.start_ns + session->options->length_ns, time_ns, scan_ns = 0;

	while (!stopped && (time_ns = blame_now_ns()) < end_ns) {
		tick(session);
		if (time_ns >= scan_ns) {
			session->facts.vm_ended = blame_threads_scan(session->threads, session->model) < 0;
			scan_ns = time_ns + SCAN_NS;
		}
		if (session->facts.vm_ended)
			break;
		time_ns += tick_length(session);
		sleep_until(time_ns < end_ns ? time_ns : end_ns);
	}
	tick(session);
}

static void finish(struct session *session)
{
	struct blame_facts *facts = &session->facts;
	uint64_t steal_ticks = blame_observer_read_steal();
	long hertz = sysconf(_SC_CLK_TCK);

	facts->end_ns = blame_now_ns();
	blame_model_finish(session->model, facts->end_ns);
	blame_report_sum_holds(&session->report, session->options->over_ns);
	stop_recorder(session);
	if (steal_ticks != UINT64_MAX && steal_ticks > session->steal_ticks)
		facts->steal_ns = (steal_ticks - session->steal_ticks) *
				  (1000000000u / (uint64_t)(hertz > 0 ? hertz : 100));
	facts->name = session->vm->name[0] ? session->vm->name : NULL;
	facts->pid = session->vm->pid;
	facts->over_ns = session->options->over_ns;
	blame_model_get_counts(session->model, &facts->counts);
}

static void clear(struct session *session)
{
	blame_perf_close(session->perf);
	blame_model_free(session->model);
	blame_report_clear(&session->report);
	blame_threads_free(session->threads);
	blame_names_free(session->names);
	g_array_unref(session->events);
}

int blame_session_run(const struct blame_options *options, struct blame_vm *vm)
{
	struct session session = {.options = options, .vm = vm};
	size_t shown;
	int r;

	catch_signals();
	blame_observer_open_files();
	r = start(&session);
	if (r < 0)
		return -r;
	watch(&session);
	finish(&session);
	shown = blame_report_finish(&session.report, options->top);
	if (options->json)
		blame_print_json(&session.report, &session.facts, shown);
	else
		blame_print_text(stdout, &session.report, &session.facts, shown);
	clear(&session);
	return EXIT_OK;
}
