/* SPDX-License-Identifier: MIT */
#ifndef QRT_SCHED_SETTING_P_H
#define QRT_SCHED_SETTING_P_H

#include <qrt/sched.h>

/* 1 for FIFO and RR. */
int qrt_sched_p_policy_is_rt(uint32_t policy);

/* How urgent a policy with a priority is: greater wins the CPU. FIFO and RR by priority, above
 * OTHER, above BATCH, above IDLE; what the kernel ranks above FIFO 99 (DEADLINE) is above. */
int qrt_sched_p_urgency(uint32_t policy, int32_t priority);
int qrt_sched_p_setting_urgency(const struct qrt_sched_setting *setting);

/* Makes policy and priority fit each other: no priority in time sharing, at least 1 in real time. */
void qrt_sched_p_setting_normalise(struct qrt_sched_setting *setting);

/* Copies the members that `from` sets. */
void qrt_sched_p_setting_overlay(struct qrt_sched_setting *setting, const struct qrt_sched_setting *from);

/* 0 when the members that are set are legal values, else -EINVAL. */
int qrt_sched_p_setting_check(const struct qrt_sched_setting *setting);

#endif
