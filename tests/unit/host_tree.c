/* SPDX-License-Identifier: MIT */
#include "host_tree.h"

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cpus_p.h"
#include "host_tree_p.h"
#include "task_p.h"

#define BOUND  QRT_SCHED_P_TASK_BOUND
#define KERNEL QRT_SCHED_P_TASK_KERNEL

struct host_tree host_tree;

static struct qrt_sched_p_sys table;

void host_tree_compose(char *buf, size_t size, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(buf, size, format, args);
	va_end(args);
	if (n < 0 || (size_t)n >= size)
		abort();
}

int host_tree_is_due(void)
{
	int number = host_tree.calls++;

	if (host_tree.dead_from >= 0 && number >= host_tree.dead_from)
		return -EINTR;
	return number == host_tree.fail_at ? -EIO : 0;
}

/* ---- threads ------------------------------------------------------------------------------------- */

struct host_tree_thread *host_tree_find(pid_t tid)
{
	int i;

	for (i = 0; i < host_tree.count; i++) {
		if (host_tree.threads[i].tid == tid)
			return &host_tree.threads[i];
	}
	return NULL;
}

static int get_cpus(pid_t tid, struct qrt_sched_cpus *ret_cpus)
{
	const struct host_tree_thread *thread = host_tree_find(tid);

	if (!thread)
		return -ESRCH;
	*ret_cpus = thread->cpus;
	return 0;
}

static int set_cpus(pid_t tid, const struct qrt_sched_cpus *cpus)
{
	struct host_tree_thread *thread = host_tree_find(tid);
	struct qrt_sched_cpus may, both = *cpus;

	if (!thread)
		return -ESRCH;
	if (host_tree_is_due() < 0)
		return -EIO;
	if (thread->refuse || thread->flags & BOUND)
		return thread->refuse ? thread->refuse : -EINVAL;
	host_tree_cpus_of(tid, &may);
	qrt_sched_p_cpus_and(&both, &may);
	if (!qrt_sched_cpus_count(&both))
		return -EINVAL;
	thread->cpus = both;
	thread->chosen = *cpus;
	return 0;
}

static int get_attr(pid_t tid, struct qrt_sched_p_attr *ret_attr)
{
	const struct host_tree_thread *thread = host_tree_find(tid);

	if (!thread)
		return -ESRCH;
	memset(ret_attr, 0, sizeof(*ret_attr));
	ret_attr->policy = (uint32_t)thread->policy;
	ret_attr->priority = (uint32_t)thread->priority;
	return 0;
}

static int set_attr(pid_t tid, const struct qrt_sched_p_attr *attr)
{
	struct host_tree_thread *thread = host_tree_find(tid);

	if (!thread)
		return -ESRCH;
	if (thread->refuse)
		return thread->refuse;
	thread->policy = (int)attr->policy;
	thread->priority = (int)attr->priority;
	return 0;
}

void host_tree_add_thread(pid_t pid, pid_t tid, unsigned int flags, const char *name, const char *cpus)
{
	struct host_tree_thread *thread = &host_tree.threads[host_tree.count++];
	char path[64], text[256];

	*thread = (struct host_tree_thread){.pid = pid, .tid = tid, .flags = flags, .name = name};
	thread->cpus = fake_kernel_cpus(cpus);
	if (!(flags & KERNEL) && strcmp(cpus, "0-3") != 0)
		thread->chosen = thread->cpus;
	host_tree_compose(text, sizeof(text), "%d (%s) S 2 0 0 0 -1 %u 0 0 0 0 0 3 0 0 20 0 1 0 %d 0 0\n",
			  (int)tid, name, flags, 1000 + (int)tid);
	host_tree_compose(path, sizeof(path), "/proc/%d/task/%d/stat", (int)pid, (int)tid);
	fake_kernel_file(path, text);
	host_tree_compose(path, sizeof(path), "/proc/%d/stat", (int)tid);
	fake_kernel_file(path, text);
	host_tree_compose(path, sizeof(path), "/proc/%d/status", (int)tid);
	host_tree_compose(text, sizeof(text), "Name:\t%s\nTgid:\t%d\n", name, (int)pid);
	fake_kernel_file(path, text);
}

int host_tree_runs_on(pid_t tid, const char *cpus)
{
	const struct host_tree_thread *thread = host_tree_find(tid);
	const struct qrt_sched_cpus wanted = fake_kernel_cpus(cpus);

	return thread && qrt_sched_p_cpus_equal(&thread->cpus, &wanted);
}

/* ---- files --------------------------------------------------------------------------------------- */

const char *host_tree_read(const char *path)
{
	static char text[65536];

	if (qrt_sched_p_read_trimmed(path, text, sizeof(text)) < 0)
		text[0] = '\0';
	return text;
}

