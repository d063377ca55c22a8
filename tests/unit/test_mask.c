/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "fake_kernel.h"
#include "mask_p.h"
#include "tap.h"

static void expect(const char *mask, const char *list)
{
	struct qrt_sched_cpus cpus;
	char text[128] = "";

	CU_ASSERT_EQUAL_FATAL(qrt_sched_p_mask_parse(mask, &cpus), 0);
	qrt_sched_cpus_format(&cpus, text, sizeof(text));
	CU_ASSERT_STRING_EQUAL(text, list);
}

static void reads_what_kernels_write(void)
{
	expect("0", "");
	expect("3", "0-1");
	expect("f0", "4-7");
	expect("ffffffff,00000001", "0,32-63");
	expect("00000000,00000000,00000002", "1");
	expect("1,00000000", "32");
	expect("DEADbeef", "0-3,5-7,9-13,15-16,18-19,21,23,25-28,30-31");
}

static void refuses_what_is_no_mask(void)
{
	static const char *const bad[] = {"", ",", "1,", ",1", "0x3", "3 ", "g", "-1", "1-2"};
	struct qrt_sched_cpus cpus;
	char wide[400];
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CU_ASSERT_EQUAL(qrt_sched_p_mask_parse(bad[i], &cpus), -EINVAL);
	memset(wide, 'f', sizeof(wide) - 1);
	wide[sizeof(wide) - 1] = '\0';
	CU_ASSERT_EQUAL(qrt_sched_p_mask_parse(wide, &cpus), -ERANGE);
	/* Zeros before it make no CPU. */
	memset(wide, '0', sizeof(wide) - 2);
	CU_ASSERT_EQUAL(qrt_sched_p_mask_parse(wide, &cpus), 0);
}

static void writes_what_kernels_read(void)
{
	static const char *const lists[][2] = {
		{"0-1", "3"}, {"1", "2"}, {"32", "1,00000000"}, {"0,64-67", "f,00000000,00000001"}};
	struct qrt_sched_cpus cpus, none = {0}, all;
	char text[QRT_SCHED_P_MASK_TEXT];
	size_t i;

	for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		cpus = fake_kernel_cpus(lists[i][0]);
		qrt_sched_p_mask_format(&cpus, text);
		CU_ASSERT_STRING_EQUAL(text, lists[i][1]);
	}
	qrt_sched_p_mask_format(&none, text);
	CU_ASSERT_STRING_EQUAL(text, "0");
	memset(&all, 0xff, sizeof(all));
	qrt_sched_p_mask_format(&all, text);
	CU_ASSERT_EQUAL(qrt_sched_p_mask_parse(text, &cpus), 0);
	CU_ASSERT_EQUAL(memcmp(&cpus, &all, sizeof(all)), 0);
}

static void masks_are_compared_by_their_cpus(void)
{
	CU_ASSERT(qrt_sched_p_mask_is_same("3", "00000000,00000003"));
	CU_ASSERT(!qrt_sched_p_mask_is_same("3", "1,00000003"));
	CU_ASSERT(!qrt_sched_p_mask_is_same("3", "no mask"));
	CU_ASSERT(qrt_sched_p_mask_is_file("/proc/irq/4/smp_affinity"));
	CU_ASSERT(!qrt_sched_p_mask_is_file("/proc/irq/4/smp_affinity_list"));
}

static const struct tap_test tests[] = {
	{"reads what kernels write", reads_what_kernels_write},
	{"refuses what is no mask", refuses_what_is_no_mask},
	{"writes what kernels read", writes_what_kernels_read},
	{"masks are compared by their CPUs", masks_are_compared_by_their_cpus},
};

TAP_MAIN("mask", tests)
