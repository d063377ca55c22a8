/* SPDX-License-Identifier: MIT */
#include "recording_blame.h"

#include "blame_format.h"
#include "command.h"
#include "recording_delays.h"

#include <inttypes.h>
#include <string.h>

static const struct recorder_entry *entry_at(const struct recording *recording, guint i)
{
	return &g_array_index(recording->entries, struct recorder_entry, i);
}

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
	for (i = 0; i < recording->tasks->len; i++) {
		const struct recording_task *task = &g_array_index(recording->tasks, struct recording_task,
								   i);

		blame_names_put(names, task->tid, &task->name);
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
		wait = recording_make_wait(entry_at(recording, i));
		blame_report_note_wait(report, &wait);
	}
}

/* A thread that ended counts to its role, too. */
static void sum_accounts(const struct recording *recording, const struct blame_threads *threads,
			 struct blame_account_sum sums[QRT_SCHED_ROLES])
{
	const struct blame_thread *thread;
	guint i;

	for (i = 0; i < recording->entries->len; i++) {
		const struct recorder_entry *entry = entry_at(recording, i);

		thread = entry->kind == RECORDER_SAMPLE ? blame_threads_find(threads, entry->tid) : NULL;
		if (!thread)
			continue;
		sums[thread->role].run_ns += entry->sample.run_ns;
		sums[thread->role].delay_ns += entry->sample.delay_ns;
		sums[thread->role].arrivals += entry->sample.arrivals;
	}
}

static void print_accounts(const struct blame_account_sum *sums, uint32_t roles)
{
	const char *title = "\n  role   ran        ready      switched in\n";
	char run[24], ready[24];
	uint32_t role;

	for (role = 0; role < QRT_SCHED_ROLES; role++) {
		if (!(roles >> role & 1) || sums[role].arrivals == 0)
			continue;
		printf("%s  %-5s  %-10s %-10s %" PRIu64 " times\n", title, qrt_sched_role_name(role),
		       blame_format_time(sums[role].run_ns, run, sizeof(run)),
		       blame_format_time(sums[role].delay_ns, ready, sizeof(ready)), sums[role].arrivals);
		title = "";
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

static uint64_t find_silence(const struct recording *recording)
{
	uint64_t longest_ns = 0;
	guint i;

	for (i = 0; i < recording->entries->len; i++) {
		if (entry_at(recording, i)->kind == RECORDER_SILENT)
			longest_ns = MAX(longest_ns, entry_at(recording, i)->took_ns);
	}
	return longest_ns;
}

static void print_silence(uint64_t silence_ns)
{
	char time[24];

	if (silence_ns > 0)
		printf("QEMU's monitor was asked %s ago, and has not answered.\n",
		       blame_format_time(silence_ns, time, sizeof(time)));
}

static void print_text(const struct recording *recording, const struct blame_report *report,
		       const struct blame_facts *facts, size_t shown)
{
	printf("%s, the %.1f s until %s%s%s\n\n", recording->name,
	       (double)(recording->end_ns - recording->start_ns) / 1e9, recording->when,
	       recording->trigger[0] ? ": " : "", recording->trigger);
	blame_print_text(stdout, report, facts, shown);
	print_slowest(recording, RECORDER_MONITOR, "QEMU's monitor answered");
	print_silence(facts->silence_ns);
	print_slowest(recording, RECORDER_LOOK, "The supervisor itself looked late");
	print_accounts(facts->accounts, report->roles);
}

void recording_print(const struct recording *recording, uint64_t over_ns, uint32_t roles, size_t top,
		     bool json)
{
	struct blame_names *names = blame_names_new();
	struct blame_threads *threads = blame_threads_new(recording->pid, NULL);
	struct blame_facts facts = {.name = recording->name, .pid = recording->pid, .over_ns = over_ns};
	struct blame_account_sum sums[QRT_SCHED_ROLES] = {{0}};
	struct blame_report report;
	size_t shown;

	take_threads(recording, names, threads);
	sum_accounts(recording, threads, sums);
	facts.accounts = sums;
	facts.start_ns = recording->start_ns;
	facts.end_ns = recording->end_ns;
	facts.mutexes = recording->mutexes;
	facts.lost_mutexes = recording->lost_mutexes;
	facts.accounts_only = recording->traced_ns == 0;
	facts.traced_ns = recording->traced_ns;
	facts.trace_error = recording->trace_error;
	facts.silence_ns = find_silence(recording);
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
