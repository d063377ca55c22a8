/* SPDX-License-Identifier: MIT */
/* Slices of another process's thread, ended by a thread of ours. */
#include "tap.h"

#include "command.h"
#include "slices.h"
#include "victim.h"

#include <errno.h>
#include <string.h>

#define PRIORITY 3
#define QUANTUM  4000000
#define SPIN_MS  400

static const struct qrt_sched_setting above = {.set = QRT_SCHED_SET_POLICY | QRT_SCHED_SET_PRIORITY,
					       .policy = QRT_SCHED_POLICY_FIFO,
					       .priority = PRIORITY + 1};
static struct slices *slices;
static pid_t victim;

void complain(const char *format, ...)
{
	tap_note("said: %s", format);
}

static void end(void)
{
	CU_ASSERT_PTR_NULL(slices_close(slices));
	victim_end(victim);
}

static bool begin(void)
{
	const struct qrt_sched_setting planned = {.set = QRT_SCHED_SET_POLICY | QRT_SCHED_SET_PRIORITY,
						  .policy = QRT_SCHED_POLICY_FIFO,
						  .priority = PRIORITY};
	int r;

	victim = victim_start(SPIN_MS);
	CU_ASSERT_FATAL(victim > 0);
	slices = slices_open(&above);
	r = qrt_sched_setting_apply(victim, &planned, NULL);
	if (r == 0)
		return true;
	end();
	tap_skip(strerror(-r));
	return false;
}

/* Who looks while nobody rotates sees what the plan says, at any moment. */
static void test_hold(void)
{
	struct qrt_sched_setting has = {0};
	uint64_t end_ns;
	int looks = 0;

	if (!begin())
		return;
	CU_ASSERT_EQUAL(slices_set(slices, victim, QUANTUM), 0);
	victim_spin(victim);
	for (end_ns = victim_now() + SPIN_MS * 1000000ull; victim_now() < end_ns; looks++) {
		slices_hold(slices);
		CU_ASSERT_EQUAL(qrt_sched_setting_read(victim, &has), 0);
		CU_ASSERT_EQUAL(has.priority, PRIORITY);
		slices_release(slices);
		if (looks % 8 == 0)
			CU_ASSERT_EQUAL(slices_set(slices, victim, looks % 16 ? QUANTUM : 2 * QUANTUM), 0);
		usleep(200);
	}
	CU_ASSERT_EQUAL(slices_set(slices, victim, 0), 0);
	CU_ASSERT(looks > 0);
	end();
}

static void test_none(void)
{
	CU_ASSERT_EQUAL(slices_set(NULL, 1, 0), 0);
	CU_ASSERT_EQUAL(slices_set(NULL, 1, QUANTUM), -EOPNOTSUPP);
	CU_ASSERT_TRUE(slices_try_hold(NULL));
	slices_hold(NULL);
	slices_release(NULL);
	CU_ASSERT_PTR_NULL(slices_close(NULL));
	slices = slices_open(&above);
	/* There is nothing to be ended, and no thread for that. */
	CU_ASSERT_EQUAL(slices_set(slices, 1, 0), 0);
	CU_ASSERT_TRUE(slices_try_hold(slices));
	slices_release(slices);
	CU_ASSERT_PTR_NULL(slices_close(slices));
}

static const struct tap_test tests[] = {
	{"while its slices are held a thread is what it is", test_hold},
	{"where there are none nothing is done", test_none},
};

TAP_MAIN("slices", tests)
