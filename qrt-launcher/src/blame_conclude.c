/* SPDX-License-Identifier: MIT */
/* The end of the report for people: a table of the roles, a sentence that counts, and what may be missing. */
#include "blame_format.h"
#include "command.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

static double seconds_of(const struct blame_facts *facts)
{
	return (double)(facts->end_ns - facts->start_ns) / 1e9;
}

static void print_sum(FILE *out, const struct blame_sum *sum, const char *role)
{
	const struct blame_suspect *suspect;
	char worst[24], all[24];
	uint64_t whole_ns = 0;
	guint i;

	blame_format_time(sum->worst_ns, worst, sizeof(worst));
	blame_format_time(sum->sum_ns, all, sizeof(all));
	for (i = 0; i < sum->suspects->len; i++)
		whole_ns += g_array_index(sum->suspects, struct blame_suspect, i).ns;
	fprintf(out, "  %-5s %7" PRIu64 "  %-10s %-10s ", role, sum->count, worst, all);
	for (i = 0; i < sum->suspects->len && i < 3; i++) {
		suspect = &g_array_index(sum->suspects, struct blame_suspect, i);
		fprintf(out, "%s%s %.0f %%", i > 0 ? ", " : "", suspect->name.comm,
			blame_format_percent(suspect->ns, whole_ns));
	}
	fputc('\n', out);
}

static void print_sums(FILE *out, const struct blame_report *report)
{
	uint32_t role;

	fputs("  role   delays  worst      sum        most of it by\n", out);
	for (role = 0; role < QRT_SCHED_ROLES; role++) {
		if (report->sums[role].count > 0)
			print_sum(out, &report->sums[role], qrt_sched_role_name(role));
	}
}

static void print_holds_of(FILE *out, const struct blame_hold_sum *sum, const char *role)
{
	char worst[24], all[24];

	blame_format_time(sum->worst_ns, worst, sizeof(worst));
	blame_format_time(sum->sum_ns, all, sizeof(all));
	fprintf(out, "  %-7s %5" PRIu64 "  %-10s %-10s %s, the mutex at 0x%" PRIx64 "\n", role, sum->count,
		worst, all, sum->worst.name.comm, sum->worst_mutex);
}

static void print_holds(FILE *out, const struct blame_report *report)
{
	uint64_t count = 0;
	size_t role;

	for (role = 0; role < BLAME_HOLDERS; role++)
		count += report->hold_sums[role].count;
	if (count == 0)
		return;
	fputs("\n  role    holds  longest    sum        the longest by\n", out);
	for (role = 0; role < BLAME_HOLDERS; role++) {
		if (report->hold_sums[role].count > 0)
			print_holds_of(out, &report->hold_sums[role],
				       role < QRT_SCHED_ROLES ? qrt_sched_role_name((enum qrt_sched_role)role)
							      : "unknown");
	}
}

/* "no thread", "no vcpu or main thread" */
static void print_no_thread(FILE *out, uint32_t roles)
{
	const char *between = " ";
	uint32_t role;

	fputs("no", out);
	for (role = 0; role < QRT_SCHED_ROLES && roles != (1u << QRT_SCHED_ROLES) - 1; role++) {
		if (!(roles >> role & 1))
			continue;
		fprintf(out, "%s%s", between, qrt_sched_role_name(role));
		between = " or ";
	}
	fputs(" thread", out);
}

static void print_nothing(FILE *out, const struct blame_report *report, const struct blame_facts *facts)
{
	char subject[80], over[32];

	print_no_thread(out, report->roles);
	fprintf(out, " of %s waited longer than %s in %.1f s\n",
		blame_format_subject(facts, subject, sizeof(subject)),
		blame_format_limit(facts->over_ns, over, sizeof(over)), seconds_of(facts));
}

/* "3 times ..." for each cause that there was, with commas and an "and". */
static void print_causes(FILE *out, const struct blame_report *report)
{
	static const char *const causes[BLAME_KINDS] = {
		[BLAME_PREEMPTED] = "after it was preempted",
		[BLAME_WOKEN] = "after it was woken",
		[BLAME_MUTEX] = "for a mutex",
	};
	int left = 0, kind;

	for (kind = 0; kind < BLAME_KINDS; kind++)
		left += report->kinds[kind] > 0;
	for (kind = 0; kind < BLAME_KINDS; kind++) {
		if (report->kinds[kind] == 0)
			continue;
		fprintf(out, "%" PRIu64 " time%s %s", report->kinds[kind], plural(report->kinds[kind]),
			causes[kind]);
		left--;
		fputs(left > 1 ? ", " : left == 1 ? " and " : "", out);
	}
}

