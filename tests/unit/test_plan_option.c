/* SPDX-License-Identifier: MIT */
#include "plan_help.h"
#include "plan_p.h"
#include "plan_text_p.h"
#include "tap.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void every_role_takes_every_key(void)
{
	static const char *const values[QRT_SCHED_P_KEYS] = {"2",    "rr",   "7",    "-20",       "1000",
							     "2000", "3000", "rt:0", "30%/100ms", "a*"};
	int role, key;

	for (role = 0; role < QRT_SCHED_ROLES; role++) {
		for (key = 0; key < QRT_SCHED_P_KEYS; key++) {
			struct qrt_sched_plan *plan = plan_of("");
			char option[64];

			snprintf(option, sizeof(option), "%s_%s=%s", qrt_sched_role_name(role),
				 qrt_sched_p_key_name(key), values[key]);
			CU_ASSERT_EQUAL(plan_add(plan, option), 0);
			CU_ASSERT_EQUAL(plan->lists[role][key].count, 1);
			CU_ASSERT_EQUAL(qrt_sched_plan_has(plan, role), 1);
			strcat(option, "\n");
			CU_ASSERT_STRING_EQUAL(plan_text(plan), option);
			qrt_sched_plan_close(plan);
		}
	}
}

static void values_are_read(void)
{
	static const struct {
		const char *option, *canonical;
	} cases[] = {
		{"vcpu_bias=0", "vcpu_bias=0\n"},
		{"vcpu_bias=1023", "vcpu_bias=1023\n"},
		{"vcpu_bias=2-3", "vcpu_bias=2-3\n"},
		{"vcpu_bias=3,4", "vcpu_bias=3,4\n"},
		{"vcpu_bias=2-3,0+5,7", "vcpu_bias=2-3,0+5,7\n"},
		{"vcpu_bias=0+1+2", "vcpu_bias=0-2\n"},
		{"vcpu_bias=1-3+3-5", "vcpu_bias=1-5\n"},
		{"vcpu_sched=fifo,rr,other,batch,idle", "vcpu_sched=fifo,rr,other,batch,idle\n"},
		{"vcpu_sched=deadline", "vcpu_sched=deadline\n"},
		{"vcpu_runtime=0,2,4194304", "vcpu_runtime=0,2,4194304\n"},
		{"vcpu_deadline=2,04194304", "vcpu_deadline=2,4194304\n"},
		{"vcpu_period=100", "vcpu_period=100\n"},
		{"vcpu_ioprio=rt:0,be:7,idle,none", "vcpu_ioprio=rt:0,be:7,idle,none\n"},
		{"vcpu_budget=150%/1s", "vcpu_budget=150%/1s\n"},
		{"vcpu_budget=30%", "vcpu_budget=30%/100ms\n"},
		{"vcpu_budget=5ms/20ms", "vcpu_budget=25%/20ms\n"},
		{"vcpu_budget=1us/3ms", "vcpu_budget=1us/3ms\n"},
		{"vcpu_prio=0,1,99,007", "vcpu_prio=0,1,99,7\n"},
		{"vcpu_nice=-20,19,+5,-0", "vcpu_nice=-20,19,5,0\n"},
		{"vcpu_name=CPU */KVM,x?", "vcpu_name=CPU */KVM,x?\n"},
		{" vcpu_bias = 2 , 3 ", "vcpu_bias=2,3\n"},
		{"\tvcpu_sched\t=\tfifo\t", "vcpu_sched=fifo\n"},
		{"kio_prio=1", "kio_prio=1\n"},
		{"vcpu_prio=1 main_prio=2", "vcpu_prio=1\nmain_prio=2\n"},
		{" vcpu_bias = 2 , 3\tvcpu_prio = 10 ", "vcpu_bias=2,3\nvcpu_prio=10\n"},
		{"vcpu_name=CPU 0 x, y z vcpu_prio=1", "vcpu_prio=1\nvcpu_name=CPU 0 x,y z\n"},
		{"mlock=off pi=off  pool=2\tadvance=3", "mlock=off\npi=off\nadvance=3\npool=2\n"},
		{"vcpu_prio=1 vcpu_prio=2", "vcpu_prio=2\n"},
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct qrt_sched_plan *plan = plan_of("");

		CU_ASSERT_EQUAL(plan_add(plan, cases[i].option), 0);
		CU_ASSERT_STRING_EQUAL(plan_text(plan), cases[i].canonical);
		qrt_sched_plan_close(plan);
	}
}

