/* SPDX-License-Identifier: MIT */
#include "plan_help.h"
#include "plan_p.h"
#include "tap.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void length_is_returned_and_nothing_written_where_it_does_not_fit(void)
{
	struct qrt_sched_plan *plan = plan_of("vcpu_prio=1 pi=off");
	static const char expected[] = "vcpu_prio=1\npi=off\n";
	char text[64], before[64];
	size_t size;

	CU_ASSERT_EQUAL(qrt_sched_plan_format(plan, NULL, 0), (int)strlen(expected));
	memset(text, 0x5a, sizeof(text));
	memcpy(before, text, sizeof(text));
	for (size = 0; size <= strlen(expected); size++) {
		CU_ASSERT_EQUAL(qrt_sched_plan_format(plan, text, size), (int)strlen(expected));
		CU_ASSERT_EQUAL(memcmp(text, before, sizeof(text)), 0);
	}
	CU_ASSERT_EQUAL(qrt_sched_plan_format(plan, text, size), (int)strlen(expected));
	CU_ASSERT_STRING_EQUAL(text, expected);
	qrt_sched_plan_close(plan);
}

static struct qrt_sched_plan *parsed_again(const struct qrt_sched_plan *plan)
{
	struct qrt_sched_plan *again = plan_of("");
	const char *text = plan_text(plan);

	CU_ASSERT_EQUAL(qrt_sched_plan_parse_text(again, text, strlen(text), NULL), 0);
	return again;
}

static void every_line_is_an_option(void)
{
	struct qrt_sched_plan *plan = plan_of(
		"maxprio=50,policy=rr,aioprio=3,pvsched=on vcpu_bias=0+2,3-5 "
		"vncs_nice=-3 kio_name=a*,?b advance=7 pool=3 mlock=all "
		"pi=off budget=7% weight=2 preemptlock=9 cstate=1 haltpoll=2 "
		"timerprio=3 resctrl=L3:0=f hugepages=thp numa=1 shield=rps "
		"main_runtime=4 main_deadline=5 main_period=100 main_ioprio=idle "
		"main_budget=1ms/2ms boot=keep boottime=0 heartbeat=5");
	struct qrt_sched_plan *again = plan_of("");
	char *text = strdup(plan_text(plan)), *rest = text, *line;

	while ((line = strsep(&rest, "\n"))) {
		if (*line)
			CU_ASSERT_EQUAL(plan_add(again, line), 0);
	}
	CU_ASSERT_TRUE(plans_equal(plan, again));
	free(text);
	qrt_sched_plan_close(plan);
	qrt_sched_plan_close(again);
}

static void random_cpus(struct random *random, char *text, size_t size)
{
	int first = (int)random_below(random, 1000), last = first + (int)random_below(random, 20);

	switch (random_below(random, 3)) {
	case 0:
		snprintf(text, size, "%d", first);
		break;
	case 1:
		snprintf(text, size, "%d-%d", first, last);
		break;
	default:
		snprintf(text, size, "%d+%d-%d", (int)random_below(random, 1024), first, last);
		break;
	}
}

static void random_value(struct random *random, int key, char *text, size_t size)
{
	static const char *const policies[] = {"fifo", "rr", "other", "batch", "idle", "deadline"};
	static const char *const ioprios[] = {"rt:0", "rt:7", "be:3", "idle", "none"};
	static const char *const budgets[] = {"30%/100ms", "1us/3ms", "12345678ns/1s", "250%"};
	static const char *const patterns[] = {"a*", "?", "CPU */KVM", "x-y z", "\xc3\xa4*", "*"};

	switch (key) {
	case QRT_SCHED_P_KEY_BIAS:
		random_cpus(random, text, size);
		break;
	case QRT_SCHED_P_KEY_SCHED:
		snprintf(text, size, "%s", policies[random_below(random, 6)]);
		break;
	case QRT_SCHED_P_KEY_PRIO:
		snprintf(text, size, "%u", random_below(random, 100));
		break;
	case QRT_SCHED_P_KEY_NICE:
		snprintf(text, size, "%d", (int)random_below(random, 40) - 20);
		break;
	case QRT_SCHED_P_KEY_RUNTIME:
	case QRT_SCHED_P_KEY_DEADLINE:
	case QRT_SCHED_P_KEY_PERIOD:
		snprintf(text, size, "%u", 100 + random_below(random, 4194204));
		break;
	case QRT_SCHED_P_KEY_IOPRIO:
		snprintf(text, size, "%s", ioprios[random_below(random, 5)]);
		break;
	case QRT_SCHED_P_KEY_BUDGET:
		snprintf(text, size, "%s", budgets[random_below(random, 4)]);
		break;
	default:
		snprintf(text, size, "%s", patterns[random_below(random, 6)]);
		break;
	}
}

static void random_role_option(struct random *random, char *option, size_t size)
{
	int role = (int)random_below(random, QRT_SCHED_ROLES),
	    key = (int)random_below(random, QRT_SCHED_P_KEYS);
	uint32_t i, count = 1 + random_below(random, random_below(random, 10) ? 4 : 100);
	size_t length;
	char value[64];

	if (key == QRT_SCHED_P_KEY_BUDGET)
		count = 1;
	length = (size_t)snprintf(option, size, "%s_%s=", qrt_sched_role_name(role),
				  qrt_sched_p_key_name(key));
	for (i = 0; i < count; i++) {
		random_value(random, key, value, sizeof(value));
		length += (size_t)snprintf(option + length, size - length, "%s%s", i ? "," : "", value);
	}
}

