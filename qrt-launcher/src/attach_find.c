/* SPDX-License-Identifier: MIT */
#include "attach.h"

#include "clean.h"
#include "command.h"
#include "proc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CMDLINE_MAX (128u << 10)

void attach_target_clear(struct attach_target *target)
{
	g_strfreev(target->argv);
	target->argv = NULL;
}

/* ---- what a process is ---- */

/* NULL where it has none, as a kernel thread. */
static char **read_argv(pid_t pid)
{
	g_autofree char *text = g_malloc0(CMDLINE_MAX);
	GPtrArray *argv = g_ptr_array_new();
	char path[64];
	int len, at;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
	len = proc_read(path, text, CMDLINE_MAX);
	for (at = 0; at < len; at += (int)strlen(text + at) + 1)
		g_ptr_array_add(argv, g_strdup(text + at));
	g_ptr_array_add(argv, NULL);
	if (argv->len > 1)
		return (char **)g_ptr_array_free(argv, FALSE);
	g_ptr_array_free(argv, TRUE);
	return NULL;
}

/* The file that runs: what argv[0] says, and a thread's name, is the process' own word. */
static bool is_qemu(pid_t pid)
{
	char path[64], file[4096];
	const char *name;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	n = readlink(path, file, sizeof(file) - 1);
	if (n < 0)
		return false;
	file[n] = '\0';
	name = strrchr(file, '/');
	name = name ? name + 1 : file;
	return g_str_has_prefix(name, "qemu-system-") || g_str_has_prefix(name, "qemu-kvm") ||
	       strcmp(name, "kvm") == 0;
}

static bool has_kvm(pid_t pid)
{
	char path[64], link[340], file[64];
	struct dirent *entry;
	bool found = false;
	ssize_t n;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = opendir(path);
	while (dir && !found && (entry = readdir(dir))) {
		snprintf(link, sizeof(link), "%s/%s", path, entry->d_name);
		n = readlink(link, file, sizeof(file) - 1);
		if (n < 0)
			continue;
		file[n] = '\0';
		found = strcmp(file, "anon_inode:kvm-vm") == 0;
	}
	if (dir)
		closedir(dir);
	return found;
}

bool attach_is_vm(pid_t pid)
{
	return is_qemu(pid) || has_kvm(pid);
}

static bool look_for_vcpu(pid_t tid, void *data)
{
	bool *found = data;
	int32_t index;
	char name[32];

	proc_get_name(tid, name, sizeof(name));
	*found = qrt_sched_plan_classify(NULL, name, &index) == QRT_SCHED_ROLE_VCPU;
	return !*found;
}

static bool has_named_vcpu(pid_t pid)
{
	bool found = false;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	proc_for_each(path, look_for_vcpu, &found);
	return found;
}

static void describe(pid_t pid, struct attach_target *target)
{
	int argc = (int)g_strv_length(target->argv);

	target->pid = pid;
	proc_get_name(pid, target->program, sizeof(target->program));
	clean_text(target->program);
	vm_args_read(argc, target->argv, &target->args);
	target->is_kvm = has_kvm(pid);
	target->is_named = has_named_vcpu(pid);
}

/* ---- whether it is ours to supervise ---- */

static int check_owner(pid_t pid)
{
	char path[64], number[32];
	const struct passwd *user;
	struct stat status;

	snprintf(path, sizeof(path), "/proc/%d", pid);
	if (stat(path, &status) < 0) {
		complain("there is no process %d", pid);
		return EXIT_FAILED;
	}
	if (geteuid() == 0 || status.st_uid == geteuid())
		return EXIT_OK;
	user = getpwuid(status.st_uid);
	snprintf(number, sizeof(number), "%d", (int)status.st_uid);
	complain("process %d is of user %s: only that user and root can supervise it", pid,
		 user ? user->pw_name : number);
	return EXIT_FAILED;
}

/* The first thread's number is the process'. */
static bool is_process(pid_t pid)
{
	char path[64], text[4096], line[32];

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	snprintf(line, sizeof(line), "\nTgid:\t%d\n", pid);
	return proc_read(path, text, sizeof(text)) > 0 && strstr(text, line);
}

static int take_pid(pid_t pid, struct attach_target *target)
{
	char name[64];
	int r = check_owner(pid);

	if (r != EXIT_OK)
		return r;
	if (!is_process(pid)) {
		complain("%d is a thread of a process: give the number of the process", pid);
		return EXIT_FAILED;
	}
	target->argv = read_argv(pid);
	if (!target->argv || !attach_is_vm(pid)) {
		proc_get_name(pid, name, sizeof(name));
		complain("process %d (%s) is no virtual machine: its program is no QEMU, and it has no VM of "
			 "KVM open",
			 pid, name);
		return EXIT_FAILED;
	}
	if (proc_get_start(pid, &target->start) < 0 || !proc_is_alive(pid, target->start)) {
		complain("process %d has just ended", pid);
		return EXIT_FAILED;
	}
	describe(pid, target);
	return EXIT_OK;
}

/* ---- by name ---- */

struct search {
	const char *name;
	pid_t pid;
	unsigned found;
};

static bool look_at(pid_t pid, void *data)
{
	struct search *search = data;
	struct vm_args args;
	char **argv;

	if (!is_qemu(pid))
		return true;
	argv = read_argv(pid);
	if (!argv)
		return true;
	vm_args_read((int)g_strv_length(argv), argv, &args);
	g_strfreev(argv);
	if (strcmp(args.name, search->name) == 0) {
		search->pid = pid;
		search->found++;
	}
	return true;
}

static int take_name(const char *name, struct attach_target *target)
{
	struct search search = {.name = name};

	proc_for_each("/proc", look_at, &search);
	if (search.found == 1)
		return take_pid(search.pid, target);
	if (search.found == 0)
		complain("no QEMU of this host was given the name '%s' (-name) that this user may look at; "
			 "give "
			 "its process id",
			 name);
	else
		complain("%u QEMUs were given the name '%s': give the process id of one", search.found, name);
	return EXIT_FAILED;
}

int attach_find(const char *text, struct attach_target *ret_target)
{
	char *end;
	guint64 number = g_ascii_strtoull(text, &end, 10);

	if (!g_ascii_isdigit(*text) || *end)
		return take_name(text, ret_target);
	if (number < 1 || number > G_MAXINT32) {
		complain("there is no process %s", text);
		return EXIT_FAILED;
	}
	return take_pid((pid_t)number, ret_target);
}