static void print_conclusion(FILE *out, const struct blame_report *report, const struct blame_facts *facts,
			     size_t shown)
{
	char subject[80], over[32];
	uint64_t count = 0;
	int kind;

	for (kind = 0; kind < BLAME_KINDS; kind++)
		count += report->kinds[kind];
	fprintf(out,
		"\nIn %.1f s a thread of %s waited %" PRIu64 " time%s for %s or more: ", seconds_of(facts),
		blame_format_subject(facts, subject, sizeof(subject)), count, plural(count),
		blame_format_limit(facts->over_ns, over, sizeof(over)));
	print_causes(out, report);
	if (shown == 1 && count > 1)
		fputs("; the longest is listed", out);
	else if (shown < count)
		fprintf(out, "; the longest %zu are listed", shown);
	fputs(".\n", out);
}

/* Who can be named. */
static void print_witnesses(FILE *out, const struct blame_facts *facts)
{
	if (facts->accounts_only && facts->trace_error == EBUSY)
		fputs("Who ran instead is known of the VM's own threads alone: its CPUs switched too often "
		      "to "
		      "record that; 'blame NAME' watches all.\n",
		      out);
	else if (facts->accounts_only && facts->trace_error == EINPROGRESS)
		fputs("Who ran instead is known of the VM's own threads alone: its launcher was about to "
		      "record task switches.\n",
		      out);
	else if (facts->accounts_only && facts->trace_error > 0)
		fprintf(out,
			"Who ran instead is known of the VM's own threads alone: its launcher may not record "
			"task "
			"switches (%s).\n",
			strerror(facts->trace_error));
	else if (facts->accounts_only)
		fputs("Who ran instead is known of the VM's own threads alone: none that is real-time has "
		      "a few CPUs of its own; 'blame NAME' watches all.\n",
		      out);
	else if (facts->traced_ns > 0)
		fprintf(out,
			"For the last %.1f s it is known who ran on the CPUs of real-time threads; else only "
			"which of the VM's own threads ran instead.\n",
			(double)(facts->end_ns - MIN(facts->traced_ns, facts->end_ns)) / 1e9);
}

static void print_doubts(FILE *out, const struct blame_facts *facts)
{
	char over[32];

	blame_format_limit(facts->over_ns, over, sizeof(over));
	if (facts->vm_ended)
		fputs("The VM ended in this time.\n", out);
	if (facts->counts.possible > 0)
		fprintf(out,
			"%" PRIu64
			" time%s several short waits came together, of which one may have reached %s: "
			"not counted above.\n",
			facts->counts.possible, plural(facts->counts.possible), over);
	if (facts->counts.lost > 0 || facts->counts.broken > 0)
		fprintf(out,
			"There may have been more: %" PRIu64 " switch record%s lost, and %" PRIu64
			" stretch%s of a thread's time given up.\n",
			facts->counts.lost, facts->counts.lost == 1 ? " was" : "s were", facts->counts.broken,
			facts->counts.broken == 1 ? "" : "es");
	print_witnesses(out, facts);
	if (!facts->mutexes)
		fputs("Waits for mutexes are not known: there is no recorder, as qrt-launcher run has one.\n",
		      out);
	else if (facts->lost_mutexes > 0)
		fprintf(out, "%" PRIu64 " record%s of mutexes lost.\n", facts->lost_mutexes,
			facts->lost_mutexes == 1 ? " was" : "s were");
	if (facts->steal_ns > 0)
		fprintf(out,
			"The machine below took %.2f s of all CPUs in this time: the running task is blamed "
			"for it.\n",
			(double)facts->steal_ns / 1e9);
}

void blame_conclude(FILE *out, const struct blame_report *report, const struct blame_facts *facts,
		    size_t shown)
{
	if (shown == 0) {
		print_nothing(out, report, facts);
		print_holds(out, report);
	} else {
		print_sums(out, report);
		print_holds(out, report);
		print_conclusion(out, report, facts, shown);
	}
	print_doubts(out, facts);
}
