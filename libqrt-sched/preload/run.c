/* SPDX-License-Identifier: MIT */
/* Where guest code runs: ioctl(KVM_RUN). A vCPU that has a preempt lock is under it outside. */
#include <linux/kvm.h>
#include <stdarg.h>
#include <sys/ioctl.h>

#include "preload_p.h"

EXPORT int ioctl(int fd, unsigned long request, ...)
{
	va_list args;
	void *arg;
	int rc;

	va_start(args, request);
	arg = va_arg(args, void *);
	va_end(args);
	if (request != KVM_RUN)
		return preload_real()->ioctl(fd, request, arg);
	qrt_sched_process_begin_guest();
	rc = preload_calm_run(fd, request, arg);
	qrt_sched_process_end_guest();
	return rc;
}
