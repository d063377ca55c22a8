/* SPDX-License-Identifier: MIT */
#include "recording.h"
#include "tap.h"

#include <errno.h>
#include <string.h>

static void fill(struct recording *recording)
{
	struct recorder_thread thread = {
		.tid = 7, .role = QRT_SCHED_ROLE_VCPU, .index = 1, .name = "CPU \"1\"\\", .traced_ns = 1500};
	struct recorder_entry entries[] = {
		{.kind = RECORDER_SAMPLE,
		 .tid = 7,
		 .time_ns = 5000,
		 .took_ns = 20,
		 .sample = {.delay_ns = 3, .run_ns = 4, .arrivals = 5, .cpu = 1, .told = true}},
		{.kind = RECORDER_MUTEX,
		 .tid = 7,
		 .time_ns = 6000,
		 .took_ns = 30,
		 .mutex = {.mutex = 0x7fffffffffff, .caller = 9, .owner = 8}},
		{.kind = RECORDER_STARVES, .tid = 7, .time_ns = 6500, .took_ns = 35, .sample = {.cpu = 3}},
		{.kind = RECORDER_MONITOR, .time_ns = 7000, .took_ns = 40},
		{.kind = RECORDER_LOOK, .time_ns = 8000, .took_ns = 50},
		{.kind = RECORDER_SILENT, .time_ns = 9000, .took_ns = 60},
	};

	struct recording_task task = {.tid = 77, .name = {.pid = 76, .comm = "rsync", .has_policy = true}};
	struct blame_delay delay = {.kind = BLAME_PREEMPTED, .tid = 7, .cpu = 1, .start_ns = 4000, .ns = 90};

	recording_init(recording);
	task.name.policy = 1;
	task.name.priority = 40;
	g_array_append_val(recording->tasks, task);
	delay.least_ns = 80;
	delay.wakes = 3;
	delay.lasts = true;
	delay.culprits_count = 2;
	delay.culprits[0] = (struct blame_culprit){.tid = 77, .ns = 60};
	delay.culprits[1] = (struct blame_culprit){.tid = BLAME_TID_OTHERS, .ns = 30};
	g_array_append_val(recording->delays, delay);
	recording->traced_ns = 2000;
	recording->trace_error = 13;
	strcpy(recording->name, "vm");
	strcpy(recording->when, "2026-01-02 03:04:05");
	strcpy(recording->trigger, "it waited");
	recording->pid = 42;
	recording->start_ns = 1000;
	recording->end_ns = 9000;
	recording->mutexes = true;
	recording->lost_mutexes = 6;
	g_array_append_val(recording->threads, thread);
	g_array_append_vals(recording->entries, entries, G_N_ELEMENTS(entries));
}

static void test_round_trip(void)
{
	struct recording recording, again;
	g_autofree char *text = NULL, *second = NULL;
	const struct recorder_thread *thread;
	const struct recorder_entry *entry;
	unsigned int line;
	size_t len;

	fill(&recording);
	text = recording_format(&recording, &len);
	CU_ASSERT_EQUAL(len, strlen(text));
	recording_init(&again);
	CU_ASSERT_EQUAL_FATAL(recording_parse(&again, text, len, &line), 0);
	CU_ASSERT_STRING_EQUAL(again.name, "vm");
	CU_ASSERT_EQUAL(again.pid, 42);
	CU_ASSERT_EQUAL(again.entries->len, 6);
	thread = &g_array_index(again.threads, struct recorder_thread, 0);
	CU_ASSERT_STRING_EQUAL(thread->name, "CPU \"1\"\\");
	CU_ASSERT_EQUAL(thread->role, QRT_SCHED_ROLE_VCPU);
	entry = &g_array_index(again.entries, struct recorder_entry, 1);
	CU_ASSERT_EQUAL(entry->mutex.mutex, 0x7fffffffffff);
	CU_ASSERT_EQUAL(thread->traced_ns, 1500);
	CU_ASSERT_EQUAL(again.traced_ns, 2000);
	CU_ASSERT_EQUAL(again.trace_error, 13);
	CU_ASSERT_EQUAL_FATAL(again.delays->len, 1);
	CU_ASSERT_EQUAL(g_array_index(again.delays, struct blame_delay, 0).culprits[1].tid, BLAME_TID_OTHERS);
	CU_ASSERT_EQUAL_FATAL(again.tasks->len, 1);
	CU_ASSERT_EQUAL(g_array_index(again.tasks, struct recording_task, 0).name.priority, 40);
	second = recording_format(&again, &len);
	CU_ASSERT_STRING_EQUAL(text, second);
	recording_clear(&recording);
	recording_clear(&again);
}

