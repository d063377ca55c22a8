/* SPDX-License-Identifier: MIT */
/* Asking the supervisor of a VM, for other commands. */
#ifndef QRT_LAUNCHER_CONTROL_H
#define QRT_LAUNCHER_CONTROL_H

#include <json-glib/json-glib.h>
#include <stdbool.h>

/*
 * Connects to the control socket in a VM's folder (struct state's fd) and asks; the answer is one JSON
 * object, which the caller unrefs. -ENOENT, -ECONNREFUSED: nobody is there; -ECONNRESET: hung up without
 * an answer; -ETIMEDOUT: no answer within five seconds; -EPROTO: no sensible one.
 */
int control_ask(int folder_fd, const char *command, JsonObject **ret_answer);
/* The same for "recording", within a minute: it is made below the VM. */
int control_ask_recording(int folder_fd, JsonObject **ret_answer);

/* The status of the VM of that name in the run directory; errors as above. Says nothing. */
int control_ask_status(int run_fd, const char *name, JsonObject **ret_answer);
/* The same within another time than five seconds. */
int control_ask_status_within(int run_fd, const char *name, gint64 patience_us, JsonObject **ret_answer);
/* Whatever a line asks, within a time. Says nothing. */
int control_ask_line(int run_fd, const char *name, const char *line, gint64 patience_us,
		     JsonObject **ret_answer);
/* Has something changed, by a line that is one JSON object, within a minute; errors as above, but -ETIME: no
 * answer, and the change may still be made. Says nothing. */
int control_ask_change(int run_fd, const char *name, const char *line, JsonObject **ret_answer);
/* Says what such an error means. */
void control_complain(const char *name, int error);
/* True where it means that no supervisor is there. */
bool control_is_gone(int error);

/* Finds the VM by its name and has something changed, by a line that is one JSON object, having said what
 * went wrong. One that is stopped gets no such line. */
int control_find(const char *name, const char *line, JsonObject **ret_answer);
/* The same for its status. */
int control_find_status(const char *name, JsonObject **ret_answer);

#endif
