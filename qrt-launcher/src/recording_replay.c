/* SPDX-License-Identifier: MIT */
#include "recording_replay.h"

#include "blame_perf.h"

#include <string.h>

/* The account says of an arrival a little before the record of it is written. */
#define MARGIN_NS 20000u

#define TASKS_MAX 1000u

struct replay {
	struct recording *recording;
	struct blame_model *model;
	struct blame_names *names;
	GHashTable *accounts; /* tid -> struct blame_sample: what a traced thread's entries make together */
	GArray *newcomers;    /* struct recorder_thread: those that are traced, the latest first */
	guint next;           /* of the events */
};

static const struct blame_event *event_at(const struct replay *replay, guint i)
{
	return &g_array_index(replay->recording->events, struct blame_event, i);
}

static gint compare_events(gconstpointer a, gconstpointer b)
{
	const struct blame_event *x = a, *y = b;

	return (x->time_ns > y->time_ns) - (x->time_ns < y->time_ns);
}

static gint compare_traced(gconstpointer a, gconstpointer b)
{
	const struct recorder_thread *x = a, *y = b;

	return (x->traced_ns < y->traced_ns) - (x->traced_ns > y->traced_ns);
}

static gint compare_length(gconstpointer a, gconstpointer b)
{
	const struct blame_delay *x = a, *y = b;

	return (x->least_ns < y->least_ns) - (x->least_ns > y->least_ns);
}

static void keep(void *context, const struct blame_delay *delay)
{
	GArray *delays = ((struct replay *)context)->recording->delays;

	g_array_append_vals(delays, delay, 1);
	if (delays->len < RECORDING_DELAYS_MAX)
		return;
	g_array_sort(delays, compare_length);
	g_array_set_size(delays, RECORDING_DELAYS_MAX / 2);
}

/* ---- what happened, in the order of time ---- */

static void take_switch(const struct replay *replay, const struct blame_event *event)
{
	struct blame_switch record = {.time_ns = event->time_ns, .cpu = event->cpu};

	record.out = event->tid;
	record.in = event->other;
	record.still_ready = event->still_ready;
	record.told_by_in = event->told_by_in;
	blame_model_switch(replay->model, &record);
}

/* The child of a fork has its parent's name until it takes one. */
static void take_fork(const struct replay *replay, const struct blame_event *event)
{
	const struct blame_name parent = *blame_names_get(replay->names, event->other);

	blame_names_set(replay->names, event->tid, event->pid, parent.pid > 0 ? parent.comm : NULL);
}

static void take_event(const struct replay *replay, const struct blame_event *event)
{
	switch (event->type) {
	case BLAME_EVENT_SWITCH:
		take_switch(replay, event);
		break;
	case BLAME_EVENT_COMM:
		blame_names_set(replay->names, event->tid, event->pid, event->comm);
		break;
	case BLAME_EVENT_FORK:
		take_fork(replay, event);
		break;
	case BLAME_EVENT_EXIT:
		blame_model_forget(replay->model, event->tid);
		break;
	case BLAME_EVENT_LOST:
		blame_model_lost(replay->model, event->cpu, event->time_ns, event->count);
		break;
	}
}

/* Before that it may have been where nobody saw it. */
static void watch_newcomers(const struct replay *replay, uint64_t time_ns)
{
	GArray *newcomers = replay->newcomers;
	const struct recorder_thread *thread;

	for (; newcomers->len > 0; g_array_set_size(newcomers, newcomers->len - 1)) {
		thread = &g_array_index(newcomers, struct recorder_thread, newcomers->len - 1);
		if (thread->traced_ns > time_ns)
			return;
		blame_model_watch(replay->model, thread->tid);
	}
}

/* What is older than all rings go back is incomplete. */
static void take_events(struct replay *replay, uint64_t until_ns)
{
	const struct recording *recording = replay->recording;
	const struct blame_event *event;

	for (; replay->next < recording->events->len; replay->next++) {
		event = event_at(replay, replay->next);
		if (event->time_ns > until_ns)
			break;
		watch_newcomers(replay, event->time_ns);
		if (event->time_ns >= recording->traced_ns)
			take_event(replay, event);
	}
	watch_newcomers(replay, until_ns);
}

