/* SPDX-License-Identifier: MIT */
/* The made-up kernel's cpusets: what it does when something is written to their files. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cpus_p.h"
#include "host_tree_p.h"
#include "task_p.h"

#define BOUND  QRT_SCHED_P_TASK_BOUND
#define KERNEL QRT_SCHED_P_TASK_KERNEL

static void folder_of(pid_t tid, char *folder, size_t size)
{
	char path[64];
	const char *line;

	host_tree_compose(path, sizeof(path), "/proc/%d/cgroup", (int)tid);
	line = strrchr(host_tree_read(path), ':');
	host_tree_compose(folder, size, "%s%s", host_tree.top,
			  line && strcmp(line, ":/") != 0 ? line + 1 : "");
}

static void read_cpus_of(const char *folder, struct qrt_sched_cpus *cpus)
{
	char path[256];

	host_tree_compose(path, sizeof(path), "%s/%s", folder,
			  host_tree.version == 2 ? "cpuset.cpus.effective" : "cpuset.cpus");
	if (!host_tree.version || qrt_sched_cpus_parse(host_tree_read(path), cpus) < 0)
		*cpus = fake_kernel_cpus("0-3");
}

void host_tree_cpus_of(pid_t tid, struct qrt_sched_cpus *cpus)
{
	char folder[256];

	folder_of(tid, folder, sizeof(folder));
	read_cpus_of(folder, cpus);
}

/* Adds a line, to numbers where it belongs: lists of threads are in order. */
static void append(const char *path, const char *line)
{
	char before[4096], after[4096] = "", *rest = before, *one;
	long number = strtol(line, NULL, 10);
	int is_in = 0;

	host_tree_compose(before, sizeof(before), "%s", host_tree_read(path));
	while ((one = strsep(&rest, "\n"))) {
		if (!is_in && number && *one && strtol(one, NULL, 10) > number) {
			host_tree_compose(after + strlen(after), sizeof(after) - strlen(after), "%s\n", line);
			is_in = 1;
		}
		if (*one)
			host_tree_compose(after + strlen(after), sizeof(after) - strlen(after), "%s\n", one);
	}
	if (!is_in)
		host_tree_compose(after + strlen(after), sizeof(after) - strlen(after), "%s\n", line);
	fake_kernel_file(path, after);
}

static void take_out(const char *path, const char *line)
{
	char before[4096], after[4096] = "", *rest = before, *one;

	if (!qrt_sched_p_exists(path))
		return;
	host_tree_compose(before, sizeof(before), "%s", host_tree_read(path));
	while ((one = strsep(&rest, "\n"))) {
		if (*one && strcmp(one, line) != 0)
			host_tree_compose(after + strlen(after), sizeof(after) - strlen(after), "%s\n", one);
	}
	fake_kernel_file(path, after);
}

static void put_thread(pid_t tid, const char *folder)
{
	const char *files[2] = {host_tree.version == 1 ? "tasks" : "cgroup.threads", "cgroup.procs"};
	const struct host_tree_thread *thread = host_tree_find(tid);
	char path[300], from[256], line[16];
	int i, count = thread->tid == thread->pid ? 2 : 1;

	folder_of(tid, from, sizeof(from));
	host_tree_compose(line, sizeof(line), "%d", (int)tid);
	for (i = 0; i < count; i++) {
		host_tree_compose(path, sizeof(path), "%s/%s", from, files[i]);
		take_out(path, line);
		host_tree_compose(path, sizeof(path), "%s/%s", folder, files[i]);
		append(path, line);
	}
	host_tree_compose(path, sizeof(path), "%s:%s\n", host_tree.version == 1 ? "3:cpuset" : "0:",
			  strcmp(folder, host_tree.top) ? folder + strlen(host_tree.top) : "/");
	host_tree_compose(from, sizeof(from), "/proc/%d/cgroup", (int)tid);
	fake_kernel_file(from, path);
}

