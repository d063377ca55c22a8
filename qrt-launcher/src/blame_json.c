/* SPDX-License-Identifier: MIT */
#include "blame_report.h"
#include "json_put.h"
#include "plan_request.h"

static const char *const kinds[BLAME_KINDS] = {
	[BLAME_PREEMPTED] = "preempted",
	[BLAME_WOKEN] = "woken",
	[BLAME_MUTEX] = "mutex",
};

static void put_suspect(JsonBuilder *builder, const struct blame_suspect *suspect)
{
	char policy[48];

	json_builder_begin_object(builder);
	json_put_string(builder, "comm", suspect->name.comm);
	json_put_int(builder, "tid", suspect->tid > 0 ? (uint64_t)suspect->tid : 0);
	json_put_int(builder, "pid", (uint64_t)suspect->name.pid);
	json_put_string(builder, "policy", blame_names_policy(&suspect->name, policy, sizeof(policy)));
	json_put_int(builder, "ns", suspect->ns);
	json_builder_end_object(builder);
}

static void put_suspects(JsonBuilder *builder, const struct blame_suspect *suspects, size_t count)
{
	size_t i;

	json_builder_set_member_name(builder, "culprits");
	json_builder_begin_array(builder);
	for (i = 0; i < count; i++)
		put_suspect(builder, &suspects[i]);
	json_builder_end_array(builder);
}

static void put_mutex(JsonBuilder *builder, const struct blame_entry *entry)
{
	json_put_int(builder, "mutex", entry->delay.mutex);
	json_put_int(builder, "caller", entry->delay.caller);
	json_put_int(builder, "owner", (uint64_t)entry->delay.owner);
	json_put_string(builder, "owner_role",
			entry->owner_is_ours ? qrt_sched_role_name(entry->owner_role) : "");
}

static void put_entry(JsonBuilder *builder, const struct blame_entry *entry)
{
	const struct blame_delay *delay = &entry->delay;

	json_builder_begin_object(builder);
	json_put_string(builder, "kind", kinds[delay->kind]);
	json_put_string(builder, "role", qrt_sched_role_name(entry->role));
	json_put_int(builder, "index", (uint64_t)(int64_t)entry->index);
	json_put_int(builder, "tid", (uint64_t)delay->tid);
	json_put_string(builder, "name", entry->name);
	json_put_int(builder, "cpu", (uint64_t)(int64_t)delay->cpu);
	json_put_int(builder, "start_ns", delay->start_ns);
	json_put_int(builder, "least_ns", delay->least_ns);
	json_put_int(builder, "most_ns", delay->ns);
	json_put_int(builder, "wakes", delay->wakes);
	json_put_bool(builder, "lasts", delay->lasts);
	if (delay->kind == BLAME_MUTEX)
		put_mutex(builder, entry);
	put_suspects(builder, entry->suspects, entry->suspects_count);
	json_builder_end_object(builder);
}

static void put_sum(JsonBuilder *builder, const struct blame_sum *sum, const char *role)
{
	const struct blame_suspect *suspects = (const void *)sum->suspects->data;

	json_builder_begin_object(builder);
	json_put_string(builder, "role", role);
	json_put_int(builder, "count", sum->count);
	json_put_int(builder, "worst_ns", sum->worst_ns);
	json_put_int(builder, "sum_ns", sum->sum_ns);
	put_suspects(builder, suspects, MIN(sum->suspects->len, 10));
	json_builder_end_object(builder);
}

static void put_holds(JsonBuilder *builder, const struct blame_hold_sum *sum, const char *role)
{
	json_builder_begin_object(builder);
	json_put_string(builder, "role", role);
	json_put_int(builder, "count", sum->count);
	json_put_int(builder, "worst_ns", sum->worst_ns);
	json_put_int(builder, "sum_ns", sum->sum_ns);
	json_put_string(builder, "worst_comm", sum->worst.name.comm);
	json_put_int(builder, "worst_tid", sum->worst.tid > 0 ? (uint64_t)sum->worst.tid : 0);
	json_put_int(builder, "worst_mutex", sum->worst_mutex);
	json_put_int(builder, "worst_waiters", sum->worst_waiters);
	json_builder_end_object(builder);
}

