/* SPDX-License-Identifier: MIT */
/* Threads of the VM that did not speak for themselves: found in /proc. */
#include "attach.h"
#include "proc.h"
#include "supervisor.h"

#include <stdio.h>
#include <string.h>

static enum qrt_sched_role classify(const struct supervisor *supervisor, const struct watched *watched,
				    int32_t *ret_index)
{
	int role;

	*ret_index = -1;
	if (watched->tid == supervisor->record.qemu_pid) {
		*ret_index = 0;
		return QRT_SCHED_ROLE_MAIN;
	}
	role = qrt_sched_plan_classify(supervisor->plan, watched->name, ret_index);
	/* A newborn has its creator's name until it gets one of its own. */
	if (role >= 0 && *ret_index >= 0 &&
	    watch_is_taken(&supervisor->watch, (enum qrt_sched_role)role, (uint32_t)*ret_index, watched->tid))
		role = -1;
	return role < 0 ? QRT_SCHED_ROLE_OTHR : (enum qrt_sched_role)role;
}

static void read_name(struct watched *watched)
{
	char name[sizeof(watched->name)];

	proc_get_name(watched->tid, name, sizeof(name));
	if (strcmp(name, watched->name) == 0) {
		watched->looks++;
	} else {
		g_strlcpy(watched->name, name, sizeof(watched->name));
		watched->looks = 0;
	}
}

/*
 * A thread that places itself says so within the time between two looks; one whose name says nothing
 * may be about to get another. Both get that time.
 */
static void consider(struct supervisor *supervisor, struct watched *watched)
{
	struct watch_entry entry = {.tid = watched->tid, .placed_by = PLACED_BY_SUPERVISOR};
	char name[sizeof(watched->name)];

	read_name(watched);
	entry.role = classify(supervisor, watched, &entry.index);
	if (watched->placed_by && entry.role == watched->role)
		return;
	if ((supervisor->library != LIBRARY_NONE || entry.role == QRT_SCHED_ROLE_OTHR) && watched->looks == 0)
		return;
	g_strlcpy(name, watched->name, sizeof(name));
	entry.name = name;
	if (entry.role == QRT_SCHED_ROLE_OTHR)
		supervisor->newcomers = true;
	watch_enter(&supervisor->watch, &entry);
}

static struct watched *note_thread(struct supervisor *supervisor, pid_t tid)
{
	struct watched *watched = watch_note(&supervisor->watch, tid);

	if (watched && supervisor->is_attached)
		watched->has_past = attach_knows(supervisor, tid);
	return watched;
}

static bool found_thread(pid_t tid, void *data)
{
	struct supervisor *supervisor = data;
	struct watched *watched = watch_find(&supervisor->watch, tid);

	if (!watched)
		watched = note_thread(supervisor, tid);
	if (!watched)
		return true;
	watched->generation = supervisor->generation;
	if (!watched->placed_by || watched->role == QRT_SCHED_ROLE_OTHR)
		consider(supervisor, watched);
	return true;
}

void supervisor_scan(struct supervisor *supervisor)
{
	char path[64];

	supervisor->generation++;
	snprintf(path, sizeof(path), "/proc/%d/task", supervisor->record.qemu_pid);
	if (proc_for_each(path, found_thread, supervisor) == 0)
		watch_sweep(&supervisor->watch, supervisor->generation);
}

static bool has_unnumbered(const struct watch *watch)
{
	GHashTableIter iter;
	gpointer value;
	pid_t served;

	g_hash_table_iter_init(&iter, watch->threads);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		const struct watched *watched = value;

		if (watched->kernel && qrt_sched_role_get_served(watched->name, &served) == 0 && !served)
			return true;
	}
	return false;
}

static bool shares_groups(pid_t a, pid_t b)
{
	char path[64], of_a[4096], of_b[4096];

	snprintf(path, sizeof(path), "/proc/%d/cgroup", a);
	if (proc_read(path, of_a, sizeof(of_a)) < 0)
		return false;
	snprintf(path, sizeof(path), "/proc/%d/cgroup", b);
	return proc_read(path, of_b, sizeof(of_b)) >= 0 && strcmp(of_a, of_b) == 0;
}

/* Kernels before 5.17 cut a name before its number. KVM makes one such thread a VM, after QEMU began, and
 * puts it into QEMU's control groups. */
static bool is_likely_ours(const struct supervisor *supervisor, pid_t pid)
{
	pid_t qemu = supervisor->record.qemu_pid;
	uint64_t start, qemu_start;

	return strcmp(supervisor->accelerator, "kvm") == 0 && proc_get_start(pid, &start) >= 0 &&
	       proc_get_start(qemu, &qemu_start) >= 0 && start >= qemu_start && shares_groups(pid, qemu) &&
	       !has_unnumbered(&supervisor->watch);
}

int supervisor_save_outside(struct supervisor *supervisor)
{
	int len = qrt_sched_snapshot_format(supervisor->outside, NULL, 0);
	char *text;
	int r;

	if (len < 0)
		return len;
	text = g_malloc((gsize)len + 1);
	r = qrt_sched_snapshot_format(supervisor->outside, text, (size_t)len + 1);
	if (r >= 0)
		r = state_write(supervisor->state, "threads", text, (size_t)len);
	g_free(text);
	return r;
}

/* What cannot be put back after a crash is not touched. */
static void enter_kernel_helper(struct supervisor *supervisor, pid_t pid, const char *name)
{
	struct watch_entry entry = {.tid = pid,
				    .role = QRT_SCHED_ROLE_KIO,
				    .index = -1,
				    .placed_by = PLACED_BY_SUPERVISOR,
				    .kernel = true,
				    .name = name};

	if (!supervisor->outside || qrt_sched_snapshot_add(supervisor->outside, pid) < 0)
		return;
	qrt_sched_snapshot_prune(supervisor->outside);
	if (supervisor_save_outside(supervisor) < 0 || !watch_note(&supervisor->watch, pid))
		return;
	/* Noted by number and start: from here on the number cannot become another's. */
	if (proc_is_kernel_thread(pid))
		watch_enter(&supervisor->watch, &entry);
	else
		watch_forget(&supervisor->watch, pid);
}

static bool found_process(pid_t pid, void *data)
{
	struct supervisor *supervisor = data;
	gpointer key = GINT_TO_POINTER(pid);
	pid_t served;
	char name[64];

	if (g_hash_table_contains(supervisor->strangers, key) || watch_find(&supervisor->watch, pid))
		return true;
	proc_get_name(pid, name, sizeof(name));
	if (qrt_sched_role_get_served(name, &served) < 0 ||
	    (served && served != supervisor->record.qemu_pid) || !proc_is_kernel_thread(pid))
		g_hash_table_add(supervisor->strangers, key);
	else if (served || is_likely_ours(supervisor, pid))
		enter_kernel_helper(supervisor, pid, name);
	return true;
}

/* Names are read once; the list of the known is thrown away now and then, for numbers are used again. */
void supervisor_scan_kernel(struct supervisor *supervisor)
{
	if (g_hash_table_size(supervisor->strangers) > 4096)
		g_hash_table_remove_all(supervisor->strangers);
	proc_for_each("/proc", found_process, supervisor);
}
