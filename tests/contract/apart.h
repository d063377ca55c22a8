/* SPDX-License-Identifier: MIT */
/* Tests that need a process of their own: one handle a process, nothing that ends it. */
#ifndef QRT_TESTS_APART_H
#define QRT_TESTS_APART_H

#include <qrt/sched.h>

/* Runs it in a child of fork, for 30 s at most: what fails there fails the running test. No assertion in it
 * may be a fatal one. */
void apart_run(void (*run)(void));
/* The same, and the result is the caller's: also apart. */
int apart_runs_well(void (*run)(void));

/* APART(name_of_a_test) { ... }: its body runs apart. */
#define APART(name)                                                                                          \
	static void name##_apart(void);                                                                      \
	static void name(void)                                                                               \
	{                                                                                                    \
		apart_run(name##_apart);                                                                     \
	}                                                                                                    \
	static void name##_apart(void)

/* A plan of options with blanks between them. */
struct qrt_sched_plan *apart_plan(const char *options);
/* Whether this process may have real-time priorities; where not the running test is skipped. */
int apart_may_be_realtime(void);
/* How the calling thread, or another one, runs. */
struct qrt_sched_setting apart_setting(pid_t tid);
/* Waits for a child: 1 where it ended with 0. */
int apart_ends_well(pid_t child);

#endif
