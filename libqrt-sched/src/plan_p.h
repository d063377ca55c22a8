/* SPDX-License-Identifier: MIT */
/*
 * What a plan is made of: for each role and key a list of values, value n for thread n, the last
 * for all further threads. Nothing else is derived or cached: a plan is read by several threads.
 */
#ifndef QRT_SCHED_PLAN_P_H
#define QRT_SCHED_PLAN_P_H

#include <qrt/governor.h>
#include <qrt/sched.h>

/* NAME is last: it says who has the role, not how the role runs. */
enum qrt_sched_p_key {
	QRT_SCHED_P_KEY_BIAS,
	QRT_SCHED_P_KEY_SCHED,
	QRT_SCHED_P_KEY_PRIO,
	QRT_SCHED_P_KEY_NICE,
	QRT_SCHED_P_KEY_RUNTIME,
	QRT_SCHED_P_KEY_DEADLINE,
	QRT_SCHED_P_KEY_PERIOD,
	QRT_SCHED_P_KEY_IOPRIO,
	QRT_SCHED_P_KEY_BUDGET,
	QRT_SCHED_P_KEY_NAME,
};
#define QRT_SCHED_P_KEYS 10

/* What can be said of the whole VM, maxprio aside. */
enum qrt_sched_p_global {
	QRT_SCHED_P_GLOBAL_MLOCK,
	QRT_SCHED_P_GLOBAL_PI,
	QRT_SCHED_P_GLOBAL_ADVANCE,
	QRT_SCHED_P_GLOBAL_POOL,
	QRT_SCHED_P_GLOBAL_BUDGET,
	QRT_SCHED_P_GLOBAL_WEIGHT,
	QRT_SCHED_P_GLOBAL_PREEMPTLOCK,
	QRT_SCHED_P_GLOBAL_CSTATE,
	QRT_SCHED_P_GLOBAL_HALTPOLL,
	QRT_SCHED_P_GLOBAL_TIMERPRIO,
	QRT_SCHED_P_GLOBAL_RESCTRL,
	QRT_SCHED_P_GLOBAL_HUGEPAGES,
	QRT_SCHED_P_GLOBAL_NUMA,
	QRT_SCHED_P_GLOBAL_SHIELD,
	QRT_SCHED_P_GLOBAL_BOOT,
	QRT_SCHED_P_GLOBAL_BOOTTIME,
	QRT_SCHED_P_GLOBAL_HEARTBEAT,
};
#define QRT_SCHED_P_GLOBALS 17

#define QRT_SCHED_P_VALUES_MAX  1024    /* values of a key */
#define QRT_SCHED_P_LINE_MAX    4096    /* bytes of a line or an option */
#define QRT_SCHED_P_FILE_MAX    65536   /* bytes of a plan file */
#define QRT_SCHED_P_PATTERN_MAX 31      /* characters of a pattern: twice a thread's name */
#define QRT_SCHED_P_RESCTRL_MAX 255     /* characters of schemata */
#define QRT_SCHED_P_TIME_MAX    4194304 /* us: the longest period that kernels take unless told otherwise */

union qrt_sched_p_value {
	struct qrt_sched_cpus cpus;                /* bias */
	int32_t number;                            /* sched, prio, nice, times in us, ioprio */
	struct qrt_sched_budget budget;            /* budget */
	char pattern[QRT_SCHED_P_PATTERN_MAX + 1]; /* name */
};

struct qrt_sched_p_list {
	uint32_t count; /* 0: the plan does not say */
	uint32_t line;
	union qrt_sched_p_value *values;
};

struct qrt_sched_plan {
	struct qrt_sched_p_list lists[QRT_SCHED_ROLES][QRT_SCHED_P_KEYS];
	uint32_t maxprio; /* 0: that grammar was not used */
	uint32_t maxprio_policy;
	uint32_t maxprio_line;
	uint32_t pvsched, pvsched_line;
	struct {
		uint32_t is_said, line;
	} said[QRT_SCHED_P_GLOBALS];
	uint32_t mlock, pi_mutexes, advance_us, pool_min;
	uint32_t weight, preempt_lock_us, cstate_us, haltpoll_ns, timer_priority;
	uint32_t hugepages, shield, shield_parts;
	uint32_t boot, boottime_s, heartbeat_ms;
	uint32_t defaulted;
	struct qrt_sched_cpus numa_nodes;
	struct qrt_sched_budget budget;
	char resctrl[QRT_SCHED_P_RESCTRL_MAX + 1];
	char boot_plan[QRT_SCHED_BOOT_PATH_MAX + 1];
};

