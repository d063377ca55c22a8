/* SPDX-License-Identifier: MIT */
/* state.json: who is who, for the call after the launcher was killed. */
#include "json_limit.h"
#include "state.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define RECORD_MAX     8192
#define RECORD_VERSION 1
#define LIST_MAX       2304 /* of 1024 CPUs, every second one: three such lists fit into a record */

int state_write_record(const struct state *state, const struct state_record *record)
{
	char cpus[LIST_MAX], realtime[LIST_MAX], fifo[LIST_MAX], *text;
	int r;

	if (qrt_sched_cpus_format(&record->fresh.cpus, cpus, sizeof(cpus)) < 0 ||
	    qrt_sched_cpus_format(&record->place.realtime, realtime, sizeof(realtime)) < 0 ||
	    qrt_sched_cpus_format(&record->place.fifo, fifo, sizeof(fifo)) < 0)
		return -ENOSPC;
	text = g_strdup_printf(
		"{\n"
		"  \"version\": %d,\n"
		"  \"launcher_pid\": %d,\n  \"launcher_start\": %" G_GUINT64_FORMAT ",\n"
		"  \"qemu_pid\": %d,\n  \"qemu_start\": %" G_GUINT64_FORMAT ",\n"
		"  \"boot_id\": \"%s\",\n"
		"  \"fresh\": {\"policy\": %u, \"priority\": %d, \"nice\": %d, \"cpus\": \"%s\", "
		"\"slice_ns\": %" G_GUINT64_FORMAT ", \"ioprio\": %u},\n"
		"  \"vcpus\": {\"realtime\": \"%s\", \"fifo\": \"%s\"},\n  \"weight\": %u,\n"
		"  \"attached\": %s\n}\n",
		RECORD_VERSION, record->launcher_pid, record->launcher_start, record->qemu_pid,
		record->qemu_start, record->boot, record->fresh.policy, record->fresh.priority,
		record->fresh.nice, cpus, record->fresh.runtime_ns, record->fresh.ioprio, realtime, fifo,
		record->weight, record->is_attached ? "true" : "false");
	r = state_write(state, "state.json", text, strlen(text));
	g_free(text);
	return r;
}

#define SLICE_MAX_NS 100000000
#define IOPRIO_MAX   0xffff

/* What an older launcher did not write is 0, as it was for all threads then. */
static int read_rest(JsonObject *object, struct qrt_sched_setting *setting)
{
	gint64 slice_ns = json_limit_get_int(object, "slice_ns");
	gint64 ioprio = json_limit_get_int(object, "ioprio");

	if (slice_ns < 0 || slice_ns > SLICE_MAX_NS || ioprio < 0 || ioprio > IOPRIO_MAX)
		return -EINVAL;
	setting->runtime_ns = (uint64_t)slice_ns;
	setting->ioprio = (uint32_t)ioprio;
	return 0;
}

static int read_fresh(JsonObject *object, struct qrt_sched_setting *ret_setting)
{
	struct qrt_sched_setting setting = {.set = QRT_SCHED_SET_ALL};
	bool is_rt;

	if (!object)
		return -EINVAL;
	setting.policy = (uint32_t)json_limit_get_int(object, "policy");
	setting.priority = (int32_t)json_limit_get_int(object, "priority");
	setting.nice = (int32_t)json_limit_get_int(object, "nice");
	is_rt = setting.policy == QRT_SCHED_POLICY_FIFO || setting.policy == QRT_SCHED_POLICY_RR;
	/* Who runs under deadline and can start a program resets the policy of what it starts. */
	if (!qrt_sched_policy_name(setting.policy) || setting.policy == QRT_SCHED_POLICY_DEADLINE ||
	    setting.nice < -20 || setting.nice > 19)
		return -EINVAL;
	if (is_rt ? setting.priority < 1 || setting.priority > 99 : setting.priority != 0)
		return -EINVAL;
	if (qrt_sched_cpus_parse(json_limit_get_string(object, "cpus"), &setting.cpus) < 0 ||
	    read_rest(object, &setting) < 0)
		return -EINVAL;
	*ret_setting = setting;
	return 0;
}

/* A launcher that writes no place has no say in where others go; a list that is no list is damage. */
static int read_place(JsonObject *object, struct state_place *ret_place)
{
	struct state_place place = {0};
	const char *realtime, *fifo;

	if (!object)
		return 0;
	realtime = json_limit_get_string(object, "realtime");
	fifo = json_limit_get_string(object, "fifo");
	if ((*realtime && qrt_sched_cpus_parse(realtime, &place.realtime) < 0) ||
	    (*fifo && qrt_sched_cpus_parse(fifo, &place.fifo) < 0))
		return -EINVAL;
	*ret_place = place;
	return 0;
}

/* An older launcher did not write it. */
static int read_weight(JsonObject *object, uint32_t *ret_weight)
{
	gint64 weight = json_limit_get_int(object, "weight");

	if (weight < 0 || weight > QRT_SCHED_WEIGHT_MAX)
		return -EINVAL;
	*ret_weight = (uint32_t)weight;
	return 0;
}

static int read_record(JsonObject *object, struct state_record *ret_record)
{
	struct state_record record = {0};

	if (json_limit_get_int(object, "version") != RECORD_VERSION)
		return -EINVAL;
	record.launcher_pid = (pid_t)json_limit_get_int(object, "launcher_pid");
	record.launcher_start = (uint64_t)json_limit_get_int(object, "launcher_start");
	record.qemu_pid = (pid_t)json_limit_get_int(object, "qemu_pid");
	record.qemu_start = (uint64_t)json_limit_get_int(object, "qemu_start");
	record.is_attached = json_limit_get_bool(object, "attached");
	g_strlcpy(record.boot, json_limit_get_string(object, "boot_id"), sizeof(record.boot));
	if (record.launcher_pid < 1 || record.qemu_pid < 1)
		return -EINVAL;
	if (read_fresh(json_limit_get_object(object, "fresh"), &record.fresh) < 0 ||
	    read_place(json_limit_get_object(object, "vcpus"), &record.place) < 0 ||
	    read_weight(object, &record.weight) < 0)
		return -EINVAL;
	*ret_record = record;
	return 0;
}

int state_read_record(int fd, struct state_record *ret_record)
{
	JsonObject *object;
	size_t len;
	char *text;
	int r = state_read(fd, "state.json", RECORD_MAX, &text, &len);

	if (r < 0)
		return r == -ENOENT ? r : -EINVAL;
	object = json_limit_parse(text, (gssize)len);
	g_free(text);
	if (!object)
		return -EINVAL;
	r = read_record(object, ret_record);
	json_object_unref(object);
	return r;
}
