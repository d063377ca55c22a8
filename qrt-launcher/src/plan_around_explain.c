/* SPDX-License-Identifier: MIT */
#include "command.h"
#include "plan_around.h"

#include <glib/gprintf.h>
#include <stdarg.h>
#include <stdio.h>

/* The title comes with the first line. */
struct section {
	const char *title;
	bool has_begun;
};

static void say(struct section *section, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void say(struct section *section, const char *format, ...)
{
	va_list args;

	if (!section->has_begun)
		printf("\n%s\n  ", section->title);
	else
		printf("  ");
	section->has_begun = true;
	va_start(args, format);
	g_vprintf(format, args);
	va_end(args);
	putchar('\n');
}

static void explain_group(const struct plan_group *group, struct section *section)
{
	int fallback = plan_around_fallback(group);
	char name[64], ioprio[16];

	plan_group_name(group, name, sizeof(name));
	if (fallback)
		say(section, "%s: where the kernel refuses deadline, fifo %d instead, and that is said.",
		    name, fallback);
	if (group->setting.set & QRT_SCHED_SET_IOPRIO &&
	    qrt_sched_ioprio_format(group->setting.ioprio, ioprio, sizeof(ioprio)) >= 0)
		say(section, "%s: its disk I/O has priority %s.", name, ioprio);
}

static void explain_budgets(const struct plan_request *request, struct section *section)
{
	char text[48];
	int role;

	for (role = -1; role < QRT_SCHED_ROLES; role++) {
		if (!plan_around_budget(request, role, text, sizeof(text)))
			continue;
		say(section,
		    "%s: %s of CPU time for %s; who exceeds it is time-shared until the window ends.",
		    role < 0 ? "budget" : qrt_sched_role_name((enum qrt_sched_role)role), text,
		    role < 0 ? "the whole VM" : "all its threads");
	}
}

static void explain_numbers(const struct qrt_sched_globals *globals, struct section *section)
{
	if (globals->weight)
		say(section, "weight=%u: its share of CPUs that several VMs want.", globals->weight);
	if (globals->preempt_lock_us)
		say(section,
		    "preemptlock=%u: nobody preempts a vCPU that emulates hardware, for %u us at most.",
		    globals->preempt_lock_us, globals->preempt_lock_us);
	if (globals->set & QRT_SCHED_GLOBAL_CSTATE)
		say(section,
		    "cstate=%u: no idle state of the host's CPUs that takes longer than %u us to leave.",
		    globals->cstate_us, globals->cstate_us);
	if (globals->set & QRT_SCHED_GLOBAL_HALTPOLL)
		say(section, "haltpoll=%u: KVM polls so many ns before a halted vCPU sleeps.",
		    globals->haltpoll_ns);
	if (globals->timer_priority)
		say(section, "timerprio=%d: the kernel's timer and softirq threads are raised to this.",
		    globals->timer_priority);
}

static void explain_memory(const struct plan_request *request, const struct qrt_sched_globals *globals,
			   struct section *section)
{
	uint64_t page = vm_memory_get_page(globals->hugepages);
	char nodes[256];

	if (page && request->memory.own[0])
		say(section, "hugepages=%s: not applied, as QEMU's arguments have it (%s).",
		    plan_around_hugepages(globals->hugepages), request->memory.own);
	else if (page && request->memory.size)
		say(section,
		    "hugepages=%s: guest memory is %" G_GUINT64_FORMAT
		    " huge page%s, all there before the guest.",
		    plan_around_hugepages(globals->hugepages), request->memory.size / page,
		    plural(request->memory.size / page));
	else if (page)
		say(section, "hugepages=%s: guest memory is huge pages, all there before the guest.",
		    plan_around_hugepages(globals->hugepages));
	else if (globals->hugepages == QRT_SCHED_HUGEPAGES_THP)
		say(section,
		    "hugepages=thp: QEMU asks for transparent huge pages, and the host has to have them.");
	if (qrt_sched_cpus_count(&globals->numa_nodes) > 0 &&
	    qrt_sched_cpus_format(&globals->numa_nodes, nodes, sizeof(nodes)) >= 0)
		say(section, "numa=%s: all memory of QEMU is taken from these nodes.", nodes);
}

static void explain_host(const struct plan_request *request, const struct qrt_sched_globals *globals,
			 struct section *section)
{
	const char *resctrl = qrt_sched_plan_get_resctrl(request->plan);
	char parts[48];

	if (resctrl)
		say(section, "resctrl=%s: a part of the cache of its own.", resctrl);
	if (globals->shield)
		say(section, "shield=%s: other processes leave the vCPUs' CPUs%s.",
		    plan_around_shield(globals, parts, sizeof(parts)),
		    globals->shield_parts ? ", and these parts of the kernel" : "");
	if (section->has_begun)
		puts("  All of it is put back when the VM ends.");
}

static void explain_boottime(uint32_t seconds, struct section *section)
{
	if (seconds)
		say(section, "boottime=%u: for %u s at most, then its threads have their roles all the same.",
		    seconds, seconds);
	else
		say(section, "boottime=0: for as long as that takes.");
}

static void explain_guest(const struct plan_request *request, const struct qrt_sched_globals *globals)
{
	const char *path = qrt_sched_plan_get_boot(request->plan);
	struct section section = {.title = "A guest with an agent (run --agent)"};

	if (path)
		say(&section,
		    "boot=%s: while it boots, reboots, halts or is lost its threads run as that plan says.",
		    path);
	else if (globals->boot == QRT_SCHED_BOOT_KEEP)
		say(&section, "boot=keep: its threads have their roles while it boots, too.");
	else if (globals->set & (QRT_SCHED_GLOBAL_BOOTTIME | QRT_SCHED_GLOBAL_HEARTBEAT))
		say(&section,
		    "boot=other: while it boots, reboots, halts or is lost its threads are time-shared.");
	if (globals->set & QRT_SCHED_GLOBAL_BOOTTIME && globals->boot != QRT_SCHED_BOOT_KEEP)
		explain_boottime(globals->boottime_s, &section);
	if (globals->set & QRT_SCHED_GLOBAL_HEARTBEAT && globals->heartbeat_ms)
		say(&section, "heartbeat=%u: it is lost where it gives no sign of life for %u ms.",
		    globals->heartbeat_ms, globals->heartbeat_ms);
	else if (globals->set & QRT_SCHED_GLOBAL_HEARTBEAT)
		say(&section, "heartbeat=0: it never is lost.");
}

void plan_around_explain(const struct plan_request *request, const struct plan_groups *groups)
{
	struct qrt_sched_globals globals = {.size = sizeof(globals)};
	struct section section = {.title = "Budgets, disks, and the host around"};
	size_t i;

	if (qrt_sched_plan_get_globals(request->plan, &globals) < 0)
		return;
	for (i = 0; i < groups->count; i++)
		explain_group(&groups->groups[i], &section);
	explain_budgets(request, &section);
	explain_numbers(&globals, &section);
	explain_memory(request, &globals, &section);
	explain_host(request, &globals, &section);
	explain_guest(request, &globals);
}
