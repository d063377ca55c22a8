/* SPDX-License-Identifier: MIT */
/*
 * A vCPU in real time that waits for an event may spin, and spins for ever where what it waits for
 * comes from a thread that it keeps away from the CPU.
 */
#include "cpus_p.h"
#include "lint_p.h"
#include "plan_p.h"

#include <stdio.h>

/* 1 when a vCPU that does not sleep never lets the other thread run on the same CPU. */
static int keeps_away(const struct qrt_sched_p_thread *vcpu, const struct qrt_sched_p_thread *other)
{
	if (!vcpu->is_rt)
		return 0;
	if (vcpu->urgency == other->urgency)
		return vcpu->setting.policy == QRT_SCHED_POLICY_FIFO;
	return vcpu->urgency > other->urgency;
}

/* What the vCPUs do to a thread. */
struct siege {
	struct qrt_sched_p_thread first; /* the first vCPU that keeps it away from a CPU */
	int first_cpu;                   /* that CPU */
	uint32_t vcpus;                  /* how many do */
	struct qrt_sched_cpus free;      /* its CPUs that none of them can take */
	int has_fifo;
};

static struct siege besiege(const struct qrt_sched_p_lint *lint, const struct qrt_sched_p_thread *victim)
{
	uint32_t i, vcpus = qrt_sched_p_lint_threads(lint, QRT_SCHED_ROLE_VCPU);
	struct siege siege = {.free = victim->cpus};

	for (i = 0; i < vcpus; i++) {
		struct qrt_sched_p_thread vcpu = qrt_sched_p_lint_thread(lint, QRT_SCHED_ROLE_VCPU, i);
		struct qrt_sched_cpus common = victim->cpus;

		qrt_sched_p_cpus_and(&common, &vcpu.cpus);
		if (!keeps_away(&vcpu, victim) || !qrt_sched_cpus_count(&common))
			continue;
		if (!siege.vcpus++) {
			siege.first = vcpu;
			siege.first_cpu = qrt_sched_cpus_next(&common, -1);
		}
		siege.has_fifo |= vcpu.setting.policy == QRT_SCHED_POLICY_FIFO;
		qrt_sched_p_cpus_minus(&siege.free, &vcpu.cpus);
	}
	return siege;
}

static uint32_t line_of(const struct qrt_sched_p_lint *lint, enum qrt_sched_role role)
{
	uint32_t line = qrt_sched_p_plan_line(lint->plan, role, QRT_SCHED_P_KEY_PRIO);

	return line ? line : qrt_sched_p_plan_line(lint->plan, role, QRT_SCHED_P_KEY_BIAS);
}

static void advise(struct qrt_sched_p_lint *lint, const struct qrt_sched_p_thread *victim,
		   const struct siege *siege)
{
	const char *name = qrt_sched_role_name(victim->role);
	int32_t above = siege->first.setting.priority + 1;

	if (above <= 98)
		qrt_sched_p_lint_remedy(
			lint,
			"give %s_sched=fifo with %s_prio=%d or more, or by %s_bias a CPU that no vCPU "
			"takes, or rr to both at equal priority",
			name, name, above, name);
	else
		qrt_sched_p_lint_remedy(
			lint, "lower vcpu_prio below 98 and give %s more, or another CPU by %s_bias", name,
			name);
}

static const char *code_of(const struct qrt_sched_p_lint *lint, const struct qrt_sched_p_thread *victim,
			   const struct siege *siege)
{
	if (lint->has_fallen_back)
		return "fallback-starves";
	if (victim->role == QRT_SCHED_ROLE_PAIO)
		return "starved-paio";
	if (victim->role == QRT_SCHED_ROLE_IOTH)
		return "starved-ioth";
	return siege->has_fifo ? "starved-main" : "rr-vcpu-above-main";
}

/* What becomes of the guest. */
static const char *consequence(int is_locked_out, enum qrt_sched_role role)
{
	if (!is_locked_out)
		return "it is pushed from CPU to CPU";
	if (role == QRT_SCHED_ROLE_PAIO)
		return "the guest's I/O waits until a vCPU sleeps";
	return "a guest that waits for it spins for ever";
}

