/* SPDX-License-Identifier: MIT */
#include "recorder_ring.h"
#include "tap.h"

static void push(struct recorder_ring *ring, uint64_t time_ns)
{
	struct recorder_entry entry = {.kind = RECORDER_LOOK, .time_ns = time_ns};

	recorder_ring_push(ring, &entry);
}

static void test_order(void)
{
	struct recorder_ring *ring = recorder_ring_new(4, 1);
	uint64_t time_ns;

	CU_ASSERT_EQUAL(recorder_ring_count(ring), 0);
	CU_ASSERT_EQUAL(recorder_ring_find(ring, 0), 0);
	for (time_ns = 1; time_ns <= 3; time_ns++)
		push(ring, time_ns);
	CU_ASSERT_EQUAL(recorder_ring_count(ring), 3);
	CU_ASSERT_EQUAL(recorder_ring_get(ring, 0)->time_ns, 1);
	CU_ASSERT_EQUAL(recorder_ring_get(ring, 2)->time_ns, 3);
	recorder_ring_free(ring);
}

static void test_overwrites(void)
{
	struct recorder_ring *ring = recorder_ring_new(4, 1);
	uint64_t time_ns;
	size_t i;

	for (time_ns = 1; time_ns <= 11; time_ns++) {
		push(ring, time_ns);
		for (i = 0; i < recorder_ring_count(ring); i++)
			CU_ASSERT_EQUAL(recorder_ring_get(ring, i)->time_ns,
					time_ns - recorder_ring_count(ring) + 1 + i);
	}
	CU_ASSERT_EQUAL(recorder_ring_count(ring), 4);
	CU_ASSERT_EQUAL(recorder_ring_find(ring, 10), 2);
	CU_ASSERT_EQUAL(recorder_ring_find(ring, 5), 0);
	CU_ASSERT_EQUAL(recorder_ring_find(ring, 12), 4);
	recorder_ring_free(ring);
	CU_ASSERT_PTR_NULL(recorder_ring_free(NULL));
}

/* A mutex is told after its wait: its entry may be older than others before it. */
static void test_since(void)
{
	struct recorder_ring *ring = recorder_ring_new(3, 100);

	CU_ASSERT_EQUAL(recorder_ring_get_since(ring), 100);
	push(ring, 110);
	push(ring, 105);
	push(ring, 120);
	CU_ASSERT_EQUAL(recorder_ring_get_since(ring), 100);
	push(ring, 130);
	CU_ASSERT_EQUAL(recorder_ring_get_since(ring), 110);
	push(ring, 140);
	CU_ASSERT_EQUAL(recorder_ring_get_since(ring), 110);
	push(ring, 150);
	CU_ASSERT_EQUAL(recorder_ring_get_since(ring), 120);
	recorder_ring_free(ring);
}

static const struct tap_test tests[] = {
	{"entries in their order", test_order},
	{"the oldest are overwritten", test_overwrites},
	{"it says how far it goes back", test_since},
};

TAP_MAIN("recorder_ring", tests)
