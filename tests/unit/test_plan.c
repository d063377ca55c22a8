/* SPDX-License-Identifier: MIT */
#include "plan_help.h"
#include "tap.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

static void an_empty_plan_says_nothing(void)
{
	struct qrt_sched_plan *plan = plan_of("");
	struct qrt_sched_setting s;
	int role;

	for (role = 0; role < QRT_SCHED_ROLES; role++) {
		CU_ASSERT_EQUAL(qrt_sched_plan_has(plan, role), 0);
		CU_ASSERT_EQUAL(qrt_sched_plan_get(plan, role, 0, &s), 0);
		CU_ASSERT_EQUAL(s.set, 0);
	}
	CU_ASSERT_EQUAL(qrt_sched_plan_format(plan, NULL, 0), 0);
	CU_ASSERT_PTR_NULL(qrt_sched_plan_close(plan));
	CU_ASSERT_PTR_NULL(qrt_sched_plan_close(NULL));
}

static void policy_and_priority_imply_each_other(void)
{
	static const struct {
		const char *options, *said;
	} cases[] = {
		{"vcpu_sched=fifo", "fifo 1"}, {"vcpu_sched=rr", "rr 1"},
		{"vcpu_sched=other", "other"}, {"vcpu_sched=batch", "batch"},
		{"vcpu_sched=idle", "idle"},   {"vcpu_prio=0", "other"},
		{"vcpu_prio=7", "fifo 7"},     {"vcpu_sched=rr vcpu_prio=7", "rr 7"},
		{"vcpu_nice=0", "nice 0"},     {"vcpu_sched=other vcpu_nice=0", "other nice 0"},
		{"vcpu_bias=2", "on 2"},       {"main_prio=7", "nothing"},
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct qrt_sched_plan *plan = plan_of(cases[i].options);

		CU_ASSERT_STRING_EQUAL(said_of(plan, QRT_SCHED_ROLE_VCPU, 0), cases[i].said);
		qrt_sched_plan_close(plan);
	}
}

static void the_last_value_repeats(void)
{
	struct qrt_sched_plan *plan = plan_of("vcpu_bias=3,4 vcpu_sched=fifo,rr,other vcpu_prio=9,8,0");

	CU_ASSERT_STRING_EQUAL(said_of(plan, QRT_SCHED_ROLE_VCPU, 0), "fifo 9 on 3");
	CU_ASSERT_STRING_EQUAL(said_of(plan, QRT_SCHED_ROLE_VCPU, 1), "rr 8 on 4");
	CU_ASSERT_STRING_EQUAL(said_of(plan, QRT_SCHED_ROLE_VCPU, 2), "other on 4");
	CU_ASSERT_STRING_EQUAL(said_of(plan, QRT_SCHED_ROLE_VCPU, UINT32_MAX), "other on 4");
	qrt_sched_plan_close(plan);
}

static void calls_with_a_wrong_role_change_nothing(void)
{
	struct qrt_sched_plan *plan = plan_of("vcpu_prio=1");
	struct qrt_sched_setting s, before;

	memset(&s, 0x5a, sizeof(s));
	before = s;
	CU_ASSERT_EQUAL(qrt_sched_plan_get(plan, QRT_SCHED_ROLES, 0, &s), -EINVAL);
	CU_ASSERT_EQUAL(qrt_sched_plan_get(plan, (enum qrt_sched_role) - 1, 0, &s), -EINVAL);
	CU_ASSERT_EQUAL(memcmp(&s, &before, sizeof(s)), 0);
	CU_ASSERT_EQUAL(qrt_sched_plan_has(plan, QRT_SCHED_ROLES), 0);
	CU_ASSERT_EQUAL(qrt_sched_plan_get_line(plan, QRT_SCHED_ROLES, QRT_SCHED_SET_POLICY), 0);
	memset(&s, 0, sizeof(s));
	CU_ASSERT_EQUAL(qrt_sched_plan_set(plan, QRT_SCHED_ROLES, 0, &s), -EINVAL);
	qrt_sched_plan_close(plan);
}

