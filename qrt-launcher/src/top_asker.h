/* SPDX-License-Identifier: MIT */
/* Asks supervisors for `top` beside the terminal: one that hangs keeps no key waiting. */
#ifndef QRT_LAUNCHER_TOP_ASKER_H
#define QRT_LAUNCHER_TOP_ASKER_H

#include "status_ask.h"

/* What came of a look. */
struct top_look {
	GPtrArray *vms;    /* JsonObject */
	GPtrArray *silent; /* names of those that did not answer */
	bool ended;        /* the VM of the name */
	guint number;      /* in the order of looks, from 1 on */
};

/* What came of a change. */
struct top_change {
	char *vm, *option;
	JsonObject *answer; /* NULL: */
	int error;
};

struct top_asker;

/* Takes over who was asked, which is closed with it. */
struct top_asker *top_asker_open(const struct status_ask *ask);
/* Waits for nobody. */
struct top_asker *top_asker_close(struct top_asker *asker);
/* Has all asked: now, or when the look that is under way has ended. Returns the number of that look. */
guint top_asker_look(struct top_asker *asker);
/* The next look that has ended, NULL: none. Freed by top_look_free(). */
struct top_look *top_asker_take_look(struct top_asker *asker);
/* Has a VM's plan changed by an option, whose question is a line. False while another change is under way. */
bool top_asker_change(struct top_asker *asker, const char *vm, const char *option, const char *line);
/* The change that has ended, NULL: none. Freed by top_change_free(). */
struct top_change *top_asker_take_change(struct top_asker *asker);
/* Whether somebody is asked just now. */
bool top_asker_is_busy(const struct top_asker *asker);

/* Takes the answers out of an ask: an object of JSON is one thread's at a time. */
struct top_look *top_look_new(struct status_ask *ask);
void top_look_free(struct top_look *look);
void top_change_free(struct top_change *change);

#endif
