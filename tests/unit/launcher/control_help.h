/* SPDX-License-Identifier: MIT */
/* A control socket in a folder of its own, what it needs of the launcher, and clients of it. */
#ifndef QRT_TESTS_CONTROL_HELP_H
#define QRT_TESTS_CONTROL_HELP_H

#include "guest_ask.h"
#include "supervisor.h"

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#define QUESTION "{\"command\":\"status\"}\n"
#define PATIENCE (20 * G_USEC_PER_SEC)

struct control_world {
	char folder[64];
	struct state state;
	struct supervisor supervisor;
	unsigned int reports, changes;
	size_t report_size;
	bool records_nothing;
	unsigned int recordings;
	void (*told)(char *text, void *data);
	void *told_data;
	guest_ask_told *guest_told; /* NULL: it is asked nothing */
	void *guest_told_data;
};

extern struct control_world control_world;

void open_control(void);
void close_control(void);
/* Turns of the main loop for so long. */
void pump(gint64 us);
/* A new client. */
int dial(void);
void say(int fd, const char *text);
/* What comes until a newline, or until the other side hangs up: then the result is 0. */
size_t hear(int fd, char *buf, size_t size);
/* It asks, and is answered. */
void check_answers(int fd);

#endif
