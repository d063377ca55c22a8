/* SPDX-License-Identifier: MIT */
#include "qrt/block.h"

const char *qrt_block_version(void)
{
	return QRT_BLOCK_VERSION;
}
