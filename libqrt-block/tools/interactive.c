/* SPDX-License-Identifier: MIT */
#include "interactive.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "io.h"
#include "tool_say.h"

#define BLOCK 4096

struct reader {
	GString *text; /* what was read and not run */
	gboolean is_end, is_asking;
};

static void ask(const struct reader *reader)
{
	if (reader->is_asking)
		fputs("qrt-io> ", stdout);
	fflush(stdout);
}

/* What requests that are done say comes on a line of its own. */
static void wait_for_either(struct session *session, const struct reader *reader)
{
	struct pollfd waits[2] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = -1, .events = POLLIN}};
	guint before = session->ios->len;

	while (poll(waits, 2, 0) >= 0 && !waits[0].revents) {
		waits[1].fd = session->image && session->ios->len > 0
				      ? qrt_block_queue_get_fd(session->image->queue)
				      : -1;
		poll(waits, 2, -1);
		io_harvest(session);
		if (session->ios->len != before)
			ask(reader);
		before = session->ios->len;
	}
}

static void read_more(struct reader *reader)
{
	char block[BLOCK];
	ssize_t count;

	do {
		count = read(STDIN_FILENO, block, sizeof(block));
	} while (count < 0 && errno == EINTR);
	if (count > 0)
		g_string_append_len(reader->text, block, count);
	else
		reader->is_end = TRUE;
}

/* NULL: there is none any more. The last one may have no newline. */
static char *take_line(struct session *session, struct reader *reader)
{
	char *end, *line;

	while (!(end = strchr(reader->text->str, '\n')) && !reader->is_end) {
		wait_for_either(session, reader);
		read_more(reader);
	}
	if (!end && reader->text->len == 0)
		return NULL;
	line = g_strndup(reader->text->str, end ? (gsize)(end - reader->text->str) : reader->text->len);
	g_string_erase(reader->text, 0, end ? end - reader->text->str + 1 : -1);
	return line;
}

int interactive_run(struct session *session)
{
	struct reader reader = {.text = g_string_new(NULL), .is_asking = isatty(STDIN_FILENO)};
	int code = EXIT_OK;
	char *line;

	ask(&reader);
	while (!session->is_over && (line = take_line(session, &reader))) {
		if (!session_run(session, line))
			code = EXIT_FAILED;
		g_free(line);
		if (!session->is_over)
			ask(&reader);
	}
	if (reader.is_asking && !session->is_over)
		putchar('\n');
	g_string_free(reader.text, TRUE);
	return code;
}
