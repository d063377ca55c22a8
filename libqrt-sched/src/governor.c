/* SPDX-License-Identifier: MIT */
/* Groups, and what is decided of them. */
#include "error_p.h"
#include "governor_p.h"
#include "struct_p.h"

#include <errno.h>
#include <stdlib.h>

#define WINDOW_MIN 1000000ull
#define WINDOW_MAX 10000000000ull

int qrt_sched_governor_new(struct qrt_sched_governor **ret_governor)
{
	struct qrt_sched_governor *governor = calloc(1, sizeof(*governor));

	if (!governor)
		return -ENOMEM;
	*ret_governor = governor;
	return 0;
}

struct qrt_sched_governor *qrt_sched_governor_close(struct qrt_sched_governor *governor)
{
	free(governor);
	return NULL;
}

static struct qrt_sched_p_group *find(struct qrt_sched_governor *governor, int group)
{
	if (group < 0 || group >= QRT_SCHED_GROUPS_MAX || !governor->groups[group].is_used)
		return NULL;
	return &governor->groups[group];
}

/* ---- configuration ---- */

static int check_values(const struct qrt_sched_group_config *config, struct qrt_sched_error *reterr)
{
	if (config->weight > QRT_SCHED_WEIGHT_MAX)
		return qrt_sched_p_error(reterr, -ERANGE, "weight %u is not within 1..%d", config->weight,
					 QRT_SCHED_WEIGHT_MAX);
	if (config->weight && !qrt_sched_cpus_count(&config->cpus))
		return qrt_sched_p_error(reterr, -EINVAL, "a group with a weight needs CPUs to share");
	if (config->budget.runtime_ns &&
	    (config->budget.window_ns < WINDOW_MIN || config->budget.window_ns > WINDOW_MAX))
		return qrt_sched_p_error(reterr, -ERANGE, "the window of a budget is not within 1ms..10s");
	if (config->reserved)
		return qrt_sched_p_error(reterr, -EINVAL, "the reserved member of a group is not 0");
	return 0;
}

/* `group` is the one that gets this parent, -1: a new one. */
static int check_parent(struct qrt_sched_governor *governor, int group, int32_t parent,
			struct qrt_sched_error *reterr)
{
	int32_t at;

	if (parent == -1)
		return 0;
	if (!find(governor, parent))
		return qrt_sched_p_error(reterr, -EINVAL, "there is no group %d to be the parent", parent);
	for (at = parent; at >= 0; at = governor->groups[at].parent) {
		if (at == group)
			return qrt_sched_p_error(reterr, -EINVAL,
						 "group %d cannot be above itself: choose another parent",
						 group);
	}
	return 0;
}

static int take_config(struct qrt_sched_governor *governor, int group,
		       const struct qrt_sched_group_config *callers, struct qrt_sched_group_config *ret_own,
		       struct qrt_sched_error *reterr)
{
	int rc = qrt_p_struct_take(ret_own, sizeof(*ret_own), callers);

	if (rc < 0)
		return qrt_sched_p_error(reterr, rc,
					 rc == -E2BIG ? "the group's configuration has members that this "
							"version does not know"
						      : "the group's configuration has no size: set it to "
							"its sizeof");
	rc = check_values(ret_own, reterr);
	return rc < 0 ? rc : check_parent(governor, group, ret_own->parent, reterr);
}

static void configure(struct qrt_sched_p_group *group, const struct qrt_sched_group_config *config)
{
	if (group->budget.window_ns != config->budget.window_ns || !config->budget.runtime_ns)
		group->window = (struct qrt_sched_p_window){0};
	group->weight = config->weight;
	group->budget = config->budget;
	group->cpus = config->cpus;
	group->parent = config->parent;
}

int qrt_sched_governor_add(struct qrt_sched_governor *governor, const struct qrt_sched_group_config *config,
			   struct qrt_sched_error *reterr)
{
	struct qrt_sched_group_config own;
	int rc = take_config(governor, -1, config, &own, reterr), i;

