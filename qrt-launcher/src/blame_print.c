/* SPDX-License-Identifier: MIT */
/* The report for people: a block for each delay, and what comes of them. */
#include "blame_format.h"

#include <inttypes.h>
#include <string.h>

#define CULPRITS_SHOWN 4
#define INDENT         "             "

/* ", thread 17 of process 4, fifo 1" */
static void print_task(FILE *out, const struct blame_suspect *suspect)
{
	char policy[48];

	if (suspect->tid <= 0)
		return;
	blame_names_policy(&suspect->name, policy, sizeof(policy));
	fprintf(out, ", thread %d", suspect->tid);
	if (suspect->name.pid > 0 && suspect->name.pid != suspect->tid)
		fprintf(out, " of process %d", suspect->name.pid);
	if (policy[0])
		fprintf(out, ", %s", policy);
}

static void print_length(FILE *out, const struct blame_delay *delay)
{
	char most[24], least[24];

	blame_format_time(delay->ns, most, sizeof(most));
	blame_format_time(delay->least_ns, least, sizeof(least));
	fprintf(out, "%s %s", delay->lasts ? "has waited" : "waited", least);
	if (strcmp(most, least) != 0)
		fprintf(out, " to %s", most);
	fprintf(out, "%s\n", delay->lasts ? " and waits still" : "");
}

static void print_culprits(FILE *out, const struct blame_entry *entry)
{
	const struct blame_suspect *suspect;
	size_t i;

	for (i = 0; i < entry->suspects_count && i < CULPRITS_SHOWN; i++) {
		suspect = &entry->suspects[i];
		fprintf(out, INDENT "  %3.0f %%  %s", blame_format_percent(suspect->ns, entry->delay.ns),
			suspect->name.comm);
		print_task(out, suspect);
		fputc('\n', out);
	}
	if (i < entry->suspects_count)
		fprintf(out, INDENT "         and %zu more\n", entry->suspects_count - i);
}

static void print_running(FILE *out, const struct blame_entry *entry)
{
	const struct blame_delay *delay = &entry->delay;

	fprintf(out, INDENT "kept from running on CPU %d, ", delay->cpu);
	if (delay->kind == BLAME_PREEMPTED)
		fputs("where it had run before, by\n", out);
	else if (delay->wakes > 1)
		fprintf(out, "after one of %u wake-ups, by\n", delay->wakes);
	else
		fputs("after it was woken, by\n", out);
	print_culprits(out, entry);
}

static void print_mutex(FILE *out, const struct blame_entry *entry)
{
	char role[32];

	fprintf(out, INDENT "for the mutex at 0x%" PRIx64 ", held by\n" INDENT "  ", entry->delay.mutex);
	if (entry->suspects_count == 0) {
		fputs("an unknown thread\n", out);
		return;
	}
	fputs(entry->suspects[0].name.comm, out);
	if (entry->owner_is_ours)
		fprintf(out, " (%s)",
			blame_format_role(entry->owner_role, entry->owner_index, role, sizeof(role)));
	print_task(out, &entry->suspects[0]);
	fputc('\n', out);
}

static void print_entry(FILE *out, const struct blame_entry *entry, const struct blame_facts *facts)
{
	int64_t at_ns = (int64_t)(entry->delay.start_ns - facts->start_ns);
	char role[32];

	fprintf(out, "%9.4f s  %s (%s) ", (double)at_ns / 1e9, entry->name,
		blame_format_role(entry->role, entry->index, role, sizeof(role)));
	print_length(out, &entry->delay);
	if (entry->delay.kind == BLAME_MUTEX)
		print_mutex(out, entry);
	else
		print_running(out, entry);
	fputc('\n', out);
}

void blame_print_text(FILE *out, const struct blame_report *report, const struct blame_facts *facts,
		      size_t shown)
{
	size_t i;

	for (i = 0; i < shown; i++)
		print_entry(out, &g_array_index(report->entries, struct blame_entry, i), facts);
	blame_conclude(out, report, facts, shown);
}
