/* SPDX-License-Identifier: MIT */
/*
 * Runs a command on a host that does not hold real-time threads back, and ends that after MS milliseconds in
 * any case: throttling (kernel.sched_rt_runtime_us) and the fair servers are switched off, and put back when
 * the command ended, was ended, this process got a signal, its standard input was closed, or it was killed: a
 * second process watches it. Both stand above everything else. All that the command started is killed.
 *
 * Usage: fuse MS COMMAND...     exit code: the command's; 124: its time was over; 125: nothing was run
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MS_MAX      20000
#define CPUS_MAX    64
#define PATIENCE_MS 30000
#define THROTTLING  "/proc/sys/kernel/sched_rt_runtime_us"
#define LOCK        "/dev/shm/qrt-fuse.lock"
#define DEBUG       "/sys/kernel/debug"
#define SERVER      DEBUG "/sched/fair_server/cpu%d/runtime"

/* ---- what holds real-time threads back ---- */

struct held {
	char throttling[32], servers[CPUS_MAX][32];
	int is_mounted; /* by us */
};

static int read_text(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, size - 1);

	if (fd >= 0)
		close(fd);
	buf[n > 0 ? n : 0] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	return n > 0 ? 0 : -1;
}

static int write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : write(fd, text, strlen(text));

	if (fd >= 0)
		close(fd);
	return n > 0 ? 0 : -1;
}

static void read_held(struct held *held)
{
	char path[96];
	int cpu;

	memset(held, 0, sizeof(*held));
	if (access(DEBUG "/sched", F_OK) < 0)
		held->is_mounted = mount("debugfs", DEBUG, "debugfs", 0, NULL) == 0;
	read_text(THROTTLING, held->throttling, sizeof(held->throttling));
	for (cpu = 0; cpu < CPUS_MAX; cpu++) {
		snprintf(path, sizeof(path), SERVER, cpu);
		read_text(path, held->servers[cpu], sizeof(held->servers[cpu]));
	}
}

static void write_servers(const struct held *held, const char *instead)
{
	char path[96];
	int cpu;

	for (cpu = 0; cpu < CPUS_MAX; cpu++) {
		snprintf(path, sizeof(path), SERVER, cpu);
		if (held->servers[cpu][0])
			write_text(path, instead ? instead : held->servers[cpu]);
	}
}

static int let_loose(const struct held *held)
{
	write_servers(held, "0");
	return write_text(THROTTLING, "-1");
}

/* The kernel refuses to throttle while deadline threads have been promised more, by anybody. */
static void hold_again(const struct held *held)
{
	int tries = 0;

	while (write_text(THROTTLING, held->throttling) < 0 && tries++ < PATIENCE_MS / 10)
		poll(NULL, 0, 10);
	if (tries > PATIENCE_MS / 10)
		fprintf(stderr, "fuse: %s could not be made %s again: %s; do it by hand\n", THROTTLING,
			held->throttling, strerror(errno));
	write_servers(held, NULL);
	if (held->is_mounted)
		umount2(DEBUG, MNT_DETACH);
}

/* ---- what runs ---- */

static int parent_of(pid_t pid)
{
	char path[64], text[512], *end;
	int parent = 0;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if (read_text(path, text, sizeof(text)) < 0 || !(end = strrchr(text, ')')))
		return 0;
	sscanf(end + 1, " %*c %d", &parent);
	return parent;
}

/* Orphans of what was killed become ours: until there is none. */
static void kill_all(void)
{
	struct dirent *entry;
	pid_t pid, self = getpid();
	DIR *dir;

	while (waitpid(-1, NULL, WNOHANG) >= 0) {
		dir = opendir("/proc");
		while (dir && (entry = readdir(dir))) {
			pid = (pid_t)strtol(entry->d_name, NULL, 10);
			if (pid > 0 && parent_of(pid) == self)
				kill(pid, SIGKILL);
		}
		if (dir)
			closedir(dir);
		poll(NULL, 0, 2);
	}
}

static void stand_above(void)
{
	struct sched_param param = {.sched_priority = 99};

	if (sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &param) < 0 ||
	    mlockall(MCL_CURRENT) < 0) {
		fprintf(stderr, "fuse: cannot stand above the rest: %s; run as root\n", strerror(errno));
		exit(125);
	}
}

/* The second one: ends the group and restores when the first one died without a word. */
static void watch_first(int fd, const struct held *held)
{
	pid_t group = 0;
	char done;

	stand_above();
	if (read(fd, &group, sizeof(group)) != sizeof(group))
		group = 0;
	if (read(fd, &done, 1) == 1)
		_exit(0);
	if (group > 0)
		kill(-group, SIGKILL);
	hold_again(held);
	_exit(0);
}

static int start_second(const struct held *held)
{
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0 || (pid = fork()) < 0)
		return -1;
	if (pid == 0) {
		setsid();
		close(fds[1]);
		watch_first(fds[0], held);
	}
	close(fds[0]);
	return fds[1];
}

static pid_t start_command(char **argv, const sigset_t *mask)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	setpgid(0, 0);
	sigprocmask(SIG_SETMASK, mask, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	execvp(argv[0], argv);
	_exit(127);
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int is_ended(void)
{
	sigset_t pending;

	sigpending(&pending);
	return sigismember(&pending, SIGTERM) || sigismember(&pending, SIGINT) ||
	       sigismember(&pending, SIGHUP);
}

/* The command's status, or -1 when it has to be ended. */
static int wait_for(pid_t pid, int64_t until)
{
	struct pollfd in = {.fd = 0, .events = POLLIN};
	int status;
	char c;

	while (now_ms() < until) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			return status;
		if (poll(&in, 1, 2) > 0 && read(0, &c, 1) <= 0)
			return -1;
		if (is_ended())
			return -1;
	}
	return -1;
}

/* Held until this process and the one that watches it have ended. */
static int enter(void)
{
	int64_t until = now_ms() + MS_MAX + PATIENCE_MS;
	int fd = open(LOCK, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

	while (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (is_ended() || now_ms() >= until)
			return -1;
		poll(NULL, 0, 20);
	}
	return fd;
}

static int run(char **argv, int64_t ms, const struct held *held, const sigset_t *mask)
{
	int second = start_second(held), status;
	pid_t pid;

	if (second < 0)
		return 125;
	stand_above();
	pid = let_loose(held) < 0 ? -1 : start_command(argv, mask);
	(void)!write(second, &pid, sizeof(pid));
	status = pid > 0 ? wait_for(pid, now_ms() + ms) : -1;
	if (pid > 0)
		kill(-pid, SIGKILL);
	hold_again(held);
	(void)!write(second, "d", 1);
	close(second);
	kill_all();
	if (pid < 0)
		return 125;
	if (status < 0)
		return 124;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(int argc, char **argv)
{
	long ms = argc > 2 ? strtol(argv[1], NULL, 10) : 0;
	sigset_t ends, mask;
	struct held held;

	if (ms < 1 || ms > MS_MAX) {
		fprintf(stderr, "usage: fuse MS COMMAND... (1..%d)\n", MS_MAX);
		return 125;
	}
	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGHUP);
	sigprocmask(SIG_BLOCK, &ends, &mask);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (enter() < 0) {
		fprintf(stderr, "fuse: another one runs, or %s cannot be locked\n", LOCK);
		return 125;
	}
	read_held(&held);
	if (!held.throttling[0]) {
		fprintf(stderr, "fuse: %s cannot be read\n", THROTTLING);
		return 125;
	}
	return run(argv + 2, ms, &held, &mask);
}
