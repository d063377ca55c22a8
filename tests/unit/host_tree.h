/* SPDX-License-Identifier: MIT */
/*
 * A host that a test makes up: a tree of files with threads in it, and a kernel that does with cpusets what
 * the real one does. Between begin and end; its files are those of fake_kernel.
 */
#ifndef QRT_TESTS_HOST_TREE_H
#define QRT_TESTS_HOST_TREE_H

#include <qrt/shield.h>

#include "fake_kernel.h"

#define HOST_TREE_THREADS 32

struct host_tree_thread {
	pid_t pid, tid;
	unsigned int flags; /* PF_* */
	const char *name;
	struct qrt_sched_cpus cpus;
	struct qrt_sched_cpus chosen; /* by the thread itself, empty: none */
	int policy, priority;
	int refuse; /* negative errno of a change of its affinity */
};

struct host_tree {
	struct host_tree_thread threads[HOST_TREE_THREADS];
	int count;
	const char *top;     /* of the cpusets */
	int version;         /* of the cgroups, 0: none */
	int forgets;         /* 1: a kernel before 6.2, which forgets what a thread chose */
	int has_isolated;    /* 0: a kernel before 6.1 */
	const char *invalid; /* what becomes of a partition, NULL: it is good */
	int calls;           /* changes of files so far */
	int fail_at;         /* this one fails (0: the first), -1: none */
	int dead_from;       /* from this one on none does anything, as after a kill; -1: none */
	int births;          /* processes that are born while others are moved */
};

extern struct host_tree host_tree;

/* CPUs 0-3, root, interrupts 1 and 24 (bound: 9), workqueues, a network card, and these threads: 1 init,
 * 2 kthreadd, 15 ksoftirqd/1 (bound), 16 kswapd0, 100 and 101 of a server, 200 pinned to CPU 1. */
void host_tree_begin(void);
/* Cpusets of a version, mounted at /cg: the top one with all, and /cg/box with CPUs 1-2 and thread 300. */
void host_tree_add_v1(void);
void host_tree_add_v2(void);
void host_tree_end(void);

void host_tree_add_thread(pid_t pid, pid_t tid, unsigned int flags, const char *name, const char *cpus);
struct host_tree_thread *host_tree_find(pid_t tid);
/* The text of a file without its last newline, "" where there is none. Valid until the next call. */
const char *host_tree_read(const char *path);
/* 1 when the thread has just these CPUs. */
int host_tree_runs_on(pid_t tid, const char *cpus);
/* All files and threads as one text, freed by free(). */
char *host_tree_picture(void);

/* A keeper that holds the last text. */
struct host_tree_kept {
	char *text;
	size_t len;
	int times, refuse;
};
int host_tree_keep(void *data, const char *text, size_t len);

#endif
