/* SPDX-License-Identifier: MIT */
/* What `top` makes of the answers of supervisors, and of keys. */
#include "json_limit.h"
#include "tap.h"
#include "top.h"

#include <stdio.h>
#include <string.h>

static struct top_model model;

static void add_answer(GPtrArray *answers, const char *text)
{
	JsonObject *object = json_limit_parse(text, -1);

	CU_ASSERT_PTR_NOT_NULL_FATAL(object);
	g_ptr_array_add(answers, object);
}

static char *make_thread(int tid, const char *role, int index, const char *planned, const char *effective,
			 long long cpu_ms)
{
	return g_strdup_printf("{\"tid\":%d,\"name\":\"t%d\",\"role\":\"%s\",\"index\":%d,\"planned\":%s,"
			       "\"effective\":%s,\"in_plan\":true,\"layers\":[{\"layer\":\"origin\"},"
			       "{\"layer\":\"plan\"}],\"cpu_time_ns\":%lld,\"run_delay_ns\":%lld,"
			       "\"voluntary_switches\":%lld,\"involuntary_switches\":%lld}",
			       tid, tid, role, index, planned, effective, cpu_ms * 1000000, cpu_ms * 100000,
			       cpu_ms, cpu_ms);
}

#define FIFO(n) "{\"policy\":\"fifo\",\"priority\":" #n ",\"cpus\":\"1\"}"

/* Two VMs: one with two vCPUs and a main loop, which may give no answer, another with a vCPU of the same
 * number. */
static void look_at(gint64 now_us, long long cpu_ms, bool is_silent)
{
	GPtrArray *answers = g_ptr_array_new_with_free_func((GDestroyNotify)json_object_unref);
	GPtrArray *silent = g_ptr_array_new();
	g_autofree char
		*a = make_thread(7, "vcpu", 0, FIFO(3), FIFO(3), cpu_ms),
		*b = make_thread(8, "vcpu", 1, FIFO(5), FIFO(5), 2 * cpu_ms),
		*c = make_thread(9, "main", 0, "null", "{\"policy\":\"other\",\"nice\":5}", 0),
		*one = g_strdup_printf(
			"{\"name\":\"one\",\"guest_state\":\"running\","
			"\"guest\":{\"state\":\"re\\u001bady\",\"for_ms\":1000},\"governor\":{\"budgets\":["
			"{\"of\":\"vm\",\"budget\":\"30%%/100ms\"},{\"of\":\"vcpu\","
			"\"budget\":\"5ms/20ms\",\"over\":true}]},\"threads\":[%s,%s,%s]}",
			a, b, c),
		*two = g_strdup_printf("{\"name\":\"two\",\"threads\":[%s,5,null]}", c);

	if (is_silent)
		g_ptr_array_add(silent, (gpointer) "one");
	else
		add_answer(answers, one);
	add_answer(answers, two);
	top_model_take(&model, answers, silent, now_us);
	g_ptr_array_unref(silent);
	g_ptr_array_unref(answers);
	top_model_arrange(&model);
}

static void look(gint64 now_us, long long cpu_ms)
{
	look_at(now_us, cpu_ms, false);
}

static const struct top_row *row(guint place)
{
	CU_ASSERT_TRUE_FATAL(place < model.shown->len);
	return &g_array_index(model.shown, struct top_row, place);
}

static void test_guest(void)
{
	top_model_open(&model);
	look(G_USEC_PER_SEC, 0);
	CU_ASSERT_STRING_EQUAL(g_array_index(model.vms, struct top_vm, 0).guest, "guest: re?ady for 1.0 s");
	CU_ASSERT_STRING_EQUAL(g_array_index(model.vms, struct top_vm, 1).guest, "");
	top_model_close(&model);
}

