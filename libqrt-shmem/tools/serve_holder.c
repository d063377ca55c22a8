/* SPDX-License-Identifier: MIT */
/*
 * The process that holds what outlives a server. It is in a session of its own, and the server is not its
 * parent, so that nobody who ends the server with all its children ends this one along with it.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "serve.h"
#include "unix_socket.h"

#define LISTENER 3

/* Nothing of the server's stays open here: who waits for the end of its output does not wait for this
 * process. */
static void close_others(int listener)
{
	int own = fcntl(listener, F_DUPFD, LISTENER + 1); /* it is one of the first where those were closed */
	int null = open("/dev/null", O_RDWR), fd;

	for (fd = 0; fd < LISTENER; fd++)
		dup2(null, fd);
	dup2(own, LISTENER);
	close_range(LISTENER + 1, ~0u, 0);
}

/* What the terminal sends is the server's to obey. */
static void ignore_terminal(void)
{
	sigset_t none;

	signal(SIGHUP, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void remove_sockets(const GPtrArray *sockets)
{
	const struct serve_socket *one = sockets->pdata[0];
	g_autofree char *control = g_strconcat(one->path, ".ctl", NULL);
	g_autoptr(GPtrArray) paths = g_ptr_array_new();
	guint i;

	for (i = 0; i < sockets->len; i++) {
		one = sockets->pdata[i];
		if (one->fd < 0)
			g_ptr_array_add(paths, one->path);
	}
	g_ptr_array_add(paths, control);
	unix_socket_remove_left(paths, SOCK_STREAM);
}

/* As long as the holder's own is there no next server makes any; its file goes before it does: who connects
 * in between is turned away, and begins anew. The working folder stays what it is, as paths may be relative
 * to it. */
static void hold(const char *path, int listener, guint32 alone_ms, const GPtrArray *sockets)
{
	int rc;

	prctl(PR_SET_NAME, "qrt-shmem-hold");
	ignore_terminal();
	close_others(listener);
	rc = qrt_ivshmem_hold_run(LISTENER, alone_ms);
	remove_sockets(sockets);
	unix_socket_remove(path);
	_exit(rc < 0 ? EXIT_FAILED : EXIT_OK);
}

/* A child that ends at once, so that its child is nobody's. */
static void start_nobodys(const char *path, int listener, guint32 alone_ms, const GPtrArray *sockets)
{
	pid_t pid;

	if (setsid() < 0)
		_exit(EXIT_FAILED);
	pid = fork();
	if (pid == 0)
		hold(path, listener, alone_ms, sockets);
	_exit(pid < 0 ? EXIT_FAILED : EXIT_OK);
}

int serve_holder_start(const char *path, guint32 alone_ms, const GPtrArray *sockets)
{
	int listener = unix_socket_listen(path, SOCK_SEQPACKET), status = 0;
	pid_t pid;

	if (listener < 0)
		return listener;
	pid = fork();
	if (pid == 0)
		start_nobodys(path, listener, alone_ms, sockets);
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || status != 0) {
		unlink(path);
		close(listener);
		return -EAGAIN;
	}
	close(listener);
	return 0;
}
