/* SPDX-License-Identifier: MIT */
#include "plan_help.h"
#include "tap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct qrt_sched_globals globals_of(const struct qrt_sched_plan *plan)
{
	struct qrt_sched_globals g = {.size = sizeof(g)};

	qrt_sched_plan_get_globals(plan, &g);
	return g;
}

static int is_server(int role)
{
	return role == QRT_SCHED_ROLE_MAIN || role == QRT_SCHED_ROLE_IOTH || role == QRT_SCHED_ROLE_PAIO;
}

static void servers_get_maxprio_and_the_rest_one_less(void)
{
	static const struct {
		const char *option, *server, *other;
	} cases[] = {
		{"maxprio=50", "fifo 50", "fifo 49"},
		{"maxprio=50,policy=ff", "fifo 50", "fifo 49"},
		{"maxprio=2,policy=rr", "rr 2", "rr 1"},
		{"maxprio=99,policy=rr", "rr 99", "rr 98"},
		{"maxprio=50,policy=ts", "other nice 0", "other nice 0"},
		{"maxprio=1,policy=ts", "other nice 0", "other nice 0"},
		{" maxprio = 50 , policy = rr ", "rr 50", "rr 49"},
	};
	size_t i;
	int role;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct qrt_sched_plan *plan = plan_of("");

		CU_ASSERT_EQUAL(plan_add(plan, cases[i].option), 0);
		for (role = 0; role < QRT_SCHED_ROLES; role++)
			CU_ASSERT_STRING_EQUAL(said_of(plan, role, 0),
					       is_server(role) ? cases[i].server : cases[i].other);
		qrt_sched_plan_close(plan);
	}
}

static void aio_arguments_are_for_the_pool_only(void)
{
	static const struct {
		const char *option, *pool;
	} cases[] = {
		{"maxprio=50,aioprio=3", "fifo 3"},
		{"maxprio=50,aiopolicy=rr", "rr 50"},
		{"maxprio=50,aiopolicy=rr,aioprio=7", "rr 7"},
		{"maxprio=50,aiopolicy=ts,aioprio=7", "other nice 0"},
		{"maxprio=50,policy=ts,aiopolicy=ff,aioprio=7", "fifo 7"},
		{"maxprio=1,policy=ts,aiopolicy=ff", "fifo 1"},
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct qrt_sched_plan *plan = plan_of(cases[i].option), *without = plan_of("maxprio=50");

		CU_ASSERT_STRING_EQUAL(said_of(plan, QRT_SCHED_ROLE_PAIO, 0), cases[i].pool);
		if (!strstr(cases[i].option, "policy=ts"))
			CU_ASSERT_STRING_EQUAL(said_of(plan, QRT_SCHED_ROLE_MAIN, 0), "fifo 50");
		qrt_sched_plan_close(plan);
		qrt_sched_plan_close(without);
	}
}

static void bad_arguments_are_refused_with_one_clear_line(void)
{
	static const struct {
		const char *option;
		int code;
		const char *word;
	} bad[] = {
		{"maxprio=", -EINVAL, "empty"},
		{"maxprio=0", -ERANGE, "1..99"},
		{"maxprio=100", -ERANGE, "1..99"},
		{"maxprio=-1", -ERANGE, "1..99"},
		{"maxprio=x", -EINVAL, "1..99"},
		{"maxprio=1", -ERANGE, "2..99"},
		{"maxprio=1,policy=rr", -ERANGE, "2..99"},
		{"maxprio=50,", -EINVAL, "no value"},
		{"maxprio=50,,policy=rr", -EINVAL, "no value"},
		{"maxprio=50,policy", -EINVAL, "no value"},
		{"maxprio=50,policy=", -EINVAL, "ff, rr or ts"},
		{"maxprio=50,policy=fifo", -EINVAL, "ff, rr or ts"},
		{"maxprio=50,aiopolicy=xx", -EINVAL, "ff, rr or ts"},
		{"maxprio=50,aioprio=0", -ERANGE, "1..99"},
		{"maxprio=50,aioprio=100", -ERANGE, "1..99"},
		{"maxprio=50,pvsched=yes", -EINVAL, "on or off"},
		{"maxprio=50,pvsched==on", -EINVAL, "on or off"},
		{"maxprio=50,speed=9", -EINVAL, "policy, aioprio, aiopolicy, pvsched"},
		{"policy=ff", -EINVAL, "maxprio=P,policy=ff"},
		{"pvsched=on", -EINVAL, "maxprio=P,pvsched=on"},
		{"mlock=yes", -EINVAL, "off, onfault, prefault or all"},
		{"mlock=on,off", -EINVAL, "off, onfault, prefault or all"},
		{"mlock=", -EINVAL, "empty"},
		{"pi=1", -EINVAL, "on or off"},
		{"pi=o", -EINVAL, "on or off"},
		{"pool=65", -ERANGE, "0..64"},
		{"pool=many", -EINVAL, "0..64"},
		{"advance=1001", -ERANGE, "0..1000"},
		{"advance=-1", -ERANGE, "0..1000"},
		{"advance=1ms", -EINVAL, "0..1000"},
		{"advance=", -EINVAL, "empty"},
	};
	struct qrt_sched_plan *plan = plan_of("maxprio=30,policy=rr vcpu_bias=1");
	char *before = strdup(plan_text(plan));
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int r = plan_add(plan, bad[i].option);

		if (r != bad[i].code || !strstr(last_error()->message, bad[i].word))
			tap_note("'%s': %d '%s'", bad[i].option, r, last_error()->message);
		CU_ASSERT_EQUAL(r, bad[i].code);
		CU_ASSERT_PTR_NOT_NULL(strstr(last_error()->message, bad[i].word));
	}
	CU_ASSERT_STRING_EQUAL(plan_text(plan), before);
	free(before);
	qrt_sched_plan_close(plan);
}

