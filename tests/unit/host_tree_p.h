/* SPDX-License-Identifier: MIT */
/* Between the parts of the made-up host. */
#ifndef QRT_TESTS_HOST_TREE_P_H
#define QRT_TESTS_HOST_TREE_P_H

#include "host_tree.h"
#include "hostfs_p.h"

/* snprintf() of what fits: the names that a test makes up do. */
void host_tree_compose(char *buf, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Counts a change. Negative where it shall fail. */
int host_tree_is_due(void);
/* The CPUs of a thread's cpuset. */
void host_tree_cpus_of(pid_t tid, struct qrt_sched_cpus *cpus);
extern const struct qrt_sched_p_hostfs host_tree_hostfs;

#endif
