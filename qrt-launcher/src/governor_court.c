/* SPDX-License-Identifier: MIT */
/* Threads in groups, groups before the library's governors. */
#include "governor_p.h"

#include <string.h>

/* What a thread uses while another court keeps it in time sharing is no use of real time. */
static bool counts(const struct governor_task *task, enum governor_court court)
{
	return court == GOVERNOR_SHARE || !(task->over & ~(1u << court));
}

/* ---- groups ---- */

static void open_account(struct governor_account *account)
{
	*account = (struct governor_account){.group = -1};
}

static int add_group(struct governor *governor, enum governor_court court, struct governor_account *account,
		     const struct qrt_sched_group_config *given)
{
	struct qrt_sched_group_config config = *given;
	int group;

	config.size = sizeof(config);
	open_account(account);
	group = qrt_sched_governor_add(governor->courts[court], &config, NULL);
	if (group >= 0)
		account->group = group;
	return group;
}

static void remove_group(struct governor *governor, enum governor_court court,
			 struct governor_account *account)
{
	if (account->group >= 0)
		qrt_sched_governor_remove(governor->courts[court], account->group);
	account->group = -1;
}

static int open_budgets(struct governor *governor)
{
	const struct governor_terms *terms = &governor->terms;
	int role, r;

	r = add_group(governor, GOVERNOR_BUDGET, &governor->vm,
		      &(struct qrt_sched_group_config){
			      .budget = terms->vm, .cpus = governor->online, .parent = -1});
	for (role = 0; role < QRT_SCHED_ROLES; role++) {
		open_account(&governor->roles[role]);
		if (r >= 0 && terms->roles[role].runtime_ns)
			r = add_group(governor, GOVERNOR_BUDGET, &governor->roles[role],
				      &(struct qrt_sched_group_config){.budget = terms->roles[role],
								       .cpus = governor->online,
								       .parent = governor->vm.group});
	}
	if (r >= 0)
		r = add_group(governor, GOVERNOR_GUARD, &governor->guard,
			      &(struct qrt_sched_group_config){.parent = -1});
	return r;
}

int governor_courts_open(struct governor *governor)
{
	int court, r = 0;

	for (court = 0; court < GOVERNOR_COURTS && r >= 0; court++)
		r = qrt_sched_governor_new(&governor->courts[court]);
	if (r >= 0)
		r = open_budgets(governor);
	if (r < 0)
		governor_courts_close(governor);
	return r < 0 ? r : 0;
}

void governor_courts_close(struct governor *governor)
{
	int court;

	for (court = 0; court < GOVERNOR_COURTS; court++)
		governor->courts[court] = qrt_sched_governor_close(governor->courts[court]);
}

void governor_court_guard(struct governor *governor, uint32_t cpus)
{
	struct qrt_sched_group_config config = {.size = sizeof(config), .cpus = governor->kept, .parent = -1};

	if (governor->guarded == cpus)
		return;
	governor->guarded = cpus;
	config.budget = governor_plan_guard(cpus);
	qrt_sched_governor_change(governor->courts[GOVERNOR_GUARD], governor->guard.group, &config, NULL);
}

/* ---- which CPUs a VM shares ---- */

static bool has_realtime(const struct governor_party *party)
{
	size_t i;

	for (i = 0; i < party->count; i++) {
		if (party->tasks[i].is_rt)
			return true;
	}
	return false;
}

/*
 * A VM's weight counts once on each CPU, so its groups have no CPU in common. Its real-time threads alone say
 * which CPUs belong together, where there are any: a helper that may run everywhere keeps nobody away.
 */
static size_t find_sets(const struct governor_party *party, struct qrt_sched_cpus *ret_sets)
{
	bool only_realtime = has_realtime(party);
	size_t i, count = 0;

	for (i = 0; i < party->count; i++) {
		if (party->tasks[i].is_rt || !only_realtime)
			count = governor_unite(ret_sets, count, GOVERNOR_SHARES, &party->tasks[i].cpus);
	}
	return count;
}

static struct governor_share *find_share(struct governor_party *party, const struct qrt_sched_cpus *cpus)
{
	size_t i;

	for (i = 0; i < party->shares_count; i++) {
		if (memcmp(&party->shares[i].cpus, cpus, sizeof(*cpus)) == 0)
			return &party->shares[i];
	}
	return NULL;
}

/* The only share that the thread can be of, -1: there is none, or there are several. */
static int choose_share(const struct governor_party *party, const struct governor_task *task)
{
	int chosen = -1;
	size_t i;

	for (i = 0; i < party->shares_count; i++) {
		if (!governor_have_common(&party->shares[i].cpus, &task->cpus))
			continue;
		if (chosen >= 0)
			return -1;
		chosen = (int)i;
	}
	return chosen;
}

/* Shares that stay keep what they are remembered for. */
static void set_shares(struct governor *governor, struct governor_party *party,
		       const struct qrt_sched_cpus *sets, size_t count)
{
	struct governor_share shares[GOVERNOR_SHARES], *known;
	size_t i;

	for (i = 0; i < count; i++) {
		known = find_share(party, &sets[i]);
		shares[i] = (struct governor_share){.cpus = sets[i]};
		if (known) {
			shares[i].account = known->account;
			known->account.group = -1;
		} else {
			add_group(governor, GOVERNOR_SHARE, &shares[i].account,
				  &(struct qrt_sched_group_config){
					  .weight = party->weight, .cpus = sets[i], .parent = -1});
		}
	}
	for (i = 0; i < party->shares_count; i++)
		remove_group(governor, GOVERNOR_SHARE, &party->shares[i].account);
	memcpy(party->shares, shares, count * sizeof(shares[0]));
	party->shares_count = count;
}

