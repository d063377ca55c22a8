/* SPDX-License-Identifier: MIT */
/* What the governor did and does, for `status`. */
#include "governor.h"
#include "governor_p.h"
#include "json_limit.h"
#include "json_put.h"

#include <string.h>

/* What was decided, at one moment. */
struct view {
	struct qrt_sched_verdict vm, roles[QRT_SCHED_ROLES], guard;
	struct qrt_sched_budget host;
	uint32_t weight;
	size_t rivals, shares_count;
	bool gives_way;
	struct {
		int cpu;
		struct qrt_sched_verdict verdict;
	} shares[GOVERNOR_SHARES];
	struct governor_excess excess;
};

/* Under the lock, and no more than this: JSON takes memory, for which the governor would have to wait. */
static void look(const struct governor *governor, struct view *ret_view)
{
	const struct governor_party *own = governor->own;
	size_t i;

	ret_view->vm = governor_account_get(governor, GOVERNOR_BUDGET, &governor->vm);
	for (i = 0; i < QRT_SCHED_ROLES; i++)
		ret_view->roles[i] = governor_account_get(governor, GOVERNOR_BUDGET, &governor->roles[i]);
	ret_view->guard = governor_guard_get(governor);
	ret_view->host = governor_plan_guard(governor->guarded);
	ret_view->weight = own->weight;
	ret_view->rivals = own->weight ? governor->rivals_count : 0;
	ret_view->gives_way = governor->gives_way;
	ret_view->shares_count = own->shares_count;
	governor_excess_read(governor, &ret_view->excess);
	for (i = 0; i < own->shares_count; i++) {
		ret_view->shares[i].cpu = own->shares[i].cpu;
		ret_view->shares[i].verdict = governor_court_get_share(governor, &own->shares[i]);
	}
}

/* An open object of what was decided. */
static void begin_verdict(JsonBuilder *builder, const struct qrt_sched_verdict *verdict)
{
	json_builder_begin_object(builder);
	json_put_bool(builder, "over", verdict->over != 0);
	json_put_int(builder, "throttled", (gint64)verdict->throttled);
}

static void add_budget(JsonBuilder *builder, const char *whose, const struct qrt_sched_budget *budget,
		       const struct qrt_sched_verdict *verdict)
{
	char text[64];

	if (!budget->runtime_ns || qrt_sched_budget_format(budget, text, sizeof(text)) < 0)
		return;
	begin_verdict(builder, verdict);
	json_put_string(builder, "of", whose);
	json_put_string(builder, "budget", text);
	json_put_int(builder, "runtime_ns", (gint64)budget->runtime_ns);
	json_put_int(builder, "window_ns", (gint64)budget->window_ns);
	json_put_int(builder, "used_ns", (gint64)verdict->used_ns);
	json_builder_end_object(builder);
}

static void build_budgets(JsonBuilder *builder, const struct governor_terms *terms, const struct view *view)
{
	int role;

	json_builder_set_member_name(builder, "budgets");
	json_builder_begin_array(builder);
	add_budget(builder, "vm", &terms->vm, &view->vm);
	for (role = 0; role < QRT_SCHED_ROLES; role++)
		add_budget(builder, qrt_sched_role_name(role), &terms->roles[role], &view->roles[role]);
	add_budget(builder, "host", &view->host, &view->guard);
	json_builder_end_array(builder);
}

static void build_shares(JsonBuilder *builder, const struct view *view)
{
	size_t i;

	json_builder_set_member_name(builder, "shares");
	json_builder_begin_array(builder);
	for (i = 0; i < view->shares_count; i++) {
		begin_verdict(builder, &view->shares[i].verdict);
		json_put_int(builder, "cpu", view->shares[i].cpu);
		json_put_int(builder, "share_millicpus", view->shares[i].verdict.share);
		json_put_int(builder, "used_millicpus", view->shares[i].verdict.average);
		json_builder_end_object(builder);
	}
	json_builder_end_array(builder);
}

void governor_build(struct governor *governor, JsonBuilder *builder)
{
	struct view view;

	json_builder_set_member_name(builder, "governor");
	if (!governor) {
		json_builder_add_null_value(builder);
		return;
	}
	pthread_mutex_lock(&governor->lock);
	look(governor, &view);
	pthread_mutex_unlock(&governor->lock);
	json_builder_begin_object(builder);
	json_put_int(builder, "priority", governor->rank.priority);
	build_budgets(builder, &governor->terms, &view);
	json_put_int(builder, "weight", view.weight);
	json_put_int(builder, "rivals", (gint64)view.rivals);
	json_put_bool(builder, "gives_way", view.gives_way);
	build_shares(builder, &view);
	governor_excess_build(builder, &view.excess);
	json_builder_end_object(builder);
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
	if (json_limit_get_bool(member, "gives_way"))
		g_string_append(line, "; one priority down beside a VM that used little");
	governor_excess_format(line, json_limit_get_object(member, "ungoverned"));
	return g_string_free(line, FALSE);
}
