/* SPDX-License-Identifier: MIT */
/*
 * CPUs that somebody chose for a thread. Kernels before 6.2 forget them whenever the thread's cpuset changes,
 * or the thread goes to another one: then it has all that its cpuset has, which is no choice of anybody's.
 */
#ifndef QRT_SCHED_CHOICE_P_H
#define QRT_SCHED_CHOICE_P_H

#include "cgroup_p.h"
#include "saved_p.h"
#include "task_p.h"

/* 1 where these CPUs are fewer than the thread's cpuset has. */
int qrt_sched_p_choice_is(const struct qrt_sched_p_cgroup *cgroup, pid_t tid,
			  const struct qrt_sched_cpus *cpus);

/* 1 where a thread that has these CPUs now lost what is saved of it, and could have it again. */
int qrt_sched_p_choice_is_lost(const struct qrt_sched_p_saved_entry *entry, const char *now);

enum qrt_sched_p_choice {
	QRT_SCHED_P_CHOICE_NONE,  /* nobody chose anything */
	QRT_SCHED_P_CHOICE_KNOWN, /* `saved` has it, and nobody chose anew since */
	QRT_SCHED_P_CHOICE_NEW,
};

/* What was chosen for a thread, in ret_cpus unless it is NONE. */
enum qrt_sched_p_choice qrt_sched_p_choice_find(const struct qrt_sched_saved *saved,
						const struct qrt_sched_p_cgroup *cgroup,
						const struct qrt_sched_p_task *task,
						struct qrt_sched_cpus *ret_cpus);
/* Notes a choice, in the place of what was known of the thread, and where it may run meanwhile. */
int qrt_sched_p_choice_note(struct qrt_sched_saved *saved, const struct qrt_sched_p_task *task,
			    const struct qrt_sched_cpus *chosen, const struct qrt_sched_cpus *meanwhile);
/* Before cpusets are put back: notes all that was chosen since they changed, and has it kept. As far as it
 * goes: what is not noted is what the kernel makes of it. */
void qrt_sched_p_choice_note_all(struct qrt_sched_saved *saved);

#endif
