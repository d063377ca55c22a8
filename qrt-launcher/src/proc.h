/* SPDX-License-Identifier: MIT */
/* What /proc says about processes and threads. */
#ifndef QRT_LAUNCHER_PROC_H
#define QRT_LAUNCHER_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Reads a file of /proc; the text is NUL-terminated and cut where it is longer. Returns its length
 * or a negative errno. */
int proc_read(const char *path, char *buf, size_t size);

/* When a process or thread started, in ticks since boot; with its number it names it for ever. */
int proc_get_start(pid_t pid, uint64_t *ret_start);
/* True while the process of this number and start lives and is no zombie. */
bool proc_is_alive(pid_t pid, uint64_t start);
bool proc_has_thread(pid_t pid, pid_t tid);
/* The thread's name, "" where it ended. */
void proc_get_name(pid_t tid, char *buf, size_t size);
/* By the kernel's own mark: whatever else a process shows of itself it may have made up. */
bool proc_is_kernel_thread(pid_t pid);
/* The machine's current boot, "" where it is not known. */
void proc_get_boot(char *buf, size_t size);

struct proc_usage {
	int cpu; /* where it ran last, -1: unknown */
	uint64_t cpu_time_ns, run_delay_ns;
	uint64_t voluntary, involuntary; /* context switches */
};

void proc_get_usage(pid_t tid, struct proc_usage *ret_usage);

/* Calls found() for each number in a folder of /proc, until it returns false. */
int proc_for_each(const char *path, bool (*found)(pid_t pid, void *data), void *data);

#endif