static int set(struct qrt_sched_plan *plan, uint32_t index, uint32_t members, uint32_t policy,
	       int32_t priority, int32_t nice)
{
	struct qrt_sched_setting s = {.set = members, .policy = policy, .priority = priority, .nice = nice};

	s.cpus = cpus_of("0,2");
	return qrt_sched_plan_set(plan, QRT_SCHED_ROLE_VCPU, index, &s);
}

static void set_speaks_of_a_thread_and_those_above(void)
{
	struct qrt_sched_plan *plan = plan_of("vcpu_prio=5");

	CU_ASSERT_EQUAL(set(plan, 2, QRT_SCHED_SET_PRIORITY, 0, 7, 0), 0);
	CU_ASSERT_STRING_EQUAL(plan_text(plan), "vcpu_prio=5,5,7\n");
	CU_ASSERT_EQUAL(set(plan, 1, QRT_SCHED_SET_PRIORITY, 0, 6, 0), 0);
	CU_ASSERT_STRING_EQUAL(plan_text(plan), "vcpu_prio=5,6\n");
	CU_ASSERT_EQUAL(
		set(plan, 0, QRT_SCHED_SET_CPUS | QRT_SCHED_SET_POLICY | QRT_SCHED_SET_NICE, 2, 0, -3), 0);
	CU_ASSERT_STRING_EQUAL(plan_text(plan),
			       "vcpu_bias=0+2\nvcpu_sched=rr\nvcpu_prio=5,6\nvcpu_nice=-3\n");
	CU_ASSERT_EQUAL(set(plan, 0, 0, 0, 0, 0), 0);
	qrt_sched_plan_close(plan);
}

static void set_refuses_what_a_plan_cannot_hold(void)
{
	struct qrt_sched_plan *plan = plan_of("vcpu_prio=5");
	struct qrt_sched_setting no_cpu = {.set = QRT_SCHED_SET_CPUS};

	CU_ASSERT_EQUAL(set(plan, 0, QRT_SCHED_SET_PRIORITY, 0, 100, 0), -EINVAL);
	CU_ASSERT_EQUAL(set(plan, 0, QRT_SCHED_SET_PRIORITY, 0, -1, 0), -EINVAL);
	CU_ASSERT_EQUAL(set(plan, 0, QRT_SCHED_SET_POLICY, 4, 0, 0), -EINVAL);
	CU_ASSERT_EQUAL(set(plan, 0, QRT_SCHED_SET_POLICY | QRT_SCHED_SET_PRIORITY, 1, 0, 0), -EINVAL);
	CU_ASSERT_EQUAL(set(plan, 0, QRT_SCHED_SET_POLICY | QRT_SCHED_SET_PRIORITY, 0, 1, 0), -EINVAL);
	CU_ASSERT_EQUAL(set(plan, 0, QRT_SCHED_SET_NICE, 0, 0, 20), -EINVAL);
	CU_ASSERT_EQUAL(set(plan, 0, QRT_SCHED_SET_NICE, 0, 0, -21), -EINVAL);
	CU_ASSERT_EQUAL(set(plan, 0, QRT_SCHED_SET_FLAGS, 0, 0, 0), -EINVAL);
	CU_ASSERT_EQUAL(set(plan, 0, 128, 0, 0, 0), -EINVAL);
	CU_ASSERT_EQUAL(set(plan, 1, QRT_SCHED_SET_NICE, 0, 0, 1), -EINVAL);
	CU_ASSERT_EQUAL(set(plan, 1024, QRT_SCHED_SET_PRIORITY, 0, 1, 0), -EINVAL);
	CU_ASSERT_EQUAL(set(plan, UINT32_MAX, QRT_SCHED_SET_PRIORITY, 0, 1, 0), -EINVAL);
	CU_ASSERT_EQUAL(qrt_sched_plan_set(plan, QRT_SCHED_ROLE_VCPU, 0, &no_cpu), -EINVAL);
	CU_ASSERT_STRING_EQUAL(plan_text(plan), "vcpu_prio=5\n");
	qrt_sched_plan_close(plan);
}

