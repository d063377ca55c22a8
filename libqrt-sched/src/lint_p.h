/* SPDX-License-Identifier: MIT */
#ifndef QRT_SCHED_LINT_P_H
#define QRT_SCHED_LINT_P_H

#include <qrt/sched.h>

struct qrt_sched_p_lint {
	const struct qrt_sched_plan *plan;
	const struct qrt_sched_host *host; /* NULL: not known */
	const struct qrt_sched_vm *vm;     /* NULL: not known */
	struct qrt_sched_finding *findings;
	size_t count, capacity;
	int is_out_of_memory;
	int has_fallen_back; /* DEADLINE threads count as what they get where the kernel refuses that */
};

/* A thread that the plan speaks of, as it will run. */
struct qrt_sched_p_thread {
	enum qrt_sched_role role;
	uint32_t index;
	struct qrt_sched_setting setting;
	struct qrt_sched_cpus cpus; /* where it can run on this host */
	int urgency;
	int is_rt;
};

void qrt_sched_p_lint_find(struct qrt_sched_p_lint *lint, enum qrt_sched_severity severity, uint32_t line,
			   const char *code, const char *format, ...) __attribute__((format(printf, 5, 6)));
/* Whom the last finding is about. */
void qrt_sched_p_lint_about(struct qrt_sched_p_lint *lint, enum qrt_sched_role role);
/* What to do about it. */
void qrt_sched_p_lint_remedy(struct qrt_sched_p_lint *lint, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

struct qrt_sched_p_thread qrt_sched_p_lint_thread(const struct qrt_sched_p_lint *lint,
						  enum qrt_sched_role role, uint32_t index);
/* Whether it was said how many there are. */
int qrt_sched_p_lint_knows_iothreads(const struct qrt_sched_p_lint *lint);
/* How many threads of a role have to be looked at, and whether the VM may have more of them. */
uint32_t qrt_sched_p_lint_threads(const struct qrt_sched_p_lint *lint, enum qrt_sched_role role);
int qrt_sched_p_lint_is_open(const struct qrt_sched_p_lint *lint, enum qrt_sched_role role);
/* "fifo 10": policy and priority for a message. */
const char *qrt_sched_p_lint_urgency(const struct qrt_sched_p_thread *thread, char *buf, size_t size);

/* What the deadline threads of a role take together, in 1/10000 of a CPU. */
uint64_t qrt_sched_p_lint_bandwidth(const struct qrt_sched_p_lint *lint, enum qrt_sched_role role);

/* The groups of checks. */
void qrt_sched_p_lint_values(struct qrt_sched_p_lint *lint);  /* each value alone */
void qrt_sched_p_lint_starve(struct qrt_sched_p_lint *lint);  /* threads that keep others away */
void qrt_sched_p_lint_times(struct qrt_sched_p_lint *lint);   /* deadlines, slices */
void qrt_sched_p_lint_quantum(struct qrt_sched_p_lint *lint); /* turns among equals */
void qrt_sched_p_lint_around(struct qrt_sched_p_lint *lint);  /* budgets, memory, disks, timers */
void qrt_sched_p_lint_host(struct qrt_sched_p_lint *lint);    /* the plan against kernel and rights */

#endif