static void random_global_option(struct random *random, char *option, size_t size)
{
	static const char *const options[] = {
		"pool=0",
		"pool=64",
		"advance=0",
		"advance=250",
		"mlock=off",
		"mlock=onfault",
		"mlock=prefault",
		"mlock=all",
		"pi=on",
		"pi=off",
		"maxprio=50",
		"maxprio=99,policy=rr",
		"maxprio=1,policy=ts",
		"maxprio=20,aioprio=3",
		"maxprio=20,aiopolicy=ts",
		"maxprio=2,policy=ff,pvsched=on",
		"maxprio=3,pvsched=off",
		"budget=30%/100ms",
		"budget=1us/3ms",
		"weight=3",
		"preemptlock=off",
		"preemptlock=77",
		"cstate=0",
		"haltpoll=200000",
		"timerprio=0",
		"resctrl=L3:0=f;1=ff0",
		"hugepages=2M",
		"numa=0,2-3",
		"shield=on",
		"shield=irqs+rps",
		"shield=off",
		"boot=other",
		"boot=keep",
		"boot=/a/plan",
		"boottime=86400",
		"heartbeat=3600000",
	};

	snprintf(option, size, "%s", options[random_below(random, sizeof(options) / sizeof(options[0]))]);
}

static struct qrt_sched_plan *random_plan(struct random *random)
{
	uint32_t i, count = random_below(random, 24);
	struct qrt_sched_plan *plan = plan_of("");
	char option[4096];

	for (i = 0; i < count; i++) {
		if (random_below(random, 5))
			random_role_option(random, option, sizeof(option));
		else
			random_global_option(random, option, sizeof(option));
		CU_ASSERT_EQUAL(plan_add(plan, option), 0);
	}
	return plan;
}

static void random_plans_come_back(void)
{
	struct random random = {.state = 20260101};
	int round;

	for (round = 0; round < 2000; round++) {
		struct qrt_sched_plan *plan = random_plan(&random), *again = parsed_again(plan);
		char *text = strdup(plan_text(plan));

		CU_ASSERT_TRUE(plans_equal(plan, again));
		CU_ASSERT_STRING_EQUAL(plan_text(again), text);
		free(text);
		qrt_sched_plan_close(plan);
		qrt_sched_plan_close(again);
	}
}

/* The widest line that can be said has to fit into a line of a file when it is written back. */
static void the_longest_option_comes_back(void)
{
	struct qrt_sched_plan *plan = plan_of(""), *again;
	char option[4097] = "othr_bias=100-200";

	while (strlen(option) + 8 <= 4096)
		strcat(option, ",100-200");
	CU_ASSERT_EQUAL(plan_add(plan, option), 0);
	again = parsed_again(plan);
	CU_ASSERT_TRUE(plans_equal(plan, again));
	qrt_sched_plan_close(plan);
	qrt_sched_plan_close(again);
}

static void a_plan_that_gets_too_long_is_refused(void)
{
	struct qrt_sched_plan *plan = plan_of(""), *again;
	int role, key, r = 0;
	char option[4097];

	for (role = 0; r == 0 && role < QRT_SCHED_ROLES; role++) {
		for (key = 0; r == 0 && key < QRT_SCHED_P_KEYS; key++) {
			const char *value = key == QRT_SCHED_P_KEY_SCHED    ? "batch"
					    : key == QRT_SCHED_P_KEY_IOPRIO ? "rt:0"
									    : "100000";

			if (key == QRT_SCHED_P_KEY_BUDGET)
				continue;
			if (key == QRT_SCHED_P_KEY_PRIO || key == QRT_SCHED_P_KEY_NICE ||
			    key == QRT_SCHED_P_KEY_BIAS || key == QRT_SCHED_P_KEY_NAME)
				value = "10";
			snprintf(option, sizeof(option), "%s_%s=%s", qrt_sched_role_name(role),
				 qrt_sched_p_key_name(key), value);
			while (strlen(option) < 4080)
				strcat(strcat(option, ","), key == QRT_SCHED_P_KEY_BIAS ? "10-20+30" : value);
			if (key == QRT_SCHED_P_KEY_PRIO || key == QRT_SCHED_P_KEY_NICE ||
			    key == QRT_SCHED_P_KEY_NAME)
				option[3000] = 0;
			option[strlen(option) - (option[strlen(option) - 1] == ',')] = 0;
			r = plan_add(plan, option);
		}
	}
	CU_ASSERT_EQUAL(r, -ERANGE);
	again = parsed_again(plan);
	CU_ASSERT_TRUE(plans_equal(plan, again));
	qrt_sched_plan_close(plan);
	qrt_sched_plan_close(again);
}

static const struct tap_test tests[] = {
	{"format returns the length and writes all or nothing",
	 length_is_returned_and_nothing_written_where_it_does_not_fit},
	{"each line of the text is an option", every_line_is_an_option},
	{"2000 random plans survive format and parse", random_plans_come_back},
	{"the longest option survives format and parse", the_longest_option_comes_back},
	{"a plan that gets too long for a file is refused", a_plan_that_gets_too_long_is_refused},
};

TAP_MAIN("plan_format", tests)
