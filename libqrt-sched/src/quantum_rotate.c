/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>
#include <sys/resource.h>

#include "error_p.h"
#include "quantum_p.h"
#include "setting_p.h"

/* Whoever lowers a thread must be able to raise it again. */
int qrt_sched_p_rotate_check(int32_t priority)
{
	uint64_t limit;

	if (qrt_sched_p_sys->get_limit(RLIMIT_RTPRIO, &limit) >= 0 && limit >= (uint64_t)priority)
		return 0;
	return qrt_sched_p_capable(QRT_SCHED_P_CAP_SYS_NICE) ? 0 : -EPERM;
}

/* Out of real-time: with the nice value that the thread has beneath it. */
static int get_lower(pid_t tid, const struct qrt_sched_p_attr *attr, struct qrt_sched_p_attr *ret_lower)
{
	*ret_lower = *attr;
	if (attr->priority > 1) {
		ret_lower->priority--;
		return 0;
	}
	ret_lower->policy = QRT_SCHED_POLICY_OTHER;
	ret_lower->priority = 0;
	return qrt_sched_p_sys->get_nice(tid, &ret_lower->nice);
}

int qrt_sched_p_rotate(pid_t tid, const struct qrt_sched_p_attr *attr)
{
	struct qrt_sched_p_attr lower;
	int rc = get_lower(tid, attr, &lower);

	if (rc < 0)
		return rc;
	rc = qrt_sched_p_sys->set_attr(tid, &lower);
	return rc < 0 ? rc : qrt_sched_p_sys->set_attr(tid, attr);
}

/*
 * The kernel adds up a running thread's time at its tick, which a CPU without a tick never has. Another
 * policy makes it do so at once; with the same priority the thread keeps its place in the queue, and on
 * the CPU.
 */
int qrt_sched_p_settle_time(pid_t tid, const struct qrt_sched_p_attr *attr)
{
	struct qrt_sched_p_attr other = *attr;
	int rc;

	other.policy = attr->policy == QRT_SCHED_POLICY_FIFO ? QRT_SCHED_POLICY_RR : QRT_SCHED_POLICY_FIFO;
	rc = qrt_sched_p_sys->set_attr(tid, &other);
	return rc < 0 ? rc : qrt_sched_p_sys->set_attr(tid, attr);
}

static int check(pid_t tid, const struct qrt_sched_setting *setting, struct qrt_sched_p_attr *ret_attr,
		 struct qrt_sched_error *reterr)
{
	const uint32_t needed = QRT_SCHED_SET_POLICY | QRT_SCHED_SET_PRIORITY;
	int rc;

	if (tid <= 0 || needed & ~setting->set || !qrt_sched_p_policy_is_rt(setting->policy))
		return qrt_sched_p_error(
			reterr, -EINVAL,
			"only a thread under FIFO or RR can be rotated: name its policy and priority");
	rc = qrt_sched_p_sys->get_attr(tid, ret_attr);
	if (rc < 0)
		return qrt_sched_p_error(reterr, rc, "thread %d: %s", (int)tid, strerror(-rc));
	if (ret_attr->policy != setting->policy || (int32_t)ret_attr->priority != setting->priority)
		return qrt_sched_p_error(reterr, -ESTALE, "thread %d does not run under %s %d any more",
					 (int)tid, qrt_sched_policy_name(setting->policy), setting->priority);
	return qrt_sched_p_rotate_check(setting->priority) < 0
		       ? qrt_sched_p_refusal(reterr, -EPERM, tid, setting)
		       : 0;
}

int qrt_sched_quantum_rotate(pid_t tid, const struct qrt_sched_setting *setting,
			     struct qrt_sched_error *reterr)
{
	struct qrt_sched_p_attr attr = {0};
	int rc = check(tid, setting, &attr, reterr);

	if (rc < 0)
		return rc;
	rc = qrt_sched_p_rotate(tid, &attr);
	return rc < 0 ? qrt_sched_p_refusal(reterr, rc, tid, setting) : 0;
}
