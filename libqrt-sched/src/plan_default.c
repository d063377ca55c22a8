/* SPDX-License-Identifier: MIT */
/* A plan for what the user did not say. */
#include "cpus_p.h"
#include "cpuset_p.h"
#include "error_p.h"
#include "plan_p.h"
#include "setting_p.h"
#include "struct_p.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* How far above the vCPUs a role runs; those that serve a waiting guest have to get in. Time sharing
 * where there is no step. To be tuned by measuring (bench guest-latency). */
#define VCPU_PRIORITY 10
#define ADVANCE_US    100

static const struct {
	int is_rt;
	int32_t above_vcpu;
} steps[QRT_SCHED_ROLES] = {
	[QRT_SCHED_ROLE_VCPU] = {1, 0}, [QRT_SCHED_ROLE_MAIN] = {1, 2}, [QRT_SCHED_ROLE_PAIO] = {1, 1},
	[QRT_SCHED_ROLE_IOTH] = {1, 2}, [QRT_SCHED_ROLE_VNCM] = {0, 0}, [QRT_SCHED_ROLE_VNCS] = {0, 0},
	[QRT_SCHED_ROLE_KIO] = {0, 0},  [QRT_SCHED_ROLE_OTHR] = {0, 1},
};

/* Who gets which CPUs. */
struct layout {
	uint32_t vcpus; /* those with a CPU of their own, 0: they share */
	int32_t own[QRT_SCHED_CPUS_MAX];
	struct qrt_sched_cpus shared; /* by the vCPUs that have none of their own */
	struct qrt_sched_cpus rest;   /* everything else */
	struct qrt_sched_cpus
		domain; /* who is under deadline, where the kernel wants that; empty: it does not */
	uint32_t vcpu_policy;
	int takes_turns; /* all real-time roles round-robin at one priority */
	uint32_t advance_us;
};

/* All CPUs in the order in which everything else gets them: isolated ones last. Returns how many. */
static int order_cpus(const struct qrt_sched_cpus *usable, const struct qrt_sched_cpus *isolated,
		      int32_t *order)
{
	int count = 0, pass, cpu;

	for (pass = 0; pass < 2; pass++) {
		for (cpu = qrt_sched_cpus_next(usable, -1); cpu >= 0;
		     cpu = qrt_sched_cpus_next(usable, cpu)) {
			if (qrt_sched_cpus_has(isolated, cpu) == pass)
				order[count++] = cpu;
		}
	}
	return count;
}

/* Isolated CPUs that no vCPU got stay empty, unless there is no other one: without load balancing
 * many threads would sit on the first of them. */
static void keep_off_isolated(struct qrt_sched_cpus *rest, const struct qrt_sched_cpus *isolated)
{
	struct qrt_sched_cpus kept = *rest;

	qrt_sched_p_cpus_minus(&kept, isolated);
	if (qrt_sched_cpus_count(&kept))
		*rest = kept;
}

static void lay_out_own(struct layout *l, const int32_t *order, int count, uint32_t vcpus,
			const struct qrt_sched_cpus *isolated)
{
	int i, first_own = count - (int)vcpus;

	l->vcpus = vcpus;
	l->vcpu_policy = QRT_SCHED_POLICY_FIFO;
	for (i = 0; i < count; i++) {
		if (i >= first_own)
			l->own[i - first_own] = order[i];
		else
			qrt_sched_cpus_add(&l->rest, order[i]);
	}
	keep_off_isolated(&l->rest, isolated);
}

/* Several vCPUs on one CPU take turns: one that spins for a lock must not keep its holder away. */
static void lay_out_shared(struct layout *l, const int32_t *order, int count, uint32_t vcpus)
{
	int i;

	l->vcpu_policy = vcpus == 1 ? QRT_SCHED_POLICY_FIFO : QRT_SCHED_POLICY_RR;
	qrt_sched_cpus_add(&l->rest, order[0]);
	for (i = count > 1; i < count; i++)
		qrt_sched_cpus_add(&l->shared, order[i]);
}

static int lay_out(struct layout *l, const struct qrt_sched_host *host, const struct qrt_sched_vm *vm,
		   struct qrt_sched_error *reterr)
{
	struct qrt_sched_cpus usable = host->allowed;
	int32_t order[QRT_SCHED_CPUS_MAX];
	int count;

	qrt_sched_p_cpus_and(&usable, &host->online);
	count = order_cpus(&usable, &host->isolated, order);
	if (!count)
		return qrt_sched_p_error(
			reterr, -EINVAL,
			"no CPU of this host is online and allowed to this process: widen its cpuset");
	if (vm->vcpus && vm->vcpus < (uint32_t)count)
		lay_out_own(l, order, count, vm->vcpus, &host->isolated);
	else
		lay_out_shared(l, order, count, vm->vcpus);
	if (host->rt_runtime_us >= 0)
		l->domain = qrt_sched_p_cpuset_domain(host);
	/* Under TCG a thread above a vCPU on its only CPU can spin for ever for a lock of it. */
	l->takes_turns = vm->tcg && count == 1;
	/* KVM has timers of its own. */
	l->advance_us = vm->tcg && count > 1 ? ADVANCE_US : 0;
	return 0;
}

