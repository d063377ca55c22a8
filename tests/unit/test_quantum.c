/* SPDX-License-Identifier: MIT */
#include "tap.h"

#include <errno.h>
#include <limits.h>
#include <qrt/sched.h>

static void table_is_the_slides(void)
{
	static const struct {
		int nice, ms;
	} rows[] = {
		{-20, 800}, {-19, 780}, {-15, 700}, {-10, 600}, {-5, 500}, {-1, 420}, {0, 100},
		{1, 92},    {2, 88},    {3, 84},    {4, 80},    {5, 72},   {6, 68},   {7, 64},
		{8, 60},    {9, 52},    {10, 48},   {11, 44},   {12, 40},  {13, 32},  {14, 28},
		{15, 24},   {16, 20},   {17, 12},   {18, 8},    {19, 4},
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		CU_ASSERT_EQUAL(qrt_sched_quantum_of_nice(rows[i].nice), rows[i].ms * INT64_C(1000000));
}

static void falls_with_nice(void)
{
	int nice;

	for (nice = -20; nice < 19; nice++)
		CU_ASSERT_TRUE(qrt_sched_quantum_of_nice(nice) > qrt_sched_quantum_of_nice(nice + 1));
}

static void refuses_what_is_no_nice_value(void)
{
	CU_ASSERT_EQUAL(qrt_sched_quantum_of_nice(-21), -EINVAL);
	CU_ASSERT_EQUAL(qrt_sched_quantum_of_nice(20), -EINVAL);
	CU_ASSERT_EQUAL(qrt_sched_quantum_of_nice(INT_MIN), -EINVAL);
	CU_ASSERT_EQUAL(qrt_sched_quantum_of_nice(INT_MAX), -EINVAL);
}

static const struct tap_test tests[] = {
	{"the quantum is that of RT-QEMU's table", table_is_the_slides},
	{"a larger nice value is a shorter quantum", falls_with_nice},
	{"a nice value out of range is refused", refuses_what_is_no_nice_value},
};

TAP_MAIN("quantum", tests)