static void test_take(void)
{
	top_model_open(&model);
	look(G_USEC_PER_SEC, 100);
	CU_ASSERT_EQUAL(model.vms->len, 2);
	CU_ASSERT_EQUAL(model.shown->len, 4);
	CU_ASSERT_STRING_EQUAL(row(0)->place, "vcpu0");
	CU_ASSERT_STRING_EQUAL(row(0)->layers, "plan");
	CU_ASSERT_TRUE(row(0)->cpu < 0);
	CU_ASSERT_STRING_EQUAL(row(0)->budget, "5ms/20ms!");
	CU_ASSERT_STRING_EQUAL(row(2)->budget, "30%/100ms");
	CU_ASSERT_STRING_EQUAL(row(3)->budget, "-");
	look(3 * G_USEC_PER_SEC, 600);
	/* 500 ms in 2 s. */
	CU_ASSERT_DOUBLE_EQUAL(row(0)->cpu, 25, 1e-6);
	CU_ASSERT_DOUBLE_EQUAL(row(0)->switches, 500, 1e-6);
	CU_ASSERT_DOUBLE_EQUAL(row(0)->delay, 25, 1e-6);
	CU_ASSERT_DOUBLE_EQUAL(row(1)->cpu, 50, 1e-6);
	/* A thread of the same number that began anew. */
	look(4 * G_USEC_PER_SEC, 1);
	CU_ASSERT_TRUE(row(0)->cpu < 0);
	top_model_close(&model);
}

/* A look that a key wanted comes at once: the figures stay, and the next ones are of all the time. */
static void test_soon(void)
{
	top_model_open(&model);
	look(1000000, 100);
	look(2000000, 200);
	look(2010000, 290);
	CU_ASSERT_DOUBLE_EQUAL(row(0)->cpu, 10, 1e-6);
	CU_ASSERT_DOUBLE_EQUAL(row(0)->switches, 200, 1e-6);
	CU_ASSERT_DOUBLE_EQUAL(row(0)->delay, 10, 1e-6);
	look(2020000, 290);
	CU_ASSERT_DOUBLE_EQUAL(row(0)->cpu, 10, 1e-6);
	/* 300 ms in 1 s. */
	look(3000000, 500);
	CU_ASSERT_DOUBLE_EQUAL(row(0)->cpu, 30, 1e-6);
	top_model_close(&model);
}

/* No thread has more than all of the time, or waits longer. */
static void test_bounds(void)
{
	top_model_open(&model);
	look(1000000, 100);
	look(2000000, 100000);
	CU_ASSERT_DOUBLE_EQUAL(row(0)->cpu, 100, 1e-6);
	CU_ASSERT_DOUBLE_EQUAL(row(0)->delay, 1000, 1e-6);
	top_model_close(&model);
}

/* One that does not answer is as it was; once it does its rates are of all the time between. */
static void test_silent(void)
{
	const struct top_vm *vm;

	top_model_open(&model);
	look(G_USEC_PER_SEC, 100);
	look(2 * G_USEC_PER_SEC, 200);
	look_at(3 * G_USEC_PER_SEC, 300, true);
	CU_ASSERT_EQUAL_FATAL(model.vms->len, 2);
	vm = &g_array_index(model.vms, struct top_vm, 1);
	CU_ASSERT_STRING_EQUAL(vm->name, "one");
	CU_ASSERT_STRING_EQUAL(vm->state, "running");
	CU_ASSERT_TRUE(vm->is_silent);
	CU_ASSERT_EQUAL(vm->taken_us, 2 * G_USEC_PER_SEC);
	CU_ASSERT_EQUAL(model.shown->len, 4);
	CU_ASSERT_STRING_EQUAL(row(1)->place, "vcpu0");
	CU_ASSERT_TRUE(row(1)->cpu < 0);
	look_at(4 * G_USEC_PER_SEC, 400, true);
	look(6 * G_USEC_PER_SEC, 600);
	CU_ASSERT_FALSE(g_array_index(model.vms, struct top_vm, 0).is_silent);
	/* 400 ms in 4 s. */
	CU_ASSERT_DOUBLE_EQUAL(row(0)->cpu, 10, 1e-6);
	top_model_close(&model);
}