/* What a thread may run on in its cpuset, as the kernel works it out. */
static void update_thread(struct host_tree_thread *thread)
{
	struct qrt_sched_cpus may, both = thread->chosen;
	char folder[256];

	if (thread->flags & KERNEL && (thread->flags & BOUND || host_tree.version == 1))
		return;
	folder_of(thread->tid, folder, sizeof(folder));
	read_cpus_of(folder, &may);
	qrt_sched_p_cpus_and(&both, &may);
	thread->cpus = qrt_sched_cpus_count(&both) && !host_tree.forgets ? both : may;
}

static void update_all(void)
{
	int i;

	for (i = 0; i < host_tree.count; i++)
		update_thread(&host_tree.threads[i]);
}

static int is_folder_of_cpusets(const char *path)
{
	return host_tree.version && strncmp(path, host_tree.top, strlen(host_tree.top)) == 0;
}

static void write_cpus(const char *folder, const char *file, const struct qrt_sched_cpus *cpus)
{
	char path[300], list[128];

	qrt_sched_cpus_format(cpus, list, sizeof(list) - 1);
	strcat(list, "\n");
	host_tree_compose(path, sizeof(path), "%s/%s", folder, file);
	fake_kernel_file(path, list);
}

/* Effective CPUs of version 2: all but those of partitions, which have their own. */
struct spread {
	struct qrt_sched_cpus left;
};

static int take_partition(const char *name, void *data)
{
	struct spread *spread = data;
	struct qrt_sched_cpus cpus;
	char folder[200], path[300];

	host_tree_compose(folder, sizeof(folder), "%s/%.100s", host_tree.top, name);
	host_tree_compose(path, sizeof(path), "%s/cpuset.cpus.partition", folder);
	if (strcmp(host_tree_read(path), "isolated") != 0 && strcmp(host_tree_read(path), "root") != 0)
		return 0;
	host_tree_compose(path, sizeof(path), "%s/cpuset.cpus", folder);
	cpus = fake_kernel_cpus(host_tree_read(path));
	qrt_sched_p_cpus_minus(&spread->left, &cpus);
	write_cpus(folder, "cpuset.cpus.effective", &cpus);
	return 0;
}

static int give_effective(const char *name, void *data)
{
	const struct spread *spread = data;
	struct qrt_sched_cpus cpus;
	char folder[200], path[300];

	host_tree_compose(folder, sizeof(folder), "%s/%.100s", host_tree.top, name);
	host_tree_compose(path, sizeof(path), "%s/cpuset.cpus.partition", folder);
	if (!qrt_sched_p_exists(path) || strcmp(host_tree_read(path), "isolated") == 0 ||
	    strcmp(host_tree_read(path), "root") == 0)
		return 0;
	host_tree_compose(path, sizeof(path), "%s/cpuset.cpus", folder);
	if (qrt_sched_cpus_parse(host_tree_read(path), &cpus) < 0)
		cpus = spread->left;
	qrt_sched_p_cpus_and(&cpus, &spread->left);
	write_cpus(folder, "cpuset.cpus.effective", qrt_sched_cpus_count(&cpus) ? &cpus : &spread->left);
	return 0;
}

static void spread_cpus(void)
{
	struct spread spread = {.left = fake_kernel_cpus("0-3")};

	qrt_sched_p_list(host_tree.top, take_partition, &spread);
	qrt_sched_p_list(host_tree.top, give_effective, &spread);
	write_cpus(host_tree.top, "cpuset.cpus.effective", &spread.left);
}

/* ---- what the kernel does on a write ------------------------------------------------------------- */

static int attach(const char *path, const char *text)
{
	struct host_tree_thread *thread = host_tree_find((pid_t)strtol(text, NULL, 10));
	char folder[256];
	int i;

	if (!thread)
		return -ESRCH;
	if (thread->flags & BOUND)
		return -EINVAL;
	host_tree_compose(folder, sizeof(folder), "%s", path);
	*strrchr(folder, '/') = '\0';
	for (i = 0; i < host_tree.count; i++) {
		struct host_tree_thread *other = &host_tree.threads[i];

		if (other == thread || (strstr(path, "cgroup.procs") && other->pid == thread->pid)) {
			put_thread(other->tid, folder);
			update_thread(other);
		}
	}
	if (host_tree.births > 0) {
		pid_t pid = 900 + host_tree.births--;

		host_tree_add_thread(pid, pid, 0, "newborn", "0-3");
		put_thread(pid, host_tree.top);
	}
	return 0;
}

