/* SPDX-License-Identifier: MIT */
#include "plan_explain.h"

#include "command.h"
#include "plan_around.h"
#include "plan_live.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *role_duty(enum qrt_sched_role role)
{
	switch (role) {
	case QRT_SCHED_ROLE_VCPU:
		return "runs the guest's CPU";
	case QRT_SCHED_ROLE_MAIN:
		return "main loop: devices, timers, all events; the monitor's thread";
	case QRT_SCHED_ROLE_PAIO:
		return "pool workers: disk requests; they come and go";
	case QRT_SCHED_ROLE_VNCM:
		return "VNC, screen difference; a stock QEMU has no such thread";
	case QRT_SCHED_ROLE_VNCS:
		return "VNC, encoding";
	case QRT_SCHED_ROLE_IOTH:
		return "iothread: disk and network queues given to it";
	case QRT_SCHED_ROLE_KIO:
		return "kernel threads that work for the VM";
	default:
		return "helpers, such as RCU";
	}
}

/* Where the plan's words of a role come from. */
struct source {
	uint32_t lines[8];
	size_t count;
	bool has_option;
};

static gint compare_lines(gconstpointer a, gconstpointer b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void add_line(struct source *source, uint32_t line)
{
	size_t i;

	for (i = 0; i < source->count; i++) {
		if (source->lines[i] == line)
			return;
	}
	source->lines[source->count++] = line;
}

/* What a file's line says has its number, and an option that overrides it has none. */
static struct source find_source(const struct qrt_sched_plan *plan, enum qrt_sched_role role)
{
	static const struct {
		uint32_t member;
		const char *key;
	} members[] = {{QRT_SCHED_SET_POLICY, "sched"},  {QRT_SCHED_SET_PRIORITY, "prio"},
		       {QRT_SCHED_SET_NICE, "nice"},     {QRT_SCHED_SET_CPUS, "bias"},
		       {QRT_SCHED_SET_TIMES, "runtime"}, {QRT_SCHED_SET_IOPRIO, "ioprio"}};
	g_autofree char *text = plan_live_format(plan), *lines = g_strconcat("\n", text, NULL);
	struct source source = {.count = 0};
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(members); i++) {
		g_autofree char *said = g_strdup_printf("\n%s_%s=", qrt_sched_role_name(role),
							members[i].key);
		uint32_t line = qrt_sched_plan_get_line(plan, role, members[i].member);

		if (line > 0)
			add_line(&source, line);
		else if (strstr(lines, said))
			source.has_option = true;
	}
	qsort(source.lines, source.count, sizeof(source.lines[0]), compare_lines);
	return source;
}

const char *plan_explain_source(const struct plan_request *request, enum qrt_sched_role role, char *buf,
				size_t size)
{
	struct source source = find_source(request->plan, role);
	size_t len, i;

	if (request->said & 1u << role)
		snprintf(buf, size, "option");
	else
		snprintf(buf, size, !request->given || request->wants_default ? "default" : "no word");
	if (source.count == 0)
		return buf;
	len = (size_t)snprintf(buf, size, "line%s", source.count > 1 ? "s" : "");
	for (i = 0; i < source.count && len < size; i++)
		len += (size_t)snprintf(buf + len, size - len, "%s %u", i > 0 ? "," : "", source.lines[i]);
	/* The default plan's words have no line either. */
	if (source.has_option && !request->wants_default && len < size)
		snprintf(buf + len, size - len, ", option");
	return buf;
}

static void describe_level(const struct plan_group *group, char *buf, size_t size)
{
	const char *policy = qrt_sched_policy_name(group->setting.policy);
	struct qrt_sched_setting urgency = group->setting;

	urgency.set &= QRT_SCHED_SET_POLICY | QRT_SCHED_SET_TIMES;
	if (plan_group_level(group) == PLAN_LEVEL_DEADLINE)
		qrt_sched_setting_describe(&urgency, buf, size);
	else if (group->quantum_ns > 0)
		snprintf(buf, size, "%s %d, %lld ms", policy, group->setting.priority,
			 (long long)group->quantum_ns / 1000000);
	else if (plan_group_level(group) > 0)
		snprintf(buf, size, "%s %d", policy, group->setting.priority);
	else if (group->setting.nice != 0)
		snprintf(buf, size, "%s nice %d", policy, group->setting.nice);
	else
		snprintf(buf, size, "%s", policy);
}

static const char *title(const struct plan_request *request)
{
	if (!request->given)
		return "The default plan";
	return request->wants_default ? "The given plan, completed by the default plan," : "The given plan";
}

static void explain_neighbours(const struct plan_request *request)
{
	char taken[256] = "";
	size_t i;

	if (request->neighbours.count == 0)
		return;
	printf("VMs that run:");
	for (i = 0; i < request->neighbours.count; i++)
		printf("%s %s", i > 0 ? "," : "", request->neighbours.list[i].name);
	if (qrt_sched_cpus_format(&request->neighbours.taken, taken, sizeof(taken)) > 0)
		printf("; their real-time vCPUs have CPU%s %s",
		       plural((unsigned)qrt_sched_cpus_count(&request->neighbours.taken)), taken);
	puts(".");
}