/* One that never did has a name alone. */
static void test_never(void)
{
	top_model_open(&model);
	look_at(G_USEC_PER_SEC, 100, true);
	CU_ASSERT_EQUAL_FATAL(model.vms->len, 2);
	CU_ASSERT_EQUAL(g_array_index(model.vms, struct top_vm, 1).taken_us, 0);
	CU_ASSERT_EQUAL(model.shown->len, 1);
	top_model_close(&model);
}

static void test_arrange(void)
{
	top_model_open(&model);
	look(G_USEC_PER_SEC, 100);
	look(2 * G_USEC_PER_SEC, 200);
	model.sort = TOP_SORT_CPU;
	top_model_arrange(&model);
	CU_ASSERT_STRING_EQUAL(row(0)->place, "vcpu1");
	CU_ASSERT_STRING_EQUAL(row(1)->place, "vcpu0");
	model.sort = TOP_SORT_NAME;
	strcpy(model.filter, "MAIN");
	top_model_arrange(&model);
	CU_ASSERT_EQUAL(model.shown->len, 2);
	CU_ASSERT_STRING_EQUAL(row(0)->vm, "one");
	top_model_next_vm(&model);
	CU_ASSERT_STRING_EQUAL(model.vm, "one");
	top_model_next_vm(&model);
	top_model_arrange(&model);
	CU_ASSERT_EQUAL(model.shown->len, 1);
	CU_ASSERT_STRING_EQUAL(row(0)->vm, "two");
	top_model_next_vm(&model);
	CU_ASSERT_STRING_EQUAL(model.vm, "");
	top_model_close(&model);
}

static void check_step(guint place, int step, const char *wanted)
{
	g_autofree char *option = top_model_step_priority(&model, row(place), step);

	CU_ASSERT_STRING_EQUAL(option ? option : "none", wanted);
}

/* Threads of a role that differ keep their distance; none leaves 1..99. */
static void test_priority(void)
{
	top_model_open(&model);
	look(G_USEC_PER_SEC, 100);
	check_step(0, 1, "vcpu_prio=4,6");
	check_step(1, -1, "vcpu_prio=2,4");
	check_step(0, -2, "vcpu_prio=1,3");
	check_step(0, -3, "none");
	check_step(0, 94, "vcpu_prio=97,99");
	check_step(0, 95, "none");
	check_step(2, 1, "none");
	top_model_close(&model);
}

/* One VM whose two vCPUs are planned so, with the text of its plan. */
static void look_at_plan(const char *first, const char *second, const char *plan)
{
	GPtrArray *answers = g_ptr_array_new_with_free_func((GDestroyNotify)json_object_unref);
	GPtrArray *silent = g_ptr_array_new();
	g_autofree char *a = make_thread(7, "vcpu", 0, first, FIFO(3), 1),
			*b = make_thread(8, "vcpu", 1, second, FIFO(3), 1),
			*vm = g_strdup_printf("{\"name\":\"vm\",\"plan\":\"%s\",\"threads\":[%s,%s]}", plan,
					      a, b);

	add_answer(answers, vm);
	top_model_take(&model, answers, silent, G_USEC_PER_SEC);
	g_ptr_array_unref(silent);
	g_ptr_array_unref(answers);
	top_model_arrange(&model);
}

static void check_cycle(const char *wanted)
{
	g_autofree char *option = top_model_cycle_policy(&model, row(0));

	CU_ASSERT_STRING_EQUAL(option ? option : "none", wanted);
}

#define TIME_SHARED(policy) "{\"policy\":\"" policy "\",\"priority\":0}"
#define RR(n)               "{\"policy\":\"rr\",\"priority\":" #n "}"

static void look_time_shared(const char *planned)
{
	look_at_plan(planned, planned, "vcpu_prio=0\\n");
}

