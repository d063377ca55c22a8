/* SPDX-License-Identifier: MIT */
/* Who may change what, on a device that takes whole blocks only. A change of a part of a block is read,
 * changed and written: what another request writes to that block meanwhile, by whatever queue, would be lost.
 * So it is alone in its range, and changes of whole blocks share theirs. A range is some of a fixed number of
 * regions, of which far ones may be the same; nobody waits here: who does not get it tries again. */
#ifndef QRT_BLOCK_RANGES_P_H
#define QRT_BLOCK_RANGES_P_H

#include <stdatomic.h>
#include <stdint.h>

#define QRT_BLOCK_P_REGIONS      256u
#define QRT_BLOCK_P_REGION_BYTES 65536u

struct qrt_block_p_ranges {
	_Atomic uint64_t regions[QRT_BLOCK_P_REGIONS];
	_Atomic uint32_t waiting; /* mailboxes of queues that want to hear when to try again */
};

enum qrt_block_p_range_state { QRT_BLOCK_P_RANGE_NONE, QRT_BLOCK_P_RANGE_WANTED, QRT_BLOCK_P_RANGE_TAKEN };

struct qrt_block_p_range_claim {
	uint64_t offset, length; /* length 0: it needs none */
	uint32_t is_alone;
	uint32_t state; /* enum qrt_block_p_range_state */
};

/* 1: it has it; 0: others have, and give way to it from now on where it is to be alone; -EAGAIN: the same,
 * and for a moment it kept others from theirs, who should try again. */
int qrt_block_p_ranges_take(struct qrt_block_p_ranges *ranges, struct qrt_block_p_range_claim *claim);
/* Taken, wanted or neither. 1: others may get on now. */
int qrt_block_p_ranges_give(struct qrt_block_p_ranges *ranges, struct qrt_block_p_range_claim *claim);

#endif
