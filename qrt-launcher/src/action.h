/* SPDX-License-Identifier: MIT */
/* What is done when a thread of a VM was kept from running for too long: `--on-delay TIME:ACTION`. */
#ifndef QRT_LAUNCHER_ACTION_H
#define QRT_LAUNCHER_ACTION_H

#include <qrt/sched.h>
#include <stdbool.h>
#include <stdint.h>

enum action_kind {
	ACTION_LOG,      /* one line on standard error */
	ACTION_FILE,     /* nothing but the recording, which all of them keep */
	ACTION_COMMAND,  /* a shell command */
	ACTION_STOP,     /* the guest is stopped, as by QMP's stop */
	ACTION_FAILSAFE, /* another plan */
};

#define ACTIONS_MAX 4

struct action {
	enum action_kind kind;
	uint64_t over_ns;
	const char *argument;        /* COMMAND: it; FAILSAFE: the plan's file */
	struct qrt_sched_plan *plan; /* FAILSAFE */
	uint64_t next_ns;            /* before that it is not due again */
	unsigned int failures;       /* since it was done last */
	bool is_open;                /* whether it is done is not known yet */
};

struct actions {
	size_t count;
	struct action actions[ACTIONS_MAX];
};

/* Adds "TIME:ACTION", whose text stays the caller's. -EINVAL after a word. */
int action_take(struct actions *actions, const char *text);
void action_clear(struct actions *actions);
/* "log", "stop", ... */
const char *action_name(enum action_kind kind);
/* Whether one of them is of this kind. */
bool action_has(const struct actions *actions, enum action_kind kind);
/* The shortest time that any of them waits for, 0: there is none. */
uint64_t action_get_least(const struct actions *actions);
/* Whether the action is due for a delay at now_ns. */
bool action_is_due(const struct action *action, uint64_t delay_ns, uint64_t now_ns);
/* What came of it. 0: it is done, and not due again for a while; negative: it failed, and is due again soon;
 * positive: that is not known yet, and until it is the action is not due. */
void action_note(struct action *action, int result, uint64_t now_ns);
/* False for one that fails again and again, but for now and then: that is known. */
bool action_is_news(const struct action *action);
/* Runs a shell command beside this process, time-shared, with what it is told in its environment
 * ("NAME=VALUE", ended by NULL). 0 or a negative errno. */
int action_run_command(const char *command, const char *const *told);

#endif
