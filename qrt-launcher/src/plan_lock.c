/* SPDX-License-Identifier: MIT */
/* Whether QEMU may lock its memory: what counts are its own rights, which are not the launcher's. */
#include "plan_request.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool has_capability(int number)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {{0}};

	return syscall(SYS_capget, &header, data) == 0 && data[number / 32].effective >> number % 32 & 1;
}

/* Another user than root gets no capabilities by exec, but for ambient ones. */
static bool passes_capability(const struct launch_user *user)
{
	if ((user->set ? user->uid : geteuid()) == 0)
		return has_capability(CAP_IPC_LOCK);
	return !user->set && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_IPC_LOCK, 0, 0) == 1;
}

/* The launcher lifts the limit for QEMU, where it may. */
static bool lifts_limit(void)
{
	struct rlimit limit;

	return (getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_max == RLIM_INFINITY) ||
	       has_capability(CAP_SYS_RESOURCE);
}

void plan_lock_foresee(struct plan_request *request)
{
	/* Without the preload library nobody tries. */
	if (request->no_preload || lifts_limit() || passes_capability(&request->user))
		request->host.flags |= QRT_SCHED_HOST_CAP_LOCK;
	else
		request->host.flags &= ~QRT_SCHED_HOST_CAP_LOCK;
}
