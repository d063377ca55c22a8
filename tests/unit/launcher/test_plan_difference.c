/* SPDX-License-Identifier: MIT */
#include "plan_difference.h"
#include "tap.h"

#include <string.h>

static void check_list(const char *before, const char *after, const char *wanted)
{
	GPtrArray *list = plan_difference_list(before, after);
	g_autofree char *text = NULL;

	g_ptr_array_add(list, NULL);
	text = g_strjoinv("; ", (char **)list->pdata);
	CU_ASSERT_STRING_EQUAL(text, wanted);
	g_ptr_array_unref(list);
}

static void test_same(void)
{
	check_list("", "", "");
	check_list("vcpu_prio=3\nbudget=30%/100ms\n", "vcpu_prio=3\nbudget=30%/100ms\n", "");
	/* The order says nothing. */
	check_list("vcpu_prio=3\nbudget=30%/100ms\n", "budget=30%/100ms\nvcpu_prio=3\n", "");
}

static void test_differ(void)
{
	check_list("vcpu_prio=3\n", "vcpu_prio=3\nbudget=30%/100ms\nweight=7\n",
		   "budget=30%/100ms; weight=7");
	check_list("vcpu_prio=3\nweight=7\n", "vcpu_prio=4\n", "vcpu_prio=4; no weight");
	/* A key that begins as another one. */
	check_list("budget=1\n", "budget_x=1\n", "budget_x=1; no budget");
}

static const struct tap_test tests[] = {
	{"plans that say the same", test_same},
	{"what is new, another one, gone", test_differ},
};

TAP_MAIN("plan_difference", tests)
