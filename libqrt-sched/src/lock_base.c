/* SPDX-License-Identifier: MIT */
/* What a thread runs at without the lock, in one word: it is read and written whole. */
#include "lock_p.h"
#include "setting_p.h"

#include <errno.h>

#define POLICY_AT    32
#define PRIORITY_AT  36
#define RESET_AT     43
#define SUSPENDED_AT 44

uint64_t qrt_sched_p_lock_pack(const struct qrt_sched_p_lock_base *base)
{
	return (uint64_t)(uint32_t)base->tid | (uint64_t)(base->policy & 15) << POLICY_AT |
	       (uint64_t)(base->priority & 127) << PRIORITY_AT | (uint64_t) !!base->is_reset << RESET_AT |
	       (uint64_t) !!base->is_suspended << SUSPENDED_AT;
}

struct qrt_sched_p_lock_base qrt_sched_p_lock_unpack(uint64_t word)
{
	return (struct qrt_sched_p_lock_base){
		.tid = (int32_t)(word & 0xffffffff),
		.policy = word >> POLICY_AT & 15,
		.priority = (int32_t)(word >> PRIORITY_AT & 127),
		.is_reset = word >> RESET_AT & 1,
		.is_suspended = word >> SUSPENDED_AT & 1,
	};
}

int qrt_sched_p_lock_base_of(pid_t tid, const struct qrt_sched_setting *setting,
			     struct qrt_sched_p_lock_base *ret_base)
{
	const uint32_t needed = QRT_SCHED_SET_POLICY | QRT_SCHED_SET_PRIORITY;

	if (tid <= 0 || (needed & ~setting->set) || setting->policy == QRT_SCHED_POLICY_DEADLINE ||
	    qrt_sched_p_setting_check(setting) < 0)
		return -EINVAL;
	*ret_base = (struct qrt_sched_p_lock_base){
		.tid = tid,
		.policy = setting->policy,
		.priority = setting->priority,
		.is_reset = (setting->set & QRT_SCHED_SET_FLAGS) &&
			    (setting->flags & QRT_SCHED_FLAG_RESET_ON_FORK),
	};
	return 0;
}
