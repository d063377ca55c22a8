/* SPDX-License-Identifier: MIT */
/* A recording's text back: it may come from anywhere. */
#include "clean.h"
#include "json_limit.h"
#include "recording.h"
#include "recording_kinds.h"

#include <errno.h>
#include <string.h>

/* Well above what a recorder holds, and few enough to look through them for each of them. */
#define LINES_MAX 32768u

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
	recording->traced_ns = get_number(object, "traced_ns");
	recording->trace_error = get_small(object, "trace_error");
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
	thread.traced_ns = get_number(object, "traced_ns");
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
		entry.sample.told = json_limit_get_bool(object, "told");
		entry.sample.cpu = get_small(object, "cpu");
	} else if (kind == RECORDER_MUTEX) {
		entry.mutex.mutex = get_number(object, "mutex");
		entry.mutex.caller = get_number(object, "caller");
		entry.mutex.owner = get_small(object, "owner");
	}
	g_array_append_val(recording->entries, entry);
	return 0;
}

static int take_task(struct recording *recording, JsonObject *object)
{
	struct recording_task task = {.tid = get_small(object, "tid")};
	gint64 policy = json_limit_get_int(object, "policy");

	if (task.tid <= 0)
		return -EINVAL;
	task.name.pid = get_small(object, "pid");
	task.name.has_policy = policy >= 0 && policy <= INT32_MAX;
	task.name.policy = task.name.has_policy ? (uint32_t)policy : 0;
	task.name.priority = get_small(object, "priority");
	task.name.nice = get_small(object, "nice");
	get_string(object, "name", task.name.comm, sizeof(task.name.comm));
	g_array_append_val(recording->tasks, task);
	return 0;
}

static int find_delay_kind(const char *word)
{
	int kind;

	for (kind = 0; kind < BLAME_KINDS; kind++) {
		if (kind != BLAME_MUTEX && strcmp(word, recording_delay_kinds[kind]) == 0)
			return kind;
	}
	return -EINVAL;
}

static gint64 get_at(JsonArray *array, guint i)
{
	JsonNode *node = json_array_get_element(array, i);

	return JSON_NODE_HOLDS_VALUE(node) ? json_node_get_int(node) : G_MININT64;
}

/* Who ran instead, and for how long, in turn. */
static int take_culprits(struct blame_delay *delay, JsonArray *by)
{
	guint i, n = json_limit_get_length(by);

	if (n % 2 != 0 || n / 2 > BLAME_CULPRITS)
		return -EINVAL;
	for (i = 0; i < n; i += 2) {
		gint64 tid = get_at(by, i), ns = get_at(by, i + 1);

		if (tid < BLAME_TID_OTHERS || tid > INT32_MAX || ns < 0 || (uint64_t)ns > delay->ns)
			return -EINVAL;
		delay->culprits[delay->culprits_count++] = (struct blame_culprit){.tid = (int32_t)tid,
										  .ns = (uint64_t)ns};
	}
	return 0;
}

static int take_delay(struct recording *recording, JsonObject *object)
{
	struct blame_delay delay = {.tid = get_small(object, "tid")};
	int kind = find_delay_kind(json_limit_get_string(object, "kind"));

	if (kind < 0 || delay.tid <= 0)
		return -EINVAL;
	delay.kind = (enum blame_kind)kind;
	delay.cpu = get_small(object, "cpu");
	delay.start_ns = get_number(object, "start_ns");
	delay.ns = get_number(object, "ns");
	delay.least_ns = get_number(object, "least_ns");
	delay.wakes = (uint32_t)MAX(get_small(object, "wakes"), 0);
	delay.lasts = json_limit_get_bool(object, "lasts");
	if (delay.least_ns > delay.ns || take_culprits(&delay, json_limit_get_array(object, "by")) < 0)
		return -EINVAL;
	g_array_append_val(recording->delays, delay);
	return 0;
}

static guint count_all(const struct recording *recording)
{
	return recording->threads->len + recording->entries->len + recording->tasks->len +
	       recording->delays->len;
}

int recording_take(struct recording *recording, JsonObject *object)
{
	const char *record = json_limit_get_string(object, "record");
	int kind;

	if (strcmp(record, "vm") == 0)
		return take_head(recording, object);
	if (recording->end_ns == 0 || count_all(recording) >= LINES_MAX)
		return -EINVAL;
	if (strcmp(record, "thread") == 0)
		return take_thread(recording, object);
	if (strcmp(record, "task") == 0)
		return take_task(recording, object);
	if (strcmp(record, "delay") == 0)
		return take_delay(recording, object);
	for (kind = 0; kind < RECORDER_KINDS; kind++) {
		if (strcmp(record, recording_kinds[kind]) == 0)
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
