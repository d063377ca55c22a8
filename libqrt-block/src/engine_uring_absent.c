/* SPDX-License-Identifier: MIT */
/* A build without liburing. */
#include <errno.h>

#include "engine_p.h"

int qrt_block_p_uring_engine_open(const struct qrt_block_p_engine_config *config,
				  struct qrt_block_p_engine **ret_engine)
{
	(void)config;
	(void)ret_engine;
	return -EOPNOTSUPP;
}

int qrt_block_p_uring_probe(uint32_t depth)
{
	(void)depth;
	return -EOPNOTSUPP;
}
