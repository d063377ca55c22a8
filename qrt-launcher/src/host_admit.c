/* SPDX-License-Identifier: MIT */
/* Threads of VMs and the CPUs of a shield that is up. */
#include "host.h"

#include <unistd.h>

bool host_is_within(const struct qrt_sched_cpus *cpus, const struct qrt_sched_cpus *in)
{
	size_t n;

	for (n = 0; n < G_N_ELEMENTS(cpus->bits); n++) {
		if (cpus->bits[n] & ~in->bits[n])
			return false;
	}
	return true;
}

/* Where it does not work the thread cannot have these CPUs either, which is said when it is placed. One that
 * a vCPU started is in the shield by birth. */
void host_admit(pid_t tid, const struct qrt_sched_setting *planned, struct qrt_sched_saved *places)
{
	struct qrt_sched_cpus cpus;

	if (!(planned->set & QRT_SCHED_SET_CPUS) || qrt_sched_shield_read(NULL, &cpus) < 0)
		return;
	if (host_is_within(&planned->cpus, &cpus))
		qrt_sched_shield_enter(NULL, tid, places, NULL);
	else
		qrt_sched_shield_leave(NULL, tid, NULL);
}

bool host_takes_cpus(pid_t tid, const struct qrt_sched_setting *planned)
{
	struct qrt_sched_setting actual;
	struct qrt_sched_cpus cpus, left = planned->cpus;
	size_t n;

	if (!(planned->set & QRT_SCHED_SET_CPUS) || qrt_sched_shield_read(NULL, &cpus) < 0 ||
	    host_is_within(&planned->cpus, &cpus) || qrt_sched_setting_read(tid, &actual) < 0)
		return false;
	for (n = 0; n < G_N_ELEMENTS(left.bits); n++)
		left.bits[n] &= ~cpus.bits[n];
	return host_is_within(&left, &actual.cpus) && host_is_within(&actual.cpus, &left);
}

void host_allow(struct qrt_sched_host *host)
{
	struct qrt_sched_cpus cpus;
	size_t n;

	if (geteuid() != 0 || qrt_sched_shield_read(NULL, &cpus) < 0)
		return;
	for (n = 0; n < G_N_ELEMENTS(cpus.bits); n++) {
		host->allowed.bits[n] |= cpus.bits[n];
		host->isolated.bits[n] |= cpus.bits[n];
	}
}
