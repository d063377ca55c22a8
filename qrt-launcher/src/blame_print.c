/* SPDX-License-Identifier: MIT */
#include "blame_report.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* "870 us", "5.20 ms", "1.25 s". Returns buf. */
static const char *format_time(uint64_t ns, char *buf, size_t size)
{
	if (ns < 1000000)
		snprintf(buf, size, "%" PRIu64 " us", ns / 1000);
	else if (ns < 1000000000)
		snprintf(buf, size, "%.2f ms", (double)ns / 1e6);
	else
		snprintf(buf, size, "%.2f s", (double)ns / 1e9);
	return buf;
}

static const char *format_thread(enum qrt_sched_role role, int32_t index, char *buf, size_t size)
{
	if (index < 0 || role == QRT_SCHED_ROLE_MAIN)
		snprintf(buf, size, "%s", qrt_sched_role_name(role));
	else
		snprintf(buf, size, "%s %d", qrt_sched_role_name(role), index);
	return buf;
}

static void format_length(const struct blame_delay *delay, char *buf, size_t size)
{
	char most[24], least[24];

	format_time(delay->ns, most, sizeof(most));
	format_time(delay->least_ns, least, sizeof(least));
	if (strcmp(most, least) == 0)
		snprintf(buf, size, "%s", most);
	else
		snprintf(buf, size, "%s..%s", least, most);
}

static void print_suspect(const struct blame_suspect *suspect, uint64_t whole_ns)
{
	char policy[48];

	printf("%s", suspect->name.comm);
	blame_names_policy(&suspect->name, policy, sizeof(policy));
	if (suspect->tid > 0) {
		printf(" [%d", suspect->tid);
		if (suspect->name.pid > 0 && suspect->name.pid != suspect->tid)
			printf(" of %d", suspect->name.pid);
		printf("]%s%s", policy[0] ? " " : "", policy);
	}
	if (whole_ns > 0)
		printf(" %.0f %%", 100.0 * (double)suspect->ns / (double)whole_ns);
}

static void print_culprits(const struct blame_entry *entry)
{
	size_t i;

	for (i = 0; i < entry->suspects_count && i < 4; i++) {
		printf("%s", i > 0 ? ", " : "");
		print_suspect(&entry->suspects[i], entry->delay.ns);
	}
	if (i < entry->suspects_count)
		printf(", and %zu more", entry->suspects_count - i);
}

static void print_mutex(const struct blame_entry *entry)
{
	char owner[32];

	printf("waited for the mutex at 0x%" PRIx64 ", held by ", entry->delay.mutex);
	if (entry->owner_is_ours)
		printf("%s, ", format_thread(entry->owner_role, entry->owner_index, owner, sizeof(owner)));
	if (entry->suspects_count > 0)
		print_suspect(&entry->suspects[0], 0);
	else
		printf("an unknown thread");
}

static void print_reason(const struct blame_entry *entry)
{
	const struct blame_delay *delay = &entry->delay;

	if (delay->kind == BLAME_MUTEX) {
		print_mutex(entry);
		return;
	}
	printf("%s on CPU %d", delay->kind == BLAME_PREEMPTED ? "preempted" : "woken, waited", delay->cpu);
	if (delay->kind == BLAME_WOKEN && delay->wakes > 1)
		printf(" (one of %u wake-ups)", delay->wakes);
	printf("%s: ", delay->lasts ? " and waits still" : "");
	print_culprits(entry);
}

static void print_entry(const struct blame_entry *entry, const struct blame_facts *facts)
{
	int64_t at_ns = (int64_t)(entry->delay.start_ns - facts->start_ns);
	char thread[32], length[56];

	format_thread(entry->role, entry->index, thread, sizeof(thread));
	format_length(&entry->delay, length, sizeof(length));
	printf("  %9.4f s  %-20s %-8s ", (double)at_ns / 1e9, length, thread);
	print_reason(entry);
	putchar('\n');
}

static void print_sum(const struct blame_sum *sum, const char *role)
{
	char worst[24], all[24];
	uint64_t whole_ns = 0;
	guint i;

	format_time(sum->worst_ns, worst, sizeof(worst));
	format_time(sum->sum_ns, all, sizeof(all));
	printf("  %-5s %7" PRIu64 "  %-10s %-10s ", role, sum->count, sum->count ? worst : "-",
	       sum->count ? all : "-");
	for (i = 0; i < sum->suspects->len; i++)
		whole_ns += g_array_index(sum->suspects, struct blame_suspect, i).ns;
	for (i = 0; i < sum->suspects->len && i < 3; i++) {
		printf("%s", i > 0 ? ", " : "");
		print_suspect(&g_array_index(sum->suspects, struct blame_suspect, i), whole_ns);
	}
	putchar('\n');
}

static void print_doubts(const struct blame_facts *facts)
{
	char over[24];

	format_time(facts->over_ns, over, sizeof(over));
	if (facts->vm_ended)
		puts("The VM ended in this time.");
	if (facts->counts.possible > 0)
		printf("%" PRIu64
		       " times several short waits came together, of which one may have reached %s; they are "
		       "not in the figures.\n",
		       facts->counts.possible, over);
	if (facts->counts.lost > 0 || facts->counts.broken > 0)
		printf("%" PRIu64 " switch records were lost, and %" PRIu64
		       " stretches of a thread's time given up: there "
		       "may have been more.\n",
		       facts->counts.lost, facts->counts.broken);
	if (!facts->mutexes)
		puts("Waits for mutexes are not known: no recorder (it comes with qrt-launcher run and its "
		     "preload "
		     "library).");
	else if (facts->lost_mutexes > 0)
		printf("%" PRIu64 " records of mutexes were lost.\n", facts->lost_mutexes);
	if (facts->steal_ns > 0)
		printf("The machine below took %.2f s in this time (steal, all CPUs): the running task is "
		       "blamed for it.\n",
		       (double)facts->steal_ns / 1e9);
}

void blame_print_text(const struct blame_report *report, const struct blame_facts *facts, size_t shown)
{
	char over[24];
	uint32_t role;
	size_t i;

	format_time(facts->over_ns, over, sizeof(over));
	printf("%s%s%s%d: %.1f s, delays of %s and more\n", facts->name ? "VM '" : "Process ",
	       facts->name ? facts->name : "", facts->name ? "', process " : "", facts->pid,
	       (double)(facts->end_ns - facts->start_ns) / 1e9, over);
	if (shown > 0)
		puts("\n  when         how long             thread   why");
	for (i = 0; i < shown; i++)
		print_entry(&g_array_index(report->entries, struct blame_entry, i), facts);
	puts("\n  role    count  worst      sum        most of it");
	for (role = 0; role < QRT_SCHED_ROLES; role++) {
		if (report->roles >> role & 1)
			print_sum(&report->sums[role], qrt_sched_role_name(role));
	}
	print_doubts(facts);
}
