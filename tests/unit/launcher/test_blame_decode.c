/* SPDX-License-Identifier: MIT */
#include "tap.h"

#include "blame_perf.h"

#include <linux/perf_event.h>
#include <string.h>

struct sample_id {
	uint32_t pid, tid;
	uint64_t time;
	uint32_t cpu, reserved;
};

struct switch_record {
	struct perf_event_header header;
	uint32_t other_pid, other_tid;
	struct sample_id id;
};

static struct switch_record make_switch(uint16_t misc)
{
	struct switch_record record = {
		.header = {.type = PERF_RECORD_SWITCH_CPU_WIDE, .misc = misc, .size = sizeof(record)},
		.other_pid = 10,
		.other_tid = 11,
		.id = {.pid = 20, .tid = 21, .time = 12345, .cpu = 3},
	};

	return record;
}

static void going_out_and_coming_in_tell_the_same_switch(void)
{
	struct switch_record out = make_switch(PERF_RECORD_MISC_SWITCH_OUT |
					       PERF_RECORD_MISC_SWITCH_OUT_PREEMPT);
	struct switch_record in = make_switch(0);
	struct blame_event event;

	CU_ASSERT_EQUAL_FATAL(blame_perf_decode(&out, sizeof(out), 0, &event), 1);
	CU_ASSERT_EQUAL(event.type, BLAME_EVENT_SWITCH);
	CU_ASSERT_EQUAL(event.tid, 21);
	CU_ASSERT_EQUAL(event.other, 11);
	CU_ASSERT_EQUAL(event.cpu, 3);
	CU_ASSERT_EQUAL(event.time_ns, 12345);
	CU_ASSERT_TRUE(event.still_ready);
	CU_ASSERT_FALSE(event.told_by_in);
	CU_ASSERT_EQUAL_FATAL(blame_perf_decode(&in, sizeof(in), 0, &event), 1);
	CU_ASSERT_EQUAL(event.tid, 11);
	CU_ASSERT_EQUAL(event.other, 21);
	CU_ASSERT_FALSE(event.still_ready);
	CU_ASSERT_TRUE(event.told_by_in);
}

static void a_task_that_is_gone_has_no_number(void)
{
	struct switch_record record = make_switch(PERF_RECORD_MISC_SWITCH_OUT);
	struct blame_event event;

	record.id.tid = UINT32_MAX;
	CU_ASSERT_EQUAL_FATAL(blame_perf_decode(&record, sizeof(record), 0, &event), 1);
	CU_ASSERT_EQUAL(event.tid, -1);
}

static void names_and_forks_are_read(void)
{
	struct {
		struct perf_event_header header;
		uint32_t pid, tid;
		char comm[8];
		struct sample_id id;
	} comm = {.header = {.type = PERF_RECORD_COMM, .size = sizeof(comm)},
		  .pid = 1,
		  .tid = 2,
		  .comm = "spinner"};
	struct {
		struct perf_event_header header;
		uint32_t pid, parent_pid, tid, parent_tid;
		uint64_t time;
		struct sample_id id;
	} fork = {.header = {.type = PERF_RECORD_FORK, .size = sizeof(fork)},
		  .pid = 5,
		  .tid = 6,
		  .parent_tid = 7,
		  .time = 8};
	struct blame_event event;

	CU_ASSERT_EQUAL_FATAL(blame_perf_decode(&comm, sizeof(comm), 0, &event), 1);
	CU_ASSERT_EQUAL(event.type, BLAME_EVENT_COMM);
	CU_ASSERT_STRING_EQUAL(event.comm, "spinner");
	CU_ASSERT_EQUAL_FATAL(blame_perf_decode(&fork, sizeof(fork), 0, &event), 1);
	CU_ASSERT_EQUAL(event.type, BLAME_EVENT_FORK);
	CU_ASSERT_EQUAL(event.tid, 6);
	CU_ASSERT_EQUAL(event.pid, 5);
	CU_ASSERT_EQUAL(event.other, 7);
	CU_ASSERT_EQUAL(event.time_ns, 8);
}

static void lost_records_are_counted(void)
{
	struct {
		struct perf_event_header header;
		uint64_t id, lost;
		struct sample_id sample;
	} lost = {.header = {.type = PERF_RECORD_LOST, .size = sizeof(lost)},
		  .lost = 77,
		  .sample = {.time = 9}};
	struct blame_event event;

	CU_ASSERT_EQUAL_FATAL(blame_perf_decode(&lost, sizeof(lost), 5, &event), 1);
	CU_ASSERT_EQUAL(event.type, BLAME_EVENT_LOST);
	CU_ASSERT_EQUAL(event.count, 77);
	CU_ASSERT_EQUAL(event.cpu, 5);
}

static void short_and_foreign_records_are_passed_over(void)
{
	uint64_t raw[32];
	struct perf_event_header *header = (struct perf_event_header *)raw;
	struct blame_event event;
	uint32_t type;
	size_t size;

	memset(raw, 0xff, sizeof(raw));
	for (type = 0; type < 32; type++) {
		for (size = sizeof(*header); size <= 24; size += 8) {
			header->type = type;
			header->size = (uint16_t)size;
			CU_ASSERT_EQUAL(blame_perf_decode(raw, size, 0, &event), 0);
		}
	}
}

static const struct tap_test tests[] = {
	{"going out and coming in tell the same switch", going_out_and_coming_in_tell_the_same_switch},
	{"a task that is gone has no number", a_task_that_is_gone_has_no_number},
	{"names and forks are read", names_and_forks_are_read},
	{"lost records are counted", lost_records_are_counted},
	{"short and foreign records are passed over", short_and_foreign_records_are_passed_over},
};

TAP_MAIN("blame_decode", tests)
