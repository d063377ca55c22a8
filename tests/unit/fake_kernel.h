/* SPDX-License-Identifier: MIT */
/* One thread of a kernel that a test makes up: it obeys, writes down what was called, and fails where
 * it is told to. Its files are a temporary tree. */
#ifndef QRT_TESTS_FAKE_KERNEL_H
#define QRT_TESTS_FAKE_KERNEL_H

#include "sys_p.h"

struct fake_kernel {
	struct qrt_sched_p_attr attr;
	int nice;
	struct qrt_sched_cpus cpus;
	uint32_t ioprio;
	uint64_t kernel_slice; /* of threads that did not ask for one; 0: a kernel without slices */
	uint64_t slice;        /* what it would have under OTHER and IDLE */
	uint64_t kept;         /* shares of threads that left DEADLINE asleep, in 1/2^20 of a CPU */
	uint64_t limit;
	uint64_t now;       /* 0: the real clock */
	int calls;          /* made so far */
	int fail_at;        /* this call fails (0: the first), -1: none */
	int fail_with;      /* negative errno */
	int refuse_set;     /* negative errno of all calls that change something, 0: none */
	int refuse_nice;    /* negative errno of set_nice */
	int refuse_io;      /* negative errno of set_ioprio */
	int refuse_dl;      /* negative errno of set_attr for DEADLINE */
	int refuse_reading; /* negative errno of get_nice and get_cpus, as under QEMU's seccomp filter */
	char log[32];       /* one letter a successful change: a attr, n nice, c cpus, i ioprio */
};

extern struct fake_kernel fake_kernel;

/* Puts the fake table in, with an OTHER thread on CPUs 0-3 and an empty tree of files. */
void fake_kernel_begin(void);
void fake_kernel_end(void);
/* Makes a file with its folders under the tree's top. */
void fake_kernel_file(const char *path, const char *text);
struct qrt_sched_cpus fake_kernel_cpus(const char *list);

#endif
