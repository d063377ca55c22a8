/* SPDX-License-Identifier: MIT */
/* The kernel's records; see perf_event_open(2). Apart, because it is pure. */
#include "blame_perf.h"

#include <linux/perf_event.h>
#include <string.h>

/* What follows each record with the sample type TID | TIME | CPU. */
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

struct comm_record {
	struct perf_event_header header;
	uint32_t pid, tid;
	char comm[]; /* with its NUL, filled up to 8 bytes */
};

struct task_record {
	struct perf_event_header header;
	uint32_t pid, parent_pid, tid, parent_tid;
	uint64_t time;
	struct sample_id id;
};

struct lost_record {
	struct perf_event_header header;
	uint64_t id, lost;
	struct sample_id sample;
};

/* A task that is nearly gone has no number any more. */
static int32_t number_of(uint32_t tid)
{
	return tid == UINT32_MAX ? -1 : (int32_t)tid;
}

/* Each switch is told twice, by who goes out and by who comes in. */
static int decode_switch(const struct switch_record *record, size_t size, struct blame_event *event)
{
	bool goes_out = record->header.misc & PERF_RECORD_MISC_SWITCH_OUT;

	if (size < sizeof(*record))
		return 0;
	event->type = BLAME_EVENT_SWITCH;
	event->time_ns = record->id.time;
	event->cpu = record->id.cpu;
	event->tid = number_of(goes_out ? record->id.tid : record->other_tid);
	event->other = number_of(goes_out ? record->other_tid : record->id.tid);
	event->told_by_in = !goes_out;
	event->still_ready = (record->header.misc & PERF_RECORD_MISC_SWITCH_OUT_PREEMPT) != 0;
	return 1;
}

static int decode_comm(const struct comm_record *record, size_t size, struct blame_event *event)
{
	size_t room = size > sizeof(*record) + sizeof(struct sample_id)
			      ? size - sizeof(*record) - sizeof(struct sample_id)
			      : 0;
	struct sample_id id;

	if (room == 0)
		return 0;
	memcpy(&id, (const char *)record + size - sizeof(id), sizeof(id));
	event->type = BLAME_EVENT_COMM;
	event->time_ns = id.time;
	event->tid = number_of(record->tid);
	event->pid = number_of(record->pid);
	memcpy(event->comm, record->comm, room < sizeof(event->comm) ? room : sizeof(event->comm));
	event->comm[sizeof(event->comm) - 1] = '\0';
	return 1;
}

static int decode_task(const struct task_record *record, size_t size, struct blame_event *event)
{
	if (size < sizeof(*record))
		return 0;
	event->type = record->header.type == PERF_RECORD_FORK ? BLAME_EVENT_FORK : BLAME_EVENT_EXIT;
	event->time_ns = record->time;
	event->tid = number_of(record->tid);
	event->pid = number_of(record->pid);
	event->other = number_of(record->parent_tid);
	return 1;
}

static int decode_lost(const struct lost_record *record, size_t size, struct blame_event *event)
{
	if (size < sizeof(*record))
		return 0;
	event->type = BLAME_EVENT_LOST;
	event->time_ns = record->sample.time;
	event->count = record->lost;
	return 1;
}

int blame_perf_decode(const void *record, size_t size, uint32_t cpu, struct blame_event *ret_event)
{
	const struct perf_event_header *header = record;

	memset(ret_event, 0, sizeof(*ret_event));
	ret_event->cpu = cpu;
	switch (header->type) {
	case PERF_RECORD_SWITCH_CPU_WIDE:
		return decode_switch(record, size, ret_event);
	case PERF_RECORD_COMM:
		return decode_comm(record, size, ret_event);
	case PERF_RECORD_FORK:
	case PERF_RECORD_EXIT:
		return decode_task(record, size, ret_event);
	case PERF_RECORD_LOST:
		return decode_lost(record, size, ret_event);
	default:
		return 0;
	}
}