static void maxprio_and_role_options_override_each_other_in_order(void)
{
	struct qrt_sched_plan *plan = plan_of("vcpu_prio=5 vcpu_bias=1 maxprio=50 main_prio=60");

	CU_ASSERT_STRING_EQUAL(said_of(plan, QRT_SCHED_ROLE_VCPU, 0), "fifo 49 on 1");
	CU_ASSERT_STRING_EQUAL(said_of(plan, QRT_SCHED_ROLE_MAIN, 0), "fifo 60");
	CU_ASSERT_EQUAL(globals_of(plan).maxprio, 50);
	qrt_sched_plan_close(plan);
}

static void pvsched_is_remembered(void)
{
	struct qrt_sched_plan *plan = plan_of("maxprio=50,pvsched=on");

	CU_ASSERT_EQUAL(globals_of(plan).pvsched, 1);
	CU_ASSERT_EQUAL(plan_add(plan, "maxprio=40"), 0);
	CU_ASSERT_EQUAL(globals_of(plan).pvsched, 1);
	CU_ASSERT_EQUAL(plan_add(plan, "maxprio=40,pvsched=off"), 0);
	CU_ASSERT_EQUAL(globals_of(plan).pvsched, 0);
	qrt_sched_plan_close(plan);
}

static void memory_lock_and_inheritance_are_switched(void)
{
	static const char *const modes[] = {"mlock=off", "mlock=onfault", "mlock=prefault", "mlock=all"};
	uint32_t i;

	for (i = 0; i < 4; i++) {
		struct qrt_sched_plan *plan = plan_of(modes[i]);

		CU_ASSERT_EQUAL(globals_of(plan).mlock, i);
		CU_ASSERT_EQUAL(plan_add(plan, "pi=off"), 0);
		CU_ASSERT_EQUAL(globals_of(plan).pi_mutexes, 0);
		CU_ASSERT_EQUAL(plan_add(plan, "pi=on"), 0);
		CU_ASSERT_EQUAL(globals_of(plan).pi_mutexes, 1);
		qrt_sched_plan_close(plan);
	}
}

static void the_timer_advance_is_set(void)
{
	struct qrt_sched_plan *plan = plan_of("");

	CU_ASSERT_EQUAL(globals_of(plan).advance_us, 0);
	CU_ASSERT_EQUAL(plan_add(plan, "advance=1000"), 0);
	CU_ASSERT_EQUAL(globals_of(plan).advance_us, 1000);
	CU_ASSERT_STRING_EQUAL(plan_text(plan), "advance=1000\n");
	CU_ASSERT_EQUAL(plan_add(plan, "advance=0"), 0);
	CU_ASSERT_STRING_EQUAL(plan_text(plan), "advance=0\n");
	qrt_sched_plan_close(plan);
}

static void idle_pool_workers_are_set(void)
{
	struct qrt_sched_plan *plan = plan_of("");

	CU_ASSERT_EQUAL(globals_of(plan).pool_min, 0);
	CU_ASSERT_EQUAL(plan_add(plan, "pool=12"), 0);
	CU_ASSERT_EQUAL(globals_of(plan).pool_min, 12);
	CU_ASSERT_STRING_EQUAL(plan_text(plan), "pool=12\n");
	qrt_sched_plan_close(plan);
}

static const struct tap_test tests[] = {
	{"main loop, iothreads and pool get maxprio, all others one less",
	 servers_get_maxprio_and_the_rest_one_less},
	{"aioprio and aiopolicy are for the pool only", aio_arguments_are_for_the_pool_only},
	{"a bad argument is one clear line, and changes nothing",
	 bad_arguments_are_refused_with_one_clear_line},
	{"both grammars override each other in the order given",
	 maxprio_and_role_options_override_each_other_in_order},
	{"pvsched stays as said until it is said again", pvsched_is_remembered},
	{"mlock and pi are switched", memory_lock_and_inheritance_are_switched},
	{"advance is a number of microseconds, 0..1000", the_timer_advance_is_set},
	{"pool is a number of workers, 0..64", idle_pool_workers_are_set},
};

TAP_MAIN("plan_global", tests)
