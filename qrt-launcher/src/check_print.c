/* SPDX-License-Identifier: MIT */
#include "check_print.h"

#include "command.h"
#include "json_put.h"

#include <stdio.h>

static const char *state_name(enum check_state state)
{
	static const char *const names[] = {"ok", "warning", "fault", "unknown"};

	return names[state];
}

static enum check_state state_of_severity(uint32_t severity)
{
	switch (severity) {
	case QRT_SCHED_FAULT:
		return CHECK_FAULT;
	case QRT_SCHED_WARNING:
		return CHECK_WARNING;
	default:
		return CHECK_OK;
	}
}

int check_count(const struct check_result *result, enum check_state state)
{
	int count = 0;
	size_t i;

	for (i = 0; i < result->count; i++)
		count += result->items[i].state == state;
	for (i = 0; result->request && i < result->request->findings_count; i++)
		count += state_of_severity(result->request->findings[i].severity) == state;
	return count;
}

bool check_is_good(const struct check_result *result)
{
	return !result->unjudged && !result->unread && check_count(result, CHECK_FAULT) == 0;
}

static void print_item(const struct check_item *item)
{
	printf("%-8s %-14s %s\n", state_name(item->state), item->id, item->found);
	if (item->state == CHECK_OK)
		return;
	printf("         %-14s why: %s\n", "", item->why);
	if (item->remedy[0])
		printf("         %-14s remedy: %s\n", "", item->remedy);
}

void check_print_text(const struct check_result *result)
{
	int faults = check_count(result, CHECK_FAULT), warnings = check_count(result, CHECK_WARNING);
	const char *what = result->request && result->request->given ? "the plan" : "a default plan";
	size_t i;

	for (i = 0; i < result->count; i++)
		print_item(&result->items[i]);
	if (result->request && result->request->findings_count > 0) {
		printf("\nOf %s:\n", what);
		plan_print_findings(result->request);
	}
	putchar('\n');
	if (result->unread)
		puts("No: nothing of a host could be read.");
	else if (result->unjudged)
		puts("No: the plan could not be judged here.");
	else if (!result->request)
		printf("%d fault%s, %d warning%s; no plan was looked at.\n", faults, plural((unsigned)faults),
		       warnings, plural((unsigned)warnings));
	else if (faults > 0)
		printf("No: %s cannot run here (%d fault%s, %d warning%s).\n", what, faults,
		       plural((unsigned)faults), warnings, plural((unsigned)warnings));
	else
		printf("Yes: %s can run here (%d warning%s).\n", what, warnings, plural((unsigned)warnings));
}

static void build_item(JsonBuilder *builder, const struct check_item *item)
{
	json_builder_begin_object(builder);
	json_put_string(builder, "id", item->id);
	json_put_string(builder, "state", state_name(item->state));
	json_put_string(builder, "found", item->found);
	json_put_string(builder, "why", item->why);
	json_put_string(builder, "remedy", item->remedy);
	json_builder_end_object(builder);
}

void check_print_json(const struct check_result *result)
{
	JsonBuilder *builder = json_builder_new();
	size_t i;

	json_builder_begin_object(builder);
	json_put_bool(builder, "ok", check_is_good(result));
	json_builder_set_member_name(builder, "items");
	json_builder_begin_array(builder);
	for (i = 0; i < result->count; i++)
		build_item(builder, &result->items[i]);
	json_builder_end_array(builder);
	if (result->request) {
		plan_build_findings(result->request, builder);
	} else {
		json_builder_set_member_name(builder, "lint");
		json_builder_begin_array(builder);
		json_builder_end_array(builder);
	}
	json_builder_end_object(builder);
	plan_print_json(builder);
}
