/* SPDX-License-Identifier: MIT */
#include "launch.h"

#include <errno.h>
#include <linux/mempolicy.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The kernel's mask is an array of long; ours of 64-bit words: the same bytes in these cases. */
_Static_assert(sizeof(long) == 8 || __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "masks of nodes differ");

/* A kernel without nodes has node 0 alone. */
static int is_all(const struct qrt_sched_cpus *nodes)
{
	return qrt_sched_cpus_count(nodes) == 1 && qrt_sched_cpus_has(nodes, 0) == 1;
}

int launch_bind_memory(const struct qrt_sched_cpus *nodes)
{
	if (qrt_sched_cpus_count(nodes) == 0)
		return 0;
	/* The number of bits is one more than the kernel looks at. */
	if (syscall(SYS_set_mempolicy, MPOL_BIND, nodes->bits, QRT_SCHED_CPUS_MAX + 1) == 0)
		return 0;
	return errno == ENOSYS && is_all(nodes) ? 0 : errno;
}