/* Version 1: never more than the outer one, never less than an inner one. */
static int check_inner(const char *name, void *data)
{
	const char *const *place = data;
	struct qrt_sched_cpus cpus, left;
	char path[300];

	host_tree_compose(path, sizeof(path), "%s/%.100s/cpuset.cpus", place[0], name);
	if (qrt_sched_cpus_parse(host_tree_read(path), &left) < 0)
		return 0;
	cpus = fake_kernel_cpus(place[1]);
	qrt_sched_p_cpus_minus(&left, &cpus);
	return qrt_sched_cpus_count(&left) ? -EBUSY : 0;
}

static int check_cpus(const char *path, const char *list)
{
	struct qrt_sched_cpus cpus, outer;
	char folder[256], up[300];
	const char *place[2] = {folder, list};

	if (qrt_sched_cpus_parse(list, &cpus) < 0)
		return -EINVAL;
	host_tree_compose(folder, sizeof(folder), "%s", path);
	*strrchr(folder, '/') = '\0';
	if (host_tree.version == 2)
		return 0;
	host_tree_compose(up, sizeof(up), "%s", folder);
	*strrchr(up, '/') = '\0';
	strcat(up, "/cpuset.cpus");
	outer = fake_kernel_cpus(host_tree_read(up));
	qrt_sched_p_cpus_minus(&cpus, &outer);
	if (qrt_sched_cpus_count(&cpus))
		return -EACCES;
	return qrt_sched_p_list(folder, check_inner, place);
}

static int write_control(const char *path, const char *text)
{
	if (text[0] == '+')
		append(path, text + 1);
	else
		take_out(path, text + 1);
	return 0;
}

static int write_cgroup(const char *path, const char *text)
{
	const char *name = strrchr(path, '/') + 1;
	char line[4096];
	int rc = 0;

	if (strcmp(name, "tasks") == 0 || strcmp(name, "cgroup.procs") == 0 ||
	    strcmp(name, "cgroup.threads") == 0)
		return attach(path, text);
	if (strcmp(name, "cgroup.subtree_control") == 0)
		return write_control(path, text);
	if (strcmp(name, "cpuset.cpus") == 0)
		rc = check_cpus(path, text);
	if (strcmp(name, "cpuset.cpus.partition") == 0 && strcmp(text, "isolated") == 0 &&
	    !host_tree.has_isolated)
		rc = -EINVAL;
	if (rc < 0)
		return rc;
	host_tree_compose(line, sizeof(line), "%s%s%s\n", text,
			  strcmp(name, "cpuset.cpus.partition") == 0 && host_tree.invalid ? " " : "",
			  strcmp(name, "cpuset.cpus.partition") == 0 && host_tree.invalid ? host_tree.invalid
											  : "");
	fake_kernel_file(path, line);
	if (host_tree.version == 2)
		spread_cpus();
	update_all();
	return 0;
}

static int fake_write(const char *path, const char *text)
{
	char line[4096];
	int rc = host_tree_is_due();

	if (rc < 0)
		return rc;
	if (!qrt_sched_p_exists(path))
		return -ENOENT;
	host_tree_compose(line, sizeof(line), "%s", text);
	line[strcspn(line, "\n")] = '\0';
	if (is_folder_of_cpusets(path))
		return write_cgroup(path, line);
	if (strstr(path, "/proc/irq/9/"))
		return -EIO;
	return qrt_sched_p_hostfs_kernel.write(path, text);
}

static void make_file(const char *folder, const char *name, const char *text)
{
	char path[300];

	host_tree_compose(path, sizeof(path), "%s/%s", folder, name);
	fake_kernel_file(path, text);
}

