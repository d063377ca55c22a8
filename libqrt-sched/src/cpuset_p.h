/* SPDX-License-Identifier: MIT */
#ifndef QRT_SCHED_CPUSET_P_H
#define QRT_SCHED_CPUSET_P_H

#include <qrt/sched.h>

/* The CPUs of this process' cpuset. -ENOENT where the host has none. */
int qrt_sched_p_cpuset_read(struct qrt_sched_cpus *ret_cpus);
/* Adds to an affinity the isolated CPUs that the cpuset has too. */
void qrt_sched_p_cpuset_widen(struct qrt_sched_cpus *allowed, const struct qrt_sched_cpus *isolated);

/* The CPUs among which the kernel moves deadline threads, as far as one can tell from outside. */
struct qrt_sched_cpus qrt_sched_p_cpuset_domain(const struct qrt_sched_host *host);

#endif