/* A bad option, its error, and a word of the message that names the thing or the remedy. */
static const struct {
	const char *option;
	int code;
	const char *word;
} bad[] = {
	{"", -EINVAL, "is empty"},
	{"   ", -EINVAL, "is empty"},
	{"=", -EINVAL, "names no option"},
	{"=3", -EINVAL, "names no option"},
	{"vcpu_bias", -EINVAL, "vcpu_bias=VALUE"},
	{"vcpu_bias=", -EINVAL, "empty value"},
	{"vcpu_bias= ", -EINVAL, "empty value"},
	{"vcpu_bias=,", -EINVAL, "value 1 is empty"},
	{"vcpu_bias=1,", -EINVAL, "value 2 is empty"},
	{"vcpu_bias=,1", -EINVAL, "value 1 is empty"},
	{"vcpu_bias=1,,2", -EINVAL, "value 2 is empty"},
	{"vcpu_bias==1", -EINVAL, "second '='"},
	{"vcpu_bias=1=2", -EINVAL, "second '='"},
	{"vcpu_bias=1,vcpu_sched=fifo", -EINVAL, "its own line or -rt"},
	{"vpcu_bias=1", -EINVAL, "unknown role 'vpcu': did you mean 'vcpu_bias'? known are vcpu, main"},
	{"cpu_bias=1", -EINVAL, "did you mean 'vcpu_bias'"},
	{"disk_bias=1", -EINVAL, "'disk': known are vcpu, main, paio, vncm, vncs, ioth, kio, othr"},
	{"_bias=1", -EINVAL, "unknown role ''"},
	{"vcpu_bais=1", -EINVAL,
	 "'bais': did you mean 'vcpu_bias'? known are bias, sched, prio, nice, runtime"},
	{"max_prio=1", -EINVAL, "did you mean 'maxprio'"},
	{"a-role-whose-name-is-longer-than-any-that-there-is_bias=1", -EINVAL, "unknown role 'a-role-whose"},
	{"vcpu_=1", -EINVAL, "prio, nice, runtime, deadline, period, ioprio, budget, name"},
	{"vcpu_bias_x=1", -EINVAL, "unknown key"},
	{"vcpu=1", -EINVAL, "unknown option 'vcpu': known are ROLE_KEY, maxprio, mlock, pi, advance, pool"},
	{"VCPU_BIAS=1", -EINVAL, "did you mean 'vcpu_bias'"},
	{"vcpu_PRIO=1", -EINVAL, "did you mean 'vcpu_prio'"},
	{"MLOCK=off", -EINVAL, "did you mean 'mlock'"},
	{"PI=on", -EINVAL, "did you mean 'pi'"},
	{"Pool=2", -EINVAL, "did you mean 'pool'"},
	{"-rt vcpu_prio=1", -EINVAL, "leave out '-rt'"},
	{"-rt=vcpu_prio=1", -EINVAL, "leave out '-rt'"},
	{"-rt vcpu_prio=1 -rt main_prio=2", -EINVAL, "leave out '-rt'"},
	{"-rt", -EINVAL, "leave out '-rt'"},
	{"vcpu_prio=1 main_prio=100", -ERANGE, "main_prio: '100'"},
	{"vcpu_prio=1 x=2", -EINVAL, "unknown option 'x'"},
	{"vcpu_prio=1 2 main_prio=3", -EINVAL, "vcpu_prio: '1 2'"},
	{"vcpu_prio= main_prio=3", -EINVAL, "second '='"},
	{"vcpu_prio=1, main_prio=3", -EINVAL, "second '='"},
	{"maxprio=5 policy=ff", -EINVAL, "policy belongs to maxprio"},
	{"vcpu _bias=1", -EINVAL, "unknown role"},
	{"mlcok=off", -EINVAL, "did you mean 'mlock'"},
	{"advanse=1", -EINVAL, "did you mean 'advance'"},
	{"include=other.plan", -EINVAL, "there is no include"},
	{"include other.plan", -EINVAL, "there is no include"},
	{"vcpu_sched=fif", -EINVAL, "did you mean 'fifo'"},
	{"vcpu_sched=ff", -EINVAL, "other, fifo, rr, batch, idle, deadline"},
	{"vcpu_sched=deadlin", -EINVAL, "did you mean 'deadline'"},
	{"vcpu_runtime=1", -ERANGE, "2..4194304"},
	{"vcpu_runtime=-2", -ERANGE, "2..4194304"},
	{"vcpu_runtime=4194305", -ERANGE, "2..4194304"},
	{"vcpu_runtime=10000000", -ERANGE, "2..4194304"},
	{"vcpu_runtime=99999999999", -ERANGE, "2..4194304"},
	{"vcpu_runtime=2ms", -EINVAL, "microseconds"},
	{"vcpu_deadline=1", -ERANGE, "2..4194304"},
	{"vcpu_period=99", -ERANGE, "100..4194304"},
	{"vcpu_ioprio=rt", -EINVAL, "rt:0..7"},
	{"vcpu_ioprio=be:8", -EINVAL, "be:0..7"},
	{"vcpu_budget=30", -EINVAL, "30%/100ms"},
	{"vcpu_budget=0%", -ERANGE, "30%/100ms"},
	{"vcpu_budget=30%/11s", -ERANGE, "1ms..10s"},
	{"vcpu_budget=30%,40%", -ERANGE, "for the whole role"},
	{"preemtlock=1", -EINVAL, "did you mean 'preemptlock'"},
	{"vcpu_sched=FIFO", -EINVAL, "unknown policy 'FIFO': did you mean 'fifo'"},
	{"vcpu_sched=1", -EINVAL, "unknown policy"},
	{"vcpu_prio=100", -ERANGE, "1..99"},
	{"vcpu_prio=-1", -ERANGE, "1..99"},
	{"vcpu_prio=4294967297", -ERANGE, "1..99"},
	{"vcpu_prio=99999999999999999999999999", -ERANGE, "1..99"},
	{"vcpu_prio=1.5", -EINVAL, "1..99"},
	{"vcpu_prio=0x5", -EINVAL, "1..99"},
	{"vcpu_prio=high", -EINVAL, "1..99"},
	{"vcpu_prio=1 2", -EINVAL, "1..99"},
	{"vcpu_prio=-", -EINVAL, "1..99"},
	{"vcpu_prio=+", -EINVAL, "1..99"},
	{"vcpu_nice=20", -ERANGE, "-20..19"},
	{"vcpu_nice=-21", -ERANGE, "-20..19"},
	{"vcpu_bias=1024", -ERANGE, "0..1023"},
	{"vcpu_bias=2000", -ERANGE, "0..1023"},
	{"vcpu_bias=0-2000", -ERANGE, "0..1023"},
	{"vcpu_bias=3-2", -EINVAL, "'3-2'"},
	{"vcpu_bias=-1", -EINVAL, "2-3"},
	{"vcpu_bias=1-", -EINVAL, "2-3"},
	{"vcpu_bias=1+", -EINVAL, "2-3"},
	{"vcpu_bias=+1", -EINVAL, "2-3"},
	{"vcpu_bias=1:2", -EINVAL, "2-3"},
	{"vcpu_bias=all", -EINVAL, "2-3"},
	{"vcpu_bias=1 - 2", -EINVAL, "2-3"},
	{"vcpu_name=a#b", -EINVAL, "without #"},
	{"vcpu_name=a\nb", -EINVAL, "without #"},
	{"vcpu_name=a\tb", -EINVAL, "without #"},
	{"vcpu_name=12345678901234567890123456789012", -ERANGE, "at most 31"},
	{"vcpu_prio=1\n", -EINVAL, "'1?'"},
	{"vcpu_prio=\x1b[2J", -EINVAL, "?[2J"},
};

