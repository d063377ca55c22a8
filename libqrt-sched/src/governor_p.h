/* SPDX-License-Identifier: MIT */
#ifndef QRT_SCHED_GOVERNOR_P_H
#define QRT_SCHED_GOVERNOR_P_H

#include <qrt/governor.h>

#define QRT_SCHED_P_LOOK_NS 1000000ull /* the shortest time between two looks */
#define QRT_SCHED_P_NEVER   UINT64_MAX

struct qrt_sched_p_window {
	uint64_t begin_ns; /* 0: not yet */
	uint64_t used_ns;
	int is_exhausted;
};

/* Averages are in CPUs. */
struct qrt_sched_p_share {
	double run;    /* decaying average of what it used, */
	double demand; /* and of what it would have used */
	int is_active; /* lately */
	int is_above;
	int has_rival;   /* an active one on common CPUs */
	double cpus;     /* what is its share beside those that are active, */
	double at_worst; /* and beside all that could be */
};

struct qrt_sched_p_group {
	int is_used;
	uint32_t weight;
	struct qrt_sched_budget budget;
	struct qrt_sched_cpus cpus;
	int32_t parent;

	int has_usage;
	struct qrt_sched_usage usage; /* as it was said last */
	/* With the groups below: at the last decision, and since then. */
	uint64_t threads;
	uint64_t rate; /* the most CPUs that they can use at once */
	uint64_t decided_ns;
	uint64_t run_ns, wait_ns, charged_ns;

	struct qrt_sched_p_window window;
	struct qrt_sched_p_share share;
	struct qrt_sched_verdict verdict;
};

struct qrt_sched_governor {
	struct qrt_sched_p_group groups[QRT_SCHED_GROUPS_MAX];
	int end; /* no group is used from there on: nobody looks through all that could be */
};

/* ---- budgets (governor_budget.c) ---- */

/* charged_ns were used above time sharing since the last call; at most `rate` CPUs at once. */
void qrt_sched_p_window_use(struct qrt_sched_p_window *window, const struct qrt_sched_budget *budget,
			    uint64_t now_ns, uint64_t charged_ns, double rate);
uint64_t qrt_sched_p_window_end(const struct qrt_sched_p_window *window,
				const struct qrt_sched_budget *budget);
/* When the budget can be used up or the window ends. */
uint64_t qrt_sched_p_window_next(const struct qrt_sched_p_window *window,
				 const struct qrt_sched_budget *budget, uint64_t now_ns, double rate);

/* ---- shares (governor_share.c) ---- */

void qrt_sched_p_share_use(struct qrt_sched_p_share *share, uint64_t passed_ns, uint64_t run_ns,
			   uint64_t wait_ns);
void qrt_sched_p_shares_decide(struct qrt_sched_governor *governor);
/* How many ns from now the verdict of a group's share can change. */
uint64_t qrt_sched_p_share_next(const struct qrt_sched_governor *governor, int group);
/* How many ns a group that is above stays above at least. */
uint64_t qrt_sched_p_share_left(const struct qrt_sched_p_share *share);

/* 2^-x for x >= 0, and log2(x) for x >= 1, to some 1e-9: no library for mathematics is needed. */
double qrt_sched_p_half_to(double x);
double qrt_sched_p_log2(double x);

#endif