static int fill_vcpu_cpus(struct qrt_sched_plan *plan, const struct layout *l)
{
	uint32_t i, count = l->vcpus ? l->vcpus : 1;
	union qrt_sched_p_value *values = calloc(count, sizeof(*values));
	int r;

	if (!values)
		return -ENOMEM;
	for (i = 0; i < l->vcpus; i++)
		qrt_sched_cpus_add(&values[i].cpus, l->own[i]);
	if (!l->vcpus)
		values[0].cpus = l->shared;
	r = qrt_sched_p_plan_set_list(plan, QRT_SCHED_ROLE_VCPU, QRT_SCHED_P_KEY_BIAS, values, count, 0);
	free(values);
	return r;
}

static int has_deadline(const struct qrt_sched_plan *plan, enum qrt_sched_role role)
{
	const struct qrt_sched_p_list *sched = &plan->lists[role][QRT_SCHED_P_KEY_SCHED];
	uint32_t i;

	for (i = 0; i < sched->count; i++) {
		if (sched->values[i].number == QRT_SCHED_POLICY_DEADLINE)
			return 1;
	}
	return 0;
}

/* All CPUs of the partition that the role is in: a shield has the vCPUs' alone. */
static struct qrt_sched_cpus domain_of(const struct qrt_sched_plan *plan, enum qrt_sched_role role,
				       const struct layout *l)
{
	struct qrt_sched_cpus own = l->shared;
	uint32_t i;

	if (!plan->shield || !qrt_sched_cpus_count(&l->domain))
		return l->domain;
	for (i = 0; i < l->vcpus; i++)
		qrt_sched_cpus_add(&own, l->own[i]);
	return role == QRT_SCHED_ROLE_VCPU ? own : l->rest;
}

static int fill_cpus(struct qrt_sched_plan *plan, enum qrt_sched_role role, const struct layout *l)
{
	struct qrt_sched_cpus domain = domain_of(plan, role, l);
	int is_wide = has_deadline(plan, role) && qrt_sched_cpus_count(&domain);
	union qrt_sched_p_value value;

	if (plan->lists[role][QRT_SCHED_P_KEY_BIAS].count)
		return 0;
	if (role == QRT_SCHED_ROLE_VCPU && !is_wide)
		return fill_vcpu_cpus(plan, l);
	memset(&value, 0, sizeof(value));
	value.cpus = is_wide ? domain : l->rest;
	return qrt_sched_p_plan_set_list(plan, role, QRT_SCHED_P_KEY_BIAS, &value, 1, 0);
}

/* The highest real-time priority that a vCPU has by now, or has where it is refused deadline. */
static int32_t highest_vcpu(const struct qrt_sched_plan *plan)
{
	uint32_t i, width = qrt_sched_p_plan_width(plan, QRT_SCHED_ROLE_VCPU);
	int32_t highest = 0;

	for (i = 0; i < width; i++) {
		struct qrt_sched_setting s;

		qrt_sched_plan_get(plan, QRT_SCHED_ROLE_VCPU, i, &s);
		if ((s.set & QRT_SCHED_SET_PRIORITY) && s.priority > highest)
			highest = s.priority;
	}
	return highest;
}

static int32_t default_priority(const struct qrt_sched_plan *plan, enum qrt_sched_role role,
				const struct layout *l)
{
	int32_t base = highest_vcpu(plan), priority;

	if (role == QRT_SCHED_ROLE_VCPU || base < VCPU_PRIORITY)
		base = VCPU_PRIORITY;
	priority = base + (l->takes_turns ? 0 : steps[role].above_vcpu);
	return priority > 99 ? 99 : priority;
}

/* Under deadline it is that of the fallback. */
static int takes_priority(const struct qrt_sched_p_list *sched)
{
	uint32_t policy = (uint32_t)sched->values[0].number;

	return sched->count == 1 && (qrt_sched_p_policy_is_rt(policy) || policy == QRT_SCHED_POLICY_DEADLINE);
}

