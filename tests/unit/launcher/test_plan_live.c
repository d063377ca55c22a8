/* SPDX-License-Identifier: MIT */
/* What of a plan may change while its VM runs. */
#include "plan_live.h"
#include "tap.h"

#include <glib.h>
#include <stdbool.h>
#include <string.h>

static struct qrt_sched_plan *make(const char *text)
{
	struct qrt_sched_plan *plan;

	CU_ASSERT_EQUAL_FATAL(qrt_sched_plan_new(&plan), 0);
	CU_ASSERT_EQUAL_FATAL(qrt_sched_plan_parse_text(plan, text, strlen(text), NULL), 0);
	return plan;
}

/* The first word of the refusal is the option's name; "": none. */
static void check(const char *before, const char *after, const char *name)
{
	struct qrt_sched_plan *a = make(before), *b = make(after);
	g_autofree char *refusal = plan_live_refuse(a, b);
	size_t len = strlen(name);

	if (!*name)
		CU_ASSERT_PTR_NULL(refusal);
	if (*name && (!refusal || strncmp(refusal, name, len) != 0 || refusal[len] != ' ')) {
		tap_note("'%s' -> '%s': %s", before, after, refusal ? refusal : "no refusal");
		CU_FAIL("another refusal");
	}
	CU_ASSERT_TRUE(!refusal || !strchr(refusal, '\n'));
	qrt_sched_plan_close(a);
	qrt_sched_plan_close(b);
}

static void test_roles(void)
{
	check("", "", "");
	check("vcpu_sched=fifo\nvcpu_prio=3\n", "vcpu_sched=rr\nvcpu_prio=4,5\nvcpu_bias=1\n", "");
	check("maxprio=5\n", "maxprio=50,policy=rr\n", "");
	check("vcpu_sched=rr\nvcpu_prio=1\nvcpu_nice=3\n", "vcpu_sched=rr\nvcpu_prio=1\nvcpu_nice=-3\n", "");
	check("vcpu_ioprio=be:1\n", "vcpu_ioprio=rt:1\nvcpu_budget=30%/100ms\n", "");
	check("budget=30%/100ms\nweight=10\n", "budget=60%/100ms\nweight=20\n", "");
}

static void test_fixed(void)
{
	static const char *const options[] = {"mlock=onfault", "pi=off",        "advance=50",
					      "pool=3",        "hugepages=thp", "numa=0",
					      "shield=on",     "timerprio=5",   "cstate=0",
					      "haltpoll=0",    "preemptlock=9", "resctrl=L3:0=1"};
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(options); i++) {
		g_autofree char *name = g_strndup(options[i], strcspn(options[i], "="));

		check("", options[i], name);
		check(options[i], "", name);
		check(options[i], options[i], "");
	}
	check("cstate=0\n", "cstate=1\n", "cstate");
	check("shield=irqs\n", "shield=rps\n", "shield");
	check("shield=on\nvcpu_bias=1\n", "shield=on\nvcpu_bias=0\n", "vcpu_bias");
	check("shield=on\nvcpu_bias=1\n", "shield=on\nvcpu_bias=1\nmain_bias=0\nvcpu_prio=2\n", "");
	/* What is said anew as it is by default is no change. */
	check("", "mlock=off\npi=on\nadvance=0\npool=0\n", "");
}

/* "vcpu_bias=3,3,...": `count` times, and the last one. */
static char *make_biases(uint32_t count, const char *last)
{
	GString *text = g_string_new("shield=on\nvcpu_bias=");

	while (count--)
		g_string_append(text, "3,");
	g_string_append_printf(text, "%s\n", last);
	return g_string_free(text, FALSE);
}

static void test_many_vcpus(void)
{
	static const uint32_t places[] = {63, 64, 70, 1000};
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(places); i++) {
		g_autofree char *a = make_biases(places[i], "3"), *b = make_biases(places[i], "2");

		check(a, b, "vcpu_bias");
		check(b, b, "");
	}
}

