/* SPDX-License-Identifier: MIT */
/* A program that knows nothing of us, for tests of the preload library: it starts threads, processes and
 * mutexes in the way that its first argument names, and prints how they run. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "subject.h"

void show(const char *label)
{
	struct sched_param param = {0};
	char cpus[256] = "", line[400];
	cpu_set_t set;
	int cpu, len;

	sched_getparam(0, &param);
	CPU_ZERO(&set);
	sched_getaffinity(0, sizeof(set), &set);
	for (cpu = 0; cpu < 64; cpu++) {
		if (CPU_ISSET(cpu, &set))
			snprintf(cpus + strlen(cpus), 8, "%s%d", cpus[0] ? "," : "", cpu);
	}
	len = snprintf(line, sizeof(line), "%s|%x|%d|%d|%s\n", label, (unsigned)sched_getscheduler(0),
		       param.sched_priority, getpriority(PRIO_PROCESS, 0), cpus);
	if (write(1, line, (size_t)len) != len)
		exit(3);
}

/* ---- threads ---- */

static void *run_unnamed(void *arg)
{
	show(arg);
	return NULL;
}

static void *run_named(void *arg)
{
	pthread_setname_np(pthread_self(), arg);
	show(arg);
	return NULL;
}

static void *run_prctl(void *arg)
{
	prctl(PR_SET_NAME, arg, 0, 0, 0);
	show(arg);
	return NULL;
}

static void run(void *(*body)(void *), const char *name)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, body, (void *)(uintptr_t)name))
		exit(4);
	pthread_join(thread, NULL);
}

static void do_roles(void)
{
	show("main");
	run(run_unnamed, "unnamed");
	run(run_named, "CPU 1/KVM");
	run(run_named, "worker");
	run(run_prctl, "vnc_worker");
	run(run_named, "IO a-very-long-name-of-a-disk");
	run(run_unnamed, "unnamed again");
	pthread_setname_np(pthread_self(), "worker");
	show("main renamed");
}

static void *stay(void *arg)
{
	pthread_mutex_t *lock = arg;

	pthread_mutex_lock(lock);
	pthread_mutex_unlock(lock);
	return NULL;
}

/* Naming another thread says nothing about the one that does it. */
static void do_name_other(void)
{
	pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	pthread_t thread;

	pthread_mutex_lock(&lock);
	pthread_create(&thread, NULL, stay, &lock);
	pthread_setname_np(thread, "CPU 0/KVM");
	show("main");
	pthread_mutex_unlock(&lock);
	pthread_join(thread, NULL);
}

/* Threads of one start routine, of which most name themselves; what does it see before that? */
static void *run_mixed(void *arg)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	const char *name = arg;

	show("born");
	if (*name == '-') {
		pthread_mutex_lock(&lock);
		pthread_mutex_unlock(&lock);
		show("unnamed");
	} else {
		pthread_setname_np(pthread_self(), name);
		show(name);
	}
	return NULL;
}

static void do_mixed(void)
{
	run(run_mixed, "worker");
	run(run_mixed, "worker");
	run(run_mixed, "-");
	run(run_mixed, "worker");
}

/* ---- ends of threads ---- */

/* At the same time. */
static void do_births(int count)
{
	pthread_t threads[64];
	int i;

	for (i = 0; i < count && i < 64; i++)
		pthread_create(&threads[i], NULL, run_named, (void *)(uintptr_t) "worker");
	while (i--)
		pthread_join(threads[i], NULL);
}

static void *end_by_exit(void *arg)
{
	pthread_setname_np(pthread_self(), "worker");
	pthread_exit(arg);
}

static void *end_by_cancel(void *arg)
{
	pthread_setname_np(pthread_self(), "worker");
	for (;;)
		pause();
	return arg;
}

static void do_ends(int count)
{
	pthread_t thread;
	int i;

	for (i = 0; i < count; i++) {
		pthread_create(&thread, NULL, i % 2 ? end_by_exit : end_by_cancel, NULL);
		if (i % 2 == 0)
			pthread_cancel(thread);
		pthread_join(thread, NULL);
	}
	run(run_named, "worker");
}

/* ---- processes ---- */

static void do_daemon(void)
{
	pid_t pid = fork();

	if (!pid) {
		show("forked");
		run(run_named, "CPU 0/KVM");
		show("daemon");
		by_fork();
		_exit(0);
	}
	wait_for(pid);
	show("parent");
}

/* ---- mutexes ---- */

static pthread_mutex_t shared_lock;
static _Atomic int holds, is_seen, holder_tid, waiter_tid;

static void *hold(void *unused)
{
	(void)unused;
	pthread_setname_np(pthread_self(), "low");
	holder_tid = (int)syscall(SYS_gettid);
	pthread_mutex_lock(&shared_lock);
	holds = 1;
	while (!is_seen)
		usleep(1000);
	pthread_mutex_unlock(&shared_lock);
	return NULL;
}

static void *want(void *unused)
{
	(void)unused;
	pthread_setname_np(pthread_self(), "CPU 0/KVM");
	waiter_tid = (int)syscall(SYS_gettid);
	pthread_mutex_lock(&shared_lock);
	pthread_mutex_unlock(&shared_lock);
	return NULL;
}