/* A formatted plan has to parse: what would get too long for that is refused when it is said. */
static void set_refuses_what_would_not_parse_again(void)
{
	struct qrt_sched_plan *plan = plan_of("vcpu_bias=0");
	struct qrt_sched_setting s = {.set = QRT_SCHED_SET_CPUS};
	uint32_t index = 0;
	int cpu, r = 0;

	for (cpu = 1; cpu < 400; cpu += 2)
		qrt_sched_cpus_add(&s.cpus, cpu);
	for (index = 0; r == 0 && index < 100; index++)
		r = qrt_sched_plan_set(plan, QRT_SCHED_ROLE_VCPU, index, &s);
	CU_ASSERT_EQUAL(r, -ERANGE);
	CU_ASSERT_TRUE(strlen(plan_text(plan)) <= 4097);
	qrt_sched_plan_close(plan);
}

static void globals_have_their_defaults(void)
{
	struct qrt_sched_plan *plan = plan_of("");
	struct qrt_sched_globals g = {.size = sizeof(g)};

	CU_ASSERT_EQUAL(qrt_sched_plan_get_globals(plan, &g), 0);
	CU_ASSERT_EQUAL(g.size, sizeof(g));
	CU_ASSERT_TRUE(g.mlock == QRT_SCHED_MLOCK_OFF && g.pi_mutexes == 1 && g.maxprio == 0);
	CU_ASSERT_TRUE(g.pvsched == 0 && g.defaulted == 0);
	g.size = 0;
	CU_ASSERT_EQUAL(qrt_sched_plan_get_globals(plan, &g), -EINVAL);
	qrt_sched_plan_close(plan);
}

static void lines_say_who_said_it(void)
{
	static const char text[] = "# 1\nvcpu_bias=1\n\nvcpu_prio=4\nvcpu_sched=rr\nvcpu_nice=0\n";
	struct qrt_sched_plan *plan = plan_of("main_prio=3");

	CU_ASSERT_EQUAL(qrt_sched_plan_parse_text(plan, text, strlen(text), NULL), 0);
	CU_ASSERT_EQUAL(qrt_sched_plan_get_line(plan, QRT_SCHED_ROLE_VCPU, QRT_SCHED_SET_CPUS), 2);
	CU_ASSERT_EQUAL(qrt_sched_plan_get_line(plan, QRT_SCHED_ROLE_VCPU, QRT_SCHED_SET_PRIORITY), 4);
	CU_ASSERT_EQUAL(qrt_sched_plan_get_line(plan, QRT_SCHED_ROLE_VCPU, QRT_SCHED_SET_POLICY), 5);
	CU_ASSERT_EQUAL(qrt_sched_plan_get_line(plan, QRT_SCHED_ROLE_VCPU, QRT_SCHED_SET_NICE), 6);
	CU_ASSERT_EQUAL(qrt_sched_plan_get_line(plan, QRT_SCHED_ROLE_VCPU, QRT_SCHED_SET_FLAGS), 0);
	CU_ASSERT_EQUAL(qrt_sched_plan_get_line(plan, QRT_SCHED_ROLE_MAIN, QRT_SCHED_SET_PRIORITY), 0);
	CU_ASSERT_EQUAL(plan_add(plan, "vcpu_prio=5"), 0);
	CU_ASSERT_EQUAL(qrt_sched_plan_get_line(plan, QRT_SCHED_ROLE_VCPU, QRT_SCHED_SET_PRIORITY), 0);
	CU_ASSERT_EQUAL(qrt_sched_plan_get_line(plan, QRT_SCHED_ROLE_VCPU, QRT_SCHED_SET_CPUS), 2);
	qrt_sched_plan_close(plan);
}