	if (rc < 0)
		return rc;
	for (i = 0; i < QRT_SCHED_GROUPS_MAX; i++) {
		if (governor->groups[i].is_used)
			continue;
		governor->groups[i] = (struct qrt_sched_p_group){.is_used = 1};
		configure(&governor->groups[i], &own);
		if (i >= governor->end)
			governor->end = i + 1;
		return i;
	}
	return qrt_sched_p_error(reterr, -ENOSPC, "there are %d groups already", QRT_SCHED_GROUPS_MAX);
}

int qrt_sched_governor_change(struct qrt_sched_governor *governor, int group,
			      const struct qrt_sched_group_config *config, struct qrt_sched_error *reterr)
{
	struct qrt_sched_p_group *changed = find(governor, group);
	struct qrt_sched_group_config own;
	int rc;

	if (!changed)
		return qrt_sched_p_error(reterr, -ENOENT, "there is no group %d", group);
	rc = take_config(governor, group, config, &own, reterr);
	if (rc < 0)
		return rc;
	configure(changed, &own);
	return 0;
}

int qrt_sched_governor_remove(struct qrt_sched_governor *governor, int group)
{
	struct qrt_sched_p_group *removed = find(governor, group);
	int i;

	if (!removed)
		return -ENOENT;
	for (i = 0; i < governor->end; i++) {
		if (governor->groups[i].is_used && governor->groups[i].parent == group)
			governor->groups[i].parent = -1;
	}
	removed->is_used = 0;
	while (governor->end > 0 && !governor->groups[governor->end - 1].is_used)
		governor->end--;
	return 0;
}

/* ---- accounting ---- */

static void count_threads(struct qrt_sched_governor *governor)
{
	struct qrt_sched_p_group *groups = governor->groups;
	uint32_t threads, cpus;
	int32_t at;
	int i;

	for (i = 0; i < governor->end; i++)
		groups[i].threads = groups[i].rate = 0;
	for (i = 0; i < governor->end; i++) {
		threads = groups[i].usage.threads;
		cpus = (uint32_t)qrt_sched_cpus_count(&groups[i].cpus);
		for (at = groups[i].is_used ? i : -1; at >= 0; at = groups[at].parent) {
			groups[at].threads += threads;
			groups[at].rate += cpus && cpus < threads ? cpus : threads;
		}
	}
}

static void charge(struct qrt_sched_governor *governor, int group, uint64_t run_ns, uint64_t wait_ns)
{
	/* Over: it did not run above time sharing, nor for those above. */
	uint64_t charged_ns = governor->groups[group].verdict.over ? 0 : run_ns;

	for (; group >= 0; group = governor->groups[group].parent) {
		governor->groups[group].run_ns += run_ns;
		governor->groups[group].wait_ns += wait_ns;
		governor->groups[group].charged_ns += charged_ns;
	}
}

int qrt_sched_governor_account(struct qrt_sched_governor *governor, int group, uint64_t now_ns,
			       const struct qrt_sched_usage *usage)
{
	struct qrt_sched_p_group *own = find(governor, group);

	if (!own)
		return -ENOENT;
	if (!own->decided_ns)
		own->decided_ns = now_ns;
	if (own->has_usage && usage->run_ns >= own->usage.run_ns && usage->wait_ns >= own->usage.wait_ns)
		charge(governor, group, usage->run_ns - own->usage.run_ns,
		       usage->wait_ns - own->usage.wait_ns);
	own->has_usage = 1;
	own->usage = *usage;
	return 0;
}

/* ---- deciding ---- */

