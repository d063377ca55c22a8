/* SPDX-License-Identifier: MIT */
#include "latency.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

const struct latency_share latency_shares[LATENCY_SHARES] = {
	{"p50", 5000}, {"p99", 9900}, {"p99.9", 9990}, {"p99.99", 9999}};

static double us(uint64_t ns)
{
	return (double)ns / 1e3;
}

static const char *name_thread(const struct latency_thread *thread, char *buf, size_t size)
{
	if (thread->is_guest)
		snprintf(buf, size, "guest");
	else
		snprintf(buf, size, "%s %u", qrt_sched_role_name(thread->role), thread->index);
	return buf;
}

/* ---- while it runs ---- */

void latency_print_progress(const struct latency *latency, uint64_t now_ns)
{
	const struct latency_thread *thread;
	uint64_t cycles = 0, worst_ns = 0, own_ns;
	double passed_s = now_ns > latency->start_ns ? (double)(now_ns - latency->start_ns) / 1e9 : 0;
	size_t i;

	if (!isatty(STDERR_FILENO))
		return;
	for (i = 0; i < latency->count; i++) {
		thread = &latency->threads[i];
		cycles += atomic_load_explicit(&thread->cycles, memory_order_relaxed);
		own_ns = atomic_load_explicit(&thread->worst_ns, memory_order_relaxed);
		worst_ns = own_ns > worst_ns ? own_ns : worst_ns;
	}
	fprintf(stderr, "\r%.0f of %.0f s, %" PRIu64 " cycles, max %.1f us \033[K", passed_s,
		(double)latency->options->length_ns / 1e9, cycles, us(worst_ns));
}

void latency_print_progress_end(void)
{
	if (isatty(STDERR_FILENO))
		fputs("\r\033[K", stderr);
}

/* ---- text ---- */

static void print_settings(const struct latency *latency)
{
	char text[4096], name[32];
	size_t i;

	for (i = 0; i < latency->count; i++) {
		if (qrt_sched_setting_describe(&latency->threads[i].setting, text, sizeof(text)) >= 0)
			printf("%-8s %s%s\n", name_thread(&latency->threads[i], name, sizeof(name)), text,
			       latency->threads[i].is_planned || latency->options->guest
				       ? ""
				       : " (not in the plan)");
	}
}

static const char *format_missed(const struct latency_thread *thread, char *buf, size_t size)
{
	if (thread->is_guest)
		snprintf(buf, size, "-");
	else
		snprintf(buf, size, "%" PRIu64, thread->missed);
	return buf;
}

static void print_rows(const struct latency *latency)
{
	const struct latency_thread *thread;
	char name[32], missed[32];
	size_t i, n;

	printf("\n%-8s %10s %8s %8s", "us", "cycles", "missed", "min");
	for (n = 0; n < LATENCY_SHARES; n++)
		printf(" %8s", latency_shares[n].name);
	printf(" %10s\n", "max");
	for (i = 0; i < latency->count; i++) {
		thread = &latency->threads[i];
		printf("%-8s %10" PRIu64 " %8s %8" PRIu64, name_thread(thread, name, sizeof(name)),
		       thread->histogram.count, format_missed(thread, missed, sizeof(missed)),
		       thread->histogram.count ? thread->histogram.min_ns / 1000 : 0);
		for (n = 0; n < LATENCY_SHARES; n++)
			printf(" %8" PRIu64,
			       latency_histogram_get_share(&thread->histogram, latency_shares[n].share));
		printf(" %10.1f\n", us(thread->histogram.max_ns));
	}
}

static void print_histogram(const struct latency *latency)
{
	uint32_t i, t;
	uint64_t sum;

	if (latency->options->histogram_us == 0)
		return;
	printf("\nlatencies of each us below %u, in the order of threads above\n",
	       latency->options->histogram_us);
	for (i = 0; i < latency->options->histogram_us; i++) {
		for (t = 0, sum = 0; t < latency->count; t++)
			sum += latency->threads[t].histogram.counts[i];
		if (sum == 0)
			continue;
		printf("%8u", i);
		for (t = 0; t < latency->count; t++)
			printf(" %10" PRIu64, latency->threads[t].histogram.counts[i]);
		putchar('\n');
	}
}

static void print_worst(const struct latency *latency)
{
	const struct latency_thread *thread = latency_find_worst(latency);
	char name[32], when[32];

	if (thread->is_guest)
		printf("\nThe longest: %.1f us.\n", us(thread->histogram.max_ns));
	if (thread->worst.late_ns > 0)
		printf("\nThe longest: %.1f us, %s on CPU %d at %s, after %.3f s.\n",
		       us(thread->worst.late_ns), name_thread(thread, name, sizeof(name)), thread->worst.cpu,
		       latency_format_when(latency, thread->worst.at_ns, when, sizeof(when)),
		       (double)(int64_t)(thread->worst.at_ns - latency->start_ns) / 1e9);
	if (latency->steal_ns > 0)
		printf("The machine below took %.2f s of all CPUs in this time.\n",
		       (double)latency->steal_ns / 1e9);
	if (latency->is_cut)
		printf("Ended by a signal, before its time.\n");
}

static void print_failure(const struct latency *latency, uint64_t count)
{
	const struct latency_thread *over = latency_find_over(latency);
	double mark = us(latency->options->over_ns);
	char name[32], when[32];

	if (over->is_guest)
		printf("Failed: at least %" PRIu64 " over %.1f us, the longest one %.1f us.\n", count, mark,
		       us(over->histogram.max_ns));
	else
		printf("Failed: %" PRIu64 " over %.1f us, the first one %.1f us, %s on CPU %d at %s, after "
		       "%.3f s.\n",
		       count, mark, us(over->first_over.late_ns), name_thread(over, name, sizeof(name)),
		       over->first_over.cpu,
		       latency_format_when(latency, over->first_over.at_ns, when, sizeof(when)),
		       (double)(int64_t)(over->first_over.at_ns - latency->start_ns) / 1e9);
}

static void print_verdict(const struct latency *latency)
{
	double mark = us(latency->options->over_ns);
	uint64_t count = 0;
	size_t i;

	for (i = 0; i < latency->count; i++)
		count += latency->threads[i].overs;
	switch (latency_judge(latency)) {
	case LATENCY_NONE:
		break;
	case LATENCY_PASSED:
		printf("Passed: no latency over %.1f us.\n", mark);
		break;
	case LATENCY_OPEN:
		printf("Not decided: no latency over %.1f us until the early end.\n", mark);
		break;
	case LATENCY_FAILED:
		print_failure(latency, count);
	}
}

void latency_print_text(const struct latency *latency)
{
	const char *guest = latency->options->guest;

	printf("Wake-ups every %.0f us for %.1f s%s%s%s\n\n", us(latency->options->interval_ns),
	       (double)(latency->end_ns - latency->start_ns) / 1e9, guest ? " in the guest of VM " : "",
	       guest ? guest : "", latency->locked || guest ? "" : ", memory not locked");
	print_settings(latency);
	print_rows(latency);
	print_histogram(latency);
	print_worst(latency);
	print_verdict(latency);
}