static void fill_folder(const char *path, const char *cpus)
{
	make_file(path, "cgroup.procs", "");
	make_file(path, "cpuset.cpus", cpus);
	make_file(path, "cpuset.mems", "0\n");
	if (host_tree.version == 1) {
		make_file(path, "tasks", "");
		make_file(path, "cpuset.sched_load_balance", "1\n");
		make_file(path, "cpuset.cpu_exclusive", "0\n");
		return;
	}
	make_file(path, "cgroup.threads", "");
	make_file(path, "cgroup.type", "domain\n");
	make_file(path, "cpuset.cpus.exclusive", "\n");
	make_file(path, "cpuset.cpus.partition", "member\n");
	make_file(path, "cpuset.cpus.effective", "0-3\n");
}

static int fake_make(const char *path)
{
	int rc = host_tree_is_due();

	if (rc >= 0)
		rc = qrt_sched_p_hostfs_kernel.make(path);
	if (rc >= 0 && is_folder_of_cpusets(path))
		fill_folder(path, "\n");
	return rc;
}

static int remove_file(const char *name, void *folder)
{
	char path[600];

	host_tree_compose(path, sizeof(path), "%s%s/%.100s", qrt_sched_p_sys->root, (const char *)folder,
			  name);
	return unlink(path) < 0 ? -EBUSY : 0;
}

static int has_inner(const char *name, void *folder)
{
	char path[300];

	host_tree_compose(path, sizeof(path), "%s/%.100s/cgroup.procs", (const char *)folder, name);
	return qrt_sched_p_exists(path);
}

static int fake_remove(const char *path)
{
	int rc = host_tree_is_due();
	char file[300];

	if (rc < 0)
		return rc;
	host_tree_compose(file, sizeof(file), "%s/%s", path,
			  host_tree.version == 2 ? "cgroup.threads" : "tasks");
	if (is_folder_of_cpusets(path) && host_tree_read(file)[0])
		return -EBUSY;
	if (qrt_sched_p_list(path, has_inner, (void *)path))
		return -EBUSY;
	while (qrt_sched_p_list(path, remove_file, (void *)path) > 0)
		;
	rc = qrt_sched_p_hostfs_kernel.remove(path);
	if (host_tree.version == 2) {
		spread_cpus();
		update_all();
	}
	return rc;
}

const struct qrt_sched_p_hostfs host_tree_hostfs = {fake_write, fake_make, fake_remove};

static void add_cpusets(int version)
{
	int i;

	host_tree.version = version;
	fill_folder("/cg", "0-3\n");
	fill_folder("/cg/box", "1-2\n");
	for (i = 0; i < host_tree.count; i++)
		put_thread(host_tree.threads[i].tid, "/cg");
	host_tree_add_thread(300, 300, 0, "boxed", "1-2");
	host_tree_find(300)->chosen = (struct qrt_sched_cpus){0};
	put_thread(300, "/cg/box");
	if (version == 2) {
		spread_cpus();
		update_all();
	}
}

void host_tree_add_v1(void)
{
	fake_kernel_file("/proc/self/mountinfo",
			 "21 1 0:5 / /proc rw - proc proc rw\n"
			 "30 1 0:9 / /cg2 rw shared:4 master:1 - cgroup2 cgroup2 rw\n"
			 "31 1 0:10 / /mem rw - cgroup cgroup rw,memory\n"
			 "32 1 0:11 / /cg rw,nosuid shared:7 - cgroup cgroup rw,cpuset\n");
	fake_kernel_file("/cg2/cgroup.controllers", "hugetlb\n");
	add_cpusets(1);
}

void host_tree_add_v2(void)
{
	fake_kernel_file("/proc/self/mountinfo", "30 1 0:9 / /cg rw shared:4 - cgroup2 cgroup2 rw\n");
	fake_kernel_file("/cg/cgroup.controllers", "cpuset cpu io memory\n");
	fake_kernel_file("/cg/cgroup.subtree_control", "cpu\ncpuset\nmemory\n");
	add_cpusets(2);
}
