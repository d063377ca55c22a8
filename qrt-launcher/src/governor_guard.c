/* SPDX-License-Identifier: MIT */
/*
 * The host's guard: real-time threads of all VMs together leave the host a part of the CPUs of which it needs
 * one. Each launcher judges its own VM by what all of them use, in windows that begin at the same moments for
 * all: were one raised while another is still dropped, it would take what that one left to the host.
 *
 * Who wants little is not dropped for one that takes all: in a window each VM has what the others did not
 * want of late, and its part by weight at least. Where they use more than that all the same, all drop.
 */
#include "governor_p.h"

#define PARTIES       (GOVERNOR_RIVALS + 1)
#define DROPPED_SINCE 3u /* the look before */

static uint64_t window_of(uint64_t now_ns)
{
	return now_ns / governor_plan_guard(1).window_ns;
}

static size_t count_parties(const struct governor *governor)
{
	return governor->rivals_count + 1;
}

static struct governor_party *party_at(const struct governor *governor, size_t number)
{
	return number ? governor->rivals[number - 1] : governor->own;
}

bool governor_guard_holds(const struct governor *governor, const struct governor_task *task)
{
	return governor->guarded && task->is_rt && governor_have_common(&task->cpus, &governor->kept);
}

/* ---- who is in it ---- */

/* The first window of a group is the one that all are in. */
static void join(struct governor *governor, struct governor_account *account, int parent,
		 struct qrt_sched_budget budget, uint64_t now_ns)
{
	governor_account_join(
		governor, GOVERNOR_GUARD, account,
		&(struct qrt_sched_group_config){.budget = budget, .cpus = governor->kept, .parent = parent});
	governor_account_tell(governor, GOVERNOR_GUARD, account, window_of(now_ns) * budget.window_ns);
}

void governor_guard_leave(struct governor *governor, struct governor_party *party)
{
	if (party->guarded.is_in)
		governor_account_leave(governor, GOVERNOR_GUARD, &party->guarded.account);
	party->guarded = (struct governor_guarded){.is_in = false};
}

void governor_guard_sit(struct governor *governor, uint32_t cpus, uint64_t now_ns)
{
	size_t i;

	if (governor->guarded == cpus)
		return;
	for (i = 0; i < count_parties(governor); i++)
		governor_guard_leave(governor, party_at(governor, i));
	governor_account_leave(governor, GOVERNOR_GUARD, &governor->guard);
	governor->guarded = cpus;
	governor->guard_window = window_of(now_ns);
	if (cpus)
		join(governor, &governor->guard, -1, governor_plan_guard_all(cpus), now_ns);
}

/* Who was not dropped at both ends may have been in real time in between. */
void governor_guard_note(struct governor_task *task, bool is_dropped)
{
	task->dropped = (task->dropped << 1 | is_dropped) & DROPPED_SINCE;
}

void governor_guard_charge(struct governor *governor, struct governor_party *party,
			   const struct governor_task *task, const struct governor_usage *used)
{
	/* Who is dropped, for whatever reason, uses nothing that the host could not have. */
	if (!governor_guard_holds(governor, task) || task->over || task->dropped == DROPPED_SINCE)
		return;
	if (!party->guarded.is_in)
		join(governor, &party->guarded.account, governor->guard.group,
		     governor_plan_guard(governor->guarded), task->clock.at_ns);
	party->guarded.is_in = true;
	governor_account_charge(&party->guarded.account, used);
}

/* ---- windows ---- */

static void remember(struct governor_guarded *guarded, uint64_t windows)
{
	uint64_t used_ns = (guarded->account.run_ns - guarded->begin_run_ns) / windows;

	/* The most of late: what a VM wants varies. */
	guarded->recent_ns = MAX(used_ns, guarded->recent_ns / 8 * 7);
	guarded->begin_run_ns = guarded->account.run_ns;
}

static uint64_t sum_weights(const struct governor *governor)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < count_parties(governor); i++)
		sum += party_at(governor, i)->guarded.is_in ? party_at(governor, i)->part : 0;
	return sum;
}

/* What is left to one of them when the others have what they want, but none more than its part of what is
 * left then. */
static uint64_t find_share(const struct governor *governor, size_t number)
{
	uint64_t left_ns = governor_plan_guard(governor->guarded).runtime_ns, weights = sum_weights(governor);
	bool has_its[PARTIES] = {false}, is_new = true;
	const struct governor_party *party;
	size_t i;

	while (is_new) {
		is_new = false;
		for (i = 0; i < count_parties(governor); i++) {
			party = party_at(governor, i);
			if (i == number || has_its[i] || !party->guarded.is_in ||
			    party->guarded.recent_ns * weights > left_ns * party->part)
				continue;
			has_its[i] = is_new = true;
			left_ns -= party->guarded.recent_ns;
			weights -= party->part;
		}
	}
	return left_ns * party_at(governor, number)->part / weights;
}

static void divide(struct governor *governor, size_t number)
{
	struct qrt_sched_group_config config = {
		.size = sizeof(config), .cpus = governor->kept, .parent = governor->guard.group};

	config.budget = governor_plan_guard(governor->guarded);
	config.budget.runtime_ns = find_share(governor, number);
	qrt_sched_governor_change(governor->courts[GOVERNOR_GUARD],
				  party_at(governor, number)->guarded.account.group, &config, NULL);
}

/* At the first look in a window. */
static void turn(struct governor *governor, uint64_t windows)
{
	size_t i;

	for (i = 0; i < count_parties(governor); i++)
		remember(&party_at(governor, i)->guarded, windows);
	for (i = 0; i < count_parties(governor); i++) {
		if (party_at(governor, i)->guarded.is_in)
			divide(governor, i);
	}
}

/* ---- rounds ---- */

uint32_t governor_guard_count(const struct governor *governor, const struct governor_party *party)
{
	uint32_t threads = 0;
	size_t i;

	for (i = 0; i < party->count; i++)
		threads += governor_guard_holds(governor, &party->tasks[i]);
	return threads;
}

void governor_guard_tell(struct governor *governor, uint64_t now_ns)
{
	struct governor_party *party;
	size_t i;

	if (!governor->guarded)
		return;
	if (window_of(now_ns) > governor->guard_window)
		turn(governor, window_of(now_ns) - governor->guard_window);
	governor->guard_window = window_of(now_ns);
	for (i = 0; i < count_parties(governor); i++) {
		party = party_at(governor, i);
		party->guarded.account.threads = governor_guard_count(governor, party);
		if (party->guarded.is_in)
			governor_account_tell(governor, GOVERNOR_GUARD, &party->guarded.account, now_ns);
	}
}

struct qrt_sched_verdict governor_guard_get(const struct governor *governor)
{
	struct qrt_sched_verdict verdict = {0};

	if (!governor->guarded)
		return verdict;
	if (governor->own->guarded.is_in)
		verdict = governor_account_get(governor, GOVERNOR_GUARD, &governor->own->guarded.account);
	verdict.used_ns = governor_account_get(governor, GOVERNOR_GUARD, &governor->guard).used_ns;
	return verdict;
}
