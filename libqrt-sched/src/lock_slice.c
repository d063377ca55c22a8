/* SPDX-License-Identifier: MIT */
/*
 * Slice extensions (Linux 7.0, Documentation/userspace-api/rseq.rst): a thread that asked for one in its
 * rseq area and is to be scheduled away runs on for a few microseconds. No system call but where one was
 * granted: then the rest of it is given back.
 */
#include "lock_p.h"

#include <errno.h>

/* struct rseq as far as it matters here. */
#define FLAGS_AT        16u
#define SLICE_CTRL_AT   28u
#define SLICE_CTRL_END  32u
#define FLAG_AVAILABLE  (1u << 4)
#define compiler_only() atomic_signal_fence(memory_order_seq_cst)

int qrt_sched_p_slice_open(struct qrt_sched_p_slice *ret_slice)
{
	size_t size = 0;
	unsigned char *area = qrt_sched_p_lock_sys->get_rseq(&size);

	/* An older kernel or C library has the area without this member: those bytes are nobody's there. */
	if (!area || size < SLICE_CTRL_END)
		return -EOPNOTSUPP;
	/* Switching it on where the flag is not there is answered with SIGSEGV. */
	if (!(*(volatile uint32_t *)(void *)(area + FLAGS_AT) & FLAG_AVAILABLE))
		return -EOPNOTSUPP;
	if (qrt_sched_p_lock_sys->enable_slices() < 0)
		return -EOPNOTSUPP;
	ret_slice->request = area + SLICE_CTRL_AT;
	ret_slice->granted = area + SLICE_CTRL_AT + 1;
	return 0;
}

/* All of it is between a CPU and itself: the compiler alone could reorder it. */
void qrt_sched_p_slice_take(const struct qrt_sched_p_slice *slice)
{
	*slice->request = 1;
	compiler_only();
}

void qrt_sched_p_slice_give(const struct qrt_sched_p_slice *slice)
{
	compiler_only();
	*slice->request = 0;
	if (*slice->granted)
		qrt_sched_p_lock_sys->yield_slice();
}