static void check_victim(struct qrt_sched_p_lint *lint, enum qrt_sched_role role, uint32_t index)
{
	struct qrt_sched_p_thread victim = qrt_sched_p_lint_thread(lint, role, index);
	struct siege siege = besiege(lint, &victim);
	/* Fewer vCPUs than CPUs leave it one at any time, if never the same. */
	int is_locked_out = qrt_sched_p_lint_is_open(lint, QRT_SCHED_ROLE_VCPU) ||
			    siege.vcpus >= (uint32_t)qrt_sched_cpus_count(&victim.cpus);
	int is_worker = role == QRT_SCHED_ROLE_PAIO;
	char own[32], its[32];

	if (!siege.vcpus || qrt_sched_cpus_count(&siege.free) || (is_worker && !is_locked_out))
		return;
	qrt_sched_p_lint_find(
		lint,
		is_locked_out && !is_worker && !lint->has_fallen_back ? QRT_SCHED_FAULT : QRT_SCHED_WARNING,
		line_of(lint, role), code_of(lint, &victim, &siege),
		"%s%s %u (%s) has only CPUs from which vCPUs keep it away, such as vcpu %u (%s) on "
		"CPU %d: %s",
		lint->has_fallen_back ? "should the kernel refuse deadline: " : "", qrt_sched_role_name(role),
		index, qrt_sched_p_lint_urgency(&victim, own, sizeof(own)), siege.first.index,
		qrt_sched_p_lint_urgency(&siege.first, its, sizeof(its)), siege.first_cpu,
		consequence(is_locked_out, role));
	qrt_sched_p_lint_about(lint, role);
	advise(lint, &victim, &siege);
}

/* QEMU's translator has plain spin locks (the TLB's, of each vCPU): who waits for one above its holder
 * and on the same CPU waits for ever. Seen with stock QEMU 7.2: the main loop, during boot. Returns 1 when
 * that was found. */
static int check_spinning(struct qrt_sched_p_lint *lint, enum qrt_sched_role role, uint32_t index)
{
	struct qrt_sched_p_thread thread = qrt_sched_p_lint_thread(lint, role, index);
	uint32_t i, vcpus = qrt_sched_p_lint_threads(lint, QRT_SCHED_ROLE_VCPU);
	const char *name = qrt_sched_role_name(role);
	char own[32], its[32];
	int cpu = qrt_sched_cpus_next(&thread.cpus, -1);

	if (!thread.is_rt || qrt_sched_cpus_count(&thread.cpus) != 1)
		return 0;
	for (i = 0; i < vcpus; i++) {
		struct qrt_sched_p_thread vcpu = qrt_sched_p_lint_thread(lint, QRT_SCHED_ROLE_VCPU, i);

		if (!keeps_away(&thread, &vcpu) || qrt_sched_cpus_count(&vcpu.cpus) != 1 ||
		    !qrt_sched_cpus_has(&vcpu.cpus, cpu))
			continue;
		qrt_sched_p_lint_find(lint, QRT_SCHED_FAULT, line_of(lint, role), "spinning-above-vcpu",
				      "%s %u (%s) shares only CPU %d with vcpu %u (%s), and TCG has spin "
				      "locks: %s can spin for ever for one that the vCPU holds",
				      name, index, qrt_sched_p_lint_urgency(&thread, own, sizeof(own)), cpu,
				      i, qrt_sched_p_lint_urgency(&vcpu, its, sizeof(its)), name);
		qrt_sched_p_lint_about(lint, role);
		qrt_sched_p_lint_remedy(
			lint,
			"give vcpu and %s CPUs of their own by vcpu_bias and %s_bias, or rr to "
			"both at equal priority",
			name, name);
		return 1;
	}
	return 0;
}

/* Two vCPUs on one CPU: the one that holds a lock for which the other spins has to get a turn. */
static int take_turns(const struct qrt_sched_p_thread *a, const struct qrt_sched_p_thread *b)
{
	if (!a->is_rt && !b->is_rt)
		return 1;
	return a->setting.policy == QRT_SCHED_POLICY_RR && b->setting.policy == QRT_SCHED_POLICY_RR &&
	       a->urgency == b->urgency;
}