static int parse(const char *text, unsigned int *ret_line)
{
	struct recording recording;
	int r;

	recording_init(&recording);
	r = recording_parse(&recording, text, strlen(text), ret_line);
	recording_clear(&recording);
	return r;
}

#define HEAD "{\"record\":\"vm\",\"version\":1,\"pid\":4,\"start_ns\":1,\"end_ns\":9}\n"

#define DELAY "{\"record\":\"delay\",\"tid\":7,\"kind\":"

static void test_bad(void)
{
	static const struct {
		const char *text;
		unsigned int line;
	} bad[] = {
		{"", 1},
		{HEAD "{\"record\":\"thread\"", 2},
		{"x\n", 1},
		{"{}\n", 1},
		{"{\"record\":\"sample\",\"time_ns\":5}\n", 1},
		{HEAD HEAD, 2},
		{HEAD "{\"record\":\"thread\",\"tid\":0,\"role\":\"vcpu\"}\n", 2},
		{HEAD "{\"record\":\"thread\",\"tid\":1,\"role\":\"disk\"}\n", 2},
		{HEAD "{\"record\":\"sample\",\"time_ns\":5,\"took_ns\":6}\n", 2},
		{HEAD "{\"record\":\"other\"}\n", 2},
		{HEAD "{\"record\":\"task\",\"tid\":-2}\n", 2},
		{HEAD DELAY "\"mutex\",\"ns\":5}\n", 2},
		{HEAD DELAY "\"woken\",\"ns\":5,\"least_ns\":6}\n", 2},
		{HEAD DELAY "\"woken\",\"ns\":5,\"by\":[7]}\n", 2},
		{HEAD DELAY "\"woken\",\"ns\":5,\"by\":[7,6]}\n", 2},
		{HEAD DELAY "\"woken\",\"ns\":5,\"by\":[-3,5]}\n", 2},
		{HEAD DELAY "\"woken\",\"ns\":5,\"by\":[7,{}]}\n", 2},
		{HEAD DELAY "\"woken\",\"ns\":5,\"by\":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]}\n", 2},
		{"{\"record\":\"vm\",\"version\":2,\"pid\":4,\"start_ns\":1,\"end_ns\":9}\n", 1},
		{"{\"record\":\"vm\",\"version\":1,\"pid\":0,\"start_ns\":1,\"end_ns\":9}\n", 1},
		{"{\"record\":\"vm\",\"version\":1,\"pid\":4,\"start_ns\":10,\"end_ns\":9}\n", 1},
	};
	unsigned int line;
	size_t i;

	CU_ASSERT_EQUAL(parse(HEAD, &line), 0);
	for (i = 0; i < G_N_ELEMENTS(bad); i++) {
		CU_ASSERT_EQUAL(parse(bad[i].text, &line), -EINVAL);
		CU_ASSERT_EQUAL(line, bad[i].line);
	}
}

/* What follows looks through all of them for each of them. */
static void test_many(void)
{
	GString *text = g_string_new(HEAD);
	unsigned int line;
	int i;

	for (i = 0; i < 40000; i++)
		g_string_append(text, "{\"record\":\"look\"}\n");
	CU_ASSERT_EQUAL(parse(text->str, &line), -EINVAL);
	CU_ASSERT_EQUAL(line, 2 + 32768);
	g_string_free(text, TRUE);
}

/* A file may come from anywhere. */
static void test_clean(void)
{
	static const char text[] = "{\"record\":\"vm\",\"version\":1,\"pid\":4,\"start_ns\":1,\"end_ns\":9,"
				   "\"name\":\"a\\u001b[2J\"}\n";
	struct recording recording;
	unsigned int line;

	recording_init(&recording);
	CU_ASSERT_EQUAL(recording_parse(&recording, text, strlen(text), &line), 0);
	CU_ASSERT_STRING_EQUAL(recording.name, "a?[2J");
	recording_clear(&recording);
}

static const struct tap_test tests[] = {
	{"text and back", test_round_trip},
	{"what is no recording: the line", test_bad},
	{"more lines than any recorder has", test_many},
	{"names are clean", test_clean},
};

TAP_MAIN("recording", tests)
