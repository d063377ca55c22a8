/* SPDX-License-Identifier: MIT */
#include <sys/prctl.h>
#include <unistd.h>

#include "blame_names.h"
#include "tap.h"

/* What is printed must not reach a terminal as an order, whoever chose the name. */
static void test_name_told(void)
{
	struct blame_names *names = blame_names_new();

	blame_names_set(names, 5, 5, "\033[2Ja\r\n\177\302\233b");
	CU_ASSERT_STRING_EQUAL(blame_names_get(names, 5)->comm, "?[2Ja?????b");
	blame_names_set(names, 5, 5, "CPU 0/KVM");
	CU_ASSERT_STRING_EQUAL(blame_names_get(names, 5)->comm, "CPU 0/KVM");
	blame_names_free(names);
}

static void test_name_read(void)
{
	struct blame_names *names = blame_names_new();

	prctl(PR_SET_NAME, "a)\033[31m ( b");
	blame_names_look(names, (int32_t)gettid());
	CU_ASSERT_STRING_EQUAL(blame_names_get(names, (int32_t)gettid())->comm, "a)?[31m ( b");
	CU_ASSERT_TRUE(blame_names_get(names, (int32_t)gettid())->has_policy);
	blame_names_free(names);
}

static const struct tap_test tests[] = {
	{"a name that is told is cleaned", test_name_told},
	{"a name that is read is cleaned", test_name_read},
};

TAP_MAIN("blame_names", tests)
