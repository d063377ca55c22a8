/* SPDX-License-Identifier: MIT */
/* Which kernel threads the supervisor takes for its VM's, in a /proc that the test makes up. */
#include "attach.h"
#include "proc.h"
#include "supervisor.h"
#include "tap.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* The processes of the fake /proc have numbers of real ones: how those run is read. */
#define PROCESSES 4

static struct process {
	pid_t pid;
	const char *name, *groups;
	uint64_t start;
	bool kernel, entered;
} processes[PROCESSES];

static struct supervisor supervisor;

static struct process *find(pid_t pid)
{
	int i;

	for (i = 0; i < PROCESSES; i++) {
		if (processes[i].pid == pid)
			return &processes[i];
	}
	return NULL;
}

/* ---- what scan.c asks of its neighbours ---- */

int proc_for_each(const char *path, bool (*found)(pid_t pid, void *data), void *data)
{
	int i;

	CU_ASSERT_STRING_EQUAL(path, "/proc");
	for (i = 0; i < PROCESSES; i++)
		found(processes[i].pid, data);
	return 0;
}

int proc_read(const char *path, char *buf, size_t size)
{
	const struct process *process = find((pid_t)strtol(path + strlen("/proc/"), NULL, 10));

	if (!process || !g_str_has_suffix(path, "/cgroup"))
		return -ENOENT;
	return snprintf(buf, size, "%s", process->groups);
}

void proc_get_name(pid_t tid, char *buf, size_t size)
{
	snprintf(buf, size, "%s", find(tid)->name);
}

bool proc_is_kernel_thread(pid_t pid)
{
	return find(pid)->kernel;
}

int proc_get_start(pid_t pid, uint64_t *ret_start)
{
	*ret_start = find(pid)->start;
	return 0;
}

struct watched *watch_find(const struct watch *watch, pid_t tid)
{
	return g_hash_table_lookup(watch->threads, GINT_TO_POINTER(tid));
}

struct watched *watch_note(struct watch *watch, pid_t tid)
{
	struct watched *watched = g_new0(struct watched, 1);

	watched->tid = tid;
	g_hash_table_insert(watch->threads, GINT_TO_POINTER(tid), watched);
	return watched;
}

int watch_enter(struct watch *watch, const struct watch_entry *entry)
{
	struct watched *watched = watch_find(watch, entry->tid);

	CU_ASSERT_EQUAL(entry->role, QRT_SCHED_ROLE_KIO);
	watched->kernel = entry->kernel;
	g_strlcpy(watched->name, entry->name, sizeof(watched->name));
	find(entry->tid)->entered = true;
	return 0;
}

void watch_forget(struct watch *watch, pid_t tid)
{
	g_hash_table_remove(watch->threads, GINT_TO_POINTER(tid));
}

bool watch_is_taken(const struct watch *watch, enum qrt_sched_role role, uint32_t index, pid_t but)
{
	(void)watch, (void)role, (void)index, (void)but;
	return false;
}

void watch_sweep(struct watch *watch, uint32_t generation)
{
	(void)watch, (void)generation;
}

/* This VM's supervisor was there first. */
bool attach_knows(struct supervisor *of, pid_t tid)
{
	(void)of, (void)tid;
	return false;
}

int state_write(const struct state *state, const char *file, const char *text, size_t len)
{
	(void)state, (void)file, (void)text, (void)len;
	return 0;
}

/* ---- the tests ---- */

/* Number 0 is QEMU, which began at 100; the others are kernel threads that began later in its groups. */
static void begin(const char *first, const char *second, const char *third)
{
	const char *names[PROCESSES] = {"qemu-system-x86_64", first, second, third};
	int i;

	for (i = 0; i < PROCESSES; i++) {
		processes[i].name = names[i];
		processes[i].groups = "0::/vm/a\n";
		processes[i].start = 100 + (uint64_t)i;
		processes[i].kernel = i > 0;
		processes[i].entered = false;
	}
	supervisor = (struct supervisor){.record = {.qemu_pid = processes[0].pid}, .accelerator = "kvm"};
	supervisor.watch.threads = g_hash_table_new_full(NULL, NULL, NULL, g_free);
	supervisor.strangers = g_hash_table_new(NULL, NULL);
	CU_ASSERT_EQUAL_FATAL(qrt_sched_snapshot_new(&supervisor.outside), 0);
}

