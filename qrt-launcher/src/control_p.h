/* SPDX-License-Identifier: MIT */
/* The control socket inside: who is connected (control.c), and what is asked (control_question.c). */
#ifndef QRT_LAUNCHER_CONTROL_P_H
#define QRT_LAUNCHER_CONTROL_P_H

#include <glib.h>
#include <stdbool.h>

/* What a client waits for that is made elsewhere. */
enum control_awaits {
	CONTROL_NOTHING,
	CONTROL_RECORDING, /* or its turn for one */
	CONTROL_GUEST,     /* that the guest answers */
};

struct client {
	struct control *control;
	int fd;
	GString *in, *out;
	guint source, timeout;
	enum control_awaits awaits;
};

struct control {
	struct supervisor *supervisor;
	int fd;
	guint source;    /* of the socket, or of the rest */
	GQueue *clients; /* the oldest last */
	bool is_recording;
	struct client *recorded; /* the one that a recording is made for; NULL: none, or it is gone */
};

/* The answer to a line, freed by g_free(). NULL: it comes later, by control_tell(). */
char *control_question_answer(struct client *client, const char *line, gssize len);
/* A client is gone: what it asked for is for nobody. */
void control_question_forget(struct client *client);
/* What it asked for has come, and goes out at its turn. Frees the text. */
void control_tell(struct client *client, char *text);

#endif