static void bad_options_are_refused_with_one_clear_line(void)
{
	struct qrt_sched_plan *plan = plan_of("vcpu_bias=5 main_prio=7 mlock=all"), *same = plan_of("");
	size_t i;

	qrt_sched_plan_parse_text(same, plan_text(plan), strlen(plan_text(plan)), NULL);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int r = plan_add(plan, bad[i].option);

		if (r != bad[i].code || last_error()->code != r ||
		    !strstr(last_error()->message, bad[i].word))
			tap_note("'%s': %d '%s'", bad[i].option, r, last_error()->message);
		CU_ASSERT_EQUAL(r, bad[i].code);
		CU_ASSERT_EQUAL(last_error()->code, r);
		CU_ASSERT_EQUAL(last_error()->line, 0);
		CU_ASSERT_PTR_NOT_NULL(strstr(last_error()->message, bad[i].word));
		CU_ASSERT_PTR_NULL(strchr(last_error()->message, '\n'));
		CU_ASSERT_EQUAL(qrt_sched_plan_parse_option(plan, bad[i].option, NULL), r);
	}
	CU_ASSERT_TRUE(plans_equal(plan, same));
	qrt_sched_plan_close(plan);
	qrt_sched_plan_close(same);
}

static void every_option_of_a_role_is_known_to_the_hints(void)
{
	struct qrt_sched_plan *plan = plan_of("");
	char option[32], hint[48];
	int role, key;

	for (role = 0; role < QRT_SCHED_ROLES; role++) {
		for (key = 0; key < QRT_SCHED_P_KEYS; key++) {
			const char *of_role = qrt_sched_role_name(role), *of_key = qrt_sched_p_key_name(key);

			snprintf(option, sizeof(option), "%s-%s=1", of_role, of_key);
			snprintf(hint, sizeof(hint), "did you mean '%s_%s'?", of_role, of_key);
			CU_ASSERT_EQUAL(plan_add(plan, option), -EINVAL);
			CU_ASSERT_PTR_NOT_NULL(strstr(last_error()->message, hint));
		}
	}
	qrt_sched_plan_close(plan);
}

