/* SPDX-License-Identifier: MIT */
/* What the answers of QEMU's monitor say. */
#include "clean.h"
#include "json_limit.h"
#include "proc.h"
#include "qmp_p.h"
#include "recorder.h"
#include "supervisor.h"

#include <string.h>

/* It is printed, and QEMU may have been taken over by its guest: no more than QEMU's own words consist of. */
void qmp_take_status(struct supervisor *supervisor, JsonObject *message)
{
	const char *status = json_limit_get_string(json_limit_get_object(message, "return"), "status");
	char clean[sizeof(supervisor->guest_state)] = "";
	size_t len = 0;

	for (; *status && len < sizeof(clean) - 1; status++) {
		if (g_ascii_islower(*status) || g_ascii_isdigit(*status) || *status == '-')
			clean[len++] = *status;
	}
	if (len > 0)
		g_strlcpy(supervisor->guest_state, clean, sizeof(supervisor->guest_state));
}

void qmp_take_kvm(struct supervisor *supervisor, JsonObject *message)
{
	JsonObject *object = json_limit_get_object(message, "return");

	if (object && json_object_has_member(object, "enabled"))
		g_strlcpy(supervisor->accelerator, json_limit_get_int(object, "enabled") ? "kvm" : "tcg",
			  sizeof(supervisor->accelerator));
}

/* For threads whose name says nothing; those that have a role keep it. */
static void enter(struct supervisor *supervisor, enum qrt_sched_role role, int32_t index, gint64 tid)
{
	struct watch_entry entry = {.role = role, .index = index, .placed_by = PLACED_BY_SUPERVISOR};
	struct watched *watched;

	if (tid <= 0 || tid > G_MAXINT32 || tid == supervisor->record.qemu_pid)
		return;
	entry.tid = (pid_t)tid;
	watched = watch_find(&supervisor->watch, entry.tid);
	if (!watched || watched->role != QRT_SCHED_ROLE_OTHR ||
	    !proc_has_thread(supervisor->record.qemu_pid, entry.tid))
		return;
	watch_enter(&supervisor->watch, &entry);
}

void qmp_take_cpus(struct supervisor *supervisor, JsonObject *message)
{
	JsonArray *cpus = json_limit_get_array(message, "return");
	JsonObject *cpu;
	gint64 index;
	guint i;

	for (i = 0; cpus && i < json_array_get_length(cpus); i++) {
		cpu = json_limit_get_element(cpus, i);
		index = json_limit_get_int(cpu, "cpu-index");
		if (index >= 0 && index < QRT_SCHED_CPUS_MAX)
			enter(supervisor, QRT_SCHED_ROLE_VCPU, (int32_t)index,
			      json_limit_get_int(cpu, "thread-id"));
	}
}

void qmp_take_iothreads(struct supervisor *supervisor, JsonObject *message)
{
	JsonArray *iothreads = json_limit_get_array(message, "return");
	guint i;

	for (i = 0; iothreads && i < json_array_get_length(iothreads); i++)
		enter(supervisor, QRT_SCHED_ROLE_IOTH, -1,
		      json_limit_get_int(json_limit_get_element(iothreads, i), "thread-id"));
}

void qmp_take_stop(struct supervisor *supervisor, JsonObject *message)
{
	(void)message;
	recorder_note_stop(supervisor, NULL);
}

void qmp_take_no_stop(struct supervisor *supervisor, JsonObject *message)
{
	char why[120];

	g_strlcpy(why, json_limit_get_string(json_limit_get_object(message, "error"), "desc"), sizeof(why));
	recorder_note_stop(supervisor, *why ? clean_text(why) : "it does not say why");
}