/* An entry says what grew, the model wants to know how much it is. */
static void take_sample(const struct replay *replay, struct recorder_entry *entry)
{
	struct blame_sample *account = g_hash_table_lookup(replay->accounts, GINT_TO_POINTER(entry->tid));

	if (!account)
		return;
	account->before_ns = account->after_ns = entry->time_ns;
	account->run_ns += entry->sample.run_ns;
	account->run_delay_ns += entry->sample.delay_ns;
	account->arrivals += entry->sample.arrivals;
	if (entry->time_ns > replay->recording->traced_ns)
		entry->sample.told = blame_model_sample(replay->model, entry->tid, account);
}

static void go_through(struct replay *replay)
{
	const struct recording *recording = replay->recording;
	struct recorder_entry *entry;
	guint i;

	for (i = 0; i < recording->entries->len; i++) {
		entry = &g_array_index(recording->entries, struct recorder_entry, i);
		if (entry->kind != RECORDER_SAMPLE && entry->kind != RECORDER_STARVES)
			continue;
		take_events(replay, entry->time_ns + MARGIN_NS);
		if (entry->kind == RECORDER_SAMPLE)
			take_sample(replay, entry);
		else
			blame_model_ready(replay->model, entry->tid, entry->time_ns - entry->took_ns);
	}
	take_events(replay, recording->end_ns);
	blame_model_finish(replay->model, recording->end_ns);
}

/* ---- who was in the way ---- */

static void name_task(const struct replay *replay, GHashTable *named, int32_t tid)
{
	struct recording_task task = {.tid = tid};

	if (tid <= 0 || replay->recording->tasks->len >= TASKS_MAX ||
	    !g_hash_table_add(named, GINT_TO_POINTER(tid)))
		return;
	blame_names_look(replay->names, tid);
	task.name = *blame_names_get(replay->names, tid);
	g_array_append_val(replay->recording->tasks, task);
}

/* The VM's own threads have their names already. */
static void name_tasks(const struct replay *replay)
{
	const struct recording *recording = replay->recording;
	GHashTable *named = g_hash_table_new(NULL, NULL);
	guint i;
	size_t n;

	for (i = 0; i < recording->threads->len; i++)
		g_hash_table_add(
			named,
			GINT_TO_POINTER(g_array_index(recording->threads, struct recorder_thread, i).tid));
	for (i = 0; i < recording->delays->len; i++) {
		const struct blame_delay *delay = &g_array_index(recording->delays, struct blame_delay, i);

		for (n = 0; n < delay->culprits_count; n++)
			name_task(replay, named, delay->culprits[n].tid);
	}
	g_hash_table_unref(named);
}

static void find_traced(const struct replay *replay)
{
	guint i;

	for (i = 0; i < replay->recording->threads->len; i++) {
		const struct recorder_thread *thread = &g_array_index(replay->recording->threads,
								      struct recorder_thread, i);

		if (thread->traced_ns == 0)
			continue;
		g_array_append_vals(replay->newcomers, thread, 1);
		g_hash_table_insert(replay->accounts, GINT_TO_POINTER(thread->tid),
				    g_new0(struct blame_sample, 1));
	}
}

void recording_replay(struct recording *recording)
{
	struct replay replay = {.recording = recording};

	if (recording->switches)
		recording->traced_ns = blame_copy_read(recording->switches, recording->events);
	if (recording->traced_ns == 0)
		return;
	replay.model = blame_model_new(RECORDING_REPLAY_NS, keep, &replay);
	replay.names = blame_names_new();
	replay.accounts = g_hash_table_new_full(NULL, NULL, NULL, g_free);
	replay.newcomers = g_array_new(FALSE, FALSE, sizeof(struct recorder_thread));
	find_traced(&replay);
	g_array_sort(replay.newcomers, compare_traced);
	g_array_sort(recording->events, compare_events);
	go_through(&replay);
	name_tasks(&replay);
	g_array_set_size(recording->events, 0);
	g_array_unref(replay.newcomers);
	g_hash_table_unref(replay.accounts);
	blame_names_free(replay.names);
	blame_model_free(replay.model);
}
