/* SPDX-License-Identifier: MIT */
/*
 * How soon a shell answers: starts "sh -c true" every INTERVAL ms for MS ms, as a time-shared process, and
 * prints for each the microseconds from when it was due until it had ended. Usage: answers INTERVAL MS
 */
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>

#define ANSWERS_MAX 10000

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000u + (uint64_t)ts.tv_nsec / 1000u;
}

static void sleep_until(uint64_t us)
{
	struct timespec ts = {(time_t)(us / 1000000u), (long)(us % 1000000u) * 1000};

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
}

static int ask(void)
{
	char sh[] = "sh", option[] = "-c", command[] = "true", *argv[] = {sh, option, command, NULL};
	pid_t pid;
	int status;

	if (posix_spawnp(&pid, sh, NULL, NULL, argv, environ) != 0 || waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

/* Printed at the end: output is no part of an answer. Those that were due meanwhile are not made up for: each
 * answer that was late stands for itself. */
int main(int argc, char **argv)
{
	static uint64_t took[ANSWERS_MAX];
	uint64_t interval, due, end;
	int i, count = 0;

	if (argc != 3)
		return 2;
	interval = strtoull(argv[1], NULL, 10) * 1000;
	due = now();
	end = due + strtoull(argv[2], NULL, 10) * 1000;
	while (interval && due < end && count < ANSWERS_MAX) {
		sleep_until(due);
		if (ask() < 0)
			return 1;
		took[count++] = now() - due;
		do
			due += interval;
		while (due < now());
	}
	for (i = 0; i < count; i++)
		printf("%llu\n", (unsigned long long)took[i]);
	return 0;
}
