/* SPDX-License-Identifier: MIT */
/* What the governor did and does, for `status`. */
#include "governor.h"
#include "governor_p.h"
#include "json_limit.h"

#include <string.h>

static void add_int(JsonBuilder *builder, const char *name, gint64 value)
{
	json_builder_set_member_name(builder, name);
	json_builder_add_int_value(builder, value);
}

static void add_string(JsonBuilder *builder, const char *name, const char *value)
{
	json_builder_set_member_name(builder, name);
	json_builder_add_string_value(builder, value);
}

/* An open object of what was decided. */
static void begin_verdict(JsonBuilder *builder, const struct qrt_sched_verdict *verdict)
{
	json_builder_begin_object(builder);
	json_builder_set_member_name(builder, "over");
	json_builder_add_boolean_value(builder, verdict->over != 0);
	add_int(builder, "throttled", (gint64)verdict->throttled);
}

static void add_budget(JsonBuilder *builder, const char *whose, const struct qrt_sched_budget *budget,
		       const struct qrt_sched_verdict *verdict)
{
	char text[64];

	if (!budget->runtime_ns || qrt_sched_budget_format(budget, text, sizeof(text)) < 0)
		return;
	begin_verdict(builder, verdict);
	add_string(builder, "of", whose);
	add_string(builder, "budget", text);
	add_int(builder, "runtime_ns", (gint64)budget->runtime_ns);
	add_int(builder, "window_ns", (gint64)budget->window_ns);
	add_int(builder, "used_ns", (gint64)verdict->used_ns);
	json_builder_end_object(builder);
}

static void build_budgets(const struct governor *governor, JsonBuilder *builder)
{
	struct qrt_sched_verdict verdict = governor_account_get(governor, GOVERNOR_BUDGET, &governor->vm);
	struct qrt_sched_budget guard = governor_plan_guard(governor->guarded);
	int role;

	json_builder_set_member_name(builder, "budgets");
	json_builder_begin_array(builder);
	add_budget(builder, "vm", &governor->terms.vm, &verdict);
	for (role = 0; role < QRT_SCHED_ROLES; role++) {
		verdict = governor_account_get(governor, GOVERNOR_BUDGET, &governor->roles[role]);
		add_budget(builder, qrt_sched_role_name(role), &governor->terms.roles[role], &verdict);
	}
	verdict = governor_account_get(governor, GOVERNOR_GUARD, &governor->guard);
	add_budget(builder, "host", &guard, &verdict);
	json_builder_end_array(builder);
}

static void build_share(const struct governor *governor, JsonBuilder *builder,
			const struct governor_share *share)
{
	struct qrt_sched_verdict verdict = governor_account_get(governor, GOVERNOR_SHARE, &share->account);

	begin_verdict(builder, &verdict);
	add_int(builder, "cpu", share->cpu);
	add_int(builder, "share_millicpus", verdict.share);
	add_int(builder, "used_millicpus", verdict.average);
	json_builder_end_object(builder);
}

static void build(const struct governor *governor, JsonBuilder *builder)
{
	size_t i;

	json_builder_begin_object(builder);
	add_int(builder, "priority", governor->rank.priority);
	build_budgets(governor, builder);
	add_int(builder, "weight", governor->own->weight);
	add_int(builder, "rivals", (gint64)governor->rivals_count);
	json_builder_set_member_name(builder, "shares");
	json_builder_begin_array(builder);
	for (i = 0; i < governor->own->shares_count; i++)
		build_share(governor, builder, &governor->own->shares[i]);
	json_builder_end_array(builder);
	json_builder_end_object(builder);
}

/* What is read here changes in between without harm, but that the lists of groups do: a copy of those. */
void governor_build(struct governor *governor, JsonBuilder *builder)
{
	json_builder_set_member_name(builder, "governor");
	if (!governor) {
		json_builder_add_null_value(builder);
		return;
	}
	pthread_mutex_lock(&governor->lock);
	build(governor, builder);
	pthread_mutex_unlock(&governor->lock);
}

/* ---- in words ---- */

static void add_verdict(GString *line, JsonObject *verdict)
{
	gint64 throttled = json_limit_get_int(verdict, "throttled");

	if (throttled)
		g_string_append_printf(line, ", over %" G_GINT64_FORMAT " time%s%s", throttled,
				       throttled == 1 ? "" : "s",
				       json_limit_get_bool(verdict, "over") ? ", also NOW" : "");
}

static void format_budgets(GString *line, JsonArray *budgets)
{
	JsonObject *budget;
	guint i;

	for (i = 0; budgets && i < json_array_get_length(budgets); i++) {
		budget = json_limit_get_element(budgets, i);
		if (!budget)
			continue;
		g_string_append_printf(line, "; %s: budget %s, %.1f ms used",
				       json_limit_get_string(budget, "of"),
				       json_limit_get_string(budget, "budget"),
				       (double)json_limit_get_int(budget, "used_ns") / 1e6);
		add_verdict(line, budget);
	}
}

static void format_shares(GString *line, JsonArray *shares)
{
	JsonObject *share;
	guint i;

	for (i = 0; shares && i < json_array_get_length(shares); i++) {
		share = json_limit_get_element(shares, i);
		if (!share)
			continue;
		g_string_append_printf(line, "; CPU %" G_GINT64_FORMAT ": share %.2f, used %.2f",
				       json_limit_get_int(share, "cpu"),
				       (double)json_limit_get_int(share, "share_millicpus") / 1000,
				       (double)json_limit_get_int(share, "used_millicpus") / 1000);
		add_verdict(line, share);
	}
}

char *governor_format(JsonObject *member)
{
	GString *line = g_string_new("governor: ");
	gint64 weight = json_limit_get_int(member, "weight"), rivals = json_limit_get_int(member, "rivals");

	g_string_append_printf(line, "priority %" G_GINT64_FORMAT, json_limit_get_int(member, "priority"));
	format_budgets(line, json_limit_get_array(member, "budgets"));
	if (weight && rivals)
		g_string_append_printf(line, "; weight %" G_GINT64_FORMAT " beside %" G_GINT64_FORMAT " VM%s",
				       weight, rivals, rivals == 1 ? "" : "s");
	if (weight && rivals)
		format_shares(line, json_limit_get_array(member, "shares"));
	return g_string_free(line, FALSE);
}
