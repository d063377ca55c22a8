/* SPDX-License-Identifier: MIT */
/*
 * system and popen spawn inside the C library. The thread that calls them would have to give up its
 * role meanwhile, and may not be able to take it back; so they are made anew from posix_spawn.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "preload_p.h"

/* Starts `sh -c command`; 0 or an errno. */
static int start_shell(pid_t *ret_pid, const char *command, const posix_spawn_file_actions_t *actions,
		       const posix_spawnattr_t *attr)
{
	char *argv[] = {(char *)"sh", (char *)"-c", (char *)command, NULL};

	return posix_spawn(ret_pid, "/bin/sh", actions, attr, argv, environ);
}

static int wait_for(pid_t child)
{
	int status;

	while (waitpid(child, &status, 0) < 0) {
		if (errno != EINTR)
			return -1;
	}
	return status;
}

/* ---- system: its caller ignores the terminal's signals while the command runs ---- */

static struct {
	pthread_mutex_t lock;
	int users; /* dispositions are the process': the first caller saves them, the last restores */
	struct sigaction interrupt, quit;
} quiet = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void begin_quiet(posix_spawnattr_t *attr, sigset_t *ret_mask)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	sigset_t block, reset;

	sigemptyset(&reset);
	pthread_mutex_lock(&quiet.lock);
	if (!quiet.users++) {
		sigaction(SIGINT, &ignore, &quiet.interrupt);
		sigaction(SIGQUIT, &ignore, &quiet.quit);
	}
	if (quiet.interrupt.sa_handler != SIG_IGN)
		sigaddset(&reset, SIGINT);
	if (quiet.quit.sa_handler != SIG_IGN)
		sigaddset(&reset, SIGQUIT);
	pthread_mutex_unlock(&quiet.lock);
	sigemptyset(&block);
	sigaddset(&block, SIGCHLD);
	pthread_sigmask(SIG_BLOCK, &block, ret_mask);
	posix_spawnattr_init(attr);
	posix_spawnattr_setsigdefault(attr, &reset);
	posix_spawnattr_setsigmask(attr, ret_mask);
	posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
}

static void end_quiet(posix_spawnattr_t *attr, const sigset_t *mask)
{
	int saved = errno;

	pthread_mutex_lock(&quiet.lock);
	if (!--quiet.users) {
		sigaction(SIGINT, &quiet.interrupt, NULL);
		sigaction(SIGQUIT, &quiet.quit, NULL);
	}
	pthread_mutex_unlock(&quiet.lock);
	pthread_sigmask(SIG_SETMASK, mask, NULL);
	posix_spawnattr_destroy(attr);
	errno = saved;
}

EXPORT int system(const char *command)
{
	posix_spawnattr_t attr;
	sigset_t mask;
	pid_t child;
	int rc;

	if (!command || !preload_is_on())
		return preload_real()->system(command);
	begin_quiet(&attr, &mask);
	rc = start_shell(&child, command, NULL, &attr);
	/* A shell that cannot be run counts as one that ended with 127. */
	rc = rc ? W_EXITCODE(127, 0) : wait_for(child);
	end_quiet(&attr, &mask);
	return rc;
}

/* ---- popen ---- */

struct pipe {
	struct pipe *next;
	FILE *stream;
	int fd; /* the stream's: who closed it otherwise left none to ask */
	pid_t child;
};

static struct pipe *pipes;
static pthread_mutex_t pipes_lock = PTHREAD_MUTEX_INITIALIZER;

/* The child's end becomes its standard input or output. Earlier pipes' ends are not for it: it would keep
 * their readers from seeing the end of file. */
static int start_pipe(struct pipe *pipe, const char *command, int end, int standard)
{
	posix_spawn_file_actions_t actions;
	const struct pipe *other;
	int rc;

	posix_spawn_file_actions_init(&actions);
	pthread_mutex_lock(&pipes_lock);
	for (other = pipes; other; other = other->next)
		posix_spawn_file_actions_addclose(&actions, other->fd);
	/* The same number keeps its CLOEXEC with dup2: glibc's action takes care of that case. */
	posix_spawn_file_actions_adddup2(&actions, end, standard);
	rc = start_shell(&pipe->child, command, &actions, NULL);
	if (!rc) {
		pipe->next = pipes;
		pipes = pipe;
	}
	pthread_mutex_unlock(&pipes_lock);
	posix_spawn_file_actions_destroy(&actions);
	return rc;
}

static FILE *open_pipe(struct pipe *pipe, const char *command, int reading, int cloexec)
{
	int ends[2], rc;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return NULL;
	pipe->fd = ends[!reading];
	pipe->stream = fdopen(ends[!reading], reading ? "r" : "w");
	rc = pipe->stream ? start_pipe(pipe, command, ends[reading], reading) : errno;
	close(ends[reading]);
	if (!rc) {
		/* Listed by now, so that no other pipe's child gets it. */
		if (!cloexec)
			fcntl(ends[!reading], F_SETFD, 0);
		return pipe->stream;
	}
	if (pipe->stream)
		fclose(pipe->stream);
	else
		close(ends[!reading]);
	errno = rc;
	return NULL;
}

EXPORT FILE *popen(const char *command, const char *type)
{
	struct pipe *pipe;

	/* What is no plain "r" or "w" is the C library's to refuse. */
	if (!preload_is_on() || (type[0] != 'r' && type[0] != 'w') || (type[1] && strcmp(type + 1, "e")))
		return preload_real()->popen(command, type);
	pipe = calloc(1, sizeof(*pipe));
	if (!pipe)
		return NULL;
	if (!open_pipe(pipe, command, type[0] == 'r', type[1] == 'e')) {
		free(pipe);
		return NULL;
	}
	return pipe->stream;
}

static struct pipe *take_out(const FILE *stream)
{
	struct pipe **at, *found;

	pthread_mutex_lock(&pipes_lock);
	for (at = &pipes; *at && (*at)->stream != stream; at = &(*at)->next)
		;
	found = *at;
	if (found)
		*at = found->next;
	pthread_mutex_unlock(&pipes_lock);
	return found;
}

EXPORT int pclose(FILE *stream)
{
	struct pipe *pipe = take_out(stream);
	pid_t child;

	if (!pipe)
		return preload_real()->pclose(stream);
	child = pipe->child;
	free(pipe);
	fclose(stream);
	return wait_for(child);
}
