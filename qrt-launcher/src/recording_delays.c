/* SPDX-License-Identifier: MIT */
#include "recording_delays.h"

#include <stdlib.h>

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

struct blame_delay recording_make_wait(const struct recorder_entry *entry)
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
	struct blame_delay wait = recording_make_wait(entry);

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

static void take_starving(const struct recording *recording, const struct recorder_entry *entry,
			  uint64_t over_ns, blame_delay_fn emit, void *context)
{
	struct blame_delay delay = {.kind = BLAME_WOKEN, .tid = entry->tid, .cpu = entry->sample.cpu};

	if (entry->took_ns < over_ns)
		return;
	delay.wakes = 1;
	delay.lasts = true;
	delay.start_ns = start_of(entry);
	delay.ns = delay.least_ns = entry->took_ns;
	find_culprits(recording, &delay);
	emit(context, &delay);
}

/* Of each thread the last entry of its account. */
static GHashTable *find_last(const struct recording *recording)
{
	GHashTable *last = g_hash_table_new(NULL, NULL);
	const struct recorder_entry *entry;
	guint i;

	for (i = 0; i < recording->entries->len; i++) {
		entry = entry_at(recording, i);
		if (entry->kind == RECORDER_SAMPLE || entry->kind == RECORDER_STARVES)
			g_hash_table_insert(last, GINT_TO_POINTER(entry->tid), (gpointer)entry);
	}
	return last;
}

/* Whether a delay that the switches tell of is in the entry's window, too. */
static bool has_delay(const struct recording *recording, const struct recorder_entry *entry)
{
	guint i;

	for (i = 0; i < recording->delays->len; i++) {
		const struct blame_delay *delay = &g_array_index(recording->delays, struct blame_delay, i);

		if (delay->tid == entry->tid && delay->start_ns < entry->time_ns &&
		    delay->start_ns + delay->ns > start_of(entry))
			return true;
	}
	return false;
}

/* Each look at a thread that starves says so again: the last word counts, where it did not run after that. */
static uint64_t take_accounts(const struct recording *recording, uint64_t over_ns, blame_delay_fn emit,
			      void *context)
{
	GHashTable *last = find_last(recording);
	const struct recorder_entry *entry;
	uint64_t possible = 0;
	guint i;

	for (i = 0; i < recording->entries->len; i++) {
		entry = entry_at(recording, i);
		if (entry->kind == RECORDER_STARVES &&
		    g_hash_table_lookup(last, GINT_TO_POINTER(entry->tid)) == entry &&
		    !has_delay(recording, entry))
			take_starving(recording, entry, over_ns, emit, context);
		else if (entry->kind == RECORDER_SAMPLE && !entry->sample.told &&
			 entry->sample.delay_ns >= over_ns && !has_delay(recording, entry))
			possible += take_sample(recording, entry, over_ns, emit, context);
	}
	g_hash_table_unref(last);
	return possible;
}

/* True: one may have been as long, but that is not certain. */
static bool take_delay(const struct blame_delay *delay, uint64_t over_ns, blame_delay_fn emit, void *context)
{
	if (delay->least_ns >= over_ns)
		emit(context, delay);
	return delay->least_ns < over_ns && delay->ns >= over_ns;
}

uint64_t recording_find_delays(const struct recording *recording, uint64_t over_ns, blame_delay_fn emit,
			       void *context)
{
	uint64_t possible = take_accounts(recording, over_ns, emit, context);
	guint i;

	for (i = 0; i < recording->entries->len; i++) {
		if (entry_at(recording, i)->kind == RECORDER_MUTEX)
			take_mutex(entry_at(recording, i), over_ns, emit, context);
	}
	for (i = 0; i < recording->delays->len; i++)
		possible += take_delay(&g_array_index(recording->delays, struct blame_delay, i), over_ns,
				       emit, context);
	return possible;
}
