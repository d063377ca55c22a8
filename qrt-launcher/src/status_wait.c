/* SPDX-License-Identifier: MIT */
#include "status_wait.h"

#include "command.h"

#include <errno.h>
#include <glib.h>
#include <poll.h>
#include <signal.h>
#include <termios.h>
#include <unistd.h>

static struct termios usual;
static volatile sig_atomic_t is_changed; /* the terminal: it gives keys at once, and does not echo them */

/* In the background the terminal is somebody else's: to touch it would stop us. */
static bool is_foreground(void)
{
	return tcgetpgrp(STDIN_FILENO) == getpgrp();
}

void status_wait_close(void)
{
	if (is_changed && is_foreground())
		tcsetattr(STDIN_FILENO, TCSANOW, &usual);
	is_changed = 0;
}

static void on_signal(int number)
{
	status_wait_close();
	if (number == SIGINT)
		_exit(EXIT_OK);
	signal(number, SIG_DFL);
	raise(number);
}

/* What was ignored from the start, as under nohup, stays so. */
static void catch (int number)
{
	struct sigaction action = {.sa_handler = on_signal}, had;

	if (sigaction(number, NULL, &had) == 0 && had.sa_handler != SIG_IGN)
		sigaction(number, &action, NULL);
}

void status_wait_open(void)
{
	catch (SIGINT);
	catch (SIGTERM);
	catch (SIGHUP);
	catch (SIGQUIT);
	signal(SIGPIPE, SIG_IGN);
}

/* Again before each wait: who stopped us and let us go on may have changed it. */
static bool take_keys(void)
{
	struct termios keys;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) || !is_foreground())
		return false;
	if (!is_changed && tcgetattr(STDIN_FILENO, &usual) < 0)
		return false;
	keys = usual;
	keys.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	keys.c_cc[VMIN] = 1;
	keys.c_cc[VTIME] = 0;
	is_changed = 1;
	return tcsetattr(STDIN_FILENO, TCSANOW, &keys) == 0;
}

/* False for q. */
static bool read_key(struct pollfd *keys)
{
	char key;

	if (is_foreground() && read(STDIN_FILENO, &key, 1) == 1)
		return key != 'q' && key != 'Q';
	keys->fd = -1;
	return true;
}

bool status_wait(double seconds)
{
	gint64 deadline = g_get_monotonic_time() + (gint64)(seconds * G_USEC_PER_SEC), left;
	/* Of the output errors are told without being asked for. */
	struct pollfd fds[] = {{.fd = STDOUT_FILENO},
			       {.fd = take_keys() ? STDIN_FILENO : -1, .events = POLLIN}};
	int r;

	while ((left = deadline - g_get_monotonic_time()) > 0) {
		r = poll(fds, G_N_ELEMENTS(fds), (int)(left / 1000) + 1);
		if (r < 0 && errno != EINTR)
			return false;
		if (r > 0 && fds[0].revents)
			return false;
		if (r > 0 && fds[1].revents && !read_key(&fds[1]))
			return false;
	}
	return true;
}

bool status_wait_is_closed(void)
{
	struct pollfd output = {.fd = STDOUT_FILENO};

	return poll(&output, 1, 0) > 0 && output.revents & (POLLERR | POLLHUP);
}
