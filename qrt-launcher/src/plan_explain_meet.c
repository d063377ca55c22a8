/* SPDX-License-Identifier: MIT */
/* What happens on each CPU, where threads of the VM meet each other and the host's tasks. */
#include "plan_explain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The groups that may run on a CPU: bit n is group n. */
struct guests {
	uint64_t bits[(PLAN_GROUPS_MAX + 63) / 64];
};

static struct guests guests_of(const struct plan_groups *groups, int cpu)
{
	struct guests guests = {{0}};
	size_t i;

	for (i = 0; i < groups->count; i++) {
		if (qrt_sched_cpus_has(&groups->groups[i].setting.cpus, cpu) > 0)
			guests.bits[i / 64] |= UINT64_C(1) << i % 64;
	}
	return guests;
}

static bool has_guest(const struct guests *guests, size_t i)
{
	return guests->bits[i / 64] >> i % 64 & 1;
}

static long rr_slice_ms(void)
{
	FILE *file = fopen("/proc/sys/kernel/sched_rr_timeslice_ms", "re");
	char text[32];
	long ms = 0;

	if (file) {
		if (fgets(text, sizeof(text), file))
			ms = strtol(text, NULL, 10);
		fclose(file);
	}
	return ms > 0 ? ms : 100;
}

struct level {
	int groups, threads, fifo, rr, quanta;
};

static struct level count_level(const struct plan_groups *groups, const struct guests *guests, int number)
{
	struct level level = {0};
	size_t i;

	for (i = 0; i < groups->count; i++) {
		if (!has_guest(guests, i) || plan_group_level(&groups->groups[i]) != number)
			continue;
		level.groups++;
		level.threads += plan_group_is_many(&groups->groups[i]) ? 2 : 1;
		level.fifo += groups->groups[i].setting.policy == QRT_SCHED_POLICY_FIFO;
		level.rr += groups->groups[i].setting.policy == QRT_SCHED_POLICY_RR;
		level.quanta += groups->groups[i].quantum_ns > 0;
	}
	return level;
}

static void print_names(const struct plan_groups *groups, const struct guests *guests, int number)
{
	const char *between = "";
	char name[64];
	size_t i;

	for (i = 0; i < groups->count; i++) {
		if (!has_guest(guests, i) || plan_group_level(&groups->groups[i]) != number)
			continue;
		printf("%s%s", between, plan_group_name(&groups->groups[i], name, sizeof(name)));
		between = ", ";
	}
}

/* "main, ioth 0 (12), then vcpu 0 (10), then vncs (time sharing)"; returns how many levels. */
static int print_ranking(const struct plan_groups *groups, const struct guests *guests)
{
	int number, levels = 0;

	for (number = PLAN_LEVEL_DEADLINE; number >= 0; number--) {
		if (count_level(groups, guests, number).groups == 0)
			continue;
		printf("%s", levels++ > 0 ? ", then " : " ");
		print_names(groups, guests, number);
		if (number == PLAN_LEVEL_DEADLINE)
			printf(" (deadline)");
		else if (number > 0)
			printf(" (%d)", number);
		else
			printf(" (time sharing)");
	}
	putchar('\n');
	return levels;
}

static void print_equals(const struct plan_groups *groups, const struct guests *guests, int number)
{
	struct level level = count_level(groups, guests, number);

	if (level.threads < 2)
		return;
	printf("    Among ");
	print_names(groups, guests, number);
	if (number == 0)
		puts(": shares by weight (nice), as all time-sharing tasks.");
	else if (number == PLAN_LEVEL_DEADLINE)
		puts(": each has its runtime of each period, the nearest deadline first.");
	else if (level.rr == 0)
		puts(": equal priority under FIFO, whoever runs keeps the CPU until it sleeps.");
	else if (level.fifo == 0 && level.quanta > 0)
		puts(": equal priority under RR, they take turns, each after its quantum.");
	else if (level.fifo == 0)
		printf(": equal priority under RR, they take turns every %ld ms.\n", rr_slice_ms());
	else
		printf(": equal priority; those under RR give way after %ld ms, those under FIFO when they "
		       "sleep.\n",
		       rr_slice_ms());
}

static void print_host_tasks(const struct plan_request *request, const struct guests *guests,
			     const struct plan_groups *groups)
{
	int64_t runtime = request->host.rt_runtime_us, period = request->host.rt_period_us;
	int number;

	for (number = PLAN_LEVEL_DEADLINE; number > 0 && count_level(groups, guests, number).groups == 0;
	     number--)
		;
	if (number == 0) {
		puts("    No real-time thread of the VM: the host's tasks and the VM's share this.");
		return;
	}
	printf("    The host's time-sharing tasks run here only while the real-time threads sleep");
	if (runtime >= 0 && runtime < period)
		printf(", or for up to %lld of %lld ms when these never do (throttling)",
		       (long long)(period - runtime) / 1000, (long long)period / 1000);
	puts(".");
}

static void explain_cpus(const struct plan_request *request, const struct plan_groups *groups,
			 const struct guests *guests, const struct qrt_sched_cpus *cpus)
{
	char text[256];
	int number, levels;

	if (qrt_sched_cpus_format(cpus, text, sizeof(text)) < 0)
		snprintf(text, sizeof(text), "(many)");
	printf("  CPU %s:", text);
	levels = print_ranking(groups, guests);
	if (levels == 0) {
		puts("    Nothing of the VM: left to the host.");
		return;
	}
	if (levels > 1)
		puts("    A ready thread preempts those behind it at once; they go on when it sleeps.");
	for (number = PLAN_LEVEL_DEADLINE; number >= 0; number--)
		print_equals(groups, guests, number);
	print_host_tasks(request, guests, groups);
}

/* CPUs on which the same groups meet are told of together. */
void plan_explain_meetings(const struct plan_request *request, const struct plan_groups *groups)
{
	struct qrt_sched_cpus done = {{0}}, same;
	struct guests guests, other;
	int cpu = -1, next;

	puts("\nWhere they meet");
	while ((cpu = qrt_sched_cpus_next(&request->host.online, cpu)) >= 0) {
		if (qrt_sched_cpus_has(&done, cpu) > 0)
			continue;
		memset(&same, 0, sizeof(same));
		guests = guests_of(groups, cpu);
		for (next = cpu; next >= 0; next = qrt_sched_cpus_next(&request->host.online, next)) {
			other = guests_of(groups, next);
			if (memcmp(&other, &guests, sizeof(other)) != 0)
				continue;
			qrt_sched_cpus_add(&same, next);
			qrt_sched_cpus_add(&done, next);
		}
		explain_cpus(request, groups, &guests, &same);
	}
}
