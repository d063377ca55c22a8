/* SPDX-License-Identifier: MIT */
#include "session.h"

#include <stdio.h>

#include "command.h"
#include "interrupt.h"
#include "io.h"
#include "tool_say.h"

void session_init(struct session *session)
{
	*session = (struct session){.ios = g_ptr_array_new(), .interrupt_fd = -1};
	image_options_init(&session->options);
}

void session_end(struct session *session)
{
	session_close(session);
	g_ptr_array_free(session->ios, TRUE);
	image_options_clear(&session->options);
}

gboolean session_open(struct session *session, const struct image_options *options)
{
	session->image = image_open(options);
	return session->image != NULL;
}

/* Buffers that the kernel still had are ours again when the queue is closed. */
gboolean session_close(struct session *session)
{
	if (!io_wait_all(session))
		return FALSE;
	session->image = image_close(session->image);
	io_forget(session);
	return TRUE;
}

gboolean session_is_interrupted(struct session *session)
{
	if (interrupt_take(session->interrupt_fd) & INTERRUPT_BREAK) {
		/* The terminal has "^C" there. */
		putchar('\n');
		session->is_interrupted = TRUE;
	}
	return session->is_interrupted;
}

static gboolean run_command(struct session *session, const struct command *command, int argc, char **argv)
{
	if (command->most >= 0 && argc - 1 > command->most) {
		complain("%s: '%s' is one argument too many; try 'help %s'", command->name,
			 argv[command->most + 1], command->name);
		return FALSE;
	}
	if (command->needs_image && !session->image) {
		complain("%s: no image is open; 'open PATH' opens one", command->name);
		return FALSE;
	}
	return command->run(session, argc, argv);
}

gboolean session_run(struct session *session, const char *line)
{
	g_autoptr(GError) error = NULL;
	g_auto(GStrv) argv = NULL;
	const struct command *command;
	gboolean is_good;
	int argc;

	if (!g_shell_parse_argv(line, &argc, &argv, &error)) {
		if (g_error_matches(error, G_SHELL_ERROR, G_SHELL_ERROR_EMPTY_STRING))
			return TRUE;
		complain("a quote in '%s' has no end", line);
		return FALSE;
	}
	command = command_find(argv[0]);
	if (!command) {
		complain("there is no command '%s'; 'help' lists them", argv[0]);
		return FALSE;
	}
	session->is_interrupted = FALSE;
	io_harvest(session);
	is_good = run_command(session, command, argc, argv);
	fflush(stdout);
	return is_good;
}
