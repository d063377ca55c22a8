/* SPDX-License-Identifier: MIT */
#ifndef QRT_AGENT_OPTIONS_H
#define QRT_AGENT_OPTIONS_H

#include "agent.h"

#include <stdio.h>

#define SOCKET_PATH "/run/qrt-guest-agent.sock"
#define KEEP_PATH   "/run/qrt-guest-agent.state"

struct options {
	struct device_choice choice;
	const char *socket, *keep, *uio;
	uint32_t interval_ms, state, patience_s, priority;
};

/* 0, or the exit code + 1. What follows the options is from optind on. */
int options_take(struct options *options, int argc, char **argv);
void options_explain(FILE *file);
int options_take_state(const char *text, uint32_t *ret_state);

#endif
