/* SPDX-License-Identifier: MIT */
#include "throttle_p.h"

#include <errno.h>
#include <stdlib.h>

#include "error_p.h"

#define SECOND 1000000000u

struct flow {
	_Atomic uint64_t rate, burst; /* a second, and at once; rate 0: no limit */
	_Atomic uint64_t empty_ns;    /* when all that was taken has leaked out */
};

struct qrt_block_throttle {
	struct flow flows[QRT_BLOCK_P_FLOWS];
};

struct qrt_block_p_cost qrt_block_p_cost_of(const struct qrt_block_p_op *op)
{
	return (struct qrt_block_p_cost){
		{op->kind != QRT_BLOCK_FLUSH, qrt_block_p_op_has_data(op) ? op->total : 0}};
}

/* How long an amount takes to leak out. */
static uint64_t time_of(const struct flow *flow, uint64_t amount)
{
	uint64_t rate = atomic_load_explicit(&flow->rate, memory_order_relaxed);
	unsigned __int128 ns = (unsigned __int128)amount * SECOND;

	if (!rate)
		return 0;
	ns /= rate;
	return ns > INT64_MAX ? INT64_MAX : (uint64_t)ns;
}

/* Any amount goes when there is room for some of it, and all others wait for the rest. One that waited for
 * room for all of it would wait for ever beside small ones that keep the bucket fuller than that. */
static uint64_t take(struct flow *flow, uint64_t amount, uint64_t now)
{
	uint64_t cost = time_of(flow, amount);
	uint64_t room = time_of(flow, atomic_load_explicit(&flow->burst, memory_order_relaxed) - 1);
	uint64_t empty = atomic_load(&flow->empty_ns);

	if (!cost)
		return 0;
	do {
		if (empty > now + room)
			return empty - room;
	} while (!atomic_compare_exchange_weak(&flow->empty_ns, &empty, (empty > now ? empty : now) + cost));
	return 0;
}

/* The rate may be another one by now: no more than there is. */
static void give_back(struct flow *flow, uint64_t amount)
{
	uint64_t cost = time_of(flow, amount), empty = atomic_load(&flow->empty_ns);

	while (!atomic_compare_exchange_weak(&flow->empty_ns, &empty, empty > cost ? empty - cost : 0))
		;
}

uint64_t qrt_block_p_throttle_take(struct qrt_block_throttle *throttle, const struct qrt_block_p_cost *cost,
				   uint64_t now)
{
	uint64_t due;
	uint32_t i;

	for (i = 0; i < QRT_BLOCK_P_FLOWS; i++) {
		due = take(&throttle->flows[i], cost->flows[i], now);
		if (!due)
			continue;
		while (i--)
			give_back(&throttle->flows[i], cost->flows[i]);
		return due;
	}
	return 0;
}

void qrt_block_p_throttle_give_back(struct qrt_block_throttle *throttle, const struct qrt_block_p_cost *cost)
{
	uint32_t i;

	for (i = 0; i < QRT_BLOCK_P_FLOWS; i++)
		give_back(&throttle->flows[i], cost->flows[i]);
}

/* A tenth of a second's worth where nothing is said. */
static void set_flow(struct flow *flow, uint64_t rate, uint64_t burst)
{
	atomic_store(&flow->burst, burst ? burst : rate / 10 ? rate / 10 : 1);
	atomic_store(&flow->rate, rate);
}

int qrt_block_throttle_set(struct qrt_block_throttle *throttle,
			   const struct qrt_block_throttle_config *config)
{
	struct qrt_block_throttle_config own;
	int rc = qrt_p_struct_take(&own, sizeof(own), config);

	if (rc < 0)
		return rc;
	if (own.reserved)
		return -EINVAL;
	set_flow(&throttle->flows[QRT_BLOCK_P_REQUESTS], own.requests, own.requests_burst);
	set_flow(&throttle->flows[QRT_BLOCK_P_BYTES], own.bytes, own.bytes_burst);
	return 0;
}

int qrt_block_throttle_open(const struct qrt_block_throttle_config *config,
			    struct qrt_block_throttle **ret_throttle, struct qrt_block_error *reterr)
{
	struct qrt_block_throttle *throttle = calloc(1, sizeof(*throttle));
	int rc;

	if (!throttle)
		return qrt_block_p_error(reterr, -ENOMEM, "out of memory");
	rc = qrt_block_throttle_set(throttle, config);
	if (rc < 0) {
		free(throttle);
		return qrt_block_p_error(reterr, rc, "a throttle's config is of another version");
	}
	*ret_throttle = throttle;
	return 0;
}

struct qrt_block_throttle *qrt_block_throttle_close(struct qrt_block_throttle *throttle)
{
	free(throttle);
	return NULL;
}
