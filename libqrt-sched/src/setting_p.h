/* SPDX-License-Identifier: MIT */
#ifndef QRT_SCHED_SETTING_P_H
#define QRT_SCHED_SETTING_P_H

#include <qrt/sched.h>

/* Within these the kernel gives a thread of OTHER or BATCH the slice that it asks for. */
#define QRT_SCHED_P_SLICE_MIN_NS UINT64_C(100000)
#define QRT_SCHED_P_SLICE_MAX_NS UINT64_C(100000000)
/* The shortest runtime of DEADLINE. */
#define QRT_SCHED_P_RUNTIME_MIN_NS UINT64_C(1024)

/* 1 for FIFO and RR. */
int qrt_sched_p_policy_is_rt(uint32_t policy);
/* 1 for OTHER and BATCH: nice value and slice count. */
int qrt_sched_p_policy_is_fair(uint32_t policy);
/* 1 where the times of a thread mean the same after its policy changed. */
int qrt_sched_p_policy_keeps_times(uint32_t before, uint32_t after);

/* How urgent a policy with a priority is: greater wins the CPU. DEADLINE above FIFO and RR by priority,
 * above OTHER, above BATCH, above IDLE. */
int qrt_sched_p_urgency(uint32_t policy, int32_t priority);
int qrt_sched_p_setting_urgency(const struct qrt_sched_setting *setting);

/* Makes the members fit the policy: no priority in time sharing, at least 1 in real time, times only
 * where there are any. */
void qrt_sched_p_setting_normalise(struct qrt_sched_setting *setting);

/* Copies the members that `from` sets. A change of policy ends the times, and DEADLINE brings
 * RESET_ON_FORK, unless `from` says otherwise. */
void qrt_sched_p_setting_overlay(struct qrt_sched_setting *setting, const struct qrt_sched_setting *from);

/* 0 when the members that are set are legal values, else -EINVAL. */
int qrt_sched_p_setting_check(const struct qrt_sched_setting *setting);
/* 1 when the times are, under the policy that the setting names, or without one under any. */
int qrt_sched_p_times_are_legal(const struct qrt_sched_setting *setting);
int qrt_sched_p_ioprio_is_legal(uint32_t ioprio);

#endif
