/* SPDX-License-Identifier: MIT */
#include "launch.h"

#include "command.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * The terminal's keys reach QEMU too, and it is QEMU's end that ends us. Whose parent ignores SIGCHLD
 * would never learn how its own child ended.
 */
static const struct {
	int number;
	void (*handler)(int number);
} taken[LAUNCH_TAKEN] = {{SIGINT, SIG_IGN}, {SIGQUIT, SIG_IGN}, {SIGPIPE, SIG_IGN}, {SIGCHLD, SIG_DFL}};

/*
 * Not handed on: those taken, and those that end nobody. SIGSEGV and its like that somebody sends are handed
 * on; a fault of the launcher's own ends it at once, because the kernel delivers that past the mask.
 */
static const int kept[] = {SIGINT,  SIGQUIT, SIGPIPE, SIGCHLD, SIGCONT,
			   SIGTSTP, SIGTTIN, SIGTTOU, SIGURG,  SIGWINCH};

enum stage { STAGE_MEMORY, STAGE_USER, STAGE_PRELOAD, STAGE_EXEC };

struct failure {
	enum stage stage;
	int code;
};

/* Who started us by nohup(1) wants QEMU to outlive the terminal, too. */
static bool is_ignored(int number)
{
	struct sigaction action;

	return number != SIGTERM && sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

/* All that would end the launcher before it put everything back goes to QEMU, whose end is ours. */
static void choose_forwarded(sigset_t *ret_forwarded)
{
	size_t i;
	int number;

	sigfillset(ret_forwarded);
	for (i = 0; i < G_N_ELEMENTS(kept); i++)
		sigdelset(ret_forwarded, kept[i]);
	for (number = 1; number <= SIGRTMAX; number++) {
		if (is_ignored(number))
			sigdelset(ret_forwarded, number);
	}
}

int launch_take_signals(struct launch *launch)
{
	sigset_t forwarded;
	size_t i;
	int fd;

	choose_forwarded(&forwarded);
	if (sigprocmask(SIG_BLOCK, &forwarded, NULL) < 0)
		return -errno;
	for (i = 0; i < G_N_ELEMENTS(taken); i++) {
		struct sigaction action = {.sa_handler = taken[i].handler};

		sigaction(taken[i].number, &action, &launch->actions[i]);
	}
	fd = signalfd(-1, &forwarded, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

static void give_signals_back(const struct launch *launch)
{
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(taken); i++)
		sigaction(taken[i].number, &launch->actions[i], NULL);
	sigprocmask(SIG_SETMASK, &launch->mask, NULL);
}

static void hand_on(int fd)
{
	if (fd >= 0)
		(void)fcntl(fd, F_SETFD, 0);
}

static struct failure start(const struct launch *launch)
{
	const struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};
	struct failure failure = {.stage = STAGE_MEMORY};
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(launch->fds); i++)
		hand_on(launch->fds[i]);
	if (launch->lock_memory)
		(void)setrlimit(RLIMIT_MEMLOCK, &unlimited);
	failure.code = launch_bind_memory(&launch->nodes);
	if (failure.code)
		return failure;
	failure.stage = STAGE_USER;
	failure.code = launch_become(&launch->user);
	if (failure.code)
		return failure;
	failure.stage = STAGE_PRELOAD;
	if (launch->preload && access(launch->preload, R_OK) < 0) {
		failure.code = errno;
		return failure;
	}
	failure.stage = STAGE_EXEC;
	execve(launch->path, launch->argv, launch->envp);
	failure.code = errno;
	return failure;
}

/* The launcher may be killed before it says go: then there is to be no VM. */
static void run_child(const struct launch *launch, int go_fd, int error_fd)
{
	struct failure failure;
	char go;

	/* A lock that outlived its launcher, if only for a moment, would say that it lives. */
	close(launch->lock_fd);
	give_signals_back(launch);
	if (read(go_fd, &go, 1) != 1)
		_exit(EXIT_LAUNCHER);
	failure = start(launch);
	while (write(error_fd, &failure, sizeof(failure)) < 0 && errno == EINTR)
		;
	_exit(EXIT_LAUNCHER);
}

static int make_pipes(int go[2], int error[2])
{
	int r;

	if (pipe2(go, O_CLOEXEC) < 0)
		return -errno;
	if (pipe2(error, O_CLOEXEC) == 0)
		return 0;
	r = -errno;
	close(go[0]);
	close(go[1]);
	return r;
}

int launch_prepare(struct launch *launch)
{
	int go[2], error[2], r = make_pipes(go, error);

	if (r < 0)
		return r;
	launch->pid = fork();
	r = launch->pid < 0 ? -errno : 0;
	if (launch->pid == 0) {
		close(go[1]);
		run_child(launch, go[0], error[1]);
	}
	close(go[0]);
	close(error[1]);
	launch->go_fd = go[1];
	launch->error_fd = error[0];
	if (r < 0) {
		close(launch->go_fd);
		close(launch->error_fd);
	}
	return r;
}

static void say_no_memory(const struct launch *launch, int code)
{
	char nodes[64];

	if (qrt_sched_cpus_format(&launch->nodes, nodes, sizeof(nodes)) < 0)
		snprintf(nodes, sizeof(nodes), "...");
	complain("numa=%s: the kernel gives no memory of these nodes: %s; see Mems_allowed_list in "
		 "/proc/self/status, or leave it out",
		 nodes, code == ENOSYS ? "it knows of no nodes" : strerror(code));
}

static int say_failure(const struct launch *launch, const struct failure *failure)
{
	switch (failure->stage) {
	case STAGE_MEMORY:
		say_no_memory(launch, failure->code);
		return EXIT_LAUNCHER;
	case STAGE_USER:
		complain("cannot become user '%s': %s", launch->user.name, strerror(failure->code));
		return EXIT_LAUNCHER;
	case STAGE_PRELOAD:
		complain("the preload library %s cannot be read by user '%s': %s; install it where everybody "
			 "may read, "
			 "or use --no-preload",
			 launch->preload, launch->user.name, strerror(failure->code));
		return EXIT_LAUNCHER;
	case STAGE_EXEC:
		break;
	}
	complain("%s cannot be started: %s", launch->path, strerror(failure->code));
	return failure->code == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_EXEC;
}

int launch_go(struct launch *launch)
{
	struct failure failure;
	ssize_t n;

	/* Where the child is gone already its end says so later. */
	(void)!write(launch->go_fd, "g", 1);
	close(launch->go_fd);
	do {
		n = read(launch->error_fd, &failure, sizeof(failure));
	} while (n < 0 && errno == EINTR);
	close(launch->error_fd);
	if (n != sizeof(failure))
		return EXIT_OK;
	waitpid(launch->pid, NULL, 0);
	return say_failure(launch, &failure);
}
