/* SPDX-License-Identifier: MIT */
#include <qrt/sched.h>

const char *qrt_sched_version(void)
{
	return QRT_SCHED_VERSION;
}