/* ---- the host ------------------------------------------------------------------------------------ */

static void add_threads(void)
{
	host_tree_add_thread(1, 1, 0, "init", "0-3");
	host_tree_add_thread(2, 2, KERNEL, "kthreadd", "0-3");
	host_tree_add_thread(15, 15, KERNEL | BOUND, "ksoftirqd/1", "1");
	host_tree_add_thread(16, 16, KERNEL, "kswapd0", "0-3");
	host_tree_add_thread(100, 100, 0, "a server) S 3", "0-3");
	host_tree_add_thread(100, 101, 0, "worker", "0-3");
	host_tree_add_thread(200, 200, 0, "pinned", "1");
}

void host_tree_begin(void)
{
	fake_kernel_begin();
	host_tree = (struct host_tree){.fail_at = -1, .dead_from = -1, .top = "/cg", .has_isolated = 1};
	table = *qrt_sched_p_sys;
	table.get_cpus = get_cpus;
	table.set_cpus = set_cpus;
	table.get_attr = get_attr;
	table.set_attr = set_attr;
	qrt_sched_p_sys = &table;
	qrt_sched_p_hostfs = &host_tree_hostfs;
	fake_kernel_file("/proc/sys/kernel/random/boot_id", "11111111-2222-3333-4444-555555555555\n");
	fake_kernel_file("/proc/thread-self/status", "CapEff:\t000001ffffffffff\n");
	fake_kernel_file("/proc/self/mountinfo", "21 1 0:5 / /proc rw - proc proc rw\n");
	fake_kernel_file("/sys/devices/system/cpu/online", "0-3\n");
	fake_kernel_file("/proc/irq/default_smp_affinity", "f\n");
	fake_kernel_file("/proc/irq/1/smp_affinity", "1\n");
	fake_kernel_file("/proc/irq/9/smp_affinity", "f\n");
	fake_kernel_file("/proc/irq/9/acpi/x", "");
	fake_kernel_file("/proc/irq/24/smp_affinity", "00000000,0000000f\n");
	fake_kernel_file("/sys/devices/virtual/workqueue/cpumask", "f\n");
	fake_kernel_file("/sys/devices/virtual/workqueue/writeback/cpumask", "f\n");
	fake_kernel_file("/sys/devices/virtual/workqueue/power/control", "auto\n");
	fake_kernel_file("/sys/class/net/eth0/queues/rx-0/rps_cpus", "2\n");
	fake_kernel_file("/sys/class/net/eth0/queues/rx-1/rps_cpus", "0\n");
	fake_kernel_file("/sys/class/net/eth0/queues/tx-0/xps_cpus", "2\n");
	add_threads();
}

void host_tree_end(void)
{
	qrt_sched_p_hostfs = &qrt_sched_p_hostfs_kernel;
	fake_kernel_end();
}

/* ---- pictures ------------------------------------------------------------------------------------ */

struct picture {
	char *text;
	size_t size;
	FILE *out;
};

static void paint(FILE *out, const char *path) // NOLINT(misc-no-recursion): a small tree
{
	char full[600], inner[500];
	struct dirent **entries;
	int i, count;

	host_tree_compose(full, sizeof(full), "%s%s", qrt_sched_p_sys->root, path);
	count = scandir(full, &entries, NULL, alphasort);
	if (count < 0) {
		fprintf(out, "%s: %s\n", path, host_tree_read(path));
		return;
	}
	for (i = 0; i < count; i++) {
		host_tree_compose(inner, sizeof(inner), "%.200s/%.200s", path, entries[i]->d_name);
		if (entries[i]->d_name[0] != '.')
			paint(out, inner);
		free(entries[i]);
	}
	free(entries);
}

char *host_tree_picture(void)
{
	struct picture picture = {0};
	char cpus[128];
	int i;

	picture.out = open_memstream(&picture.text, &picture.size);
	paint(picture.out, "");
	for (i = 0; i < host_tree.count; i++) {
		qrt_sched_cpus_format(&host_tree.threads[i].cpus, cpus, sizeof(cpus));
		fprintf(picture.out, "%d on %s, %d %d\n", (int)host_tree.threads[i].tid, cpus,
			host_tree.threads[i].policy, host_tree.threads[i].priority);
	}
	fclose(picture.out);
	return picture.text;
}

int host_tree_keep(void *data, const char *text, size_t len)
{
	struct host_tree_kept *kept = data;

	if (kept->refuse)
		return kept->refuse;
	if (host_tree.dead_from >= 0 && host_tree.calls >= host_tree.dead_from)
		return -EINTR;
	kept->times++;
	free(kept->text);
	kept->text = strndup(text, len);
	kept->len = len;
	return kept->text ? 0 : -ENOMEM;
}
