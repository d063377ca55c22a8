/* SPDX-License-Identifier: MIT */
/* When a slice is over, and which timer is to say so: arithmetic alone. */
#include "quantum_p.h"
#include "tap.h"

#define MS   UINT64_C(1000000)
#define TICK (4 * MS)

static struct qrt_sched_p_slice slice;
static struct qrt_sched_p_alarm alarm_set;

static void begin(uint64_t now, uint64_t length)
{
	alarm_set = qrt_sched_p_slice_begin(&slice, now, length, TICK);
}

static int is_over(uint64_t now)
{
	return qrt_sched_p_slice_is_over(&slice, now, TICK, &alarm_set);
}

#define ALARM(which, after)                                                                                  \
	do {                                                                                                 \
		CU_ASSERT_EQUAL(alarm_set.timer, which);                                                     \
		CU_ASSERT_EQUAL(alarm_set.ns, after);                                                        \
	} while (0)

static void a_long_slice_begins_on_cpu_time(void)
{
	begin(7 * MS, 20 * MS);
	ALARM(QRT_SCHED_P_TIMER_CPU, 16 * MS);
	CU_ASSERT_EQUAL(slice.end_ns, 27 * MS);
}

static void one_within_a_tick_is_met_in_real_time_at_once(void)
{
	begin(7 * MS, 4 * MS);
	ALARM(QRT_SCHED_P_TIMER_REAL, 4 * MS);
}

static void it_is_over_at_its_end_and_a_little_before(void)
{
	begin(100 * MS, 64 * MS);
	CU_ASSERT_EQUAL(is_over(100 * MS), 0);
	CU_ASSERT_EQUAL(is_over(163 * MS - 1), 0);
	CU_ASSERT_EQUAL(is_over(163 * MS), 1);
	CU_ASSERT_EQUAL(is_over(164 * MS), 1);
	CU_ASSERT_EQUAL(is_over(1000 * MS), 1);
}

/* The timer on CPU time comes at a tick, less than one tick before the end. */
static void the_rest_of_a_tick_is_met_in_real_time(void)
{
	begin(0, 20 * MS);
	CU_ASSERT_EQUAL(is_over(17 * MS), 0);
	ALARM(QRT_SCHED_P_TIMER_REAL, 3 * MS);
	CU_ASSERT_EQUAL(is_over(20 * MS), 1);
}

static void who_slept_meanwhile_is_not_woken_again(void)
{
	begin(0, 20 * MS);
	CU_ASSERT_EQUAL(is_over(17 * MS), 0);
	ALARM(QRT_SCHED_P_TIMER_REAL, 3 * MS);
	CU_ASSERT_EQUAL(is_over(17 * MS + 10000), 0);
	CU_ASSERT_EQUAL(alarm_set.timer, QRT_SCHED_P_TIMER_CPU);
	CU_ASSERT(alarm_set.ns > 0 && alarm_set.ns < MS);
	/* It runs again, and this is the tick at which that is seen. */
	CU_ASSERT_EQUAL(is_over(18 * MS), 0);
	ALARM(QRT_SCHED_P_TIMER_REAL, 2 * MS);
}

static void who_ran_most_of_the_time_is_asked_again_soon(void)
{
	begin(0, 20 * MS);
	is_over(17 * MS);
	CU_ASSERT_EQUAL(is_over(19 * MS), 0);
	ALARM(QRT_SCHED_P_TIMER_REAL, MS);
}

static void an_early_look_goes_back_to_cpu_time(void)
{
	begin(0, 20 * MS);
	CU_ASSERT_EQUAL(is_over(2 * MS), 0);
	ALARM(QRT_SCHED_P_TIMER_CPU, 14 * MS);
}

/* Whatever a thread does: how often is it interrupted for one slice? */
static void a_slice_takes_few_signals(void)
{
	uint64_t length, share, now;
	int signals, wakes;

	for (length = MS; length <= 1000 * MS; length *= 3) {
		for (share = 1; share <= 100; share += 9) {
			now = 0;
			begin(now, length);
			for (signals = 0, wakes = 0; !is_over(now) && signals < 1000; signals++) {
				wakes += alarm_set.timer == QRT_SCHED_P_TIMER_REAL;
				/* On CPU time nobody is woken: it runs until then, and on to a tick. */
				if (alarm_set.timer == QRT_SCHED_P_TIMER_CPU)
					now += alarm_set.ns > TICK ? alarm_set.ns : TICK / 5;
				else
					now += alarm_set.ns * share / 100;
			}
			CU_ASSERT(signals < 40);
			CU_ASSERT(wakes < 20);
		}
	}
}

static const struct tap_test tests[] = {
	{"a slice longer than a tick begins on CPU time", a_long_slice_begins_on_cpu_time},
	{"one within a tick is met in real time at once", one_within_a_tick_is_met_in_real_time_at_once},
	{"it is over at its end and a little before", it_is_over_at_its_end_and_a_little_before},
	{"the rest of a tick is met in real time", the_rest_of_a_tick_is_met_in_real_time},
	{"who slept meanwhile is not woken again", who_slept_meanwhile_is_not_woken_again},
	{"who ran most of the time is asked again soon", who_ran_most_of_the_time_is_asked_again_soon},
	{"an early look goes back to CPU time", an_early_look_goes_back_to_cpu_time},
	{"a slice takes few signals", a_slice_takes_few_signals},
};

TAP_MAIN("quantum_slice", tests)
