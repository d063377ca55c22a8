/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "bench_run.h"
#include "json_put.h"
#include "size_text.h"
#include "tool_say.h"
#include "tool_table.h"

static int compare(const void *a, const void *b)
{
	double first = *(const double *)a, second = *(const double *)b;

	return (first > second) - (first < second);
}

static double median(const double *values, guint count)
{
	double sorted[BENCH_ROUNDS_MAX];

	memcpy(sorted, values, count * sizeof(*values));
	qsort(sorted, count, sizeof(*sorted), compare);
	return (sorted[(count - 1) / 2] + sorted[count / 2]) / 2;
}

static double least(const double *values, guint count)
{
	double result = values[0];

	while (count-- > 0)
		result = MIN(result, values[count]);
	return result;
}

static double most(const double *values, guint count)
{
	double result = values[0];

	while (count-- > 0)
		result = MAX(result, values[count]);
	return result;
}

/* The median of the rounds' ratios. */
static double ratio_of(const struct bench_result *result, const struct bench_result *first)
{
	double ratios[BENCH_ROUNDS_MAX] = {0};
	guint i;

	for (i = 0; i < result->rounds; i++)
		ratios[i] = result->rate[i] / first->rate[i];
	return median(ratios, result->rounds);
}

/* ---- as a table ---- */

static char *us_of(const struct bench_result *result, double share)
{
	return g_strdup_printf("%.1f", (double)bench_histogram_get_share(&result->times, share) / 1000);
}

static void add_row(struct table *table, const struct bench_result *result, const struct bench_result *first)
{
	table_add(table, g_strdup(bench_kind_name(result->kind)));
	table_add(table, g_strdup_printf("%u", result->depth));
	table_add(table, g_strdup(result->engine));
	table_add(table, g_strdup_printf("%.0f", median(result->rate, result->rounds)));
	table_add(table, g_strdup_printf("%.0f-%.0f", least(result->rate, result->rounds),
					 most(result->rate, result->rounds)));
	table_add(table, us_of(result, 0.5));
	table_add(table, us_of(result, 0.99));
	table_add(table, us_of(result, 0.999));
	table_add(table, g_strdup_printf("%.1f", (double)result->times.max_ns / 1000));
	table_add(table, g_strdup_printf("%.1f", median(result->cpu, result->rounds)));
	table_add(table, g_strdup_printf("%.2f", ratio_of(result, first)));
}

static void print_text(const struct bench_plan *plan, const struct bench_result *results, guint count)
{
	static const char *const titles[] = {"KIND",    ">DEPTH",  "ENGINE",  ">IOPS",
					     ">SPREAD", ">P50 us", ">P99 us", ">P99.9 us",
					     ">MAX us", ">CPU us", ">RATIO",  NULL};
	struct table *table = table_new(titles);
	char size[SIZE_TEXT_BYTES];
	guint i;

	size_text_format((double)plan->block_bytes, size);
	printf("blocks of %s, %s, %u round%s of %g s\n", size,
	       plan->is_direct ? "past the page cache" : "through the page cache", plan->rounds,
	       plural(plan->rounds), plan->seconds);
	for (i = 0; i < count; i++)
		add_row(table, &results[i], &results[results[i].first]);
	table_print(table);
}

/* ---- as JSON ---- */

static void put_rounds(JsonBuilder *builder, const char *name, const double *values, guint count)
{
	guint i;

	json_builder_begin_array(json_builder_set_member_name(builder, name));
	for (i = 0; i < count; i++)
		json_builder_add_double_value(builder, values[i]);
	json_builder_end_array(builder);
}

static void put_result(JsonBuilder *builder, const struct bench_result *result,
		       const struct bench_result *first)
{
	json_builder_begin_object(builder);
	json_put_string(builder, "kind", bench_kind_name(result->kind));
	json_put_int(builder, "depth", result->depth);
	json_put_string(builder, "engine", result->engine);
	json_put_real(builder, "iops", median(result->rate, result->rounds));
	put_rounds(builder, "iops_rounds", result->rate, result->rounds);
	json_put_real(builder, "ratio", ratio_of(result, first));
	json_put_int(builder, "requests", (gint64)result->times.count);
	json_put_int(builder, "p50_ns", (gint64)bench_histogram_get_share(&result->times, 0.5));
	json_put_int(builder, "p99_ns", (gint64)bench_histogram_get_share(&result->times, 0.99));
	json_put_int(builder, "p999_ns", (gint64)bench_histogram_get_share(&result->times, 0.999));
	json_put_int(builder, "max_ns", (gint64)result->times.max_ns);
	json_put_real(builder, "cpu_us", median(result->cpu, result->rounds));
	put_rounds(builder, "cpu_us_rounds", result->cpu, result->rounds);
	json_builder_end_object(builder);
}

static void print_json(const struct bench_plan *plan, const struct bench_result *results, guint count)
{
	JsonBuilder *builder = json_builder_begin_object(json_builder_new());
	g_autofree char *text = NULL;
	struct utsname name;
	guint i;

	json_put_string(builder, "version", QRT_BLOCK_TOOL_VERSION);
	json_put_string(builder, "kernel", uname(&name) == 0 ? name.release : "");
	json_put_int(builder, "block_bytes", (gint64)plan->block_bytes);
	json_put_bool(builder, "direct", plan->is_direct);
	json_builder_begin_array(json_builder_set_member_name(builder, "absent"));
	for (i = 0; i < plan->absent_count; i++)
		json_builder_add_string_value(builder, image_engine_name(plan->absent[i]));
	json_builder_end_array(builder);
	json_put_int(builder, "rounds", plan->rounds);
	json_put_real(builder, "seconds", plan->seconds);
	json_builder_begin_array(json_builder_set_member_name(builder, "results"));
	for (i = 0; i < count; i++)
		put_result(builder, &results[i], &results[results[i].first]);
	json_builder_end_array(builder);
	text = json_put_end(builder);
	fputs(text, stdout);
}

void bench_print(const struct bench_plan *plan, const struct bench_result *results, guint count)
{
	if (plan->is_json)
		print_json(plan, results, count);
	else
		print_text(plan, results, count);
}
