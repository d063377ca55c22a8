/* SPDX-License-Identifier: MIT */
#include "blame_holds.h"
#include "tap.h"

#include <glib.h>
#include <string.h>

#define M 0x7f00u

static struct {
	size_t count;
	struct blame_hold holds[16];
} found;

static void note(void *context, const struct blame_hold *hold)
{
	(void)context;
	if (found.count < G_N_ELEMENTS(found.holds))
		found.holds[found.count] = *hold;
	found.count++;
}

static void add(struct blame_holds *holds, int32_t tid, int32_t owner, uint64_t start, uint64_t end)
{
	struct blame_delay wait = {.kind = BLAME_MUTEX, .tid = tid, .owner = owner, .mutex = M};

	wait.start_ns = start;
	wait.ns = wait.least_ns = end - start;
	blame_holds_add(holds, &wait, true);
}

/* Frees them, too. */
static void find(struct blame_holds *holds, uint64_t over_ns)
{
	memset(&found, 0, sizeof(found));
	blame_holds_find(holds, over_ns, note, NULL);
	blame_holds_free(holds);
}

static void check(size_t i, int32_t tid, uint64_t start, uint64_t ns, uint32_t waiters)
{
	CU_ASSERT_TRUE_FATAL(i < found.count);
	CU_ASSERT_EQUAL(found.holds[i].tid, tid);
	CU_ASSERT_EQUAL(found.holds[i].start_ns, start);
	CU_ASSERT_EQUAL(found.holds[i].ns, ns);
	CU_ASSERT_EQUAL(found.holds[i].waiters, waiters);
}

static void test_one(void)
{
	struct blame_holds *holds = blame_holds_new();

	add(holds, 1, 9, 100, 160);
	find(holds, 1);
	CU_ASSERT_EQUAL(found.count, 1);
	check(0, 9, 100, 60, 1);
	CU_ASSERT_EQUAL(found.holds[0].mutex, M);
}

/* Thread 1 gets it at 160 and has it until 2, which waited all the time, gets it. */
static void test_passed_on(void)
{
	struct blame_holds *holds = blame_holds_new();

	add(holds, 2, 9, 120, 200);
	add(holds, 1, 9, 100, 160);
	find(holds, 1);
	CU_ASSERT_EQUAL(found.count, 2);
	check(0, 9, 100, 60, 2);
	check(1, 1, 160, 40, 1);
}

/* That nobody waits ends what is known of a hold; the next wait begins another one. */
static void test_between(void)
{
	struct blame_holds *holds = blame_holds_new();

	add(holds, 1, 9, 100, 160);
	add(holds, 2, 1, 500, 530);
	add(holds, 3, 0, 600, 650);
	find(holds, 1);
	CU_ASSERT_EQUAL(found.count, 3);
	check(1, 1, 500, 30, 1);
	check(2, 0, 600, 50, 1);
}

/* Who begins to wait later saw another holder: one that had it without a wait of its own. */
static void test_unseen(void)
{
	struct blame_holds *holds = blame_holds_new();

	add(holds, 1, 9, 100, 200);
	add(holds, 2, 8, 150, 260);
	find(holds, 1);
	CU_ASSERT_EQUAL(found.count, 3);
	check(0, 9, 100, 50, 1);
	check(1, 8, 150, 50, 2);
	check(2, 1, 200, 60, 1);
}

static void test_unknown(void)
{
	struct blame_holds *holds = blame_holds_new();

	add(holds, 1, 9, 100, 200);
	add(holds, 2, 0, 150, 180);
	find(holds, 1);
	CU_ASSERT_EQUAL(found.count, 2);
	check(0, 9, 100, 80, 2);
	check(1, 2, 180, 20, 1);
}

static void test_short(void)
{
	struct blame_holds *holds = blame_holds_new();

	add(holds, 1, 9, 100, 160);
	add(holds, 2, 9, 300, 340);
	add(holds, 3, 9, 400, 400);
	find(holds, 50);
	CU_ASSERT_EQUAL(found.count, 1);
	check(0, 9, 100, 60, 1);
}

static void test_mutexes(void)
{
	struct blame_holds *holds = blame_holds_new();
	struct blame_delay wait = {.tid = 1, .owner = 8, .mutex = M + 64, .start_ns = 110, .ns = 20};

	add(holds, 2, 9, 100, 160);
	blame_holds_add(holds, &wait, true);
	find(holds, 1);
	CU_ASSERT_EQUAL(found.count, 2);
	check(0, 9, 100, 60, 1);
	check(1, 8, 110, 20, 1);
	CU_ASSERT_EQUAL(found.holds[1].mutex, M + 64);
}

/* A wait that does not count makes no hold, but passes the mutex on. */
static void test_not_counted(void)
{
	struct blame_holds *holds = blame_holds_new();
	struct blame_delay wait = {.tid = 1, .owner = 9, .mutex = M, .start_ns = 100, .ns = 60};

	blame_holds_add(holds, &wait, false);
	add(holds, 2, 9, 120, 200);
	find(holds, 1);
	CU_ASSERT_EQUAL(found.count, 2);
	check(0, 9, 120, 40, 1);
	check(1, 1, 160, 40, 1);
}

/* QEMU writes the records: however many, and whatever is in them. */
static void test_hostile(void)
{
	struct blame_holds *holds = blame_holds_new();
	uint64_t seed = 1;
	int i;

	for (i = 0; i < 200000; i++) {
		struct blame_delay wait = {.kind = BLAME_MUTEX};

		seed = seed * 6364136223846793005u + 1442695040888963407u;
		wait.mutex = seed >> 62;
		wait.tid = (int32_t)(seed >> 40);
		wait.owner = (int32_t)(seed >> 30);
		wait.start_ns = seed >> 20 & 0xffff;
		wait.ns = seed >> 4 & 0xffff;
		blame_holds_add(holds, &wait, seed >> 3 & 1);
	}
	find(holds, 1);
	CU_ASSERT_TRUE(found.count > 0 && found.count <= 4 * 65536);
	for (i = 0; i < (int)G_N_ELEMENTS(found.holds); i++)
		CU_ASSERT_TRUE(found.holds[i].ns >= 1 && found.holds[i].ns <= 0x1ffff);
}

static const struct tap_test tests[] = {
	{"one wait: its owner held it", test_one},
	{"who got it after a wait holds it", test_passed_on},
	{"nobody waits between two holds", test_between},
	{"a holder that did not wait itself", test_unseen},
	{"an unknown owner says nothing", test_unknown},
	{"short holds are left out", test_short},
	{"mutexes are apart", test_mutexes},
	{"a wait that does not count", test_not_counted},
	{"records of any content", test_hostile},
};

TAP_MAIN("blame_holds", tests)
