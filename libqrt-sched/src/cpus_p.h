/* SPDX-License-Identifier: MIT */
#ifndef QRT_SCHED_CPUS_P_H
#define QRT_SCHED_CPUS_P_H

#include <qrt/sched.h>

/* The list format with another separator: a plan separates threads by commas, CPUs of one by '+'. */
int qrt_sched_p_cpus_parse(const char *text, char separator, struct qrt_sched_cpus *ret_cpus);
int qrt_sched_p_cpus_format(const struct qrt_sched_cpus *cpus, char separator, char *buf, size_t size);

void qrt_sched_p_cpus_and(struct qrt_sched_cpus *cpus, const struct qrt_sched_cpus *with);
void qrt_sched_p_cpus_or(struct qrt_sched_cpus *cpus, const struct qrt_sched_cpus *with);
void qrt_sched_p_cpus_minus(struct qrt_sched_cpus *cpus, const struct qrt_sched_cpus *without);
int qrt_sched_p_cpus_equal(const struct qrt_sched_cpus *a, const struct qrt_sched_cpus *b);

/* Longest text of a set, with its NUL: every second CPU alone. */
#define QRT_SCHED_P_CPUS_TEXT 4096

#endif