/* A priority belongs to a policy: where one of them was said, only what fits it is added. */
static int fill_urgency(struct qrt_sched_plan *plan, enum qrt_sched_role role, const struct layout *l)
{
	const struct qrt_sched_p_list *sched = &plan->lists[role][QRT_SCHED_P_KEY_SCHED];
	int32_t policy = QRT_SCHED_POLICY_OTHER;
	int r = 0;

	if (plan->lists[role][QRT_SCHED_P_KEY_PRIO].count)
		return 0;
	if (steps[role].is_rt && l->takes_turns)
		policy = QRT_SCHED_POLICY_RR;
	else if (steps[role].is_rt)
		policy = role == QRT_SCHED_ROLE_VCPU ? (int32_t)l->vcpu_policy : QRT_SCHED_POLICY_FIFO;
	if (!sched->count)
		r = qrt_sched_p_plan_set_number(plan, role, QRT_SCHED_P_KEY_SCHED, policy, 0);
	else if (!takes_priority(sched))
		return 0;
	if (r == 0 && steps[role].is_rt)
		r = qrt_sched_p_plan_set_number(plan, role, QRT_SCHED_P_KEY_PRIO,
						default_priority(plan, role, l), 0);
	return r;
}

/* The first helper of QEMU is its RCU thread: it takes the big lock, and what it frees it has to free in
 * time. Those after it may be busy (a migration, say) and take their share of what is left. */
static int fill_helpers(struct qrt_sched_plan *plan, const struct layout *l)
{
	const union qrt_sched_p_value sched[] = {
		{.number = l->takes_turns ? QRT_SCHED_POLICY_RR : QRT_SCHED_POLICY_FIFO},
		{.number = QRT_SCHED_POLICY_OTHER},
	};
	const union qrt_sched_p_value prio[] = {
		{.number = default_priority(plan, QRT_SCHED_ROLE_OTHR, l)},
		{.number = 0},
	};
	int r;

	if (plan->lists[QRT_SCHED_ROLE_OTHR][QRT_SCHED_P_KEY_SCHED].count ||
	    plan->lists[QRT_SCHED_ROLE_OTHR][QRT_SCHED_P_KEY_PRIO].count)
		return 0;
	r = qrt_sched_p_plan_set_list(plan, QRT_SCHED_ROLE_OTHR, QRT_SCHED_P_KEY_SCHED, sched, 2, 0);
	if (r == 0)
		r = qrt_sched_p_plan_set_list(plan, QRT_SCHED_ROLE_OTHR, QRT_SCHED_P_KEY_PRIO, prio, 2, 0);
	return r;
}

static int fill_nice(struct qrt_sched_plan *plan, enum qrt_sched_role role)
{
	struct qrt_sched_setting s;

	qrt_sched_plan_get(plan, role, 0, &s);
	if (s.policy != QRT_SCHED_POLICY_OTHER || (s.set & QRT_SCHED_SET_NICE))
		return 0;
	return qrt_sched_p_plan_set_number(plan, role, QRT_SCHED_P_KEY_NICE, 0, 0);
}

static int fill(struct qrt_sched_plan *plan, const struct layout *l)
{
	int role, r = 0;

	/* vCPUs come first in the enumeration: the others' priorities build on theirs. */
	for (role = 0; r == 0 && role < QRT_SCHED_ROLES; role++) {
		r = fill_cpus(plan, role, l);
		if (r == 0 && role == QRT_SCHED_ROLE_OTHR)
			r = fill_helpers(plan, l);
		if (r == 0)
			r = fill_urgency(plan, role, l);
		if (r == 0)
			r = fill_nice(plan, role);
	}
	if (!plan->said[QRT_SCHED_P_GLOBAL_ADVANCE].is_said)
		plan->advance_us = l->advance_us;
	plan->said[QRT_SCHED_P_GLOBAL_PI].is_said = 1;
	plan->said[QRT_SCHED_P_GLOBAL_MLOCK].is_said = 1;
	plan->said[QRT_SCHED_P_GLOBAL_ADVANCE].is_said = 1;
	plan->defaulted = 1;
	return r;
}

static int take_shapes(const struct qrt_sched_host *host, const struct qrt_sched_vm *vm,
		       struct qrt_sched_host *ret_host, struct qrt_sched_vm *ret_vm)
{
	int r = qrt_p_struct_take(ret_host, sizeof(*ret_host), host);

	return r < 0 ? r : qrt_p_struct_take(ret_vm, sizeof(*ret_vm), vm);
}

int qrt_sched_plan_set_defaults(struct qrt_sched_plan *plan, const struct qrt_sched_host *host,
				const struct qrt_sched_vm *vm, struct qrt_sched_error *reterr)
{
	struct qrt_sched_plan scratch = {0};
	struct qrt_sched_host own_host;
	struct qrt_sched_vm own_vm;
	struct layout l = {0};
	int r;

	r = take_shapes(host, vm, &own_host, &own_vm);
	if (r < 0)
		return qrt_sched_p_error(reterr, r,
					 "the size of the host's or the VM's description is wrong");
	r = lay_out(&l, &own_host, &own_vm, reterr);
	if (r < 0)
		return r;
	r = qrt_sched_p_plan_copy(&scratch, plan);
	if (r == 0)
		r = fill(&scratch, &l);
	if (r < 0)
		qrt_sched_p_error(reterr, r, "no memory for the plan");
	return qrt_sched_p_plan_commit(plan, &scratch, r, reterr);
}
