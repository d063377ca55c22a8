/* SPDX-License-Identifier: MIT */
#ifndef QRT_TESTS_SUBJECT_H
#define QRT_TESTS_SUBJECT_H

#include <sys/types.h>

extern const char *subject_self; /* the program's own path */

/* "LABEL|policy|priority|nice|cpus", of the calling thread. The policy's number holds RESET_ON_FORK. */
void show(const char *label);
void wait_for(pid_t pid);
/* In a child of fork: shows how it runs. */
void by_fork(void);
/* Children in every way that there is, from a thread with that name (NULL: none). */
void *all_children(void *name);
/* A program that cannot be executed, then one that can, in its own place. */
void do_failed_exec(void);
/* Two pipes to children at the same time. */
void do_two_pipes(void);
/* Deadlines of a main loop. */
void do_advance(void);
/* vCPUs that are plugged and unplugged. */
void do_replug(int count);

#endif
