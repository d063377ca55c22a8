/* SPDX-License-Identifier: MIT */
/* Threads in groups, groups before the library's governors. */
#include "governor_p.h"

#define FORGET_NS 10000000000ull /* of a CPU, longer than a share remembers */

/* ---- groups ---- */

static int open_budgets(struct governor *governor)
{
	const struct governor_terms *terms = &governor->terms;
	int role, r;

	r = governor_account_join(governor, GOVERNOR_BUDGET, &governor->vm,
				  &(struct qrt_sched_group_config){
					  .budget = terms->vm, .cpus = governor->online, .parent = -1});
	for (role = 0; role < QRT_SCHED_ROLES; role++) {
		governor_account_open(&governor->roles[role]);
		if (r >= 0 && terms->roles[role].runtime_ns)
			r = governor_account_join(
				governor, GOVERNOR_BUDGET, &governor->roles[role],
				&(struct qrt_sched_group_config){.budget = terms->roles[role],
								 .cpus = governor->online,
								 .parent = governor->vm.group});
	}
	governor_account_open(&governor->guard);
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

/* ---- which CPUs a VM shares ---- */

static struct governor_share *find_share(struct governor_party *party, int cpu)
{
	size_t i;

	for (i = 0; i < party->shares_count; i++) {
		if (party->shares[i].cpu == cpu)
			return &party->shares[i];
	}
	return NULL;
}

/* Groups of different CPUs have nothing to do with each other. */
static enum governor_court court_of(int cpu)
{
	return (enum governor_court)(GOVERNOR_SHARE + cpu % (GOVERNOR_COURTS - GOVERNOR_SHARE));
}

/* Made when it is first used: a thread may be allowed to run on many CPUs, and be on one. */
static struct governor_share *get_share(struct governor *governor, struct governor_party *party, int cpu)
{
	struct governor_share *share = find_share(party, cpu);
	struct qrt_sched_group_config config = {.weight = party->weight, .parent = -1};

	if (share || !party->weight || qrt_sched_cpus_add(&config.cpus, cpu) < 0)
		return share;
	if (party->shares_count == GOVERNOR_SHARES) {
		qrt_sched_cpus_add(&governor->unshared, cpu);
		return NULL;
	}
	share = &party->shares[party->shares_count];
	if (governor_account_join(governor, court_of(cpu), &share->account, &config) < 0) {
		qrt_sched_cpus_add(&governor->unshared, cpu);
		return NULL;
	}
	share->cpu = cpu;
	party->shares_count++;
	return share;
}

static void remove_share(struct governor *governor, struct governor_party *party, size_t number)
{
	governor_account_leave(governor, court_of(party->shares[number].cpu), &party->shares[number].account);
	party->shares[number] = party->shares[--party->shares_count];
}

void governor_court_leave(struct governor *governor, struct governor_party *party)
{
	while (party->shares_count > 0)
		remove_share(governor, party, party->shares_count - 1);
	if (party->is_own)
		governor->unshared = (struct qrt_sched_cpus){{0}};
}

void governor_court_place(struct governor *governor, struct governor_party *party, uint64_t now_ns)
{
	size_t i;

	for (i = 0; i < party->count; i++)
		governor_task_place(&party->tasks[i]);
	for (i = party->shares_count; i-- > 0;) {
		if (now_ns - party->shares[i].used_at_ns >= FORGET_NS)
			remove_share(governor, party, i);
	}
	/* Where there is no share still, the next charge says so again. */
	if (party->is_own)
		governor->unshared = (struct qrt_sched_cpus){{0}};
	party->is_stale = false;
}

static void charge_share(struct governor *governor, struct governor_party *party,
			 const struct governor_task *task, const struct governor_usage *used)
{
	struct governor_share *share = task->cpu >= 0 ? get_share(governor, party, task->cpu) : NULL;

	if (!share)
		return;
	share->account.run_ns += used->run_ns;
	share->account.wait_ns += used->wait_ns;
	share->used_at_ns = task->clock.at_ns;
}

static void count_threads(struct governor_party *party)
{
	struct governor_share *share;
	size_t i;

	for (i = 0; i < party->shares_count; i++)
		party->shares[i].account.threads = 0;
	for (i = 0; i < party->count; i++) {
		share = find_share(party, party->tasks[i].cpu);
		if (share)
			share->account.threads++;
	}
}

/* ---- rounds ---- */

static struct governor_account *get_budget(struct governor *governor, const struct governor_task *task)
{
	struct governor_account *role = task->role >= 0 ? &governor->roles[task->role] : NULL;

	return role && role->group >= 0 ? role : &governor->vm;
}

void governor_court_charge(struct governor *governor, struct governor_party *party,
			   struct governor_task *task, const struct governor_usage *used)
{
	party->run_ns += used->run_ns;
	if (used->run_ns || used->wait_ns)
		charge_share(governor, party, task, used);
	governor_guard_charge(governor, party, task, used);
	/* What it uses while another court keeps it in time sharing is no use of real time. */
	if (party->is_own && !(task->over & ~(1u << GOVERNOR_BUDGET)))
		governor_account_charge(get_budget(governor, task), used);
}

static void count_own(struct governor *governor)
{
	size_t i;

	governor->vm.threads = 0;
	for (i = 0; i < QRT_SCHED_ROLES; i++)
		governor->roles[i].threads = 0;
	for (i = 0; i < governor->own->count; i++)
		get_budget(governor, &governor->own->tasks[i])->threads++;
}

static void account_shares(struct governor *governor, struct governor_party *party, uint64_t now_ns)
{
	size_t i;

	count_threads(party);
	for (i = 0; i < party->shares_count; i++)
		governor_account_tell(governor, court_of(party->shares[i].cpu), &party->shares[i].account,
				      now_ns);
}

static void account_all(struct governor *governor, uint64_t now_ns)
{
	size_t i;

	count_own(governor);
	governor_account_tell(governor, GOVERNOR_BUDGET, &governor->vm, now_ns);
	for (i = 0; i < QRT_SCHED_ROLES; i++)
		governor_account_tell(governor, GOVERNOR_BUDGET, &governor->roles[i], now_ns);
	governor_guard_tell(governor, now_ns);
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
	governor_weigh(governor);
	return next;
}

struct qrt_sched_verdict governor_court_get_share(const struct governor *governor,
						  const struct governor_share *share)
{
	return governor_account_get(governor, court_of(share->cpu), &share->account);
}

uint32_t governor_court_judge(struct governor *governor, const struct governor_task *task)
{
	uint32_t over = governor_account_get(governor, GOVERNOR_BUDGET, get_budget(governor, task)).over
			<< GOVERNOR_BUDGET;

	if (governor_guard_holds(governor, task))
		over |= governor_guard_get(governor).over << GOVERNOR_GUARD;
	if (governor_weigh_is_over(governor, task))
		over |= 1u << GOVERNOR_SHARE;
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

bool governor_is_needed(const struct governor *governor)
{
	return governor_court_sits(governor, GOVERNOR_BUDGET) ||
	       governor_court_sits(governor, GOVERNOR_GUARD) || governor_court_sits(governor, GOVERNOR_SHARE);
}
