/* SPDX-License-Identifier: MIT */
/* Commands about the program itself. */
#include <signal.h>
#include <stdlib.h>

#include "command.h"
#include "io.h"
#include "tool_say.h"

#define SLEEP_MOST_MS 86400000 /* a day */

static gboolean take_number(const char *what, int argc, char **argv, guint64 most, guint64 *number)
{
	if (argc == 2 && g_ascii_string_to_unsigned(argv[1], 10, 0, most, number, NULL))
		return TRUE;
	complain("%s: give %s, 0 to %" G_GUINT64_FORMAT, argv[0], what, most);
	return FALSE;
}

static gboolean run_help(struct session *session, int argc, char **argv)
{
	(void)session;
	return command_help(argc > 1 ? argv[1] : NULL);
}

static gboolean run_quit(struct session *session, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	session->is_over = TRUE;
	return TRUE;
}

/* Requests that are done meanwhile are told. */
static gboolean run_sleep(struct session *session, int argc, char **argv)
{
	gint64 end, left;
	guint64 ms;

	if (!take_number("milliseconds", argc, argv, SLEEP_MOST_MS, &ms))
		return FALSE;
	end = g_get_monotonic_time() + (gint64)ms * 1000;
	while ((left = end - g_get_monotonic_time()) > 0 && !session->is_interrupted)
		io_wait(session, (int)((left + 999) / 1000));
	return !session->is_interrupted;
}

static gboolean run_abort(struct session *session, int argc, char **argv)
{
	(void)session;
	(void)argc;
	(void)argv;
	abort();
}

static gboolean run_sigraise(struct session *session, int argc, char **argv)
{
	guint64 number;

	(void)session;
	if (!take_number("the number of a signal", argc, argv, NSIG - 1, &number))
		return FALSE;
	raise((int)number);
	return TRUE;
}

const struct command command_others[] = {
	{"help", "?", "[command]", "what there is, or more about one", NULL, FALSE, 1, run_help},
	{"quit", "q", "", "end the program", NULL, FALSE, 0, run_quit},
	{"sleep", NULL, "milliseconds", "wait, and tell what is done meanwhile", NULL, FALSE, 1, run_sleep},
	{"abort", NULL, "", "crash, by abort(3)", NULL, FALSE, 0, run_abort},
	{"sigraise", NULL, "number", "raise that signal", NULL, FALSE, 1, run_sigraise},
	{NULL},
};
