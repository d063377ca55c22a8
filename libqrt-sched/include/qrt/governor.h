/* SPDX-License-Identifier: MIT */
/*
 * libqrt-sched: governor. CPU budgets and weights for groups of threads (a VM, a role of a VM).
 *
 * A budget is CPU time per window ("30%/100ms": 30 ms of one CPU in each 100 ms). A group that has used
 * it up drops to time sharing (layer GOVERNOR) until the window ends: so a spinning real-time thread
 * cannot take the host with it, even with the kernel's throttling off.
 *
 * Weights divide the CPUs that groups share. What counts is a decaying average of each group's use (half
 * of it is forgotten in QRT_SCHED_SHARE_HALF_LIFE_NS): a group above its share drops to time sharing as
 * long as its average stays above and another group of common CPUs was active lately, so that the one
 * that wants little never waits for the one that takes all, not even for a quantum; alone it keeps its
 * setting, and dropped it still has all that the others leave. Shares: weight over the sum of the weights
 * of the groups that were active lately, times the CPUs. Hysteresis keeps verdicts from flapping.
 *
 * The accounting is pure: the caller says what was used, the governor says who is over, until when, and
 * when to look again: not before a verdict can change or a window ends. It knows no thread and reads no
 * clock. Conventions as in <qrt/sched.h>.
 */
#ifndef QRT_GOVERNOR_H
#define QRT_GOVERNOR_H

#include <qrt/sched.h>

#ifdef __cplusplus
extern "C" {
#endif

#define QRT_SCHED_SHARE_HALF_LIFE_NS 500000000ull

struct qrt_sched_budget {
	uint64_t runtime_ns; /* CPU time of all threads of the group, 0: no budget; may exceed the window */
	uint64_t window_ns;  /* 1 ms..10 s */
};

/* "30%/100ms", "150%/1s", "5ms/20ms", "30%" (of 100 ms). Percent are of one CPU. -EINVAL, -ERANGE with
 * the place. [setup] */
QRT_SCHED_API int qrt_sched_budget_parse(const char *text, struct qrt_sched_budget *ret_budget,
					 struct qrt_sched_error *reterr);
/* "30%/100ms". Returns the length, -ENOSPC. [rt] */
QRT_SCHED_API int qrt_sched_budget_format(const struct qrt_sched_budget *budget, char *buf, size_t size);

struct qrt_sched_governor;

#define QRT_SCHED_GROUPS_MAX 256

struct qrt_sched_group_config {
	uint32_t size;
	uint32_t weight; /* 1..10000, 0: the group takes no part in sharing */
	struct qrt_sched_budget budget;
	struct qrt_sched_cpus
		cpus;      /* where its threads may run: shared with others there; empty: no matter */
	int32_t parent;    /* group whose budget counts too (a role's VM), -1: none */
	uint32_t reserved; /* 0 */
};

/* What the threads of a group did since they were there, whatever policy they had. A thread is in one
 * group: those of the groups below count for a parent by themselves. */
struct qrt_sched_usage {
	uint64_t run_ns;  /* CPU time */
	uint64_t wait_ns; /* time they were ready and did not run */
	uint32_t threads; /* how many it has now: no more CPUs can be used at once */
	uint32_t reserved;
};

enum qrt_sched_over {
	QRT_SCHED_OVER_NONE,
	QRT_SCHED_OVER_BUDGET,
	QRT_SCHED_OVER_PARENT, /* the budget of a group above */
	QRT_SCHED_OVER_SHARE,
};

struct qrt_sched_verdict {
	uint32_t over;      /* 1: time sharing, 0: as planned */
	uint32_t reason;    /* enum qrt_sched_over */
	uint64_t until_ns;  /* the same clock; SHARE: at the earliest; 0: not over */
	uint64_t used_ns;   /* of the budget, in the window so far */
	uint64_t throttled; /* how often the group was over since it was added */
	/* Thousandths of a CPU, 0 without a weight: what its share is, as others want it now, and the
	 * decaying average of what it used. */
	uint32_t share, average;
};

/* OWNERSHIP: the caller's, ended by close, which takes NULL and returns NULL. -ENOMEM. [setup] */
QRT_SCHED_API int qrt_sched_governor_new(struct qrt_sched_governor **ret_governor);
QRT_SCHED_API struct qrt_sched_governor *qrt_sched_governor_close(struct qrt_sched_governor *governor);
/* Returns the group's number, small and reused. -EINVAL, -E2BIG, -ERANGE, -ENOSPC. [setup] */
QRT_SCHED_API int qrt_sched_governor_add(struct qrt_sched_governor *governor,
					 const struct qrt_sched_group_config *config,
					 struct qrt_sched_error *reterr);
/* What was used stays; a window of another length begins anew. -ENOENT, and as add. [setup] */
QRT_SCHED_API int qrt_sched_governor_change(struct qrt_sched_governor *governor, int group,
					    const struct qrt_sched_group_config *config,
					    struct qrt_sched_error *reterr);
/* Groups below it have no parent then. -ENOENT. [setup] */
QRT_SCHED_API int qrt_sched_governor_remove(struct qrt_sched_governor *governor, int group);
/* Accounts one group; usage grows only (a smaller value than before counts as a new start). What a group
 * used while it was over was not above time sharing and does not count for its budget. -ENOENT. [rt] */
QRT_SCHED_API int qrt_sched_governor_account(struct qrt_sched_governor *governor, int group, uint64_t now_ns,
					     const struct qrt_sched_usage *usage);
/* After all groups were accounted: decides. Returns how many verdicts changed. [rt] */
QRT_SCHED_API int qrt_sched_governor_decide(struct qrt_sched_governor *governor, uint64_t now_ns);
/* -ENOENT. [rt] */
QRT_SCHED_API int qrt_sched_governor_get(const struct qrt_sched_governor *governor, int group,
					 struct qrt_sched_verdict *ret_verdict);
/* When to account again: the earliest moment at which a verdict can change, or a window ends in which
 * something can have been used; at least 1 ms ahead. 0: never, no group has a budget or a rival. [rt] */
QRT_SCHED_API uint64_t qrt_sched_governor_get_next(const struct qrt_sched_governor *governor,
						   uint64_t now_ns);

#ifdef __cplusplus
}
#endif

#endif /* QRT_GOVERNOR_H */
