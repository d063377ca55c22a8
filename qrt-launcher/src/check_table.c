/* SPDX-License-Identifier: MIT */
/* The probes in the order in which they are shown: what stops a plan first. */
#include "check_item.h"

#include <string.h>

static const struct check_probe probes[] = {
	{"privileges", "real-time policies and locked memory are privileges", check_privileges},
	{"limits", "without capabilities the limits of the process decide", check_limits},
	{"rt-policy", "what is allowed on paper may still be refused", check_rt_policy},
	{"rt-group", "a control group without a real-time budget may hold no real-time thread",
	 check_rt_group},
	{"rt-throttling", "the kernel stops spinning real-time threads for a part of each second",
	 check_throttling},
	{"preemption", "a kernel that cannot be preempted keeps a ready thread waiting for milliseconds",
	 check_preemption},
	{"kvm", "without KVM the guest runs by emulation, many times slower", check_kvm},
	{"hypervisor", "a guest's latency is at best that of the machine below it", check_hypervisor},
	{"steal-time", "stolen time is time in which nothing here runs, real-time or not", check_steal},
	{"smi", "firmware interrupts stop all CPUs, and no scheduler sees them", check_smi},
	{"isolated-cpus", "other tasks, timers and interrupts share the vCPUs' CPUs", check_isolated},
	{"nohz-full", "the tick interrupts a vCPU hundreds of times a second", check_nohz_full},
	{"irqbalance", "it moves device interrupts to the vCPUs' CPUs", check_irqbalance},
	{"frequency", "a CPU that changes its frequency answers late when it was idle", check_governor},
	{"idle-states", "leaving a deep idle state takes tens to hundreds of microseconds",
	 check_idle_states},
	{"smt", "a sibling takes execution units away, unseen by the scheduler", check_smt},
	{"clock-source", "slow clocks make each reading of the time expensive", check_clocksource},
	{"huge-pages", "collapsing pages stops the VM's threads on its memory map", check_huge_pages},
	{"swap", "a page that was swapped out comes back after milliseconds", check_swap},
	{"ksm", "a merged page is copied at the first write", check_ksm},
	{"numa-balancing", "it unmaps pages to see who uses them: faults at any time", check_numa_balancing},
	{"watchdog", "it wakes each CPU regularly", check_watchdog},
	{"autogroup", "nice values count only within one session", check_autogroup},
};

_Static_assert(sizeof(probes) / sizeof(probes[0]) <= CHECK_ITEMS_MAX, "the callers' arrays have room");

size_t check_run(const struct check_host *host, struct check_item *items, size_t max)
{
	size_t n = sizeof(probes) / sizeof(probes[0]), i;

	for (i = 0; i < n && i < max; i++) {
		memset(&items[i], 0, sizeof(items[i]));
		items[i].id = probes[i].id;
		items[i].why = probes[i].why;
		items[i].state = CHECK_UNKNOWN;
		probes[i].look(host, &items[i]);
	}
	return i;
}