void governor_court_leave(struct governor *governor, struct governor_party *party)
{
	set_shares(governor, party, NULL, 0);
	party->is_stale = true;
}

static void count_threads(struct governor_party *party)
{
	size_t i;

	for (i = 0; i < party->shares_count; i++)
		party->shares[i].account.threads = 0;
	for (i = 0; i < party->count; i++) {
		if (party->tasks[i].share >= 0)
			party->shares[party->tasks[i].share].account.threads++;
	}
}

void governor_court_place(struct governor *governor, struct governor_party *party)
{
	struct qrt_sched_cpus sets[GOVERNOR_SHARES];
	size_t i;

	for (i = 0; i < party->count; i++)
		governor_task_place(&party->tasks[i]);
	set_shares(governor, party, sets, party->weight ? find_sets(party, sets) : 0);
	for (i = 0; i < party->count; i++)
		party->tasks[i].share = choose_share(party, &party->tasks[i]);
	count_threads(party);
	party->is_stale = false;
}

/* ---- rounds ---- */

static bool is_guarded(const struct governor *governor, const struct governor_task *task)
{
	return task->is_rt && governor_have_common(&task->cpus, &governor->kept);
}

static struct governor_account *get_budget(struct governor *governor, const struct governor_task *task)
{
	struct governor_account *role = task->role >= 0 ? &governor->roles[task->role] : NULL;

	return role && role->group >= 0 ? role : &governor->vm;
}

static void charge(struct governor_account *account, const struct governor_usage *used)
{
	account->run_ns += used->run_ns;
	account->wait_ns += used->wait_ns;
}

void governor_court_charge(struct governor *governor, struct governor_party *party,
			   struct governor_task *task, const struct governor_usage *used)
{
	party->run_ns += used->run_ns;
	if (task->share >= 0)
		charge(&party->shares[task->share].account, used);
	if (!party->is_own)
		return;
	if (counts(task, GOVERNOR_BUDGET))
		charge(get_budget(governor, task), used);
	if (counts(task, GOVERNOR_GUARD) && is_guarded(governor, task))
		charge(&governor->guard, used);
}

static void count_own(struct governor *governor)
{
	size_t i;

	governor->vm.threads = governor->guard.threads = 0;
	for (i = 0; i < QRT_SCHED_ROLES; i++)
		governor->roles[i].threads = 0;
	for (i = 0; i < governor->own->count; i++) {
		get_budget(governor, &governor->own->tasks[i])->threads++;
		governor->guard.threads += is_guarded(governor, &governor->own->tasks[i]);
	}
}

static void account_for(struct governor *governor, enum governor_court court,
			const struct governor_account *account, uint64_t now_ns)
{
	const struct qrt_sched_usage usage = {
		.run_ns = account->run_ns, .wait_ns = account->wait_ns, .threads = account->threads};

	if (account->group >= 0)
		qrt_sched_governor_account(governor->courts[court], account->group, now_ns, &usage);
}

static void account_shares(struct governor *governor, const struct governor_party *party, uint64_t now_ns)
{
	size_t i;

	for (i = 0; i < party->shares_count; i++)
		account_for(governor, GOVERNOR_SHARE, &party->shares[i].account, now_ns);
}

static void account_all(struct governor *governor, uint64_t now_ns)
{
	size_t i;

	count_own(governor);
	account_for(governor, GOVERNOR_BUDGET, &governor->vm, now_ns);
	for (i = 0; i < QRT_SCHED_ROLES; i++)
		account_for(governor, GOVERNOR_BUDGET, &governor->roles[i], now_ns);
	account_for(governor, GOVERNOR_GUARD, &governor->guard, now_ns);
	account_shares(governor, governor->own, now_ns);
	for (i = 0; i < governor->rivals_count; i++)
		account_shares(governor, governor->rivals[i], now_ns);
}

uint64_t governor_court_decide(struct governor *governor, uint64_t now_ns)
{
	uint64_t next = 0, at;
	int court;

	account_all(governor, now_ns);
	for (court = 0; court < GOVERNOR_COURTS; court++) {
		qrt_sched_governor_decide(governor->courts[court], now_ns);
		at = qrt_sched_governor_get_next(governor->courts[court], now_ns);
		if (at && (!next || at < next))
			next = at;
	}
	return next;
}

static uint32_t is_over(const struct governor *governor, enum governor_court court, int group)
{
	struct qrt_sched_verdict verdict;

	if (group < 0 || qrt_sched_governor_get(governor->courts[court], group, &verdict) < 0)
		return 0;
	return verdict.over << court;
}

uint32_t governor_court_judge(struct governor *governor, const struct governor_task *task)
{
	uint32_t over = is_over(governor, GOVERNOR_BUDGET, get_budget(governor, task)->group);

	if (is_guarded(governor, task))
		over |= is_over(governor, GOVERNOR_GUARD, governor->guard.group);
	if (task->share >= 0)
		over |= is_over(governor, GOVERNOR_SHARE, governor->own->shares[task->share].account.group);
	return over;
}

bool governor_court_sits(const struct governor *governor, enum governor_court court)
{
	int role;

	if (court == GOVERNOR_GUARD)
		return governor->guarded > 0;
	if (court == GOVERNOR_SHARE)
		return governor->own->weight && governor->rivals_count > 0;
	if (governor->terms.vm.runtime_ns)
		return true;
	for (role = 0; role < QRT_SCHED_ROLES; role++) {
		if (governor->terms.roles[role].runtime_ns)
			return true;
	}
	return false;
}
