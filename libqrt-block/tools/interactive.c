/* SPDX-License-Identifier: MIT */
#include "interactive.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "editor.h"
#include "interrupt.h"
#include "io.h"
#include "tool_say.h"

#define BLOCK 4096

struct reader {
	GString *text; /* what was read and not run */
	gboolean is_end, is_asking;
};

enum interactive_event interactive_wait(const struct session *session)
{
	struct pollfd waits[] = {{.fd = STDIN_FILENO, .events = POLLIN},
				 {.fd = session->interrupt_fd, .events = POLLIN},
				 {.fd = -1, .events = POLLIN}};

	if (session->image && session->ios->len > 0)
		waits[2].fd = qrt_block_queue_get_fd(session->image->queue);
	for (;;) {
		if (poll(waits, G_N_ELEMENTS(waits), -1) < 0)
			continue;
		if (waits[1].revents)
			return interrupt_take(session->interrupt_fd) & INTERRUPT_BREAK ? INTERACTIVE_BREAK
										       : INTERACTIVE_TERMINAL;
		return waits[0].revents ? INTERACTIVE_INPUT : INTERACTIVE_DONE;
	}
}

/* ---- lines as they come ---- */

static void ask(const struct reader *reader)
{
	if (reader->is_asking)
		fputs(INTERACTIVE_PROMPT, stdout);
	fflush(stdout);
}

/* What requests that are done say comes on a line of its own. */
static void tell_done(struct session *session, const struct reader *reader)
{
	guint before = session->ios->len;

	io_harvest(session);
	if (session->ios->len != before)
		ask(reader);
}

static void wait_for_input(struct session *session, const struct reader *reader)
{
	for (;;) {
		switch (interactive_wait(session)) {
		case INTERACTIVE_INPUT:
			return;
		case INTERACTIVE_DONE:
			tell_done(session, reader);
			break;
		case INTERACTIVE_BREAK: /* the terminal has forgotten what was typed */
			putchar('\n');
			ask(reader);
			break;
		case INTERACTIVE_TERMINAL:
			break;
		}
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

	ask(reader);
	while (!(end = strchr(reader->text->str, '\n')) && !reader->is_end) {
		wait_for_input(session, reader);
		read_more(reader);
	}
	if (!end && reader->text->len == 0)
		return NULL;
	line = g_strndup(reader->text->str, end ? (gsize)(end - reader->text->str) : reader->text->len);
	g_string_erase(reader->text, 0, end ? end - reader->text->str + 1 : -1);
	return line;
}

/* ---- running them ---- */

static int run_lines(struct session *session, struct reader *reader, struct editor *editor)
{
	int code = EXIT_OK;
	char *line;

	while (!session->is_over) {
		line = editor ? editor_take_line(editor) : take_line(session, reader);
		if (!line)
			break;
		if (!session_run(session, line))
			code = EXIT_FAILED;
		g_free(line);
	}
	return code;
}

int interactive_run(struct session *session)
{
	struct reader reader = {.text = g_string_new(NULL)};
	struct editor *editor = NULL;
	int code;

	reader.is_asking = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
	if (reader.is_asking) {
		session->interrupt_fd = interrupt_open();
		editor = editor_open(session);
	}
	code = run_lines(session, &reader, editor);
	if (reader.is_asking && !session->is_over)
		putchar('\n');
	editor_close(editor);
	/* From here on ^C ends the program, also where it waits for requests. */
	session->interrupt_fd = interrupt_close(session->interrupt_fd);
	session->is_interrupted = FALSE;
	g_string_free(reader.text, TRUE);
	return code;
}