static void arguments_of_maxprio_stay_with_it(void)
{
	struct qrt_sched_plan *plan = plan_of("");
	struct qrt_sched_globals globals = {.size = sizeof(globals)};

	CU_ASSERT_EQUAL(plan_add(plan, "pi=off maxprio = 30, policy = rr , aioprio=9 vcpu_prio=4"), 0);
	CU_ASSERT_STRING_EQUAL(said_of(plan, QRT_SCHED_ROLE_MAIN, 0), "rr 30");
	CU_ASSERT_STRING_EQUAL(said_of(plan, QRT_SCHED_ROLE_PAIO, 0), "rr 9");
	CU_ASSERT_STRING_EQUAL(said_of(plan, QRT_SCHED_ROLE_VCPU, 0), "rr 4");
	CU_ASSERT_EQUAL(qrt_sched_plan_get_globals(plan, &globals), 0);
	CU_ASSERT_EQUAL(globals.pi_mutexes, 0);
	qrt_sched_plan_close(plan);
}

static void a_good_option_leaves_the_error_alone(void)
{
	struct qrt_sched_plan *plan = plan_of("");
	struct qrt_sched_error error = {.code = 77};

	CU_ASSERT_EQUAL(qrt_sched_plan_parse_option(plan, "vcpu_prio=1", &error), 0);
	CU_ASSERT_EQUAL(error.code, 77);
	qrt_sched_plan_close(plan);
}