static void take_in(struct qrt_sched_governor *governor, int i, uint64_t now_ns)
{
	struct qrt_sched_p_group *group = &governor->groups[i];
	uint64_t passed;

	if (!group->decided_ns)
		group->decided_ns = now_ns;
	passed = now_ns > group->decided_ns ? now_ns - group->decided_ns : 0;
	if (!group->window.begin_ns)
		group->window.begin_ns = group->decided_ns;
	qrt_sched_p_window_use(&group->window, &group->budget, now_ns, group->charged_ns,
			       (double)group->rate);
	if (passed)
		qrt_sched_p_share_use(&group->share, passed, group->run_ns, group->wait_ns);
	group->decided_ns = now_ns;
	group->charged_ns = 0;
	if (passed)
		group->run_ns = group->wait_ns = 0;
}

static void add_reason(struct qrt_sched_verdict *verdict, enum qrt_sched_over reason, uint64_t until_ns)
{
	if (!verdict->over)
		verdict->reason = reason;
	verdict->over = 1;
	if (until_ns > verdict->until_ns)
		verdict->until_ns = until_ns;
}

static struct qrt_sched_verdict judge(const struct qrt_sched_governor *governor, int i, uint64_t now_ns)
{
	const struct qrt_sched_p_group *own = &governor->groups[i], *at;
	struct qrt_sched_verdict verdict = {.used_ns = own->window.used_ns};
	int32_t above;

	if (own->weight) {
		verdict.share = (uint32_t)(own->share.cpus * 1000 + 0.5);
		verdict.average = (uint32_t)(own->share.run * 1000 + 0.5);
	}
	for (above = i; above >= 0; above = governor->groups[above].parent) {
		at = &governor->groups[above];
		if (at->window.is_exhausted)
			add_reason(&verdict, above == i ? QRT_SCHED_OVER_BUDGET : QRT_SCHED_OVER_PARENT,
				   qrt_sched_p_window_end(&at->window, &at->budget));
	}
	for (above = i; above >= 0; above = governor->groups[above].parent) {
		at = &governor->groups[above];
		if (at->weight && at->share.is_above)
			add_reason(&verdict, QRT_SCHED_OVER_SHARE,
				   now_ns + qrt_sched_p_share_left(&at->share));
	}
	return verdict;
}

int qrt_sched_governor_decide(struct qrt_sched_governor *governor, uint64_t now_ns)
{
	struct qrt_sched_verdict verdict;
	int changed = 0, i;

	count_threads(governor);
	for (i = 0; i < governor->end; i++) {
		if (governor->groups[i].is_used)
			take_in(governor, i, now_ns);
	}
	qrt_sched_p_shares_decide(governor);
	for (i = 0; i < governor->end; i++) {
		struct qrt_sched_p_group *group = &governor->groups[i];

		if (!group->is_used)
			continue;
		verdict = judge(governor, i, now_ns);
		verdict.throttled = group->verdict.throttled + (verdict.over && !group->verdict.over);
		changed += verdict.over != group->verdict.over;
		group->verdict = verdict;
	}
	return changed;
}

int qrt_sched_governor_get(const struct qrt_sched_governor *governor, int group,
			   struct qrt_sched_verdict *ret_verdict)
{
	if (group < 0 || group >= QRT_SCHED_GROUPS_MAX || !governor->groups[group].is_used)
		return -ENOENT;
	*ret_verdict = governor->groups[group].verdict;
	return 0;
}

uint64_t qrt_sched_governor_get_next(const struct qrt_sched_governor *governor, uint64_t now_ns)
{
	uint64_t first = QRT_SCHED_P_NEVER, at, left;
	int i;

	for (i = 0; i < governor->end; i++) {
		const struct qrt_sched_p_group *group = &governor->groups[i];

		if (!group->is_used)
			continue;
		at = qrt_sched_p_window_next(&group->window, &group->budget, now_ns, (double)group->rate);
		left = qrt_sched_p_share_next(governor, i);
		if (left < QRT_SCHED_P_NEVER - now_ns && now_ns + left < at)
			at = now_ns + left;
		if (at < first)
			first = at;
	}
	if (first == QRT_SCHED_P_NEVER)
		return 0;
	return first < now_ns + QRT_SCHED_P_LOOK_NS ? now_ns + QRT_SCHED_P_LOOK_NS : first;
}