static void test_names(void)
{
	check("", "vcpu_name=foo*\n", "vcpu_name");
	check("vcpu_name=foo*\n", "", "vcpu_name");
	check("vcpu_name=foo*\n", "main_name=foo*\n", "main_name");
	check("vcpu_name=foo*\nvcpu_prio=1\n", "vcpu_prio=2\nvcpu_name=foo*\n", "");
}

static void test_foreign(void)
{
	static const char *const wrong[] = {"mlock=all", "pi=off", "advance=1", "hugepages=2M", "numa=0"};
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(wrong); i++) {
		struct qrt_sched_plan *plan = make(wrong[i]);
		g_autofree char *refusal = plan_live_refuse_foreign(plan);

		CU_ASSERT_PTR_NOT_NULL(refusal);
		qrt_sched_plan_close(plan);
	}
	{
		struct qrt_sched_plan *plan = make("maxprio=5\nothr_name=x*\nbudget=1ms/10ms\nmlock=off\n");
		g_autofree char *refusal = plan_live_refuse_foreign(plan);

		CU_ASSERT_PTR_NULL(refusal);
		qrt_sched_plan_close(plan);
	}
}

/* The thread that is named first; "": none. */
static void check_quanta(const char *told, const char *after, const char *thread)
{
	struct qrt_sched_plan *a = make(told), *b = make(after);
	g_autofree char *refusal = plan_live_refuse_quanta(a, b);

	if (!*thread)
		CU_ASSERT_PTR_NULL(refusal);
	if (*thread && (!refusal || !g_str_has_prefix(refusal, thread))) {
		tap_note("'%s' -> '%s': %s", told, after, refusal ? refusal : "no refusal");
		CU_FAIL("another refusal");
	}
	qrt_sched_plan_close(a);
	qrt_sched_plan_close(b);
}

static void test_quanta(void)
{
	static const char rr[] = "paio_sched=rr\npaio_prio=2\npaio_nice=19\n";
	GString *long_list = g_string_new("paio_sched=rr\npaio_prio=2\npaio_nice=3");
	int i;

	check_quanta(rr, rr, "");
	check_quanta(rr, "paio_sched=rr\npaio_prio=5\npaio_bias=0\npaio_nice=19\n", "");
	check_quanta(rr, "paio_sched=fifo\npaio_prio=2\npaio_nice=19\n", "paio 0 ends its slices itself");
	check_quanta(rr, "paio_sched=rr\npaio_prio=2\n", "paio 0 ");
	check_quanta(rr, "", "paio 0 ");
	check_quanta(rr, "paio_sched=rr\npaio_prio=2\npaio_nice=19,18\n", "paio 1 ");
	/* Nobody was told of any. */
	check_quanta("", rr, "");
	check_quanta("paio_sched=fifo\npaio_prio=2\n", rr, "");
	check_quanta("kio_sched=rr\nkio_prio=2\nkio_nice=19\n", "", "");
	for (i = 1; i < 200; i++)
		g_string_append(long_list, ",3");
	g_string_append(long_list, ",4\n");
	check_quanta("paio_sched=rr\npaio_prio=2\npaio_nice=3\n", long_list->str, "paio 200 ");
	g_string_free(long_list, TRUE);
}

static void test_copy(void)
{
	static const char text[] =
		"maxprio=9,policy=rr,pvsched=off\nvcpu_bias=0,1-2\nvcpu_sched=fifo\nvcpu_prio=3,4\n"
		"othr_name=a?b*\nmlock=onfault\npi=off\nbudget=30%/100ms\n";
	struct qrt_sched_plan *plan = make(text), *copy = NULL;
	g_autofree char *a = plan_live_format(plan), *b = NULL;

	CU_ASSERT_EQUAL_FATAL(plan_live_copy(plan, &copy), 0);
	b = plan_live_format(copy);
	CU_ASSERT_STRING_EQUAL(a, b);
	/* Findings about it name no lines of a text that nobody sees. */
	CU_ASSERT_EQUAL(qrt_sched_plan_get_line(copy, QRT_SCHED_ROLE_VCPU, QRT_SCHED_SET_PRIORITY), 0);
	qrt_sched_plan_close(plan);
	qrt_sched_plan_close(copy);
}