static void put_holders(JsonBuilder *builder, const struct blame_report *report)
{
	size_t role;

	json_builder_set_member_name(builder, "holds");
	json_builder_begin_array(builder);
	for (role = 0; role < BLAME_HOLDERS; role++) {
		if (report->hold_sums[role].count > 0)
			put_holds(builder, &report->hold_sums[role],
				  role < QRT_SCHED_ROLES ? qrt_sched_role_name((enum qrt_sched_role)role)
							 : "unknown");
	}
	json_builder_end_array(builder);
}

static void put_account(JsonBuilder *builder, const struct blame_account_sum *account, const char *role)
{
	json_builder_begin_object(builder);
	json_put_string(builder, "role", role);
	json_put_int(builder, "run_ns", account->run_ns);
	json_put_int(builder, "delay_ns", account->delay_ns);
	json_put_int(builder, "arrivals", account->arrivals);
	json_builder_end_object(builder);
}

static void put_accounts(JsonBuilder *builder, const struct blame_report *report,
			 const struct blame_facts *facts)
{
	uint32_t role;

	if (!facts->accounts)
		return;
	json_builder_set_member_name(builder, "accounts");
	json_builder_begin_array(builder);
	for (role = 0; role < QRT_SCHED_ROLES; role++) {
		if (report->roles >> role & 1)
			put_account(builder, &facts->accounts[role], qrt_sched_role_name(role));
	}
	json_builder_end_array(builder);
}

static void put_causes(JsonBuilder *builder, const struct blame_report *report)
{
	int kind;

	json_builder_set_member_name(builder, "causes");
	json_builder_begin_object(builder);
	for (kind = 0; kind < BLAME_KINDS; kind++)
		json_put_int(builder, kinds[kind], report->kinds[kind]);
	json_builder_end_object(builder);
}

static void put_facts(JsonBuilder *builder, const struct blame_facts *facts)
{
	json_put_string(builder, "name", facts->name ? facts->name : "");
	json_put_int(builder, "pid", (uint64_t)facts->pid);
	json_put_int(builder, "start_ns", facts->start_ns);
	json_put_int(builder, "end_ns", facts->end_ns);
	json_put_int(builder, "over_ns", facts->over_ns);
	json_put_int(builder, "steal_ns", facts->steal_ns);
	json_put_bool(builder, "mutexes", facts->mutexes);
	json_put_int(builder, "lost_mutexes", facts->lost_mutexes);
	json_put_int(builder, "possible", facts->counts.possible);
	json_put_int(builder, "lost", facts->counts.lost);
	json_put_int(builder, "broken", facts->counts.broken);
	json_put_bool(builder, "vm_ended", facts->vm_ended);
	json_put_bool(builder, "accounts_only", facts->accounts_only);
	json_put_int(builder, "traced_ns", facts->traced_ns);
	json_put_int(builder, "trace_error", (uint64_t)facts->trace_error);
	json_put_int(builder, "silence_ns", facts->silence_ns);
}

void blame_print_json(const struct blame_report *report, const struct blame_facts *facts, size_t shown)
{
	JsonBuilder *builder = json_builder_new();
	uint32_t role;
	size_t i;

	json_builder_begin_object(builder);
	put_facts(builder, facts);
	put_causes(builder, report);
	json_builder_set_member_name(builder, "roles");
	json_builder_begin_array(builder);
	for (role = 0; role < QRT_SCHED_ROLES; role++) {
		if (report->roles >> role & 1)
			put_sum(builder, &report->sums[role], qrt_sched_role_name(role));
	}
	json_builder_end_array(builder);
	put_holders(builder, report);
	put_accounts(builder, report, facts);
	json_builder_set_member_name(builder, "delays");
	json_builder_begin_array(builder);
	for (i = 0; i < shown; i++)
		put_entry(builder, &g_array_index(report->entries, struct blame_entry, i));
	json_builder_end_array(builder);
	json_builder_end_object(builder);
	plan_print_json(builder);
}