/* "bias", "sched", ...; the key of a name, -ENOENT. */
const char *qrt_sched_p_key_name(enum qrt_sched_p_key key);
int qrt_sched_p_key_parse(const char *name);
/* One value of a key. -EINVAL: not understood, -ERANGE: out of range. */
int qrt_sched_p_value_parse(enum qrt_sched_p_key key, const char *text, union qrt_sched_p_value *ret_value);
/* What the values of a key look like, for a person. */
const char *qrt_sched_p_value_expected(enum qrt_sched_p_key key);
/* Writes it in the form that parses to the same; returns the length. */
int qrt_sched_p_value_format(enum qrt_sched_p_key key, const union qrt_sched_p_value *value, char *buf,
			     size_t size);

/* "mlock", "pi", ...; NULL for a number that is none. */
const char *qrt_sched_p_global_name(int number);
/* "off", "onfault", ...; NULL for a number that is none. */
const char *qrt_sched_p_mlock_name(uint32_t mlock);
const char *qrt_sched_p_hugepages_name(uint32_t hugepages);

/* Replaces *to by a deep copy of from. -ENOMEM: *to is as it was. */
int qrt_sched_p_plan_copy(struct qrt_sched_plan *to, const struct qrt_sched_plan *from);
/* Moves the content of *from into *to; *from is empty then. */
void qrt_sched_p_plan_move(struct qrt_sched_plan *to, struct qrt_sched_plan *from);
void qrt_sched_p_plan_clear(struct qrt_sched_plan *plan);

/* Replaces a list by `count` (>= 1) values. -ENOMEM: the list is as it was. */
int qrt_sched_p_plan_set_list(struct qrt_sched_plan *plan, enum qrt_sched_role role, enum qrt_sched_p_key key,
			      const union qrt_sched_p_value *values, uint32_t count, uint32_t line);
int qrt_sched_p_plan_set_number(struct qrt_sched_plan *plan, enum qrt_sched_role role,
				enum qrt_sched_p_key key, int32_t number, uint32_t line);
/* The value for thread `index`, NULL where the plan does not say. */
const union qrt_sched_p_value *qrt_sched_p_plan_value(const struct qrt_sched_plan *plan,
						      enum qrt_sched_role role, enum qrt_sched_p_key key,
						      uint32_t index);
uint32_t qrt_sched_p_plan_line(const struct qrt_sched_plan *plan, enum qrt_sched_role role,
			       enum qrt_sched_p_key key);
/* How many threads of a role the plan tells apart: its longest list, names aside. */
uint32_t qrt_sched_p_plan_width(const struct qrt_sched_plan *plan, enum qrt_sched_role role);
/* 1: both say the same of budgets, of the whole VM and of each role. */
int qrt_sched_p_plan_has_same_budgets(const struct qrt_sched_plan *a, const struct qrt_sched_plan *b);
/* The highest real-time priority that it gives a thread, 0: none. */
int32_t qrt_sched_p_plan_highest(const struct qrt_sched_plan *plan);

/* One option of either grammar, or several with blanks between them, put straight into the plan: where it
 * fails the plan may hold a part of it, so that callers work on a copy. `text` is changed. */
int qrt_sched_p_plan_option(struct qrt_sched_plan *plan, char *text, uint32_t line,
			    struct qrt_sched_error *reterr);
/* The options that say something of the whole VM: -ENOENT where `key` is none of theirs. */
int qrt_sched_p_plan_global(struct qrt_sched_plan *plan, const char *key, char *value, uint32_t line,
			    struct qrt_sched_error *reterr);
int qrt_sched_p_plan_maxprio(struct qrt_sched_plan *plan, const char *key, char *value, uint32_t line,
			     struct qrt_sched_error *reterr);
/* The value of an option that was said, as it is written; returns the length. */
int qrt_sched_p_global_format(const struct qrt_sched_plan *plan, enum qrt_sched_p_global global, char *buf,
			      size_t size);
/* "on" or "off". */
int qrt_sched_p_switch_parse(const char *name, const char *value, uint32_t *ret_on,
			     struct qrt_sched_error *reterr);

/* 1 when the plan's text is short enough to be parsed again. */
int qrt_sched_p_plan_fits(const struct qrt_sched_plan *plan);
/* Ends a change that was made on a copy: r == 0 moves the copy into the plan, where it fits (else
 * -ERANGE), r < 0 drops it. Returns what came of it. */
int qrt_sched_p_plan_commit(struct qrt_sched_plan *plan, struct qrt_sched_plan *scratch, int r,
			    struct qrt_sched_error *reterr);

/* 1 where policy and priority of a thread contradict each other: real-time without a priority, or
 * time sharing with one. */
int qrt_sched_p_plan_contradicts(const struct qrt_sched_plan *plan, enum qrt_sched_role role, uint32_t index);
/* 1 where its times are none that its policy can have. */
int qrt_sched_p_plan_has_bad_times(const struct qrt_sched_plan *plan, enum qrt_sched_role role,
				   uint32_t index);
/* Adds the times that the plan says of a thread whose policy and nice value are in *setting. */
void qrt_sched_p_plan_get_times(const struct qrt_sched_plan *plan, enum qrt_sched_role role, uint32_t index,
				struct qrt_sched_setting *setting);

#endif