static char *follow(const char *text, const char *before)
{
	struct qrt_sched_plan *plan = make(text), *running = make(before), *follower = NULL;
	g_autofree char *refusal = NULL, *back = NULL;
	char *said;

	CU_ASSERT_EQUAL_FATAL(plan_live_follow(plan, running, &follower), 0);
	said = plan_live_format(follower);
	refusal = plan_live_refuse(running, follower);
	back = plan_live_refuse(follower, running);
	CU_ASSERT_PTR_NULL(refusal);
	CU_ASSERT_PTR_NULL(back);
	qrt_sched_plan_close(plan);
	qrt_sched_plan_close(running);
	qrt_sched_plan_close(follower);
	return said;
}

/* What comes into force instead leaves the way back open. */
static void test_follow(void)
{
	static const char *const options[] = {
		"mlock=onfault", "pi=off",         "advance=50",    "pool=3",   "hugepages=thp",
		"numa=0",        "shield=irqs",    "timerprio=5",   "cstate=0", "haltpoll=0",
		"preemptlock=9", "resctrl=L3:0=1", "vcpu_name=foo*"};
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(options); i++) {
		g_autofree char *gone = follow(options[i], "vcpu_sched=fifo\nvcpu_prio=3\n");
		g_autofree char *kept = NULL, *one = g_strdup_printf("%s\nvcpu_prio=3\n", options[i]);

		CU_ASSERT_STRING_EQUAL(gone, "");
		kept = follow("vcpu_sched=other\nbudget=30%/100ms\n", one);
		CU_ASSERT_PTR_NOT_NULL(strstr(kept, options[i]));
		CU_ASSERT_PTR_NOT_NULL(strstr(kept, "vcpu_sched=other\n"));
		CU_ASSERT_PTR_NOT_NULL(strstr(kept, "budget="));
		CU_ASSERT_PTR_NULL(strstr(kept, "vcpu_prio"));
	}
	{
		g_autofree char *text = follow("maxprio=9,policy=rr,pvsched=off\nmlock=all\npool=2\n",
					       "maxprio=5,policy=ff,pvsched=off\nmlock=onfault\nweight=7\n");

		CU_ASSERT_TRUE(g_str_has_prefix(text, "maxprio=9,policy=rr,"));
		CU_ASSERT_PTR_NOT_NULL(strstr(text, "mlock=onfault\n"));
		CU_ASSERT_PTR_NULL(strstr(text, "pool"));
		CU_ASSERT_PTR_NULL(strstr(text, "weight"));
	}
	{
		g_autofree char *text = follow("vcpu_bias=0\nmain_bias=0\n", "vcpu_bias=1\nshield=on\n");

		CU_ASSERT_PTR_NOT_NULL(strstr(text, "vcpu_bias=1\n"));
		CU_ASSERT_PTR_NOT_NULL(strstr(text, "main_bias=0\n"));
	}
}

static const struct tap_test tests[] = {
	{"roles, budgets and weights change freely", test_roles},
	{"what is fixed at the start is refused by name, said or left out", test_fixed},
	{"a shielded VM of many vCPUs is looked at whole", test_many_vcpus},
	{"names of threads are fixed", test_names},
	{"a VM of somebody else's has nothing of the inside", test_foreign},
	{"quanta that were told are fixed, also of the last thread", test_quanta},
	{"a copy says the same", test_copy},
	{"one that takes the place of another while the VM runs", test_follow},
};

TAP_MAIN("plan_live", tests)
