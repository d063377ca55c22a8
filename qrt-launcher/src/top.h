/* SPDX-License-Identifier: MIT */
/* `top` on a terminal: its screen and its keys. */
#ifndef QRT_LAUNCHER_TOP_H
#define QRT_LAUNCHER_TOP_H

#include "top_asker.h"
#include "top_model.h"

#include <stdbool.h>
#include <stdio.h>

enum top_prompt { TOP_PROMPT_NONE, TOP_PROMPT_CPUS, TOP_PROMPT_FILTER };

struct top {
	const char *name; /* of the only VM, NULL: all */
	struct top_asker *asker;
	struct top_model model;

	/* The thread that is chosen, which stays so where others come and go. */
	char chosen_vm[65];
	gint64 chosen_tid;
	guint chosen, first; /* among those shown; the first on the screen */

	bool is_paused, is_helping, is_ended;
	enum top_prompt prompt;
	char input[64], before[64]; /* of the prompt; the filter that it had */
	char message[300];
	gint64 message_until;  /* then the keys are shown again */
	guint awaited;         /* the look that will show what the last change did, 0: none */
	struct screen *screen; /* ncurses' */
	FILE *errors;          /* what others say on standard error meanwhile */
	int error_fd;          /* standard error as it was */
};

/* Has a VM's plan changed, and shows what came of it where that does not take long. */
void top_change(struct top *top, const char *vm, const char *option, const char *line);
/* Says what came of a change. */
void top_keys_say(struct top *top, const struct top_change *change);
/* After what is shown has changed: the choice follows its thread. */
void top_follow(struct top *top);
/* The chosen row, NULL where none is shown. */
const struct top_row *top_get_chosen(const struct top *top);
void top_choose(struct top *top, gint64 place);
/* For some seconds. */
void top_say(struct top *top, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* False where there is none that is known, which was said. */
bool top_terminal_open(struct top *top);
void top_terminal_close(struct top *top);
/* Whether a signal wants the end; and then, in the very end, that end. */
bool top_terminal_is_ended(void);
void top_terminal_end_as_told(void);

/* Draws all of it. */
void top_screen_draw(const struct top *top);
/* How many threads it has room for. */
int top_screen_count_rows(void);
/* A row of the table, or the titles (NULL), cut to `width`; `all`: with the VM's name. */
void top_columns_format(const struct top_row *row, bool all, int width, char *buf, size_t size);

/* Does what a key means. False when it ends the program. */
bool top_keys_take(struct top *top, int key);

#endif
