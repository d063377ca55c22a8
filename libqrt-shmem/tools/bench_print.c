/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "bench_figure.h"
#include "json_text.h"
#include "tool_table.h"

/* ---- statistics ---- */

static double median(const GArray *values)
{
	g_autoptr(GArray) own = g_array_copy((GArray *)(gpointer)values);

	return bench_median(own);
}

static GArray *divide(const GArray *ours, const GArray *theirs)
{
	GArray *ratios = g_array_new(FALSE, FALSE, sizeof(double));
	double ratio;
	guint i;

	for (i = 0; i < ours->len && i < theirs->len; i++) {
		ratio = g_array_index(ours, double, i) / g_array_index(theirs, double, i);
		g_array_append_val(ratios, ratio);
	}
	return ratios;
}

static double least(const GArray *values)
{
	double result = INFINITY;
	guint i;

	for (i = 0; i < values->len; i++)
		result = MIN(result, g_array_index(values, double, i));
	return result;
}

static double largest(const GArray *values)
{
	double result = 0;
	guint i;

	for (i = 0; i < values->len; i++)
		result = MAX(result, g_array_index(values, double, i));
	return result;
}

/* ---- as JSON ---- */

static void set_values(JsonObject *object, const char *name, const GArray *values)
{
	JsonArray *array = json_array_new();
	guint i;

	for (i = 0; i < values->len; i++)
		json_array_add_double_element(array, g_array_index(values, double, i));
	json_object_set_array_member(object, name, array);
}

static JsonObject *describe_side(const char *name, const GArray *values)
{
	JsonObject *object = json_object_new();

	json_object_set_string_member(object, "name", name);
	json_object_set_double_member(object, "median", median(values));
	json_object_set_double_member(object, "min", least(values));
	json_object_set_double_member(object, "max", largest(values));
	set_values(object, "rounds", values);
	return object;
}

static JsonObject *describe_peer(const struct bench_figure *figure, const struct bench_result *result,
				 int index)
{
	JsonObject *object = describe_side(figure->theirs[index].name, result->theirs[index]);
	g_autoptr(GArray) ratios = divide(result->ours, result->theirs[index]);

	json_object_set_object_member(object, "ratio", describe_side("ours / theirs", ratios));
	return object;
}

static JsonObject *describe_figure(const struct bench_figure *figure, const struct bench_result *result)
{
	JsonObject *object = json_object_new();
	JsonArray *peers = json_array_new();
	int i;

	json_object_set_string_member(object, "name", figure->name);
	json_object_set_string_member(object, "unit", figure->unit);
	json_object_set_boolean_member(object, "is_more_better", strcmp(figure->unit, "1/s") == 0);
	json_object_set_object_member(object, "ours", describe_side(figure->ours.name, result->ours));
	for (i = 0; i < BENCH_PEERS_MAX && figure->theirs[i].name; i++)
		json_array_add_object_element(peers, describe_peer(figure, result, i));
	json_object_set_array_member(object, "peers", peers);
	return object;
}

void bench_print_json(const struct bench *bench, const struct bench_result *results, guint rounds)
{
	JsonObject *object = json_object_new();
	JsonArray *cpus = json_array_new(), *all = json_array_new();
	struct utsname name;
	guint i;

	json_object_set_string_member(object, "version", QRT_SHMEM_TOOL_VERSION);
	json_object_set_string_member(object, "kernel", uname(&name) == 0 ? name.release : "");
	json_array_add_int_element(cpus, bench->cpu[0]);
	json_array_add_int_element(cpus, bench->cpu[1]);
	json_object_set_array_member(object, "cpus", cpus);
	json_object_set_int_member(object, "rounds", rounds);
	json_object_set_double_member(object, "seconds", bench->seconds);
	for (i = 0; i < BENCH_FIGURES; i++) {
		if (!bench_is_left_out(bench, &bench_figures[i]))
			json_array_add_object_element(all, describe_figure(&bench_figures[i], &results[i]));
	}
	json_object_set_array_member(object, "figures", all);
	json_text_print(object);
}

/* ---- as a table ---- */

static char *format(double value)
{
	return value >= 1000 ? g_strdup_printf("%.0f", value) : g_strdup_printf("%.3g", value);
}

static void add_row(struct table *table, const struct bench_figure *figure, const struct bench_result *result,
		    int peer)
{
	const char *name = figure->theirs[peer].name;
	g_autoptr(GArray) ratios = divide(result->ours, result->theirs[peer]);

	table_add(table, g_strdup(figure->name));
	table_add(table, g_strdup(figure->unit));
	table_add(table, format(median(result->ours)));
	table_add(table, g_strdup(name ? name : "-"));
	table_add(table, name ? format(median(result->theirs[peer])) : g_strdup("-"));
	table_add(table, name ? g_strdup_printf("%.2f", median(ratios)) : g_strdup("-"));
	table_add(table, name ? g_strdup_printf("%.2f-%.2f", least(ratios), largest(ratios))
			      : g_strdup_printf("(%.3g-%.3g)", least(result->ours), largest(result->ours)));
}

void bench_print_text(const struct bench *bench, const struct bench_result *results, guint rounds)
{
	static const char *const titles[] = {"FIGURE",  "UNIT",   ">OURS",   "PEER",
					     ">THEIRS", ">RATIO", ">SPREAD", NULL};
	struct table *table = table_new(titles);
	guint i;
	int peer;

	printf("CPUs %d and %d, %u round%s of %g s a measurement\n", bench->cpu[0], bench->cpu[1], rounds,
	       plural(rounds), bench->seconds);
	for (i = 0; i < BENCH_FIGURES; i++) {
		if (bench_is_left_out(bench, &bench_figures[i]))
			continue;
		add_row(table, &bench_figures[i], &results[i], 0);
		for (peer = 1; peer < BENCH_PEERS_MAX && bench_figures[i].theirs[peer].name; peer++)
			add_row(table, &bench_figures[i], &results[i], peer);
	}
	table_print(table);
	if (bench->cpu[0] == bench->cpu[1])
		puts("Of what polls nothing is measured on one CPU.");
}
