/* SPDX-License-Identifier: MIT */
/* Every allocation of a plan fails once: the call says so, and the plan is as it was. */
#include "plan_help.h"
#include "tap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The linker leads the library's calls here. 0: all succeed, n: the n-th from now on fails. */
static unsigned failing;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

static int fails(void)
{
	return failing && --failing == 0;
}

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
	return fails() ? NULL : __real_realloc(old, size);
}

static int change_by_option(struct qrt_sched_plan *plan, struct qrt_sched_error *error)
{
	return qrt_sched_plan_parse_option(plan, "vcpu_bias=1,2", error);
}

static int change_by_maxprio(struct qrt_sched_plan *plan, struct qrt_sched_error *error)
{
	return qrt_sched_plan_parse_option(plan, "maxprio=50,policy=ts", error);
}

static int change_by_text(struct qrt_sched_plan *plan, struct qrt_sched_error *error)
{
	static const char text[] = "vcpu_bias=1\nmain_bias=2\npi=off\n";

	return qrt_sched_plan_parse_text(plan, text, strlen(text), error);
}

static int change_by_defaults(struct qrt_sched_plan *plan, struct qrt_sched_error *error)
{
	struct qrt_sched_host host = host_of("0-3");
	struct qrt_sched_vm vm = vm_of(2, 1);

	return qrt_sched_plan_set_defaults(plan, &host, &vm, error);
}

static int change_by_file(struct qrt_sched_plan *plan, struct qrt_sched_error *error)
{
	return qrt_sched_plan_parse_file(plan, "/proc/self/cgroup", error);
}

static int change_by_set(struct qrt_sched_plan *plan, struct qrt_sched_error *error)
{
	struct qrt_sched_setting s = {.set = QRT_SCHED_SET_NICE | QRT_SCHED_SET_PRIORITY, .priority = 7};
	int r = qrt_sched_plan_set(plan, QRT_SCHED_ROLE_VCPU, 0, &s);

	error->code = r < 0 ? r : 0;
	return r;
}

/* Runs the change with its n-th allocation failing, until it needs fewer than n. Returns how many. */
static unsigned fail_each(int (*change)(struct qrt_sched_plan *, struct qrt_sched_error *))
{
	struct qrt_sched_plan *plan = plan_of("vcpu_prio=5 paio_name=a,b othr_bias=0-3");
	char *before = strdup(plan_text(plan));
	unsigned n = 0;
	int r;

	do {
		struct qrt_sched_error error = {0};

		failing = ++n;
		r = change(plan, &error);
		if (failing)
			break;
		CU_ASSERT_EQUAL(r, -ENOMEM);
		CU_ASSERT_EQUAL(error.code, -ENOMEM);
		CU_ASSERT_STRING_EQUAL(plan_text(plan), before);
	} while (n < 1000);
	failing = 0;
	free(before);
	qrt_sched_plan_close(plan);
	return n - 1;
}

static void a_change_without_memory_changes_nothing(void)
{
	CU_ASSERT_TRUE(fail_each(change_by_option) >= 4);
	CU_ASSERT_TRUE(fail_each(change_by_maxprio) >= 20);
	CU_ASSERT_TRUE(fail_each(change_by_text) >= 5);
	CU_ASSERT_TRUE(fail_each(change_by_defaults) >= 20);
	CU_ASSERT_TRUE(fail_each(change_by_file) >= 1);
	CU_ASSERT_TRUE(fail_each(change_by_set) >= 5);
}

static void no_plan_without_memory(void)
{
	struct qrt_sched_plan *plan = (struct qrt_sched_plan *)&failing;

	failing = 1;
	CU_ASSERT_EQUAL(qrt_sched_plan_new(&plan), -ENOMEM);
	CU_ASSERT_PTR_EQUAL(plan, &failing);
	failing = 0;
}

static void no_copy_without_memory(void)
{
	struct qrt_sched_plan *plan = plan_of("vcpu_prio=5 paio_name=a,b"), *const before = plan,
			      *copy = plan;
	unsigned n;
	int r = -ENOMEM;

	for (n = 1; r < 0 && n < 100; n++) {
		failing = n;
		r = qrt_sched_plan_copy(plan, &copy);
		if (r < 0) {
			CU_ASSERT_EQUAL(r, -ENOMEM);
			CU_ASSERT_PTR_EQUAL(copy, before);
		}
		failing = 0;
	}
	CU_ASSERT(r == 0 && n > 3);
	qrt_sched_plan_close(copy);
	qrt_sched_plan_close(plan);
}

static void lint_without_memory_says_so(void)
{
	struct qrt_sched_plan *plan = plan_of("othr_prio=99 main_sched=other main_prio=3 main_bias=0,1,2");
	struct qrt_sched_host host = host_of("0");

	failing = 1;
	CU_ASSERT_EQUAL(qrt_sched_plan_lint(plan, &host, NULL, NULL, 0), -ENOMEM);
	failing = 0;
	qrt_sched_plan_close(plan);
}

static const struct tap_test tests[] = {
	{"a change that gets no memory changes nothing, at whichever allocation",
	 a_change_without_memory_changes_nothing},
	{"new without memory leaves its output alone", no_plan_without_memory},
	{"copy without memory leaves its output alone", no_copy_without_memory},
	{"lint without memory says so", lint_without_memory_says_so},
};

TAP_MAIN("plan_memory", tests)
