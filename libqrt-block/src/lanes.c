/* SPDX-License-Identifier: MIT */
#include "lanes_p.h"

int qrt_block_p_lanes_init(struct qrt_block_p_lanes *lanes, uint32_t requests)
{
	uint32_t lane, rank;
	int rc = 0;

	for (lane = 0; lane < QRT_BLOCK_P_LANES; lane++) {
		for (rank = 0; rank < QRT_BLOCK_PRIORITIES && rc >= 0; rank++)
			rc = qrt_block_p_ring_init(&lanes->rings[lane][rank], requests);
	}
	return rc;
}

void qrt_block_p_lanes_finish(struct qrt_block_p_lanes *lanes)
{
	uint32_t lane, rank;

	for (lane = 0; lane < QRT_BLOCK_P_LANES; lane++) {
		for (rank = 0; rank < QRT_BLOCK_PRIORITIES; rank++)
			qrt_block_p_ring_finish(&lanes->rings[lane][rank]);
	}
}

void qrt_block_p_lanes_put(struct qrt_block_p_lanes *lanes, struct qrt_block_p_op *op,
			   enum qrt_block_p_lane lane)
{
	uint32_t rank = qrt_block_p_rank_of(op->priority);

	atomic_fetch_add(&lanes->waiting[rank], 1);
	qrt_block_p_ring_put(&lanes->rings[lane][rank], op);
}

int qrt_block_p_lanes_is_occupied(struct qrt_block_p_lanes *lanes)
{
	return atomic_fetch_or(&lanes->is_occupied, 0) != 0;
}

void qrt_block_p_lanes_leave(struct qrt_block_p_lanes *lanes)
{
	atomic_exchange(&lanes->is_occupied, 0);
}

/* Who came for an op that another one has taken meanwhile looks again after leaving, as he owes to those who
 * saw that he was there. */
static struct qrt_block_p_op *take_narrow(struct qrt_block_p_lanes *lanes, struct qrt_block_p_ring *ring)
{
	while (qrt_block_p_ring_has(ring) && !atomic_exchange(&lanes->is_occupied, 1)) {
		struct qrt_block_p_op *op = qrt_block_p_ring_take(ring);

		if (op)
			return op;
		qrt_block_p_lanes_leave(lanes);
	}
	return NULL;
}

static struct qrt_block_p_op *take_of(struct qrt_block_p_lanes *lanes, enum qrt_block_p_lane lane,
				      uint32_t rank)
{
	struct qrt_block_p_ring *ring = &lanes->rings[lane][rank];

	return lane == QRT_BLOCK_P_NARROW ? take_narrow(lanes, ring) : qrt_block_p_ring_take(ring);
}

struct qrt_block_p_op *qrt_block_p_lanes_take(struct qrt_block_p_lanes *lanes, enum qrt_block_p_lane *lane)
{
	const enum qrt_block_p_lane turns[] = {*lane, !*lane};
	struct qrt_block_p_op *op;
	uint32_t rank, i;

	for (rank = 0; rank < QRT_BLOCK_PRIORITIES; rank++) {
		for (i = 0; i < QRT_BLOCK_P_LANES; i++) {
			op = take_of(lanes, turns[i], rank);
			if (!op)
				continue;
			atomic_fetch_sub(&lanes->waiting[rank], 1);
			*lane = turns[i];
			return op;
		}
	}
	return NULL;
}

static int has_of(struct qrt_block_p_lanes *lanes, enum qrt_block_p_lane lane)
{
	uint32_t rank;

	for (rank = 0; rank < QRT_BLOCK_PRIORITIES; rank++) {
		if (qrt_block_p_ring_has(&lanes->rings[lane][rank]))
			return 1;
	}
	return 0;
}

int qrt_block_p_lanes_has(struct qrt_block_p_lanes *lanes)
{
	return has_of(lanes, QRT_BLOCK_P_WIDE) ||
	       (!atomic_load(&lanes->is_occupied) && has_of(lanes, QRT_BLOCK_P_NARROW));
}

int qrt_block_p_lanes_has_narrow(struct qrt_block_p_lanes *lanes)
{
	return has_of(lanes, QRT_BLOCK_P_NARROW);
}

uint32_t qrt_block_p_lanes_most_urgent(struct qrt_block_p_lanes *lanes)
{
	uint32_t rank = 0;

	while (rank < QRT_BLOCK_PRIORITIES && !atomic_load(&lanes->waiting[rank]))
		rank++;
	return rank;
}
