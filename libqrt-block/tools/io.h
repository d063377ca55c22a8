/* SPDX-License-Identifier: MIT */
/* Requests, from the buffer to what is said of them in the end. */
#ifndef QRT_IO_IO_H
#define QRT_IO_IO_H

#include "io_option.h"
#include "session.h"

/* What a command does, and the words that say it. */
struct io_command {
	const char *name;
	const char *done;   /* "wrote" 4096/4096 bytes */
	const char *failed; /* "write" failed */
	guint32 kind;       /* with one part; enum qrt_block_kind */
	gboolean is_vector; /* always by an iovec */
	gboolean is_async;
	gboolean is_part; /* of another command: only a failure is told */
};

struct io {
	const struct io_command *command;
	struct io_option option;
	struct qrt_block_request request;
	guint8 *memory, *buffer; /* what was allocated, and where in it the data are; NULL: none */
	struct iovec *iov;
	guint64 number; /* asynchronous ones: from 1 */
	guint64 begin_ns;
	struct qrt_block_completion completion;
	guint64 end_ns;
	gboolean is_done, is_held, is_good, is_awaited;
	gsize other; /* where the pattern was not; G_MAXSIZE: everywhere it was */
};

/* Takes the options over, submits, and waits unless it is asynchronous. FALSE: it failed, which was said. */
gboolean io_run(struct session *session, const struct io_command *command, struct io_option *option);

/* Takes what is done. */
void io_harvest(struct session *session);
/* Waits for something to be done, or ^C, for so long at most; negative: for ever. */
void io_wait(struct session *session, int timeout_ms);
/* Waits until all are done. FALSE: ^C came sooner, which was said. */
gboolean io_wait_all(struct session *session);
/* Frees what is left of an image that was closed. */
void io_forget(struct session *session);
/* NULL: none of that number is on its way. */
struct io *io_find(const struct session *session, guint64 number);

/* io_report.c: what is said of one that is done. */
void io_report(struct session *session, struct io *io);

#endif
