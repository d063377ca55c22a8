/* SPDX-License-Identifier: MIT */
/* qrt-io: requests by hand and by scripts, with the names that qemu-io has for them. */
#ifndef QRT_IO_H
#define QRT_IO_H

#include <qrt/block.h>

#define EXIT_OK     0
#define EXIT_FAILED 1
#define EXIT_USAGE  2

#define NO_PATTERN (-1)

struct session {
	struct qrt_block_device *device;
	struct qrt_block_queue *queue;
	uint32_t outstanding; /* requests that nobody waits for yet */
	int is_over;          /* quit */
};

/* A request, and what is to be said of it. */
struct job {
	struct qrt_block_request request;
	const char *name; /* as in "read failed" */
	char *memory;
	struct iovec *parts;
	int pattern; /* a byte, or NO_PATTERN */
	uint64_t pattern_start, pattern_length;
	int is_quiet, is_dump, is_async;
	int is_done, is_bad; /* afterwards */
};

/* ---- words.c ---- */

/* Cuts a line into words, "..." and '...' kept together; ends with NULL. How many, or negative: more than
 * max, or an open quote. */
int split(char *line, char **ret_words, int max);
/* 12, 0x1f, 4k, 1M, 2G, 1T. 0, or negative: it is none, or past 2^63. */
int read_number(const char *text, uint64_t *ret_number);
/* An own line on standard error. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* ---- job.c ---- */

/* Memory for length bytes, filled with a byte. 0 or EXIT_FAILED, which was said. */
int job_have_memory(struct job *job, uint64_t length, int byte);
/* Submits it; one that is not async is waited for, others take the job with them when they are done. */
int job_run(struct session *session, struct job *job);
/* Waits until none is out. EXIT_FAILED: one of them failed. */
int job_wait_all(struct session *session);
struct job *job_free(struct job *job);

/* ---- commands ---- */

/* One line: its exit code. */
int run_line(struct session *session, char *line);

int command_read(struct session *session, char **words);
int command_write(struct session *session, char **words);
int command_readv(struct session *session, char **words);
int command_writev(struct session *session, char **words);
int command_flush(struct session *session, char **words);
int command_aio_flush(struct session *session, char **words);
int command_discard(struct session *session, char **words);
int command_map(struct session *session, char **words);
int command_length(struct session *session, char **words);
int command_info(struct session *session, char **words);
int command_truncate(struct session *session, char **words);
int command_sleep(struct session *session, char **words);
int command_abort(struct session *session, char **words);
int command_quit(struct session *session, char **words);

#endif
