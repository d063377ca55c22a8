/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "subject.h"

const char *subject_self;

static char *show_argv[] = {NULL, (char *)"show", NULL, NULL};

static void set_label(const char *label)
{
	show_argv[0] = (char *)(uintptr_t)subject_self;
	show_argv[2] = (char *)(uintptr_t)label;
}

void wait_for(pid_t pid)
{
	int status = 0;

	if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
		printf("child failed: %d\n", status);
}

void by_fork(void)
{
	pid_t pid = fork();

	if (!pid) {
		show("fork");
		_exit(0);
	}
	wait_for(pid);
}

static void exec_in(int kind)
{
	switch (kind) {
	case 0:
		execv(subject_self, show_argv);
		break;
	case 1:
		execve(subject_self, show_argv, environ);
		break;
	case 2:
		execvp(subject_self, show_argv);
		break;
	case 3:
		execl(subject_self, subject_self, "show", show_argv[2], (char *)NULL);
		break;
	case 4:
		execlp(subject_self, subject_self, "show", show_argv[2], (char *)NULL);
		break;
	case 5:
		execle(subject_self, subject_self, "show", show_argv[2], (char *)NULL, environ);
		break;
	case 6:
		execvpe(subject_self, show_argv, environ);
		break;
	default:
		fexecve(open(subject_self, O_RDONLY | O_CLOEXEC), show_argv, environ);
	}
	_exit(9);
}

static void by_exec(const char *label, int kind, int use_vfork)
{
	pid_t pid;

	set_label(label);
	pid = use_vfork ? vfork() : fork();
	if (!pid)
		exec_in(kind);
	wait_for(pid);
}

static void by_spawn(const char *label, int search)
{
	posix_spawnattr_t attr;
	sigset_t none;
	pid_t pid;

	sigemptyset(&none);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
	set_label(label);
	if (search ? posix_spawnp(&pid, subject_self, NULL, NULL, show_argv, environ)
		   : posix_spawn(&pid, subject_self, NULL, &attr, show_argv, environ))
		exit(5);
	posix_spawnattr_destroy(&attr);
	wait_for(pid);
}

static void by_shell(void)
{
	char command[600], line[200];
	FILE *pipe;

	snprintf(command, sizeof(command), "'%s' show system", subject_self);
	fflush(stdout);
	if (system(command) || system("exit 7") != 7 << 8)
		puts("system failed");
	snprintf(command, sizeof(command), "'%s' show popen", subject_self);
	pipe = popen(command, "r");
	while (pipe && fgets(line, sizeof(line), pipe))
		fputs(line, stdout);
	fflush(stdout);
	if (!pipe || pclose(pipe))
		puts("popen failed");
	pipe = popen("read x; exit $x", "w");
	fputs("5\n", pipe);
	if (pclose(pipe) != 5 << 8)
		puts("popen for writing failed");
	errno = 0;
	if (popen("true", "x") || errno != EINVAL)
		puts("popen took a bad type");
}

void *all_children(void *name)
{
	pid_t none;

	if (name)
		pthread_setname_np(pthread_self(), name);
	show("before");
	by_fork();
	by_exec("execv", 0, 0);
	by_exec("execve", 1, 0);
	by_exec("execvp", 2, 0);
	by_exec("execl", 3, 0);
	by_exec("execlp", 4, 0);
	by_exec("execle", 5, 0);
	by_exec("execvpe", 6, 0);
	by_exec("fexecve", 7, 0);
	by_exec("vfork", 0, 1);
	by_exec("vfork-execl", 3, 1);
	by_spawn("spawn", 0);
	by_spawn("spawnp", 1);
	by_shell();
	if (posix_spawn(&none, "/nowhere/at/all", NULL, NULL, show_argv, environ) != ENOENT)
		puts("spawn of nothing gave no ENOENT");
	show("after");
	return NULL;
}

/* The second child must not hold the first one's pipe open. */
void do_two_pipes(void)
{
	FILE *a, *b;

	alarm(10);
	a = popen("cat", "w");
	b = popen("cat", "w");
	printf("closed|%d\n", a ? pclose(a) : -1);
	printf("closed|%d\n", b ? pclose(b) : -1);
}

/* A program that cannot be executed leaves its thread in its role. */
void do_failed_exec(void)
{
	execl("/nowhere/at/all", "x", (char *)NULL);
	show("main");
	set_label("exec");
	execv(subject_self, show_argv);
}
