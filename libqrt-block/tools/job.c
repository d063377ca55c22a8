/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qrt_io.h"

#define PAGE 4096u

int job_have_memory(struct job *job, uint64_t length, int byte)
{
	if (length > 1u << 30 || !(job->memory = aligned_alloc(PAGE, (length / PAGE + 1) * PAGE))) {
		complain("%s: no memory for %llu bytes", job->name, (unsigned long long)length);
		return EXIT_FAILED;
	}
	memset(job->memory, byte, length);
	return EXIT_OK;
}

struct job *job_free(struct job *job)
{
	free(job->memory);
	free(job->parts);
	free(job);
	return NULL;
}

/* ---- what is said ---- */

static void dump(const struct job *job, uint64_t bytes)
{
	uint64_t at;

	for (at = 0; at < bytes; at += 16) {
		uint64_t i, end = at + 16 < bytes ? at + 16 : bytes;
		unsigned long long place = job->request.offset + at;

		printf("%08llx:  ", place);
		for (i = at; i < end; i++)
			printf("%02x ", (unsigned char)job->memory[i]);
		putchar(' ');
		for (i = at; i < end; i++)
			putchar(isprint((unsigned char)job->memory[i]) ? job->memory[i] : '.');
		putchar('\n');
	}
}

static int is_reading(const struct job *job)
{
	return job->request.kind == QRT_BLOCK_READ || job->request.kind == QRT_BLOCK_READV;
}

/* The first byte that is not the pattern decides. */
static int verify(const struct job *job)
{
	unsigned long long start = job->request.offset + job->pattern_start;
	uint64_t i;

	if (job->pattern == NO_PATTERN || !is_reading(job))
		return 1;
	for (i = job->pattern_start; i < job->pattern_start + job->pattern_length; i++) {
		if ((unsigned char)job->memory[i] == job->pattern)
			continue;
		printf("Pattern verification failed at offset %llu, %llu bytes\n", start,
		       (unsigned long long)job->pattern_length);
		return 0;
	}
	return 1;
}

static void report(const struct job *job, const struct qrt_block_completion *done)
{
	uint64_t ns = done->done_ns - done->submitted_ns;
	unsigned long long length = job->request.length;

	if (job->is_quiet || job->request.kind == QRT_BLOCK_FLUSH)
		return;
	printf("%s %llu/%llu bytes at offset %llu\n", strcmp(job->name, "write") == 0 ? "wrote" : job->name,
	       length, length, (unsigned long long)job->request.offset);
	printf("%llu bytes, 1 ops; %llu.%06llu sec\n", length, (unsigned long long)(ns / 1000000000u),
	       (unsigned long long)(ns % 1000000000u / 1000));
}

static void finish(struct session *session, const struct qrt_block_completion *done)
{
	struct job *job = done->user;

	session->outstanding--;
	job->is_done = 1;
	if (done->result < 0) {
		printf("%s failed: %s: %s\n", job->name, strerror((int)-done->result),
		       qrt_block_detail_text(done->detail));
		job->is_bad = 1;
		return;
	}
	job->is_bad = !verify(job);
	if (job->is_dump && is_reading(job))
		dump(job, job->request.length);
	report(job, done);
}

/* ---- waiting ---- */

/* Waits until one is done, and returns it. */
static struct job *wait_one(struct session *session)
{
	struct pollfd fd = {.fd = qrt_block_queue_get_fd(session->queue), .events = POLLIN};
	struct qrt_block_completion done;

	while (!qrt_block_queue_harvest(session->queue, &done, 1))
		poll(&fd, 1, -1);
	finish(session, &done);
	return done.user;
}

static int end(struct job *job)
{
	int code = job->is_bad ? EXIT_FAILED : EXIT_OK;

	job_free(job);
	return code;
}

int job_run(struct session *session, struct job *job)
{
	int code = EXIT_OK;

	job->request.user = job;
	while (qrt_block_queue_submit(session->queue, &job->request, 1) != 1)
		code |= end(wait_one(session));
	session->outstanding++;
	while (!job->is_async && !job->is_done) {
		struct job *done = wait_one(session);

		if (done != job)
			code |= end(done);
	}
	return job->is_async ? code : code | end(job);
}

int job_wait_all(struct session *session)
{
	int code = EXIT_OK;

	while (session->outstanding)
		code |= end(wait_one(session));
	return code;
}
