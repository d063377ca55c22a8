/* SPDX-License-Identifier: MIT */
#include "blame_report.h"

#include <string.h>

void blame_report_init(struct blame_report *report, uint32_t roles, struct blame_names *names,
		       struct blame_threads *threads)
{
	size_t i;

	memset(report, 0, sizeof(*report));
	report->roles = roles;
	report->names = names;
	report->threads = threads;
	report->entries = g_array_new(FALSE, FALSE, sizeof(struct blame_entry));
	report->holds = blame_holds_new();
	for (i = 0; i < QRT_SCHED_ROLES; i++)
		report->sums[i].suspects = g_array_new(FALSE, FALSE, sizeof(struct blame_suspect));
}

void blame_report_clear(struct blame_report *report)
{
	size_t i;

	for (i = 0; i < QRT_SCHED_ROLES; i++)
		g_array_unref(report->sums[i].suspects);
	g_array_unref(report->entries);
	report->holds = blame_holds_free(report->holds);
}

static void add_suspect(struct blame_report *report, struct blame_entry *entry, int32_t tid, uint64_t ns)
{
	struct blame_suspect *suspect = &entry->suspects[entry->suspects_count++];

	blame_names_look(report->names, tid);
	suspect->tid = tid;
	suspect->ns = ns;
	suspect->name = *blame_names_get(report->names, tid);
}

static void add_owner(struct blame_report *report, struct blame_entry *entry)
{
	const struct blame_thread *owner = blame_threads_find(report->threads, entry->delay.owner);

	if (entry->delay.owner <= 0)
		return;
	add_suspect(report, entry, entry->delay.owner, entry->delay.ns);
	if (owner) {
		entry->owner_is_ours = true;
		entry->owner_role = owner->role;
		entry->owner_index = owner->index;
	}
}

static void name_suspects(struct blame_report *report, struct blame_entry *entry)
{
	const struct blame_delay *delay = &entry->delay;
	size_t i;

	if (delay->kind == BLAME_MUTEX)
		add_owner(report, entry);
	for (i = 0; delay->kind != BLAME_MUTEX && i < delay->culprits_count; i++)
		add_suspect(report, entry, delay->culprits[i].tid, delay->culprits[i].ns);
}

/* Threads of one process with one name are one suspect. */
static bool is_same(const struct blame_suspect *a, const struct blame_suspect *b)
{
	if (a->name.pid == 0 || b->name.pid == 0)
		return a->tid == b->tid;
	return a->name.pid == b->name.pid && strcmp(a->name.comm, b->name.comm) == 0;
}

static struct blame_suspect *find_suspect(GArray *suspects, const struct blame_suspect *suspect)
{
	guint i;

	for (i = 0; i < suspects->len; i++) {
		struct blame_suspect *known = &g_array_index(suspects, struct blame_suspect, i);

		if (is_same(known, suspect))
			return known;
	}
	return NULL;
}

/* On a host that forks without end there is no end of names. */
static void add_to_sum(struct blame_report *report, GArray *suspects, const struct blame_suspect *suspect)
{
	struct blame_suspect others = {.tid = BLAME_TID_OTHERS, .ns = suspect->ns};
	struct blame_suspect *known = find_suspect(suspects, suspect);

	if (!known && suspects->len >= BLAME_SUSPECTS_MAX) {
		others.name = *blame_names_get(report->names, BLAME_TID_OTHERS);
		suspect = &others;
		known = find_suspect(suspects, suspect);
	}
	if (known)
		known->ns += suspect->ns;
	else
		g_array_append_vals(suspects, suspect, 1);
}

/* The sums count what is certain. */
static void sum_up(struct blame_report *report, const struct blame_entry *entry)
{
	struct blame_sum *sum = &report->sums[entry->role];
	uint64_t ns = entry->delay.least_ns;
	size_t i;

	report->kinds[entry->delay.kind]++;
	sum->count++;
	sum->sum_ns += ns;
	if (ns > sum->worst_ns)
		sum->worst_ns = ns;
	for (i = 0; i < entry->suspects_count; i++)
		add_to_sum(report, sum->suspects, &entry->suspects[i]);
}

static gint compare_length(gconstpointer a, gconstpointer b)
{
	const struct blame_entry *x = a, *y = b;

	return (x->delay.least_ns < y->delay.least_ns) - (x->delay.least_ns > y->delay.least_ns);
}

void blame_report_add(void *context, const struct blame_delay *delay)
{
	struct blame_report *report = context;
	const struct blame_thread *thread = blame_threads_find(report->threads, delay->tid);
	struct blame_entry entry = {.delay = *delay};

	if (!thread || !(report->roles >> thread->role & 1))
		return;
	entry.role = thread->role;
	entry.index = thread->index;
	memcpy(entry.name, thread->name, sizeof(entry.name));
	name_suspects(report, &entry);
	sum_up(report, &entry);
	g_array_append_val(report->entries, entry);
	if (report->entries->len == BLAME_ENTRIES_MAX) {
		g_array_sort(report->entries, compare_length);
		g_array_set_size(report->entries, BLAME_ENTRIES_MAX / 2);
	}
}

void blame_report_note_wait(struct blame_report *report, const struct blame_delay *wait)
{
	const struct blame_thread *thread = blame_threads_find(report->threads, wait->tid);

	blame_holds_add(report->holds, wait, thread && report->roles >> thread->role & 1);
}

static void name_holder(const struct blame_report *report, const struct blame_hold *hold,
			struct blame_suspect *ret_suspect)
{
	const struct blame_thread *thread = blame_threads_find(report->threads, hold->tid);

	*ret_suspect = (struct blame_suspect){.tid = hold->tid, .ns = hold->ns};
	ret_suspect->name = *blame_names_get(report->names, hold->tid > 0 ? hold->tid : BLAME_TID_UNKNOWN);
	if (thread)
		memcpy(ret_suspect->name.comm, thread->name, sizeof(ret_suspect->name.comm));
}

static void take_hold(void *context, const struct blame_hold *hold)
{
	struct blame_report *report = context;
	const struct blame_thread *thread = blame_threads_find(report->threads, hold->tid);
	struct blame_hold_sum *sum = &report->hold_sums[thread ? (size_t)thread->role : BLAME_HOLDERS - 1];

	sum->count++;
	sum->sum_ns += hold->ns;
	if (hold->ns <= sum->worst_ns)
		return;
	sum->worst_ns = hold->ns;
	sum->worst_mutex = hold->mutex;
	sum->worst_waiters = hold->waiters;
	name_holder(report, hold, &sum->worst);
}

void blame_report_sum_holds(struct blame_report *report, uint64_t over_ns)
{
	blame_holds_find(report->holds, over_ns, take_hold, report);
}

static gint compare_suspects(gconstpointer a, gconstpointer b)
{
	const struct blame_suspect *x = a, *y = b;

	return (x->ns < y->ns) - (x->ns > y->ns);
}

static gint compare_start(gconstpointer a, gconstpointer b)
{
	const struct blame_entry *x = a, *y = b;

	return (x->delay.start_ns > y->delay.start_ns) - (x->delay.start_ns < y->delay.start_ns);
}

size_t blame_report_finish(struct blame_report *report, size_t top)
{
	GArray *entries = report->entries;
	size_t i;

	for (i = 0; i < QRT_SCHED_ROLES; i++)
		g_array_sort(report->sums[i].suspects, compare_suspects);
	g_array_sort(entries, compare_length);
	if (top < entries->len)
		g_array_set_size(entries, (guint)top);
	g_array_sort(entries, compare_start);
	return entries->len;
}
