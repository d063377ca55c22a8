/* SPDX-License-Identifier: MIT */
#include "recording_blame.h"

#include "blame_format.h"
#include "command.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const struct recorder_entry *entry_at(const struct recording *recording, guint i)
{
	return &g_array_index(recording->entries, struct recorder_entry, i);
}

static uint64_t start_of(const struct recorder_entry *entry)
{
	return entry->time_ns - entry->took_ns;
}

/* ---- who ran meanwhile ---- */

/* Of what the entry's thread ran, the part that falls between two times, as if it had run evenly. */
static uint64_t share_of(const struct recorder_entry *entry, uint64_t from_ns, uint64_t to_ns)
{
	uint64_t from = MAX(from_ns, start_of(entry)), to = MIN(to_ns, entry->time_ns);

	if (from >= to || entry->took_ns == 0)
		return 0;
	return (uint64_t)((double)entry->sample.run_ns * (double)(to - from) / (double)entry->took_ns);
}

static void add_culprit(struct blame_delay *delay, int32_t tid, uint64_t ns)
{
	size_t i;

	for (i = 0; i < delay->culprits_count && delay->culprits[i].tid != tid; i++)
		;
	if (i == BLAME_CULPRITS)
		return;
	if (i == delay->culprits_count)
		delay->culprits[delay->culprits_count++] = (struct blame_culprit){.tid = tid};
	delay->culprits[i].ns += ns;
}

static int compare_culprits(const void *a, const void *b)
{
	const struct blame_culprit *x = a, *y = b;

	return (x->ns < y->ns) - (x->ns > y->ns);
}

/* What they leave is others' time; they cannot have run for longer than the wait was. */
static void complete_culprits(struct blame_delay *delay)
{
	uint64_t left_ns = delay->ns;
	size_t i;

	qsort(delay->culprits, delay->culprits_count, sizeof(delay->culprits[0]), compare_culprits);
	for (i = 0; i < delay->culprits_count; i++) {
		delay->culprits[i].ns = MIN(delay->culprits[i].ns, left_ns);
		left_ns -= delay->culprits[i].ns;
	}
	while (delay->culprits_count > 0 && delay->culprits[delay->culprits_count - 1].ns == 0)
		delay->culprits_count--;
	if (left_ns == 0)
		return;
	if (delay->culprits_count == BLAME_CULPRITS)
		delay->culprits[BLAME_CULPRITS - 1] = (struct blame_culprit){
			.tid = BLAME_TID_UNKNOWN, .ns = left_ns + delay->culprits[BLAME_CULPRITS - 1].ns};
	else
		delay->culprits[delay->culprits_count++] = (struct blame_culprit){.tid = BLAME_TID_UNKNOWN,
										  .ns = left_ns};
	qsort(delay->culprits, delay->culprits_count, sizeof(delay->culprits[0]), compare_culprits);
}

static void find_culprits(const struct recording *recording, struct blame_delay *delay)
{
	const struct recorder_entry *entry;
	guint i;

	for (i = 0; delay->cpu >= 0 && i < recording->entries->len; i++) {
		entry = entry_at(recording, i);
		if (entry->kind == RECORDER_SAMPLE && entry->tid != delay->tid &&
		    entry->sample.cpu == delay->cpu)
			add_culprit(delay, entry->tid,
				    share_of(entry, delay->start_ns, delay->start_ns + delay->ns));
	}
	complete_culprits(delay);
}

/* ---- delays ---- */

static struct blame_delay make_wait(const struct recorder_entry *entry)
{
	struct blame_delay wait = {.kind = BLAME_MUTEX, .tid = entry->tid, .cpu = -1};

	wait.start_ns = start_of(entry);
	wait.ns = wait.least_ns = entry->took_ns;
	wait.owner = entry->mutex.owner;
	wait.mutex = entry->mutex.mutex;
	wait.caller = entry->mutex.caller;
	return wait;
}

static void take_mutex(const struct recorder_entry *entry, uint64_t over_ns, blame_delay_fn emit,
		       void *context)
{
	struct blame_delay wait = make_wait(entry);

	if (wait.ns >= over_ns)
		emit(context, &wait);
}

/* True: one may have been as long, but that is not certain. */
static bool take_sample(const struct recording *recording, const struct recorder_entry *entry,
			uint64_t over_ns, blame_delay_fn emit, void *context)
{
	uint64_t delay_ns = MIN(entry->sample.delay_ns, entry->time_ns);
	struct blame_delay delay = {.kind = BLAME_WOKEN, .tid = entry->tid, .cpu = entry->sample.cpu};

	if (delay_ns < over_ns)
		return false;
	delay.wakes = (uint32_t)CLAMP(entry->sample.arrivals, 1, UINT32_MAX);
	delay.ns = delay_ns;
	delay.least_ns = delay_ns / delay.wakes;
	delay.start_ns = entry->time_ns - delay_ns;
	if (delay.least_ns < over_ns)
		return true;
	find_culprits(recording, &delay);
	emit(context, &delay);
	return false;
}

