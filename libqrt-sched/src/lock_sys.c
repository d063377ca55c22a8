/* SPDX-License-Identifier: MIT */
#include "lock_p.h"

#include <errno.h>
#include <sched.h>
#include <stddef.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Linux 7.0; in no header here yet. */
#ifndef PR_RSEQ_SLICE_EXTENSION
#define PR_RSEQ_SLICE_EXTENSION     79
#define PR_RSEQ_SLICE_EXTENSION_SET 2
#define PR_RSEQ_SLICE_EXT_ENABLE    1
#endif
#ifndef SYS_rseq_slice_yield
#define SYS_rseq_slice_yield 471
#endif
#ifndef AT_RSEQ_FEATURE_SIZE
#define AT_RSEQ_FEATURE_SIZE 27
#endif

/* glibc 2.35: the area that it registered for each thread. Not there: 0. */
extern const ptrdiff_t __rseq_offset __attribute__((weak));
extern const unsigned int __rseq_size __attribute__((weak));

/* Not sched_setattr(): this one leaves the nice value and the slice of a time-shared thread alone, so that
 * nothing has to be remembered of them. */
static int set_scheduler(pid_t tid, int policy, int priority)
{
	struct sched_param param = {.sched_priority = priority};

	return syscall(SYS_sched_setscheduler, tid, policy, &param) < 0 ? -errno : 0;
}

static int is_thread_of(pid_t tgid, pid_t tid)
{
	return syscall(SYS_tgkill, tgid, tid, 0) == 0 || errno == EPERM;
}

static void *get_rseq(size_t *ret_size)
{
	size_t known = getauxval(AT_RSEQ_FEATURE_SIZE);

	if (!&__rseq_offset || !&__rseq_size || !__rseq_size)
		return NULL;
	*ret_size = __rseq_size < known ? __rseq_size : known;
	return (char *)__builtin_thread_pointer() + __rseq_offset;
}

static int enable_slices(void)
{
	int rc = prctl(PR_RSEQ_SLICE_EXTENSION, PR_RSEQ_SLICE_EXTENSION_SET, PR_RSEQ_SLICE_EXT_ENABLE, 0, 0);

	return rc < 0 ? -errno : 0;
}

static int yield_slice(void)
{
	return syscall(SYS_rseq_slice_yield) < 0 ? -errno : 0;
}

const struct qrt_sched_p_lock_sys qrt_sched_p_lock_kernel = {
	.set_scheduler = set_scheduler,
	.is_thread_of = is_thread_of,
	.get_rseq = get_rseq,
	.enable_slices = enable_slices,
	.yield_slice = yield_slice,
};

const struct qrt_sched_p_lock_sys *qrt_sched_p_lock_sys = &qrt_sched_p_lock_kernel;
