/* SPDX-License-Identifier: MIT */
#include "quantum_p.h"

#define NEXT_TICK 1000 /* ns: any time that is over at the next tick at which the thread runs */

static struct qrt_sched_p_alarm by_real_time(struct qrt_sched_p_slice *slice, uint64_t left)
{
	slice->real_ns = left;
	return (struct qrt_sched_p_alarm){QRT_SCHED_P_TIMER_REAL, left};
}

static struct qrt_sched_p_alarm by_cpu_time(struct qrt_sched_p_slice *slice, uint64_t ns)
{
	slice->real_ns = 0;
	return (struct qrt_sched_p_alarm){QRT_SCHED_P_TIMER_CPU, ns};
}

struct qrt_sched_p_alarm qrt_sched_p_slice_begin(struct qrt_sched_p_slice *slice, uint64_t now,
						 uint64_t length_ns, uint64_t tick_ns)
{
	slice->length_ns = length_ns;
	slice->end_ns = now + length_ns;
	if (length_ns > tick_ns)
		return by_cpu_time(slice, length_ns - tick_ns);
	return by_real_time(slice, length_ns);
}

/* It was set for real_ns, and less than half of that was run since: the thread sleeps, or others are on
 * its CPU. To set it again and again would wake who sleeps. */
static int was_in_vain(const struct qrt_sched_p_slice *slice, uint64_t left)
{
	return slice->real_ns && left > slice->real_ns / 2;
}

int qrt_sched_p_slice_is_over(struct qrt_sched_p_slice *slice, uint64_t now, uint64_t tick_ns,
			      struct qrt_sched_p_alarm *ret_alarm)
{
	uint64_t left = now < slice->end_ns ? slice->end_ns - now : 0;

	if (left <= slice->length_ns / QRT_SCHED_P_SLACK)
		return 1;
	if (left > tick_ns)
		*ret_alarm = by_cpu_time(slice, left - tick_ns);
	else if (was_in_vain(slice, left))
		*ret_alarm = by_cpu_time(slice, NEXT_TICK);
	else
		*ret_alarm = by_real_time(slice, left);
	return 0;
}
