/* SPDX-License-Identifier: MIT */
/* What waits for a worker: in two lanes, and in each by rank. In the wide one ops do not mind each other. In
 * the narrow one are those of which the kernel lets one at a time get on anyway, plain writes to the page cache
 * of a file: one worker after the other has it, and no other one waits there inside the kernel. */
#ifndef QRT_BLOCK_LANES_P_H
#define QRT_BLOCK_LANES_P_H

#include "op_p.h"
#include "ring_p.h"

enum qrt_block_p_lane { QRT_BLOCK_P_WIDE, QRT_BLOCK_P_NARROW, QRT_BLOCK_P_LANES };

struct qrt_block_p_lanes {
	struct qrt_block_p_ring rings[QRT_BLOCK_P_LANES][QRT_BLOCK_PRIORITIES];
	_Atomic uint32_t waiting[QRT_BLOCK_PRIORITIES]; /* by rank: put, and not yet taken */
	_Atomic uint32_t is_occupied;                   /* the narrow one, by a worker */
};

/* Room for `requests` in each. -ENOMEM; finish() takes what there is. */
int qrt_block_p_lanes_init(struct qrt_block_p_lanes *lanes, uint32_t requests);
void qrt_block_p_lanes_finish(struct qrt_block_p_lanes *lanes);
void qrt_block_p_lanes_put(struct qrt_block_p_lanes *lanes, struct qrt_block_p_op *op,
			   enum qrt_block_p_lane lane);
/* The most urgent one, of equal ones one of *lane before the other lane, which takes turns; *lane says where it
 * was. NULL: there is none. */
struct qrt_block_p_op *qrt_block_p_lanes_take(struct qrt_block_p_lanes *lanes, enum qrt_block_p_lane *lane);
/* An op of the narrow one is over. Who leaves looks again after that. */
void qrt_block_p_lanes_leave(struct qrt_block_p_lanes *lanes);
/* Whether somebody has it, who looks again when he leaves: he sees what was put before this. */
int qrt_block_p_lanes_is_occupied(struct qrt_block_p_lanes *lanes);
/* Whether take() would find something now. */
int qrt_block_p_lanes_has(struct qrt_block_p_lanes *lanes);
/* Whether something waits in the narrow one, for who is there. */
int qrt_block_p_lanes_has_narrow(struct qrt_block_p_lanes *lanes);
/* The rank of the most urgent one that waits; QRT_BLOCK_PRIORITIES: none. */
uint32_t qrt_block_p_lanes_most_urgent(struct qrt_block_p_lanes *lanes);

#endif