/* Once round the circle each thread has the priority that it had, also those that are not there now. */
static void test_policy(void)
{
	top_model_open(&model);
	look_at_plan(FIFO(3), FIFO(4), "main_prio=9\\nvcpu_prio=3,4,5\\n");
	check_cycle("vcpu_sched=rr");
	look_at_plan(RR(3), RR(4), "vcpu_prio=3,4,5\\n");
	check_cycle("vcpu_sched=other vcpu_prio=0");
	look_time_shared(TIME_SHARED("other"));
	check_cycle("vcpu_sched=batch vcpu_prio=0");
	look_time_shared(TIME_SHARED("batch"));
	check_cycle("vcpu_sched=fifo vcpu_prio=3,4,5");
	/* A plan may say it in another way. */
	look_at_plan(RR(7), RR(6), "maxprio=7\\n");
	look_time_shared(TIME_SHARED("batch"));
	check_cycle("vcpu_sched=fifo vcpu_prio=7,6");
	top_model_close(&model);
}

static void test_policy_unknown(void)
{
	top_model_open(&model);
	look_time_shared(TIME_SHARED("batch"));
	check_cycle("vcpu_sched=fifo vcpu_prio=1");
	/* Not all of them are real-time: such a list fits no policy of all. */
	look_at_plan(FIFO(3), TIME_SHARED("other"), "vcpu_prio=3,0\\n");
	look_time_shared(TIME_SHARED("batch"));
	check_cycle("vcpu_sched=fifo vcpu_prio=1");
	/* None that is planned: as it runs. */
	look_at_plan("null", "null", "");
	check_cycle("vcpu_sched=rr vcpu_prio=1");
	top_model_close(&model);
}

/* Its times would be lost, and the circle has no way back to them. */
static void test_deadline(void)
{
	top_model_open(&model);
	look_at_plan("{\"policy\":\"deadline\"}", FIFO(3), "vcpu_prio=0,3\\n");
	check_cycle("none");
	look_at_plan(FIFO(3), "{\"policy\":\"deadline\"}", "vcpu_prio=3,0\\n");
	check_cycle("none");
	top_model_close(&model);
}

/* Never more than the width, and never half a column. */
static void test_columns(void)
{
	struct top_row some = {.vm = "a-very-long-name-of-a-vm",
			       .place = "vcpu0",
			       .policy = "fifo",
			       .cpus = "0-1023",
			       .priority = 99,
			       .layers = "plan",
			       .budget = "-",
			       .name = "CPU 0/KVM",
			       .cpu = 12.34};
	char line[512], titles[512];
	int width;

	for (width = 0; width < 300; width++) {
		top_columns_format(&some, true, width, line, sizeof(line));
		top_columns_format(NULL, true, width, titles, sizeof(titles));
		CU_ASSERT_TRUE((int)strlen(line) <= width);
		CU_ASSERT_EQUAL(strlen(line), strlen(titles));
	}
	CU_ASSERT_PTR_NOT_NULL(strstr(line, "a-very-+ vcpu0   fifo 99   0-1023   12.3"));
	top_columns_format(&some, false, 39, line, sizeof(line));
	CU_ASSERT_STRING_EQUAL(line, "vcpu0   fifo 99   0-1023   12.3");
}

static const struct tap_test tests[] = {
	{"what a guest is at", test_guest},
	{"answers become rows, and rates from the second look on", test_take},
	{"a look soon after another keeps the figures", test_soon},
	{"figures within what there is", test_bounds},
	{"a VM that does not answer for a while", test_silent},
	{"a VM that never answered", test_never},
	{"sorted, filtered, one VM after the other", test_arrange},
	{"a step of priority for all threads of a role", test_priority},
	{"policies in a circle", test_policy},
	{"priorities that are not known", test_policy_unknown},
	{"a role under deadline stays so", test_deadline},
	{"columns that fit", test_columns},
};

TAP_MAIN("top_model", tests)