static void later_options_override_role_by_role_and_key_by_key(void)
{
	struct qrt_sched_plan *plan = plan_of("vcpu_bias=1,2,3 vcpu_prio=5 main_prio=6 vcpu_name=a,b "
					      "vcpu_bias=4 vcpu_name=c");

	CU_ASSERT_STRING_EQUAL(plan_text(plan), "vcpu_bias=4\nvcpu_prio=5\nvcpu_name=c\nmain_prio=6\n");
	qrt_sched_plan_close(plan);
}

static void the_number_of_values_is_bounded(void)
{
	struct qrt_sched_plan *plan = plan_of("");
	char option[5000] = "vcpu_prio=";
	int i;

	for (i = 0; i < 1024; i++)
		strcat(option, i ? ",1" : "1");
	CU_ASSERT_EQUAL(plan_add(plan, option), 0);
	strcat(option, ",1");
	CU_ASSERT_EQUAL(plan_add(plan, option), -ERANGE);
	CU_ASSERT_EQUAL(plan->lists[QRT_SCHED_ROLE_VCPU][QRT_SCHED_P_KEY_PRIO].count, 1024);
	qrt_sched_plan_close(plan);
}

static void the_length_of_an_option_is_bounded(void)
{
	struct qrt_sched_plan *plan = plan_of("");
	char option[5000];

	memset(option, ' ', sizeof(option));
	memcpy(option, "vcpu_prio=1", 11);
	option[4096] = 0;
	CU_ASSERT_EQUAL(plan_add(plan, option), 0);
	option[4096] = ' ';
	option[4097] = 0;
	CU_ASSERT_EQUAL(plan_add(plan, option), -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(last_error()->message, "4096"));
	qrt_sched_plan_close(plan);
}

static void numbers_are_read_strictly(void)
{
	int32_t number = 77;

	CU_ASSERT_EQUAL(qrt_sched_p_number_parse("-20", -20, 19, &number), 0);
	CU_ASSERT_EQUAL(number, -20);
	CU_ASSERT_EQUAL(qrt_sched_p_number_parse("20", -20, 19, &number), -ERANGE);
	CU_ASSERT_EQUAL(qrt_sched_p_number_parse("1000000000000", -20, 19, &number), -ERANGE);
	CU_ASSERT_EQUAL(qrt_sched_p_number_parse("-1000000000000", -20, 19, &number), -ERANGE);
	CU_ASSERT_EQUAL(qrt_sched_p_number_parse("1e2", -20, 19, &number), -EINVAL);
	CU_ASSERT_EQUAL(qrt_sched_p_number_parse("--1", -20, 19, &number), -EINVAL);
	CU_ASSERT_EQUAL(number, -20);
}

static const struct tap_test tests[] = {
	{"every role takes every key", every_role_takes_every_key},
	{"values are read in all their forms", values_are_read},
	{"a bad option is one clear line, and changes nothing", bad_options_are_refused_with_one_clear_line},
	{"every option of a role is known to the hints", every_option_of_a_role_is_known_to_the_hints},
	{"among several options, those behind a comma are maxprio's", arguments_of_maxprio_stay_with_it},
	{"a good option leaves the error untouched", a_good_option_leaves_the_error_alone},
	{"later options override role by role and key by key",
	 later_options_override_role_by_role_and_key_by_key},
	{"more than 1024 values are refused", the_number_of_values_is_bounded},
	{"an option longer than 4096 bytes is refused", the_length_of_an_option_is_bounded},
	{"numbers are read strictly", numbers_are_read_strictly},
};

TAP_MAIN("plan_option", tests)
