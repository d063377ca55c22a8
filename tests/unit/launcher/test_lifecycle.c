/* SPDX-License-Identifier: MIT */
#include "lifecycle.h"
#include "tap.h"

#include <qrt/shmem_agent.h>
#include <string.h>

#define MS UINT64_C(1000000)
#define S  UINT64_C(1000000000)

static const struct lifecycle_limits limits = {.boot_ns = 10 * S, .silence_ns = 2 * S};

static struct lifecycle life;
static uint64_t now;
static uint32_t beat;

static void begin(void)
{
	now = 1000 * S;
	beat = 0;
	lifecycle_begin(&life, now);
	lifecycle_set_running(&life, true);
}

/* In steps as a supervisor's. */
static void pass(uint64_t ns)
{
	uint64_t until = now + ns;

	while (now < until) {
		now += until - now < 20 * MS ? until - now : 20 * MS;
		lifecycle_pass(&life, &limits, now);
	}
}

static void hear(uint32_t said)
{
	lifecycle_hear(&life, said, ++beat, now);
}

static void expect(enum lifecycle_state state, const char *why, bool is_lowered)
{
	if (life.state != state || strcmp(life.why, why) != 0 || lifecycle_is_lowered(&life) != is_lowered)
		tap_note("%s (%s), lowered %d; wanted %s (%s)", lifecycle_name(life.state), life.why,
			 lifecycle_is_lowered(&life), lifecycle_name(state), why);
	CU_ASSERT_EQUAL(life.state, state);
	CU_ASSERT_STRING_EQUAL(life.why, why);
	CU_ASSERT_EQUAL(lifecycle_is_lowered(&life), is_lowered);
}

static void be_ready(void)
{
	begin();
	hear(QRT_SHMEM_STATE_READY);
	expect(LIFECYCLE_READY, "agent", false);
}

static void a_life(void)
{
	begin();
	expect(LIFECYCLE_BOOTING, "start", true);
	hear(QRT_SHMEM_STATE_BOOTING);
	expect(LIFECYCLE_BOOTING, "start", true);
	pass(3 * S);
	hear(QRT_SHMEM_STATE_READY);
	expect(LIFECYCLE_READY, "agent", false);
	CU_ASSERT_EQUAL(life.since_ns, now);
	pass(S);
	hear(QRT_SHMEM_STATE_READY);
	CU_ASSERT_EQUAL(life.since_ns, now - S);
	hear(QRT_SHMEM_STATE_REBOOTING);
	expect(LIFECYCLE_REBOOTING, "agent", true);
	pass(3 * S);
	expect(LIFECYCLE_REBOOTING, "agent", true);
	lifecycle_reset(&life, "guest-reset", now);
	expect(LIFECYCLE_BOOTING, "guest-reset", true);
	hear(QRT_SHMEM_STATE_READY);
	expect(LIFECYCLE_READY, "agent", false);
	hear(QRT_SHMEM_STATE_HALTING);
	expect(LIFECYCLE_HALTING, "agent", true);
	lifecycle_shut_down(&life, "guest-shutdown", now);
	expect(LIFECYCLE_HALTING, "agent", true);
}

/* By kexec there is no reset. */
static void ready_without_reset(void)
{
	be_ready();
	hear(QRT_SHMEM_STATE_REBOOTING);
	pass(S);
	hear(QRT_SHMEM_STATE_READY);
	expect(LIFECYCLE_READY, "agent", false);
}

static void silence(void)
{
	be_ready();
	pass(2 * S - MS);
	expect(LIFECYCLE_READY, "agent", false);
	pass(MS);
	expect(LIFECYCLE_LOST, "heartbeat", true);
	/* What it said before is no sign of life. */
	lifecycle_hear(&life, QRT_SHMEM_STATE_READY, beat, now);
	expect(LIFECYCLE_LOST, "heartbeat", true);
	hear(QRT_SHMEM_STATE_READY);
	expect(LIFECYCLE_READY, "agent", false);
}

static void beats_keep_it(void)
{
	int i;

	be_ready();
	for (i = 0; i < 10; i++) {
		pass(2 * S - MS);
		hear(i % 2 ? QRT_SHMEM_STATE_READY : QRT_SHMEM_STATE_USER);
		expect(LIFECYCLE_READY, "agent", false);
	}
}

/* Who shuts down ends its agent before all others. */
static void only_who_is_ready_is_lost(void)
{
	static const uint32_t said[] = {QRT_SHMEM_STATE_BOOTING, QRT_SHMEM_STATE_REBOOTING,
					QRT_SHMEM_STATE_HALTING, QRT_SHMEM_STATE_NONE};
	enum lifecycle_state state;
	size_t i;

	for (i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
		begin();
		hear(said[i]);
		state = life.state;
		pass(5 * S);
		CU_ASSERT_EQUAL(life.state, state);
	}
}

static void who_never_is_lost(void)
{
	const struct lifecycle_limits none = {0};

	be_ready();
	for (now += S; now < 2000 * S; now += 100 * MS)
		lifecycle_pass(&life, &none, now);
	expect(LIFECYCLE_READY, "agent", false);
	lifecycle_reset(&life, "reset", now);
	for (; now < 3000 * S; now += 100 * MS)
		lifecycle_pass(&life, &none, now);
	expect(LIFECYCLE_BOOTING, "reset", true);
}

static void an_agent_that_ends(void)
{
	be_ready();
	hear(QRT_SHMEM_STATE_NONE);
	expect(LIFECYCLE_UNKNOWN, "agent-ended", false);
	pass(100 * S);
	expect(LIFECYCLE_UNKNOWN, "agent-ended", false);
	hear(QRT_SHMEM_STATE_READY);
	expect(LIFECYCLE_READY, "agent", false);
}

