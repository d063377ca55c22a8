/* SPDX-License-Identifier: MIT */
#include "qrt/shmem.h"

const char *qrt_shmem_version(void)
{
	return QRT_SHMEM_VERSION;
}
