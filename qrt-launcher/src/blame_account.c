/* SPDX-License-Identifier: MIT */
#include "blame_account.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

uint64_t blame_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* "TIME_ON_CPU RUN_DELAY ARRIVALS" */
static bool parse(char *text, struct blame_sample *sample)
{
	char *rest = text, *end;

	sample->run_ns = strtoull(rest, &end, 10);
	if (end == rest)
		return false;
	rest = end;
	sample->run_delay_ns = strtoull(rest, &end, 10);
	if (end == rest)
		return false;
	rest = end;
	sample->arrivals = strtoull(rest, &end, 10);
	return end != rest;
}

int blame_account_read(int fd, struct blame_sample *ret_sample)
{
	struct blame_sample sample = {.before_ns = blame_now_ns()};
	char text[96];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	sample.after_ns = blame_now_ns();
	if (n <= 0)
		return -EIO;
	text[n] = '\0';
	if (!parse(text, &sample))
		return -EIO;
	*ret_sample = sample;
	return 0;
}