static void the_longest_boot(void)
{
	begin();
	pass(10 * S - MS);
	expect(LIFECYCLE_BOOTING, "start", true);
	pass(MS);
	expect(LIFECYCLE_BOOTING, "start", false);
	CU_ASSERT_TRUE(life.is_over);
	/* No word but ready makes that another boot. */
	hear(QRT_SHMEM_STATE_BOOTING);
	hear(QRT_SHMEM_STATE_REBOOTING);
	expect(LIFECYCLE_REBOOTING, "agent", false);
	hear(QRT_SHMEM_STATE_READY);
	CU_ASSERT_FALSE(life.is_over);
	hear(QRT_SHMEM_STATE_REBOOTING);
	expect(LIFECYCLE_REBOOTING, "agent", true);
}

/* Words of a guest do not make it longer, QEMU's reset does. */
static void the_limit_is_for_all_of_it(void)
{
	be_ready();
	hear(QRT_SHMEM_STATE_REBOOTING);
	pass(6 * S);
	hear(QRT_SHMEM_STATE_BOOTING);
	pass(4 * S);
	expect(LIFECYCLE_BOOTING, "agent", false);
	lifecycle_reset(&life, "guest-reset", now);
	expect(LIFECYCLE_BOOTING, "agent", true);
	pass(9 * S);
	expect(LIFECYCLE_BOOTING, "agent", true);
}

static void who_is_lost_for_too_long(void)
{
	be_ready();
	pass(2 * S);
	expect(LIFECYCLE_LOST, "heartbeat", true);
	pass(10 * S);
	expect(LIFECYCLE_LOST, "heartbeat", false);
}

/* A VM that is stopped does not get older. */
static void a_stop(void)
{
	be_ready();
	pass(S);
	lifecycle_set_running(&life, false);
	pass(100 * S);
	lifecycle_set_running(&life, true);
	pass(S - MS);
	expect(LIFECYCLE_READY, "agent", false);
	pass(MS);
	expect(LIFECYCLE_LOST, "heartbeat", true);
	lifecycle_set_running(&life, false);
	pass(100 * S);
	expect(LIFECYCLE_LOST, "heartbeat", true);
}

/* A supervisor, or a whole host, that hangs. */
static void a_gap(void)
{
	be_ready();
	now += 3600 * S;
	lifecycle_pass(&life, &limits, now);
	expect(LIFECYCLE_READY, "agent", false);
	now -= S;
	lifecycle_pass(&life, &limits, now);
	expect(LIFECYCLE_READY, "agent", false);
}

static void what_was_said_before_a_reset(void)
{
	be_ready();
	lifecycle_shut_down(&life, "guest-shutdown", now);
	expect(LIFECYCLE_HALTING, "guest-shutdown", true);
	hear(QRT_SHMEM_STATE_READY);
	expect(LIFECYCLE_HALTING, "guest-shutdown", true);
	lifecycle_reset(&life, "host-qmp-system-reset", now);
	expect(LIFECYCLE_BOOTING, "host-qmp-system-reset", true);
	/* It counts anew, and may come to the same number. */
	lifecycle_hear(&life, QRT_SHMEM_STATE_READY, beat, now);
	expect(LIFECYCLE_READY, "agent", false);
}

/* In a second nobody reboots more often than that. */
static void a_guest_that_cannot_decide(void)
{
	enum lifecycle_state before;
	int i, changes = 0;

	be_ready();
	for (i = 0; i < 100000; i++) {
		before = life.state;
		hear(i % 2 ? QRT_SHMEM_STATE_READY : QRT_SHMEM_STATE_REBOOTING);
		changes += life.state != before;
		pass(MS);
	}
	CU_ASSERT_TRUE(changes > 100 && changes <= 120);
	pass(100 * S);
	hear(QRT_SHMEM_STATE_BOOTING);
	hear(QRT_SHMEM_STATE_READY);
	expect(LIFECYCLE_READY, "agent", false);
}

static void words_that_nobody_knows(void)
{
	be_ready();
	hear(QRT_SHMEM_STATE_HALTING + 1);
	hear(UINT32_MAX);
	expect(LIFECYCLE_READY, "agent", false);
	CU_ASSERT_STRING_EQUAL(lifecycle_name(99), "unknown");
	lifecycle_reset(&life, "a reason that is longer than the longest one that there is by far", now);
	CU_ASSERT_EQUAL(strlen(life.why), sizeof(life.why) - 1);
}

static const struct tap_test tests[] = {
	{"a guest boots, is ready, reboots, and ends", a_life},
	{"it comes back without a reset", ready_without_reset},
	{"silence is loss, a new beat the end of it", silence},
	{"beats keep it", beats_keep_it},
	{"only who was ready is lost", only_who_is_ready_is_lost},
	{"without limits nobody is lost, and a boot lasts", who_never_is_lost},
	{"an agent that ends by itself leaves it unknown", an_agent_that_ends},
	{"a boot that takes too long is not lowered any more", the_longest_boot},
	{"the limit is for a whole reboot", the_limit_is_for_all_of_it},
	{"the limit is for who is lost, too", who_is_lost_for_too_long},
	{"no time passes while it is stopped", a_stop},
	{"no time passes that nobody saw", a_gap},
	{"what was said before a shutdown does not count, after a reset it does",
	 what_was_said_before_a_reset},
	{"a guest that cannot decide is heard now and then", a_guest_that_cannot_decide},
	{"words that nobody knows", words_that_nobody_knows},
};

TAP_MAIN("lifecycle", tests)
