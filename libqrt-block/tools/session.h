/* SPDX-License-Identifier: MIT */
/* What commands work on, from the first one to the last. */
#ifndef QRT_IO_SESSION_H
#define QRT_IO_SESSION_H

#include "image.h"

struct io;

struct session {
	struct image_options options; /* what the command line said, for `open` */
	struct image *image;          /* NULL: none is open */
	GPtrArray *ios;               /* of the image; those that are not released */
	guint64 number;               /* of the last asynchronous one; from 1 */
	gboolean is_json;
	gboolean is_over;        /* `quit` */
	int interrupt_fd;        /* -1: ^C ends the program */
	gboolean is_interrupted; /* the command that runs, by ^C */
};

void session_init(struct session *session);
/* Waits for what is on its way, and closes the image. */
void session_end(struct session *session);
/* Runs a line: FALSE when it failed, which was said. */
gboolean session_run(struct session *session, const char *line);
/* TRUE: ^C came since the command began. */
gboolean session_is_interrupted(struct session *session);

/* FALSE: it was said why not. */
gboolean session_open(struct session *session, const struct image_options *options);
/* When all requests are done. FALSE: ^C came sooner, which was said, and the image is open still. */
gboolean session_close(struct session *session);

#endif
