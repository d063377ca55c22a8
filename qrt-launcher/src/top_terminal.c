/* SPDX-License-Identifier: MIT */
/* The terminal is given back as it was, whatever ends the program. */
#include "command.h"
#include "top.h"

#include <ncurses.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <term.h>
#include <unistd.h>

#define ESCAPE_MS 50 /* between an escape key and what an arrow sends after its escape */

static volatile sig_atomic_t ended_by;

static void on_signal(int number)
{
	ended_by = number;
}

/* Before ncurses looks, which would take those that nobody has. */
static void take_signals(void)
{
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
	struct sigaction action = {.sa_handler = on_signal}, had;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(numbers); i++) {
		if (sigaction(numbers[i], NULL, &had) == 0 && had.sa_handler != SIG_IGN)
			sigaction(numbers[i], &action, NULL);
	}
}

/* A word on standard error in the middle of the screen would stay there. */
static void catch_errors(struct top *top)
{
	int fd = memfd_create("qrt-top-errors", MFD_CLOEXEC);

	fflush(stderr);
	top->error_fd = dup(STDERR_FILENO);
	top->errors = fd < 0 ? NULL : fdopen(fd, "r");
	if (top->errors)
		dup2(fd, STDERR_FILENO);
}

static void release_errors(struct top *top)
{
	if (top->errors) {
		dup2(top->error_fd, STDERR_FILENO);
		fclose(top->errors);
	}
	close(top->error_fd);
}

static void prepare_screen(void)
{
	cbreak();
	noecho();
	nonl();
	intrflush(stdscr, FALSE);
	keypad(stdscr, TRUE);
	set_escdelay(ESCAPE_MS);
	curs_set(0);
}

/* ncurses takes one that only goes from line to line, and what it draws there cannot be read. */
static bool can_address_cursor(void)
{
	const char *address = NULL;
	int error;

	if (setupterm(NULL, STDOUT_FILENO, &error) != OK)
		return true; /* newterm() says what is wrong with it */
	address = tigetstr("cup");
	del_curterm(cur_term);
	return address != NULL && address != (const char *)-1;
}

bool top_terminal_open(struct top *top)
{
	if (!can_address_cursor()) {
		complain("top: the terminal '%s' cannot place its cursor; set TERM, or use 'qrt-launcher "
			 "status --watch'",
			 g_getenv("TERM") ?: "");
		return false;
	}
	take_signals();
	top->screen = newterm(NULL, stdout, stdin);
	if (!top->screen) {
		complain(
			"top: the terminal '%s' is not known; set TERM, or use 'qrt-launcher status --watch'",
			g_getenv("TERM") ?: "");
		return false;
	}
	catch_errors(top);
	prepare_screen();
	return true;
}

void top_terminal_close(struct top *top)
{
	endwin();
	delscreen(top->screen);
	release_errors(top);
}

bool top_terminal_is_ended(void)
{
	return ended_by != 0;
}

/* Who ended us wants to see that it was he. */
void top_terminal_end_as_told(void)
{
	if (ended_by == 0 || ended_by == SIGINT)
		return;
	fflush(stdout);
	signal(ended_by, SIG_DFL);
	raise(ended_by);
}
