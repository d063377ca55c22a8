/* SPDX-License-Identifier: MIT */
#include "recording.h"

#include "blame_perf.h"
#include "recording_kinds.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

const char *const recording_kinds[RECORDER_KINDS] = {
	[RECORDER_SAMPLE] = "sample",   [RECORDER_STARVES] = "starves", [RECORDER_MUTEX] = "mutex",
	[RECORDER_MONITOR] = "monitor", [RECORDER_SILENT] = "silent",   [RECORDER_LOOK] = "look",
};

const char *const recording_delay_kinds[BLAME_KINDS] = {
	[BLAME_PREEMPTED] = "preempted",
	[BLAME_WOKEN] = "woken",
	[BLAME_MUTEX] = "mutex",
};

void recording_init(struct recording *recording)
{
	memset(recording, 0, sizeof(*recording));
	recording->threads = g_array_new(FALSE, FALSE, sizeof(struct recorder_thread));
	recording->entries = g_array_new(FALSE, FALSE, sizeof(struct recorder_entry));
	recording->events = g_array_new(FALSE, FALSE, sizeof(struct blame_event));
	recording->delays = g_array_new(FALSE, FALSE, sizeof(struct blame_delay));
	recording->tasks = g_array_new(FALSE, FALSE, sizeof(struct recording_task));
}

void recording_clear(struct recording *recording)
{
	GArray *arrays[] = {recording->threads, recording->entries, recording->events, recording->delays,
			    recording->tasks};
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(arrays); i++) {
		if (arrays[i])
			g_array_unref(arrays[i]);
	}
	blame_copy_free(recording->switches);
	memset(recording, 0, sizeof(*recording));
}

void recording_date(struct recording *recording)
{
	time_t wall = recording->wall_s;
	struct tm tm;

	localtime_r(&wall, &tm);
	strftime(recording->when, sizeof(recording->when), "%Y-%m-%d %H:%M:%S", &tm);
}

/* Clean texts have no other characters that JSON would mind. */
static void add_string(GString *text, const char *name, const char *value)
{
	g_autofree char *escaped = g_strescape(value, NULL);

	g_string_append_printf(text, ",\"%s\":\"%s\"", name, escaped);
}

static void add_head(GString *text, const struct recording *recording)
{
	g_string_append_printf(text,
			       "{\"record\":\"vm\",\"version\":1,\"pid\":%d,\"start_ns\":%" PRIu64
			       ",\"end_ns\":%" PRIu64 ",\"mutexes\":%s,\"lost_mutexes\":%" PRIu64,
			       recording->pid, recording->start_ns, recording->end_ns,
			       recording->mutexes ? "true" : "false", recording->lost_mutexes);
	g_string_append_printf(text, ",\"traced_ns\":%" PRIu64 ",\"trace_error\":%d", recording->traced_ns,
			       recording->trace_error);
	add_string(text, "name", recording->name);
	add_string(text, "when", recording->when);
	add_string(text, "trigger", recording->trigger);
	g_string_append(text, "}\n");
}

static void add_thread(GString *text, const struct recorder_thread *thread)
{
	g_string_append_printf(
		text, "{\"record\":\"thread\",\"tid\":%d,\"role\":\"%s\",\"index\":%d,\"traced_ns\":%" PRIu64,
		thread->tid, qrt_sched_role_name(thread->role), thread->index, thread->traced_ns);
	add_string(text, "name", thread->name);
	g_string_append(text, "}\n");
}

static void add_entry(GString *text, const struct recorder_entry *entry)
{
	g_string_append_printf(
		text, "{\"record\":\"%s\",\"time_ns\":%" PRIu64 ",\"took_ns\":%" PRIu64 ",\"tid\":%d",
		recording_kinds[entry->kind], entry->time_ns, entry->took_ns, entry->tid);
	if (entry->kind == RECORDER_SAMPLE)
		g_string_append_printf(text,
				       ",\"delay_ns\":%" PRIu64 ",\"run_ns\":%" PRIu64
				       ",\"arrivals\":%" PRIu64 ",\"cpu\":%d%s",
				       entry->sample.delay_ns, entry->sample.run_ns, entry->sample.arrivals,
				       entry->sample.cpu, entry->sample.told ? ",\"told\":true" : "");
	else if (entry->kind == RECORDER_STARVES)
		g_string_append_printf(text, ",\"cpu\":%d", entry->sample.cpu);
	else if (entry->kind == RECORDER_MUTEX)
		g_string_append_printf(text, ",\"mutex\":%" PRIu64 ",\"caller\":%" PRIu64 ",\"owner\":%d",
				       entry->mutex.mutex, entry->mutex.caller, entry->mutex.owner);
	g_string_append(text, "}\n");
}

static void add_task(GString *text, const struct recording_task *task)
{
	g_string_append_printf(text,
			       "{\"record\":\"task\",\"tid\":%d,\"pid\":%d,\"policy\":%" PRId64
			       ",\"priority\":%d,\"nice\":%d",
			       task->tid, task->name.pid,
			       task->name.has_policy ? (int64_t)task->name.policy : -1, task->name.priority,
			       task->name.nice);
	add_string(text, "name", task->name.comm);
	g_string_append(text, "}\n");
}

static void add_delay(GString *text, const struct blame_delay *delay)
{
	size_t i;

	g_string_append_printf(
		text,
		"{\"record\":\"delay\",\"kind\":\"%s\",\"tid\":%d,\"cpu\":%d,\"start_ns\":%" PRIu64
		",\"ns\":%" PRIu64 ",\"least_ns\":%" PRIu64 ",\"wakes\":%u,\"lasts\":%s,\"by\":[",
		recording_delay_kinds[delay->kind], delay->tid, delay->cpu, delay->start_ns, delay->ns,
		delay->least_ns, delay->wakes, delay->lasts ? "true" : "false");
	for (i = 0; i < delay->culprits_count; i++)
		g_string_append_printf(text, "%s%d,%" PRIu64, i > 0 ? "," : "", delay->culprits[i].tid,
				       delay->culprits[i].ns);
	g_string_append(text, "]}\n");
}

char *recording_format(const struct recording *recording, size_t *ret_len)
{
	GString *text = g_string_sized_new(128 * (recording->entries->len + recording->threads->len + 4));
	guint i;

	add_head(text, recording);
	for (i = 0; i < recording->threads->len; i++)
		add_thread(text, &g_array_index(recording->threads, struct recorder_thread, i));
	for (i = 0; i < recording->entries->len; i++)
		add_entry(text, &g_array_index(recording->entries, struct recorder_entry, i));
	for (i = 0; i < recording->tasks->len; i++)
		add_task(text, &g_array_index(recording->tasks, struct recording_task, i));
	for (i = 0; i < recording->delays->len; i++)
		add_delay(text, &g_array_index(recording->delays, struct blame_delay, i));
	*ret_len = text->len;
	return g_string_free(text, FALSE);
}
