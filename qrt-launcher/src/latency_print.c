/* SPDX-License-Identifier: MIT */
#include "latency.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

static const struct {
	const char *name;
	uint32_t share;
} shares[] = {{"p50", 5000}, {"p99", 9900}, {"p99.9", 9990}, {"p99.99", 9999}};

static double us(uint64_t ns)
{
	return (double)ns / 1e3;
}

static const char *name_thread(const struct latency_thread *thread, char *buf, size_t size)
{
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
			       latency->threads[i].is_planned ? "" : " (not in the plan)");
	}
}

static void print_rows(const struct latency *latency)
{
	const struct latency_thread *thread;
	char name[32];
	size_t i, n;

	printf("\n%-8s %10s %8s %8s", "us", "cycles", "missed", "min");
	for (n = 0; n < G_N_ELEMENTS(shares); n++)
		printf(" %8s", shares[n].name);
	printf(" %10s\n", "max");
	for (i = 0; i < latency->count; i++) {
		thread = &latency->threads[i];
		printf("%-8s %10" PRIu64 " %8" PRIu64 " %8" PRIu64, name_thread(thread, name, sizeof(name)),
		       thread->histogram.count, thread->missed,
		       thread->histogram.count ? thread->histogram.min_ns / 1000 : 0);
		for (n = 0; n < G_N_ELEMENTS(shares); n++)
			printf(" %8" PRIu64,
			       latency_histogram_get_share(&thread->histogram, shares[n].share));
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

static void print_verdict(const struct latency *latency)
{
	const struct latency_thread *over = latency_find_over(latency);
	double mark = us(latency->options->over_ns);
	uint64_t count = 0;
	char name[32], when[32];
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
		printf("Failed: %" PRIu64 " over %.1f us, the first one %.1f us, %s on CPU %d at %s, after "
		       "%.3f s.\n",
		       count, mark, us(over->first_over.late_ns), name_thread(over, name, sizeof(name)),
		       over->first_over.cpu,
		       latency_format_when(latency, over->first_over.at_ns, when, sizeof(when)),
		       (double)(int64_t)(over->first_over.at_ns - latency->start_ns) / 1e9);
	}
}

void latency_print_text(const struct latency *latency)
{
	printf("Wake-ups every %.0f us for %.1f s%s\n\n", us(latency->options->interval_ns),
	       (double)(latency->end_ns - latency->start_ns) / 1e9,
	       latency->locked ? "" : ", memory not locked");
	print_settings(latency);
	print_rows(latency);
	print_histogram(latency);
	print_worst(latency);
	print_verdict(latency);
}

/* ---- JSON ---- */

static void put_string(JsonBuilder *builder, const char *name, const char *value)
{
	json_builder_set_member_name(builder, name);
	json_builder_add_string_value(builder, value);
}

static void put_int(JsonBuilder *builder, const char *name, uint64_t value)
{
	json_builder_set_member_name(builder, name);
	json_builder_add_int_value(builder, (gint64)value);
}

static void put_bool(JsonBuilder *builder, const char *name, bool value)
{
	json_builder_set_member_name(builder, name);
	json_builder_add_boolean_value(builder, value);
}

static void put_event(JsonBuilder *builder, const char *name, const struct latency *latency,
		      const struct latency_event *event)
{
	char when[32];

	json_builder_set_member_name(builder, name);
	if (event->late_ns == 0) {
		json_builder_add_null_value(builder);
		return;
	}
	json_builder_begin_object(builder);
	put_int(builder, "late_ns", event->late_ns);
	put_int(builder, "after_ns", event->at_ns - latency->start_ns);
	put_int(builder, "cpu", (uint64_t)event->cpu);
	put_string(builder, "time", latency_format_when(latency, event->at_ns, when, sizeof(when)));
	json_builder_end_object(builder);
}

static void put_counts(JsonBuilder *builder, const struct latency_histogram *histogram)
{
	char name[16];
	uint32_t i;

	json_builder_set_member_name(builder, "histogram");
	json_builder_begin_object(builder);
	for (i = 0; i < histogram->size; i++) {
		if (histogram->counts[i] == 0)
			continue;
		snprintf(name, sizeof(name), "%u", i);
		put_int(builder, name, histogram->counts[i]);
	}
	json_builder_end_object(builder);
	put_int(builder, "beyond", histogram->beyond);
}

static void put_thread(JsonBuilder *builder, const struct latency *latency,
		       const struct latency_thread *thread)
{
	char text[4096] = "";
	size_t n;

	qrt_sched_setting_describe(&thread->setting, text, sizeof(text));
	json_builder_begin_object(builder);
	put_string(builder, "role", qrt_sched_role_name(thread->role));
	put_int(builder, "index", thread->index);
	put_string(builder, "setting", text);
	put_bool(builder, "planned", thread->is_planned);
	put_int(builder, "cycles", thread->histogram.count);
	put_int(builder, "missed", thread->missed);
	put_int(builder, "min_ns", thread->histogram.count ? thread->histogram.min_ns : 0);
	json_builder_set_member_name(builder, "us");
	json_builder_begin_object(builder);
	for (n = 0; n < G_N_ELEMENTS(shares); n++)
		put_int(builder, shares[n].name,
			latency_histogram_get_share(&thread->histogram, shares[n].share));
	json_builder_end_object(builder);
	put_int(builder, "max_ns", thread->histogram.max_ns);
	put_event(builder, "worst", latency, &thread->worst);
	put_int(builder, "overs", thread->overs);
	put_event(builder, "first_over", latency, &thread->first_over);
	put_counts(builder, &thread->histogram);
	json_builder_end_object(builder);
}

void latency_print_json(const struct latency *latency)
{
	static const char *const verdicts[] = {[LATENCY_NONE] = "",
					       [LATENCY_PASSED] = "passed",
					       [LATENCY_FAILED] = "failed",
					       [LATENCY_OPEN] = "open"};
	JsonBuilder *builder = json_builder_new();
	size_t i;

	json_builder_begin_object(builder);
	put_int(builder, "interval_ns", latency->options->interval_ns);
	put_int(builder, "length_ns", latency->end_ns - latency->start_ns);
	put_bool(builder, "cut", latency->is_cut);
	put_bool(builder, "locked", latency->locked);
	put_int(builder, "steal_ns", latency->steal_ns);
	put_int(builder, "fail_over_ns", latency->options->over_ns);
	put_string(builder, "verdict", verdicts[latency_judge(latency)]);
	json_builder_set_member_name(builder, "threads");
	json_builder_begin_array(builder);
	for (i = 0; i < latency->count; i++)
		put_thread(builder, latency, &latency->threads[i]);
	json_builder_end_array(builder);
	json_builder_end_object(builder);
	plan_print_json(builder);
}