static void explain_head(const struct plan_request *request)
{
	char online[256] = "?";

	qrt_sched_cpus_format(&request->host.online, online, sizeof(online));
	printf("%s on a host with CPU%s %s%s, for a VM with ", title(request),
	       plural((unsigned)qrt_sched_cpus_count(&request->host.online)), online,
	       request->host.flags & QRT_SCHED_HOST_PREEMPT_RT ? " (PREEMPT_RT)" : "");
	if (request->vm.vcpus > 0)
		printf("%u vCPU%s", request->vm.vcpus, plural(request->vm.vcpus));
	else
		printf("any number of vCPUs");
	if (request->vm.iothreads > 0)
		printf(" and %u iothread%s", request->vm.iothreads, plural(request->vm.iothreads));
	printf(", under %s.\n", plan_request_describe_accel(request));
	explain_neighbours(request);
}

static void explain_threads(const struct plan_request *request, const struct plan_groups *groups)
{
	char name[64], level[64], cpus[256], source[64];
	const struct plan_group *group;
	size_t i;

	puts("\nThreads");
	for (i = 0; i < groups->count; i++) {
		group = &groups->groups[i];
		describe_level(group, level, sizeof(level));
		if (qrt_sched_cpus_format(&group->setting.cpus, cpus, sizeof(cpus)) < 0)
			snprintf(cpus, sizeof(cpus), "many");
		printf("  %-14s %-12s on CPU %-8s %-12s %s\n", plan_group_name(group, name, sizeof(name)),
		       level, cpus, plan_explain_source(request, group->role, source, sizeof(source)),
		       role_duty(group->role));
	}
	puts("  Threads of which the plan has no word stay as they start: time-shared, on all CPUs allowed.");
}

static void print_level(const struct plan_groups *groups, int level)
{
	const struct plan_group *group;
	const char *between = "";
	char name[64], text[64];
	size_t i;

	for (i = 0; i < groups->count; i++) {
		group = &groups->groups[i];
		if (plan_group_level(group) != level)
			continue;
		snprintf(text, sizeof(text), "%s", qrt_sched_policy_name(group->setting.policy));
		if (level == 0 || level == PLAN_LEVEL_DEADLINE)
			describe_level(group, text, sizeof(text));
		printf("%s%s (%s)", between, plan_group_name(group, name, sizeof(name)), text);
		between = ", ";
	}
	putchar('\n');
}

static bool has_level(const struct plan_groups *groups, int level)
{
	size_t i;

	for (i = 0; i < groups->count; i++) {
		if (plan_group_level(&groups->groups[i]) == level)
			return true;
	}
	return false;
}

#define IRQ_THREADS_PRIORITY 50 /* the kernel's default for interrupt threads */

static void print_kernel_level(const struct plan_request *request, int level)
{
	if (level == 99)
		puts("  99  the kernel's stop and migration threads are above everything");
	if (level > 0 && level == request->host.timer_priority)
		printf("  %2d  the kernel's timer and softirq threads\n", level);
	if (level == IRQ_THREADS_PRIORITY)
		printf("  %2d  the kernel's interrupt threads%s\n", level,
		       request->host.flags & QRT_SCHED_HOST_PREEMPT_RT
			       ? ""
			       : ", where there are any (threadirqs)");
}

static void explain_order(const struct plan_request *request, const struct plan_groups *groups)
{
	int level;

	puts("\nOrder, the most urgent first");
	if (has_level(groups, PLAN_LEVEL_DEADLINE)) {
		printf("   +  ");
		print_level(groups, PLAN_LEVEL_DEADLINE);
	}
	for (level = 99; level > 0; level--) {
		print_kernel_level(request, level);
		if (has_level(groups, level)) {
			printf("  %2d  ", level);
			print_level(groups, level);
		}
	}
	printf("   -  ");
	if (has_level(groups, 0)) {
		print_level(groups, 0);
		puts("      and all other tasks of the host: time sharing, below every real-time priority");
	} else {
		puts("all other tasks of the host: time sharing, below every real-time priority");
	}
}

static void explain_numbers(const struct qrt_sched_globals *globals)
{
	if (globals->advance_us > 0)
		printf("  advance=%u: main loop and vCPUs are woken %u us before a deadline, and spin until "
		       "then.\n",
		       globals->advance_us, globals->advance_us);
	else
		puts("  advance=0: deadlines are met by the timer alone, as late as a wake-up is.");
	if (globals->pool_min > 0)
		printf("  pool=%u: so many disk workers stay while they are idle.\n", globals->pool_min);
	else
		puts("  pool=0: disk workers end when they were idle for 10 s, and are born again when "
		     "needed.");
}

static void explain_globals(const struct plan_request *request)
{
	static const char *const memory[] = {
		"Nothing is locked: a page that the host takes away comes back late.",
		"Pages stay in memory once they have been touched; the first touch still costs a fault.",
		"Pages stay in memory once touched, and guest memory and stacks are touched at the start.",
		"Every mapping is populated and locked at once: no faults later, a slower start, and each "
		"new "
		"thread's stack costs milliseconds.",
	};
	struct qrt_sched_globals globals = {.size = sizeof(globals)};

	if (qrt_sched_plan_get_globals(request->plan, &globals) < 0)
		return;
	puts("\nMemory, mutexes, timers, disk workers");
	if (globals.mlock < G_N_ELEMENTS(memory))
		printf("  %s\n", memory[globals.mlock]);
	puts(globals.pi_mutexes ? "  A thread that holds a mutex runs at the priority of the most urgent one "
				  "that waits for it."
				: "  Mutexes do not inherit priority: whoever preempts the holder of one "
				  "delays all who wait.");
	explain_numbers(&globals);
}

void plan_explain(const struct plan_request *request)
{
	struct plan_groups groups;

	plan_groups_read(request, &groups);
	explain_head(request);
	explain_threads(request, &groups);
	explain_order(request, &groups);
	plan_explain_meetings(request, &groups);
	explain_globals(request);
	plan_around_explain(request, &groups);
}
