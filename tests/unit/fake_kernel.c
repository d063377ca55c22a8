/* SPDX-License-Identifier: MIT */
#include "fake_kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct fake_kernel fake_kernel;

static char root[64];
static struct qrt_sched_p_sys table;

static int call(int refused)
{
	int number = fake_kernel.calls++;

	return number == fake_kernel.fail_at ? fake_kernel.fail_with : refused;
}

static void note(char letter)
{
	size_t len = strlen(fake_kernel.log);

	if (len + 1 < sizeof(fake_kernel.log))
		fake_kernel.log[len] = letter;
}

static int is_fair(uint32_t policy)
{
	return policy == QRT_SCHED_POLICY_OTHER || policy == QRT_SCHED_POLICY_BATCH;
}

/* These run as threads do that ask for nothing. */
static int is_kernels(pid_t tid)
{
	return tid == 1 || tid == 2;
}

static int get_attr(pid_t tid, struct qrt_sched_p_attr *ret_attr)
{
	const struct qrt_sched_p_attr nothing_asked = {0};
	int rc = call(0);

	if (rc < 0)
		return rc;
	*ret_attr = is_kernels(tid) ? nothing_asked : fake_kernel.attr;
	ret_attr->nice = is_fair(ret_attr->policy) && !is_kernels(tid) ? fake_kernel.nice : 0;
	if (!is_fair(ret_attr->policy))
		return 0;
	if (!ret_attr->runtime || !fake_kernel.kernel_slice)
		ret_attr->runtime = fake_kernel.kernel_slice;
	return 0;
}

/* A thread that sleeps takes its share with it when it leaves DEADLINE: so does the kernel. */
static void leave(const struct qrt_sched_p_attr *attr)
{
	const struct qrt_sched_p_attr *have = &fake_kernel.attr;

	if (have->policy == QRT_SCHED_POLICY_DEADLINE && attr->policy != have->policy)
		fake_kernel.kept += (have->runtime << 20) / have->period;
}

static int set_attr(pid_t tid, const struct qrt_sched_p_attr *attr)
{
	int is_refused_dl = attr->policy == QRT_SCHED_POLICY_DEADLINE && fake_kernel.refuse_dl;
	int rc = call(is_refused_dl ? fake_kernel.refuse_dl : fake_kernel.refuse_set);

	(void)tid;
	if (rc < 0)
		return rc;
	note('a');
	leave(attr);
	fake_kernel.attr = *attr;
	if (is_fair(attr->policy)) {
		fake_kernel.nice = attr->nice;
		fake_kernel.slice = attr->runtime ? attr->runtime : fake_kernel.kernel_slice;
	}
	return 0;
}

static int get_nice(pid_t tid, int *ret_nice)
{
	int rc = call(fake_kernel.refuse_reading);

	(void)tid;
	if (rc < 0)
		return rc;
	*ret_nice = fake_kernel.nice;
	return 0;
}

static int set_nice(pid_t tid, int nice)
{
	int rc = call(fake_kernel.refuse_set ? fake_kernel.refuse_set : fake_kernel.refuse_nice);

	(void)tid;
	if (rc < 0)
		return rc;
	note('n');
	fake_kernel.nice = nice;
	return 0;
}

static int get_cpus(pid_t tid, struct qrt_sched_cpus *ret_cpus)
{
	int rc = call(fake_kernel.refuse_reading);

	(void)tid;
	if (rc < 0)
		return rc;
	*ret_cpus = fake_kernel.cpus;
	return 0;
}

static int set_cpus(pid_t tid, const struct qrt_sched_cpus *cpus)
{
	int rc = call(fake_kernel.refuse_set);

	(void)tid;
	if (rc < 0)
		return rc;
	note('c');
	fake_kernel.cpus = *cpus;
	return 0;
}

static int get_ioprio(pid_t tid, uint32_t *ret_ioprio)
{
	int rc = call(0);

	(void)tid;
	if (rc < 0)
		return rc;
	*ret_ioprio = fake_kernel.ioprio;
	return 0;
}

static int set_ioprio(pid_t tid, uint32_t ioprio)
{
	int rc = call(fake_kernel.refuse_set ? fake_kernel.refuse_set : fake_kernel.refuse_io);

	(void)tid;
	if (rc < 0)
		return rc;
	note('i');
	fake_kernel.ioprio = ioprio;
	return 0;
}

static int get_limit(int resource, uint64_t *ret_limit)
{
	(void)resource;
	*ret_limit = fake_kernel.limit;
	return 0;
}

static uint64_t now(void)
{
	return fake_kernel.now ? fake_kernel.now : qrt_sched_p_kernel.now();
}

struct qrt_sched_cpus fake_kernel_cpus(const char *list)
{
	struct qrt_sched_cpus cpus = {0};

	qrt_sched_cpus_parse(list, &cpus);
	return cpus;
}

void fake_kernel_begin(void)
{
	snprintf(root, sizeof(root), "/tmp/qrt-fake-XXXXXX");
	if (!mkdtemp(root))
		abort();
	fake_kernel = (struct fake_kernel){.fail_at = -1, .cpus = fake_kernel_cpus("0-3")};
	table = (struct qrt_sched_p_sys){.root = root,
					 .get_attr = get_attr,
					 .set_attr = set_attr,
					 .get_nice = get_nice,
					 .set_nice = set_nice,
					 .get_cpus = get_cpus,
					 .set_cpus = set_cpus,
					 .get_ioprio = get_ioprio,
					 .set_ioprio = set_ioprio,
					 .get_limit = get_limit,
					 .now = now};
	qrt_sched_p_sys = &table;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st, (void)type, (void)at;
	return remove(path);
}

void fake_kernel_end(void)
{
	qrt_sched_p_sys = &qrt_sched_p_kernel;
	nftw(root, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

void fake_kernel_file(const char *path, const char *text)
{
	char full[256], *slash;
	int fd;

	snprintf(full, sizeof(full), "%s%s", root, path);
	for (slash = strchr(full + strlen(root) + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(full, 0700);
		*slash = '/';
	}
	fd = open(full, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		abort();
	close(fd);
}
