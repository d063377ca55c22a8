/* SPDX-License-Identifier: MIT */
#include "crew_p.h"

#include <errno.h>

#define SLEEPER 1ull
#define LOOKER  (1ull << 32)

static uint64_t sleepers_of(uint64_t state)
{
	return state % LOOKER;
}

int qrt_block_p_crew_init(struct qrt_block_p_crew *crew)
{
	atomic_init(&crew->state, 0);
	return sem_init(&crew->calls, 0, 0) < 0 ? -errno : 0;
}

void qrt_block_p_crew_finish(struct qrt_block_p_crew *crew)
{
	sem_destroy(&crew->calls);
}

void qrt_block_p_crew_grow(struct qrt_block_p_crew *crew)
{
	atomic_fetch_add(&crew->state, SLEEPER);
}

/* The state is written, though nothing changes: what this thread put before is seen by whoever changes the
 * state after this. */
int qrt_block_p_crew_call(struct qrt_block_p_crew *crew)
{
	uint64_t state = atomic_fetch_add(&crew->state, 0);

	do {
		if (!sleepers_of(state))
			return 0;
	} while (!atomic_compare_exchange_weak(&crew->state, &state, state - SLEEPER + LOOKER));
	sem_post(&crew->calls); /* sleepers have no names: it is for any of them */
	return 1;
}

uint32_t qrt_block_p_crew_looking(struct qrt_block_p_crew *crew)
{
	return (uint32_t)(atomic_fetch_add(&crew->state, 0) / LOOKER);
}

void qrt_block_p_crew_look(struct qrt_block_p_crew *crew)
{
	atomic_fetch_add(&crew->state, LOOKER);
}

void qrt_block_p_crew_look_away(struct qrt_block_p_crew *crew)
{
	atomic_fetch_sub(&crew->state, LOOKER);
}

void qrt_block_p_crew_lie_down(struct qrt_block_p_crew *crew, int is_counted)
{
	atomic_fetch_add(&crew->state, SLEEPER - (is_counted ? LOOKER : 0));
}

void qrt_block_p_crew_sleep(struct qrt_block_p_crew *crew)
{
	while (sem_wait(&crew->calls) < 0)
		;
}
