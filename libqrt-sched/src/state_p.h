/* SPDX-License-Identifier: MIT */
/* A thread as the kernel has it, and as it shall be: what apply goes from and to. */
#ifndef QRT_SCHED_STATE_P_H
#define QRT_SCHED_STATE_P_H

#include "sys_p.h"

/* All that a change can touch. */
struct qrt_sched_p_state {
	struct qrt_sched_p_attr attr;
	int nice; /* the static one: attr.nice is 0 for a real-time thread */
	uint32_t ioprio;
	struct qrt_sched_cpus cpus;
};

/* What a change of the members in `set` needs to know. A seccomp filter can keep the nice value and the
 * CPUs from being read and leave the policy to be changed, which must be possible then. */
int qrt_sched_p_state_read(pid_t tid, uint32_t set, struct qrt_sched_p_state *ret_state);

/* The state with a setting's members in it. -EINVAL with what does not go together. */
int qrt_sched_p_state_merge(const struct qrt_sched_p_state *before, const struct qrt_sched_setting *setting,
			    struct qrt_sched_p_state *ret_after, struct qrt_sched_error *reterr);

/* 1 where both ask the kernel for the same policy, priority, nice value, times and flags. */
int qrt_sched_p_attr_is_same(const struct qrt_sched_p_attr *a, const struct qrt_sched_p_attr *b);

#endif
