/* SPDX-License-Identifier: MIT */
/* What a plan asks of the governor, and what the host leaves to it. */
#include "governor_p.h"

/* What is left of each CPU is enough for a command to start within 200 ms. */
#define GUARD_WINDOW_NS  50000000ull
#define GUARD_RUNTIME_NS 42500000ull
/* VMs follow each other's use from look to look: some of what is left to the host is for that. */
#define GUARD_ALL_NS 45000000ull

void governor_plan_read(const struct qrt_sched_plan *plan, struct governor_terms *ret_terms)
{
	struct qrt_sched_globals globals = {.size = sizeof(globals)};
	struct governor_terms terms = {.weight = 0};
	int role;

	if (qrt_sched_plan_get_globals(plan, &globals) >= 0)
		terms.weight = globals.weight;
	(void)qrt_sched_plan_get_budget(plan, -1, &terms.vm);
	for (role = 0; role < QRT_SCHED_ROLES; role++)
		(void)qrt_sched_plan_get_budget(plan, role, &terms.roles[role]);
	*ret_terms = terms;
}

struct qrt_sched_budget governor_plan_guard(uint32_t cpus)
{
	return (struct qrt_sched_budget){cpus * GUARD_RUNTIME_NS, GUARD_WINDOW_NS};
}

struct qrt_sched_budget governor_plan_guard_all(uint32_t cpus)
{
	return (struct qrt_sched_budget){cpus * GUARD_ALL_NS, GUARD_WINDOW_NS};
}

void governor_plan_get_kept(const struct qrt_sched_host *host, struct qrt_sched_cpus *ret_kept)
{
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(ret_kept->bits); i++)
		ret_kept->bits[i] = host->online.bits[i] & ~host->isolated.bits[i];
	if (qrt_sched_cpus_count(ret_kept) == 0)
		*ret_kept = host->online;
}

/*
 * The turn that the kernel gives may be most of a second away. But a guard beside it would drop a VM in every
 * 50 ms in which it uses all of its CPUs, as it may, for a wait that ends by itself; who wants answers sooner
 * gives a budget.
 */
bool governor_plan_is_unheld(const struct qrt_sched_host *host, const struct qrt_sched_cpus *kept)
{
	bool has_server = host->flags & QRT_SCHED_HOST_FAIR_SERVER;
	bool has_throttle = !has_server || host->flags & QRT_SCHED_HOST_RT_GROUPS;

	if (has_throttle && host->rt_runtime_us >= 0 && host->rt_runtime_us < host->rt_period_us)
		return false;
	return !has_server || !governor_have_common(&host->fair_server, kept);
}

bool governor_plan_has_all(const struct qrt_sched_cpus *taken, const struct qrt_sched_cpus *kept)
{
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(kept->bits); i++) {
		if (kept->bits[i] & ~taken->bits[i])
			return false;
	}
	return true;
}

static void add(struct qrt_sched_cpus *cpus, const struct qrt_sched_cpus *more)
{
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(cpus->bits); i++)
		cpus->bits[i] |= more->bits[i];
}

static bool is_realtime(const struct qrt_sched_setting *setting)
{
	/* DEADLINE has its budget from the kernel. */
	return setting->set & QRT_SCHED_SET_POLICY &&
	       (setting->policy == QRT_SCHED_POLICY_FIFO || setting->policy == QRT_SCHED_POLICY_RR);
}

int governor_plan_cover(const struct qrt_sched_plan *plan, uint32_t vcpus,
			const struct qrt_sched_cpus *everywhere, struct qrt_sched_cpus *ret_cover)
{
	struct qrt_sched_cpus cover = {{0}};
	struct qrt_sched_setting setting;
	int role, count, highest = 0, of = -1;
	uint32_t i;

	for (role = 0; role < QRT_SCHED_ROLES; role++) {
		count = qrt_sched_plan_get_count(plan, role);
		for (i = 0; count > 0 && i < (uint32_t)count; i++) {
			/* Of vCPUs that are not there nothing holds; of what else may come everything. */
			if ((role == QRT_SCHED_ROLE_VCPU && i >= vcpus && i > 0) ||
			    qrt_sched_plan_get(plan, role, i, &setting) < 0 || !is_realtime(&setting))
				continue;
			add(&cover, setting.set & QRT_SCHED_SET_CPUS ? &setting.cpus : everywhere);
			if (setting.priority > highest) {
				highest = setting.priority;
				of = role;
			}
		}
	}
	*ret_cover = cover;
	return of;
}
