/* SPDX-License-Identifier: MIT */
/* A leaky bucket for each of requests and bytes, without locks: one number each says when it would be empty.
 */
#ifndef QRT_BLOCK_THROTTLE_P_H
#define QRT_BLOCK_THROTTLE_P_H

#include "op_p.h"

/* What an op costs: its flows are requests and bytes. */
enum qrt_block_p_flow { QRT_BLOCK_P_REQUESTS, QRT_BLOCK_P_BYTES, QRT_BLOCK_P_FLOWS };

struct qrt_block_p_cost {
	uint64_t flows[QRT_BLOCK_P_FLOWS];
};

struct qrt_block_p_cost qrt_block_p_cost_of(const struct qrt_block_p_op *op);
/* 0: it is paid for; else when to come again, by the same clock as `now`. */
uint64_t qrt_block_p_throttle_take(struct qrt_block_throttle *throttle, const struct qrt_block_p_cost *cost,
				   uint64_t now);
/* It was paid for, and is not done now. */
void qrt_block_p_throttle_give_back(struct qrt_block_throttle *throttle, const struct qrt_block_p_cost *cost);

#endif