static void check_sharing(struct qrt_sched_p_lint *lint)
{
	uint32_t i, vcpus = qrt_sched_p_lint_threads(lint, QRT_SCHED_ROLE_VCPU);
	int32_t first_on[QRT_SCHED_CPUS_MAX];
	int cpu;

	for (cpu = 0; cpu < QRT_SCHED_CPUS_MAX; cpu++)
		first_on[cpu] = -1;
	for (i = 0; i < vcpus; i++) {
		struct qrt_sched_p_thread first, vcpu = qrt_sched_p_lint_thread(lint, QRT_SCHED_ROLE_VCPU, i);

		cpu = qrt_sched_cpus_next(&vcpu.cpus, -1);
		if (qrt_sched_cpus_count(&vcpu.cpus) != 1)
			continue;
		if (first_on[cpu] < 0)
			first_on[cpu] = (int32_t)i;
		first = qrt_sched_p_lint_thread(lint, QRT_SCHED_ROLE_VCPU, (uint32_t)first_on[cpu]);
		if (first.index == i || take_turns(&first, &vcpu))
			continue;
		qrt_sched_p_lint_find(
			lint, QRT_SCHED_WARNING, line_of(lint, QRT_SCHED_ROLE_VCPU), "vcpus-share-cpu",
			"vcpu %u and vcpu %u share CPU %d in real time: one that spins for a lock "
			"keeps its holder away",
			first.index, i, cpu);
		qrt_sched_p_lint_about(lint, QRT_SCHED_ROLE_VCPU);
		qrt_sched_p_lint_remedy(
			lint, "give each a CPU of its own by vcpu_bias, or vcpu_sched=rr at one priority");
		return;
	}
}

/* Pool workers that serve the main loop hold its locks: below it they need inheritance. */
static void check_inversion(struct qrt_sched_p_lint *lint)
{
	struct qrt_sched_p_thread main_loop = qrt_sched_p_lint_thread(lint, QRT_SCHED_ROLE_MAIN, 0);
	struct qrt_sched_p_thread worker = qrt_sched_p_lint_thread(lint, QRT_SCHED_ROLE_PAIO, 0);
	char own[32], its[32];

	if (lint->plan->pi_mutexes || worker.urgency >= main_loop.urgency)
		return;
	qrt_sched_p_lint_find(
		lint, QRT_SCHED_WARNING, line_of(lint, QRT_SCHED_ROLE_PAIO), "inversion",
		"paio (%s) is below main (%s) without priority inheritance: main can wait for a "
		"worker that does not get to run",
		qrt_sched_p_lint_urgency(&worker, own, sizeof(own)),
		qrt_sched_p_lint_urgency(&main_loop, its, sizeof(its)));
	qrt_sched_p_lint_about(lint, QRT_SCHED_ROLE_PAIO);
	if (main_loop.is_rt)
		qrt_sched_p_lint_remedy(lint, "say pi=on, or give paio_prio=%d", main_loop.setting.priority);
	else
		qrt_sched_p_lint_remedy(lint, "say pi=on");
}

static int has_deadline_vcpu(const struct qrt_sched_p_lint *lint)
{
	uint32_t i, vcpus = qrt_sched_p_lint_threads(lint, QRT_SCHED_ROLE_VCPU);

	for (i = 0; i < vcpus; i++) {
		if (qrt_sched_p_lint_thread(lint, QRT_SCHED_ROLE_VCPU, i).setting.policy ==
		    QRT_SCHED_POLICY_DEADLINE)
			return 1;
	}
	return 0;
}

/* A vCPU under deadline sleeps when its runtime is used up; one that was refused it does not. */
static void check_fallback(struct qrt_sched_p_lint *lint)
{
	if (!has_deadline_vcpu(lint))
		return;
	lint->has_fallen_back = 1;
	check_victim(lint, QRT_SCHED_ROLE_MAIN, 0);
	lint->has_fallen_back = 0;
}

void qrt_sched_p_lint_starve(struct qrt_sched_p_lint *lint)
{
	int has_iothreads = qrt_sched_p_lint_knows_iothreads(lint) ||
			    qrt_sched_plan_has(lint->plan, QRT_SCHED_ROLE_IOTH);
	uint32_t i, iothreads = has_iothreads ? qrt_sched_p_lint_threads(lint, QRT_SCHED_ROLE_IOTH) : 0;
	uint32_t workers = qrt_sched_p_lint_threads(lint, QRT_SCHED_ROLE_PAIO);

	check_victim(lint, QRT_SCHED_ROLE_MAIN, 0);
	/* Without a VM's shape only a plan that names iothreads makes one think that there are any. */
	for (i = 0; i < iothreads; i++)
		check_victim(lint, QRT_SCHED_ROLE_IOTH, i);
	for (i = 0; i < workers; i++)
		check_victim(lint, QRT_SCHED_ROLE_PAIO, i);
	if (lint->vm && lint->vm->tcg) {
		check_spinning(lint, QRT_SCHED_ROLE_MAIN, 0);
		for (i = 0; i < iothreads && !check_spinning(lint, QRT_SCHED_ROLE_IOTH, i); i++)
			;
	}
	check_fallback(lint);
	check_sharing(lint);
	check_inversion(lint);
}
