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
	uint64_t last_ns;            /* when it was done last, 0: never */
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
/* Whether the action is due for a delay at now_ns; then it counts as done. Not again for a while. */
int action_is_due(struct action *action, uint64_t delay_ns, uint64_t now_ns);
/* Runs a shell command beside this process, time-shared, with what it is told in its environment
 * ("NAME=VALUE", ended by NULL). 0 or a negative errno. */
int action_run_command(const char *command, const char *const *told);

#endif