/* Of its stat line the state, and field 18: -1 - priority for a real-time thread, with what it inherits. */
static int priority_in_force(int tid, char *ret_state)
{
	char path[64], stat[512] = "";
	FILE *file;
	int value = 0;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	file = fopen(path, "re");
	if (file && fgets(stat, sizeof(stat), file))
		sscanf(strrchr(stat, ')'), ") %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %d",
		       ret_state, &value);
	if (file)
		fclose(file);
	return value;
}

/* After its word there is nothing but the mutex that it can sleep for. */
static void wait_until_it_waits(void)
{
	char state = 0;

	while (!waiter_tid || state != 'S') {
		usleep(1000);
		if (waiter_tid)
			priority_in_force(waiter_tid, &state);
	}
	usleep(50000);
}

static void do_mutex(void)
{
	pthread_mutexattr_t attr;
	pthread_mutex_t own;
	pthread_t a, b;
	char state;

	pthread_mutex_init(&shared_lock, NULL);
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init(&own, &attr);
	printf("kinds|%x|%x\n", (unsigned)shared_lock.__data.__kind, (unsigned)own.__data.__kind);
	pthread_create(&a, NULL, hold, NULL);
	while (!holds)
		usleep(1000);
	printf("alone|%d\n", -1 - priority_in_force(holder_tid, &state));
	pthread_create(&b, NULL, want, NULL);
	wait_until_it_waits();
	printf("waited for|%d\n", -1 - priority_in_force(holder_tid, &state));
	printf("holder|%d\n", holder_tid);
	is_seen = 1;
	pthread_join(a, NULL);
	pthread_join(b, NULL);
}

static void lock_before_fork(void)
{
	pthread_mutex_lock(&shared_lock);
}

static void unlock_after_fork(void)
{
	printf("unlock|%d\n", pthread_mutex_unlock(&shared_lock));
}

/* What a thread holds when it forks it holds in the child too, and one that nobody held is free there. */
static void do_heritage(void)
{
	pthread_mutex_t *freed = malloc(sizeof(*freed) * 100), other;
	pid_t pid;
	int i;

	for (i = 0; i < 100; i++)
		pthread_mutex_init(&freed[i], NULL);
	free(freed);
	pthread_mutex_init(&shared_lock, NULL);
	pthread_mutex_init(&other, NULL);
	pthread_atfork(lock_before_fork, unlock_after_fork, unlock_after_fork);
	fflush(stdout);
	pid = fork();
	if (!pid) {
		printf("again|%d\n", pthread_mutex_lock(&shared_lock));
		printf("other|%d\n", pthread_mutex_trylock(&other));
		exit(0);
	}
	wait_for(pid);
	printf("parent|%d\n", pthread_mutex_trylock(&shared_lock));
	pthread_mutex_unlock(&shared_lock);
	pthread_mutex_destroy(&shared_lock);
}

static void do_environment(void)
{
	char **entry;
	int fd;

	for (entry = environ; *entry; entry++) {
		if (!strncmp(*entry, "QRT_SCHED", 9) || !strncmp(*entry, "LD_PRELOAD", 10))
			puts(*entry);
	}
	for (fd = 3; fd < 64; fd++) {
		if (fcntl(fd, F_GETFD) >= 0 && !(fcntl(fd, F_GETFD) & FD_CLOEXEC))
			printf("fd %d\n", fd);
	}
	puts("done");
}

static void do_stack(void)
{
	pthread_attr_t attr;
	size_t size;

	pthread_getattr_np(pthread_self(), &attr);
	pthread_attr_destroy(&attr);
	pthread_attr_init(&attr);
	pthread_attr_getstacksize(&attr, &size);
	printf("stack|%zu\n", size);
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "";

	subject_self = argv[0];
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!strcmp(mode, "show"))
		show(argv[2]);
	else if (!strcmp(mode, "roles"))
		do_roles();
	else if (!strcmp(mode, "name-other"))
		do_name_other();
	else if (!strcmp(mode, "mixed"))
		do_mixed();
	else if (!strcmp(mode, "ends"))
		do_ends(atoi(argv[2]));
	else if (!strcmp(mode, "births"))
		do_births(atoi(argv[2]));
	else if (!strcmp(mode, "children"))
		all_children(NULL);
	else if (!strcmp(mode, "vcpu-children"))
		run(all_children, "CPU 0/KVM");
	else if (!strcmp(mode, "two-pipes"))
		do_two_pipes();
	else if (!strcmp(mode, "failed-exec"))
		do_failed_exec();
	else if (!strcmp(mode, "daemon"))
		do_daemon();
	else if (!strcmp(mode, "mutex"))
		do_mutex();
	else if (!strcmp(mode, "advance"))
		do_advance();
	else if (!strcmp(mode, "replug"))
		do_replug(atoi(argv[2]));
	else if (!strcmp(mode, "heritage"))
		do_heritage();
	else if (!strcmp(mode, "environment"))
		do_environment();
	else if (!strcmp(mode, "stack"))
		do_stack();
	else
		return 2;
	return 0;
}
