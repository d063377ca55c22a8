/* SPDX-License-Identifier: MIT */
/* A build without libaio. */
#include <errno.h>

#include "engine_p.h"

int qrt_block_p_libaio_engine_open(const struct qrt_block_p_engine_config *config,
				   struct qrt_block_p_engine **ret_engine)
{
	(void)config;
	(void)ret_engine;
	return -EOPNOTSUPP;
}

int qrt_block_p_libaio_probe(void)
{
	return -EOPNOTSUPP;
}
