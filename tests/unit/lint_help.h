/* SPDX-License-Identifier: MIT */
/* The last lint and what it found. */
#ifndef QRT_TESTS_LINT_HELP_H
#define QRT_TESTS_LINT_HELP_H

#include <qrt/sched.h>

#define LINT_MAX 64
extern struct qrt_sched_finding lint_findings[LINT_MAX];
extern int lint_count;

/* Lints a plan of options separated by blanks; host and vm may be NULL. */
void lint_with(const char *options, const struct qrt_sched_host *host, const struct qrt_sched_vm *vm);
/* The same on a privileged host with these CPUs. */
void lint_on(const char *options, const char *online, uint32_t vcpus, uint32_t iothreads);

/* The first finding with this code, NULL where there is none. */
const struct qrt_sched_finding *lint_found(const char *code);
/* Asserts the severity of the finding with this code; -1: there is none. */
void lint_expect(const char *what, const char *code, int expected);
void lint_expect_clean(const char *what);

#endif