/* Each look at it says so again: the last word counts, where it did not run after that. */
static void take_starving(const struct recording *recording, guint index, uint64_t over_ns,
			  blame_delay_fn emit, void *context)
{
	const struct recorder_entry *entry = entry_at(recording, index), *later;
	struct blame_delay delay = {.kind = BLAME_WOKEN, .tid = entry->tid, .cpu = entry->sample.cpu};
	guint i;

	for (i = index + 1; i < recording->entries->len; i++) {
		later = entry_at(recording, i);
		if (later->tid == entry->tid &&
		    (later->kind == RECORDER_SAMPLE || later->kind == RECORDER_STARVES))
			return;
	}
	if (entry->took_ns < over_ns)
		return;
	delay.wakes = 1;
	delay.lasts = true;
	delay.start_ns = start_of(entry);
	delay.ns = delay.least_ns = entry->took_ns;
	find_culprits(recording, &delay);
	emit(context, &delay);
}

uint64_t recording_find_delays(const struct recording *recording, uint64_t over_ns, blame_delay_fn emit,
			       void *context)
{
	const struct recorder_entry *entry;
	uint64_t possible = 0;
	guint i;

	for (i = 0; i < recording->entries->len; i++) {
		entry = entry_at(recording, i);
		if (entry->kind == RECORDER_MUTEX)
			take_mutex(entry, over_ns, emit, context);
		else if (entry->kind == RECORDER_STARVES)
			take_starving(recording, i, over_ns, emit, context);
		else if (entry->kind == RECORDER_SAMPLE)
			possible += take_sample(recording, entry, over_ns, emit, context);
	}
	return possible;
}

/* ---- the report ---- */

/* Names are those of then: what /proc says of the same numbers now are others. */
static void take_threads(const struct recording *recording, struct blame_names *names,
			 struct blame_threads *threads)
{
	guint i;

	for (i = 0; i < recording->threads->len; i++) {
		const struct recorder_thread *thread = &g_array_index(recording->threads,
								      struct recorder_thread, i);
		struct blame_thread told = {
			.tid = thread->tid, .role = thread->role, .index = thread->index, .fd = -1};

		g_strlcpy(told.name, thread->name, sizeof(told.name));
		blame_threads_recall(threads, &told);
		blame_names_set(names, thread->tid, recording->pid, thread->name);
	}
	blame_names_freeze(names);
}

static void note_waits(const struct recording *recording, struct blame_report *report)
{
	struct blame_delay wait;
	guint i;

	for (i = 0; i < recording->entries->len; i++) {
		if (entry_at(recording, i)->kind != RECORDER_MUTEX)
			continue;
		wait = make_wait(entry_at(recording, i));
		blame_report_note_wait(report, &wait);
	}
}

static void print_slowest(const struct recording *recording, enum recorder_kind kind, const char *what)
{
	uint64_t count = 0, slowest_ns = 0;
	char time[24];
	guint i;

	for (i = 0; i < recording->entries->len; i++) {
		if (entry_at(recording, i)->kind != kind)
			continue;
		count++;
		slowest_ns = MAX(slowest_ns, entry_at(recording, i)->took_ns);
	}
	if (count > 0)
		printf("%s %" PRIu64 " time%s, the slowest in %s.\n", what, count, plural(count),
		       blame_format_time(slowest_ns, time, sizeof(time)));
}

static void print_text(const struct recording *recording, const struct blame_report *report,
		       const struct blame_facts *facts, size_t shown)
{
	printf("%s, the %.1f s until %s%s%s\n\n", recording->name,
	       (double)(recording->end_ns - recording->start_ns) / 1e9, recording->when,
	       recording->trigger[0] ? ": " : "", recording->trigger);
	blame_print_text(stdout, report, facts, shown);
	print_slowest(recording, RECORDER_MONITOR, "QEMU's monitor answered");
	print_slowest(recording, RECORDER_LOOK, "The supervisor itself looked late");
}

void recording_print(const struct recording *recording, uint64_t over_ns, uint32_t roles, size_t top,
		     bool json)
{
	struct blame_names *names = blame_names_new();
	struct blame_threads *threads = blame_threads_new(recording->pid, NULL);
	struct blame_facts facts = {.name = recording->name, .pid = recording->pid, .over_ns = over_ns};
	struct blame_report report;
	size_t shown;

	take_threads(recording, names, threads);
	facts.start_ns = recording->start_ns;
	facts.end_ns = recording->end_ns;
	facts.mutexes = recording->mutexes;
	facts.lost_mutexes = recording->lost_mutexes;
	facts.accounts_only = true;
	blame_report_init(&report, roles, names, threads);
	facts.counts.possible = recording_find_delays(recording, over_ns, blame_report_add, &report);
	note_waits(recording, &report);
	blame_report_sum_holds(&report, over_ns);
	shown = blame_report_finish(&report, top);
	if (json)
		blame_print_json(&report, &facts, shown);
	else
		print_text(recording, &report, &facts, shown);
	blame_report_clear(&report);
	blame_threads_free(threads);
	blame_names_free(names);
}
