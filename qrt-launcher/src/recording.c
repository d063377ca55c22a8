/* SPDX-License-Identifier: MIT */
#include "recording.h"

#include "clean.h"
#include "json_limit.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define ENTRIES_MAX 1000000u

void recording_init(struct recording *recording)
{
	memset(recording, 0, sizeof(*recording));
	recording->threads = g_array_new(FALSE, FALSE, sizeof(struct recorder_thread));
	recording->entries = g_array_new(FALSE, FALSE, sizeof(struct recorder_entry));
}

void recording_clear(struct recording *recording)
{
	if (recording->threads)
		g_array_unref(recording->threads);
	if (recording->entries)
		g_array_unref(recording->entries);
	memset(recording, 0, sizeof(*recording));
}

/* ---- to text ---- */

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
	add_string(text, "name", recording->name);
	add_string(text, "when", recording->when);
	add_string(text, "trigger", recording->trigger);
	g_string_append(text, "}\n");
}

static void add_thread(GString *text, const struct recorder_thread *thread)
{
	g_string_append_printf(text, "{\"record\":\"thread\",\"tid\":%d,\"role\":\"%s\",\"index\":%d",
			       thread->tid, qrt_sched_role_name(thread->role), thread->index);
	add_string(text, "name", thread->name);
	g_string_append(text, "}\n");
}

static const char *const kinds[RECORDER_KINDS] = {
	[RECORDER_SAMPLE] = "sample",   [RECORDER_STARVES] = "starves", [RECORDER_MUTEX] = "mutex",
	[RECORDER_MONITOR] = "monitor", [RECORDER_LOOK] = "look",
};

static void add_entry(GString *text, const struct recorder_entry *entry)
{
	g_string_append_printf(
		text, "{\"record\":\"%s\",\"time_ns\":%" PRIu64 ",\"took_ns\":%" PRIu64 ",\"tid\":%d",
		kinds[entry->kind], entry->time_ns, entry->took_ns, entry->tid);
	if (entry->kind == RECORDER_SAMPLE)
		g_string_append_printf(text,
				       ",\"delay_ns\":%" PRIu64 ",\"run_ns\":%" PRIu64
				       ",\"arrivals\":%" PRIu64 ",\"cpu\":%d",
				       entry->sample.delay_ns, entry->sample.run_ns, entry->sample.arrivals,
				       entry->sample.cpu);
	else if (entry->kind == RECORDER_STARVES)
		g_string_append_printf(text, ",\"cpu\":%d", entry->sample.cpu);
	else if (entry->kind == RECORDER_MUTEX)
		g_string_append_printf(text, ",\"mutex\":%" PRIu64 ",\"caller\":%" PRIu64 ",\"owner\":%d",
				       entry->mutex.mutex, entry->mutex.caller, entry->mutex.owner);
	g_string_append(text, "}\n");
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
	*ret_len = text->len;
	return g_string_free(text, FALSE);
}

/* ---- and back ---- */

static uint64_t get_number(JsonObject *object, const char *name)
{
	gint64 value = json_limit_get_int(object, name);

	return value > 0 ? (uint64_t)value : 0;
}

static int32_t get_small(JsonObject *object, const char *name)
{
	return (int32_t)CLAMP(json_limit_get_int(object, name), INT32_MIN, INT32_MAX);
}

static void get_string(JsonObject *object, const char *name, char *buf, size_t size)
{
	g_strlcpy(buf, json_limit_get_string(object, name), size);
	clean_text(buf);
}

static int take_head(struct recording *recording, JsonObject *object)
{
	if (json_limit_get_int(object, "version") != 1 || recording->end_ns)
		return -EINVAL;
	recording->pid = get_small(object, "pid");
	recording->start_ns = get_number(object, "start_ns");
	recording->end_ns = get_number(object, "end_ns");
	recording->mutexes = json_limit_get_bool(object, "mutexes");
	recording->lost_mutexes = get_number(object, "lost_mutexes");
	get_string(object, "name", recording->name, sizeof(recording->name));
	get_string(object, "when", recording->when, sizeof(recording->when));
	get_string(object, "trigger", recording->trigger, sizeof(recording->trigger));
	return recording->pid > 0 && recording->start_ns > 0 && recording->start_ns <= recording->end_ns
		       ? 0
		       : -EINVAL;
}

static int take_thread(struct recording *recording, JsonObject *object)
{
	struct recorder_thread thread = {.tid = get_small(object, "tid")};
	int role = qrt_sched_role_parse(json_limit_get_string(object, "role"));

	if (role < 0 || thread.tid <= 0)
		return -EINVAL;
	thread.role = (enum qrt_sched_role)role;
	thread.index = get_small(object, "index");
	get_string(object, "name", thread.name, sizeof(thread.name));
	g_array_append_val(recording->threads, thread);
	return 0;
}

static int take_entry(struct recording *recording, JsonObject *object, enum recorder_kind kind)
{
	struct recorder_entry entry = {.kind = kind, .tid = get_small(object, "tid")};

	entry.time_ns = get_number(object, "time_ns");
	entry.took_ns = get_number(object, "took_ns");
	if (entry.took_ns > entry.time_ns)
		return -EINVAL;
	if (kind == RECORDER_STARVES) {
		entry.sample.cpu = get_small(object, "cpu");
	} else if (kind == RECORDER_SAMPLE) {
		entry.sample.delay_ns = get_number(object, "delay_ns");
		entry.sample.run_ns = get_number(object, "run_ns");
		entry.sample.arrivals = get_number(object, "arrivals");
		entry.sample.cpu = get_small(object, "cpu");
	} else if (kind == RECORDER_MUTEX) {
		entry.mutex.mutex = get_number(object, "mutex");
		entry.mutex.caller = get_number(object, "caller");
		entry.mutex.owner = get_small(object, "owner");
	}
	g_array_append_val(recording->entries, entry);
	return 0;
}

int recording_take(struct recording *recording, JsonObject *object)
{
	const char *record = json_limit_get_string(object, "record");
	int kind;

	if (strcmp(record, "vm") == 0)
		return take_head(recording, object);
	if (recording->end_ns == 0 || recording->threads->len + recording->entries->len >= ENTRIES_MAX)
		return -EINVAL;
	if (strcmp(record, "thread") == 0)
		return take_thread(recording, object);
	for (kind = 0; kind < RECORDER_KINDS; kind++) {
		if (strcmp(record, kinds[kind]) == 0)
			return take_entry(recording, object, kind);
	}
	return -EINVAL;
}

int recording_parse(struct recording *recording, const char *text, size_t len, unsigned int *ret_line)
{
	const char *end = text + len, *next;
	JsonObject *object;
	int r = 0;

	for (*ret_line = 1; text < end && r == 0; text = next + 1, (*ret_line)++) {
		next = memchr(text, '\n', (size_t)(end - text));
		if (!next)
			return -EINVAL;
		object = json_limit_parse(text, next - text);
		r = object ? recording_take(recording, object) : -EINVAL;
		if (object)
			json_object_unref(object);
		if (r < 0)
			return r;
	}
	return recording->end_ns ? 0 : -EINVAL;
}