static void unsupported_things_are_refused_with_a_remedy(void)
{
	static const struct {
		const char *options, *word;
	} cases[] = {
		{"vcpu_sched=deadline", "vcpu_runtime"},
		{"paio_sched=fifo,deadline paio_runtime=0,9 paio_period=100,100 paio_deadline=8", "paio 1"},
		{"othr_sched=other othr_runtime=99", "100..100000"},
		{"othr_runtime=100001", "100..100000"},
		{"maxprio=50,pvsched=on", "pvsched"},
		{"vcpu_sched=fifo vcpu_prio=0", "vcpu 0"},
		{"main_sched=other main_prio=4", "main 0"},
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct qrt_sched_plan *plan = plan_of(cases[i].options);
		struct qrt_sched_error error = {0};

		CU_ASSERT_EQUAL(qrt_sched_plan_supported(plan, &error), -EOPNOTSUPP);
		CU_ASSERT_EQUAL(error.code, -EOPNOTSUPP);
		CU_ASSERT_PTR_NOT_NULL(strstr(error.message, cases[i].word));
		CU_ASSERT_EQUAL(qrt_sched_plan_supported(plan, NULL), -EOPNOTSUPP);
		qrt_sched_plan_close(plan);
	}
}

static void what_works_is_supported(void)
{
	static const char *const good[] = {
		"",
		"vcpu_sched=rr vcpu_nice=19",
		"vcpu_sched=deadline vcpu_runtime=2000 vcpu_period=10000 vcpu_prio=5",
		"othr_sched=batch othr_runtime=100,100000,0",
		"vcpu_sched=rr vcpu_runtime=1000000",
		"vcpu_sched=rr",
		"vcpu_sched=fifo vcpu_nice=19",
		"vcpu_sched=other vcpu_nice=19",
		"maxprio=50,policy=ff,pvsched=off",
		"maxprio=50,policy=ts",
		"mlock=all pi=off",
	};
	struct qrt_sched_error error = {.code = 77};
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct qrt_sched_plan *plan = plan_of(good[i]);

		CU_ASSERT_EQUAL(qrt_sched_plan_supported(plan, &error), 0);
		CU_ASSERT_EQUAL(error.code, 77);
		qrt_sched_plan_close(plan);
	}
}

#define READERS 4

static void *read_often(void *plan)
{
	struct qrt_sched_setting s;
	intptr_t wrong = 0;
	int32_t index;
	uint32_t i;

	for (i = 0; i < 2000; i++) {
		wrong += qrt_sched_plan_get(plan, QRT_SCHED_ROLE_VCPU, i, &s) < 0 ||
			 s.priority != (i ? 6 : 5);
		wrong += qrt_sched_plan_classify(plan, "vcpu7", &index) != QRT_SCHED_ROLE_VCPU || index != 7;
		wrong += qrt_sched_plan_has(plan, QRT_SCHED_ROLE_MAIN) != 0;
	}
	return (void *)wrong;
}

/* The placer does this: threads are born at any time. The thread sanitizer looks on. */
static void several_threads_may_read_a_plan(void)
{
	struct qrt_sched_plan *plan = plan_of("vcpu_prio=5,6 vcpu_name=vcpu*");
	pthread_t readers[READERS];
	void *wrong;
	int i;

	for (i = 0; i < READERS; i++)
		CU_ASSERT_EQUAL_FATAL(pthread_create(&readers[i], NULL, read_often, plan), 0);
	for (i = 0; i < READERS; i++) {
		pthread_join(readers[i], &wrong);
		CU_ASSERT_PTR_NULL(wrong);
	}
	qrt_sched_plan_close(plan);
}

static const struct tap_test tests[] = {
	{"an empty plan says nothing", an_empty_plan_says_nothing},
	{"policy and priority imply each other where one is missing", policy_and_priority_imply_each_other},
	{"value n is for thread n and the last one repeats", the_last_value_repeats},
	{"a role that is none is refused", calls_with_a_wrong_role_change_nothing},
	{"set speaks of a thread and of those above it", set_speaks_of_a_thread_and_those_above},
	{"set refuses values out of range, and holes", set_refuses_what_a_plan_cannot_hold},
	{"set refuses what could not be parsed again", set_refuses_what_would_not_parse_again},
	{"globals have the documented defaults", globals_have_their_defaults},
	{"lines tell which line of the file said a member", lines_say_who_said_it},
	{"what this version cannot do is refused with a remedy",
	 unsupported_things_are_refused_with_a_remedy},
	{"what this version can do is supported", what_works_is_supported},
	{"several threads may read a plan at the same time", several_threads_may_read_a_plan},
};

TAP_MAIN("plan", tests)
