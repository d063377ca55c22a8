/* SPDX-License-Identifier: MIT */
/* Asking the supervisor of a VM, for other commands. */
#ifndef QRT_LAUNCHER_CONTROL_H
#define QRT_LAUNCHER_CONTROL_H

#include <json-glib/json-glib.h>

/*
 * Connects to the control socket in a VM's folder (struct state's fd) and asks; the answer is one JSON
 * object, which the caller unrefs. -ENOENT, -ECONNREFUSED: nobody is there; -ETIMEDOUT: no answer within
 * five seconds; -EPROTO: no sensible one.
 */
int control_ask(int folder_fd, const char *command, JsonObject **ret_answer);

/* Finds the VM by its name and asks for its status, having said what went wrong. */
int control_ask_status(const char *name, JsonObject **ret_answer);

#endif
