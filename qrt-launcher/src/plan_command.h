/* SPDX-License-Identifier: MIT */
/* What `plan` and `check` have in common: a command line with a plan, and an answer in text or JSON. */
#ifndef QRT_LAUNCHER_PLAN_COMMAND_H
#define QRT_LAUNCHER_PLAN_COMMAND_H

#include "plan_request.h"

struct plan_command {
	void (*print_help)(void);
	/* Takes an option of its own at argv[*index]; returns as plan_request_take() does. */
	int (*take)(void *options, int argc, char **argv, int *index);
	/* Answers; returns the exit code. */
	int (*answer)(const void *options, struct plan_request *request, bool json);
};

/* argv[0] is the command's name. Returns the exit code. */
int plan_command_run(const struct plan_command *command, void *options, int argc, char **argv);

#endif