static void end(void)
{
	qrt_sched_snapshot_close(supervisor.outside);
	g_hash_table_destroy(supervisor.strangers);
	g_hash_table_destroy(supervisor.watch.threads);
}

static void expect_entered(const char *what, bool first, bool second, bool third)
{
	bool expected[PROCESSES] = {false, first, second, third};
	int i;

	supervisor_scan_kernel(&supervisor);
	for (i = 0; i < PROCESSES; i++) {
		if (processes[i].entered != expected[i])
			tap_note("%s: '%s' is %staken", what, processes[i].name, expected[i] ? "not " : "");
		CU_ASSERT_EQUAL(processes[i].entered, expected[i]);
	}
}

static void numbered_names_say_whose_they_are(void)
{
	char own[32], full[48], other[32];

	snprintf(own, sizeof(own), "vhost-%d", processes[0].pid);
	snprintf(full, sizeof(full), "kvm-nx-lpage-recovery-%d", processes[0].pid);
	snprintf(other, sizeof(other), "vhost-%d", processes[0].pid + 1);
	begin(own, full, other);
	expect_entered("numbered", true, true, false);
	end();
	begin(own, "kworker/0:1", "kvm-pit/");
	processes[1].kernel = false;
	expect_entered("an impostor", false, false, false);
	end();
}

static void a_cut_name_is_ours_where_all_else_says_so(void)
{
	begin("kvm-nx-lpage-re", "kworker/0:1", "kvm-nx-lpage-re");
	expect_entered("one a VM", true, false, false);
	expect_entered("at the next look", true, false, false);
	end();
	begin("kvm-nx-lpage-re", "kvm-nx-lpage-re", "kvm-nx-lpage-re");
	processes[1].start = 99;
	processes[2].groups = "0::/vm/b\n";
	expect_entered("older, elsewhere, ours", false, false, true);
	end();
	begin("kvm-nx-lpage-re", "x", "x");
	processes[1].kernel = false;
	expect_entered("an impostor", false, false, false);
	end();
}

static void a_cut_name_waits_for_what_is_not_known_yet(void)
{
	begin("kvm-nx-lpage-re", "x", "x");
	g_strlcpy(supervisor.accelerator, "unknown", sizeof(supervisor.accelerator));
	expect_entered("before the monitor answered", false, false, false);
	g_strlcpy(supervisor.accelerator, "kvm", sizeof(supervisor.accelerator));
	processes[1].groups = "0::/\n";
	expect_entered("before it is in QEMU's groups", false, false, false);
	processes[1].groups = "0::/vm/a\n";
	expect_entered("all is known", true, false, false);
	end();
	begin("kvm-nx-lpage-re", "x", "x");
	g_strlcpy(supervisor.accelerator, "tcg", sizeof(supervisor.accelerator));
	expect_entered("TCG", false, false, false);
	end();
}

static const struct tap_test tests[] = {
	{"numbered names say whose they are", numbered_names_say_whose_they_are},
	{"a cut name is ours where start, groups and number say so",
	 a_cut_name_is_ours_where_all_else_says_so},
	{"a cut name waits for what is not known yet", a_cut_name_waits_for_what_is_not_known_yet},
};

int main(int argc, char **argv)
{
	int i, r;

	processes[0].pid = getpid();
	for (i = 1; i < PROCESSES; i++) {
		processes[i].pid = fork();
		if (processes[i].pid == 0) {
			alarm(60);
			for (;;)
				pause();
		}
	}
	r = tap_main("scan", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
	for (i = 1; i < PROCESSES; i++) {
		if (processes[i].pid > 0 && kill(processes[i].pid, SIGKILL) == 0)
			waitpid(processes[i].pid, NULL, 0);
	}
	return r;
}
