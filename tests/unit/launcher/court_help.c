/* SPDX-License-Identifier: MIT */
#include "court_help.h"

#include "governor_p.h"
#include "tap.h"

struct governor *governor;
uint64_t now;

/* Threads are as the test says. */
void governor_task_place(struct governor_task *task)
{
	(void)task;
}

struct qrt_sched_cpus cpus_of(const char *text)
{
	struct qrt_sched_cpus cpus = {{0}};

	CU_ASSERT_EQUAL_FATAL(qrt_sched_cpus_parse(text, &cpus), 0);
	return cpus;
}

struct governor_party *make_party(uint32_t weight)
{
	struct governor_party *party = g_new0(struct governor_party, 1);

	party->folder = -1;
	party->weight = weight;
	party->part = weight ?: GOVERNOR_WEIGHT;
	return party;
}

struct governor *make_governor(const char *vm_budget, const char *vcpu_budget, uint32_t weight)
{
	struct governor *made = g_new0(struct governor, 1);

	made->online = made->kept = cpus_of("0-1");
	if (vm_budget)
		qrt_sched_budget_parse(vm_budget, &made->terms.vm, NULL);
	if (vcpu_budget)
		qrt_sched_budget_parse(vcpu_budget, &made->terms.roles[QRT_SCHED_ROLE_VCPU], NULL);
	made->own = make_party(weight);
	made->own->is_own = true;
	CU_ASSERT_EQUAL_FATAL(governor_courts_open(made), 0);
	return made;
}

void free_governor(struct governor *made)
{
	size_t i;

	governor_courts_close(made);
	for (i = 0; i < made->rivals_count; i++)
		g_free(made->rivals[i]);
	g_free(made->own);
	g_free(made);
}

struct governor_task *add_task(struct governor_party *party, int role, const char *cpus, bool is_rt)
{
	struct governor_task *task = &party->tasks[party->count++];

	task->tid = (pid_t)party->count;
	task->role = role;
	task->is_rt = is_rt;
	task->cpus = cpus_of(cpus);
	task->cpu = qrt_sched_cpus_next(&task->cpus, -1);
	return task;
}
