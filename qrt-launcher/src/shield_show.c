/* SPDX-License-Identifier: MIT */
/* Says what shield is up. */
#include "shield_show.h"

#include "command.h"
#include "json_put.h"
#include "plan_request.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TRIES 50 /* while somebody looks whether all is as it should be */

/* As the folder says. */
struct shown {
	struct qrt_sched_cpus cpus;
	uint32_t parts;
	int kind; /* enum qrt_sched_cgroup */
	GPtrArray *holders;
	char **left; /* lines "WHAT NUMBER ERROR NAME" */
};

static void clear_shown(struct shown *shown)
{
	if (shown->holders)
		g_ptr_array_free(shown->holders, TRUE);
	g_strfreev(shown->left);
}

static gint compare_names(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void find_holders(const struct host *host, struct shown *shown)
{
	GHashTable *needs = host_need_list(host);
	GHashTableIter iter;
	gpointer name, data;

	shown->holders = g_ptr_array_new_with_free_func(g_free);
	g_hash_table_iter_init(&iter, needs);
	while (g_hash_table_iter_next(&iter, &name, &data)) {
		const struct host_need *need = data;

		if (need->values[HOST_SHIELD])
			g_ptr_array_add(shown->holders, g_strdup(name));
	}
	g_ptr_array_sort(shown->holders, compare_names);
	g_hash_table_destroy(needs);
}

/* False where no shield is up. */
static bool read_shown(const struct host *host, struct shown *ret_shown)
{
	g_autofree char *value = host_get_applied(host, HOST_SHIELD), *left = host_read(host, "left");
	struct shown shown = {.kind = QRT_SCHED_CGROUP_NONE};

	if (!value || host_shield_parse(value, &shown.cpus, &shown.parts) < 0)
		return false;
	find_holders(host, &shown);
	shown.left = g_strsplit(left ? g_strstrip(left) : "", "\n", -1);
	if (shown.left[0])
		shown.kind = (int)strtol(shown.left[0], NULL, 10);
	*ret_shown = shown;
	return true;
}

/* The fields of a line of what is left, freed by g_strfreev(); NULL for a line that is none. */
static char **split_left(const char *line)
{
	char **fields = g_strsplit(line, " ", 4);

	if (g_strv_length(fields) == 4)
		return fields;
	g_strfreev(fields);
	return NULL;
}

static void print_left(const struct shown *shown)
{
	int i;

	for (i = 1; shown->left[0] && shown->left[i]; i++) {
		char **fields = split_left(shown->left[i]);

		if (!fields)
			continue;
		if (i == 1)
			puts("  not let go of by the kernel:");
		printf("    %-9s %s (%s): %s\n", fields[0], fields[3], fields[1],
		       strerror(abs((int)strtol(fields[2], NULL, 10))));
		g_strfreev(fields);
	}
}

static const char *const kinds[] = {"none", "v1", "v2"};
static const char *const kind_words[] = {"by affinity, without a cpuset", "by a cpuset of version 1",
					 "by a cpuset partition of version 2"};

static int limit_kind(int kind)
{
	return CLAMP(kind, 0, 2);
}

static void print_line(const struct shown *shown)
{
	g_autofree char *parts = host_parts_format(shown->parts);
	bool one = qrt_sched_cpus_count(&shown->cpus) == 1;
	char list[4096] = "";

	qrt_sched_cpus_format(&shown->cpus, list, sizeof(list));
	printf("%s %s %s shielded from processes%s%s, %s\n", one ? "CPU" : "CPUs", list, one ? "is" : "are",
	       parts[0] ? " and " : "", parts, kind_words[limit_kind(shown->kind)]);
}

static void print_text(const struct shown *shown)
{
	guint i;

	print_line(shown);
	printf("  for:");
	for (i = 0; i < shown->holders->len; i++)
		printf(" %s", (const char *)shown->holders->pdata[i]);
	putchar('\n');
	if (shown->kind == QRT_SCHED_CGROUP_NONE)
		printf("  how threads were is in %s/.host alone: do not remove it\n", state_get_run_path());
	print_left(shown);
}

static void build_left(const struct shown *shown, JsonBuilder *builder)
{
	int i;

	json_builder_set_member_name(builder, "left");
	json_builder_begin_array(builder);
	for (i = 1; shown->left[0] && shown->left[i]; i++) {
		char **fields = split_left(shown->left[i]);

		if (!fields)
			continue;
		json_builder_begin_object(builder);
		json_put_string(builder, "what", fields[0]);
		json_put_string(builder, "name", fields[3]);
		json_put_int(builder, "number", strtol(fields[1], NULL, 10));
		json_put_string(builder, "error", strerror(abs((int)strtol(fields[2], NULL, 10))));
		json_builder_end_object(builder);
		g_strfreev(fields);
	}
	json_builder_end_array(builder);
}

static void build_shown(const struct shown *shown, JsonBuilder *builder)
{
	g_autofree char *parts = host_parts_format(shown->parts);
	char **words = g_strsplit(parts, "+", -1), list[4096] = "";
	guint i;

	qrt_sched_cpus_format(&shown->cpus, list, sizeof(list));
	json_put_string(builder, "cpus", list);
	json_put_string(builder, "cgroup", kinds[limit_kind(shown->kind)]);
	json_builder_set_member_name(builder, "parts");
	json_builder_begin_array(builder);
	for (i = 0; words[i]; i++)
		json_builder_add_string_value(builder, words[i]);
	json_builder_end_array(builder);
	g_strfreev(words);
	json_builder_set_member_name(builder, "for");
	json_builder_begin_array(builder);
	for (i = 0; i < shown->holders->len; i++)
		json_builder_add_string_value(builder, shown->holders->pdata[i]);
	json_builder_end_array(builder);
	build_left(shown, builder);
}

static JsonBuilder *build(const struct shown *shown)
{
	JsonBuilder *builder = json_builder_new();

	json_builder_begin_object(builder);
	json_put_bool(builder, "up", shown != NULL);
	if (shown)
		build_shown(shown, builder);
	json_builder_end_object(builder);
	return builder;
}

int shield_show(const struct host *host, bool json)
{
	struct shown shown;
	bool up = host && read_shown(host, &shown);

	if (json)
		plan_print_json(build(up ? &shown : NULL));
	else if (up)
		print_text(&shown);
	else
		puts("no shield is up");
	if (up)
		clear_shown(&shown);
	return EXIT_OK;
}

/* 1: what is up; 0: nothing is; -EBUSY. */
static int look(struct shown *ret_shown)
{
	int tries, r = -EBUSY, run_fd = state_look_run();
	struct host host;

	if (run_fd < 0)
		return 0;
	for (tries = 0; tries < TRIES && r == -EBUSY; tries++) {
		if (tries > 0)
			g_usleep(5000);
		r = host_look(run_fd, &host);
	}
	if (r == 0) {
		r = read_shown(&host, ret_shown);
		host_close(&host);
	} else if (r != -EBUSY) {
		r = 0;
	}
	state_close_run(run_fd);
	return r;
}

void shield_mention(void)
{
	struct shown shown;

	if (look(&shown) <= 0)
		return;
	print_line(&shown);
	clear_shown(&shown);
}

JsonNode *shield_describe(void)
{
	struct shown shown;
	JsonBuilder *builder;
	JsonNode *node;
	int r = look(&shown);

	if (r < 0)
		return NULL;
	builder = build(r > 0 ? &shown : NULL);
	node = json_builder_get_root(builder);
	g_object_unref(builder);
	if (r > 0)
		clear_shown(&shown);
	return node;
}

void shield_say_holders(const struct host *host)
{
	struct shown shown;
	guint i;

	if (!read_shown(host, &shown))
		return;
	for (i = 0; i < shown.holders->len; i++)
		complain("the shield stays up for %s", (const char *)shown.holders->pdata[i]);
	clear_shown(&shown);
}
