/* SPDX-License-Identifier: MIT */
/* Commands that are requests: read, write and their relatives. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "qrt_io.h"

#define READ_BYTE  0xab /* what memory has before it is read to */
#define WRITE_BYTE 0xcd
#define PARTS_MAX  64

/* What options say, before the numbers. */
struct options {
	struct job *job;
	int is_zero, has_start, has_length;
};

static int usage(const char *name, const char *arguments)
{
	complain("%s: usage: %s %s", name, name, arguments);
	return EXIT_USAGE;
}

static int take_pattern(struct job *job, const char *text)
{
	uint64_t byte;

	if (read_number(text, &byte) < 0 || byte > 255) {
		complain("%s: '%s' is no byte", job->name, text);
		return EXIT_USAGE;
	}
	job->pattern = (int)byte;
	return EXIT_OK;
}

static int take_priority(struct job *job, const char *text)
{
	static const char *const names[QRT_BLOCK_PRIORITIES] = {"normal", "urgent", "low"};
	uint32_t i;

	for (i = 0; i < QRT_BLOCK_PRIORITIES; i++) {
		if (strcmp(text, names[i]) == 0) {
			job->request.priority = i;
			return EXIT_OK;
		}
	}
	complain("%s: a priority is urgent, normal or low", job->name);
	return EXIT_USAGE;
}

static int take_place(const struct job *job, const char *text, uint64_t *ret_place, int *ret_has)
{
	*ret_has = 1;
	if (read_number(text, ret_place) >= 0)
		return EXIT_OK;
	complain("%s: '%s' is no number", job->name, text);
	return EXIT_USAGE;
}

static int take_option(struct options *options, int letter)
{
	struct job *job = options->job;

	switch (letter) {
	case 'P':
		return take_pattern(job, optarg);
	case 'p':
		return take_priority(job, optarg);
	case 's':
		return take_place(job, optarg, &job->pattern_start, &options->has_start);
	case 'l':
		return take_place(job, optarg, &job->pattern_length, &options->has_length);
	case 'q':
		job->is_quiet = 1;
		return EXIT_OK;
	case 'v':
		job->is_dump = 1;
		return EXIT_OK;
	case 'f':
		job->request.flags |= QRT_BLOCK_FUA;
		return EXIT_OK;
	case 'z':
		options->is_zero = 1;
		return EXIT_OK;
	default:
		return EXIT_USAGE;
	}
}

/* Options of the words, as far as `known` has them; optind is where the numbers begin. */
static int take_options(struct options *options, char **words, const char *known)
{
	int count = 0, letter, code = EXIT_OK;

	while (words[count])
		count++;
	optind = 0; /* getopt(3): from the beginning, whatever was before */
	opterr = 0;
	while (code == EXIT_OK && (letter = getopt(count, words, known)) != -1)
		code = take_option(options, letter);
	return code;
}

static struct job *new_job(char **words, uint32_t kind)
{
	struct job *job = calloc(1, sizeof(*job));

	if (!job) {
		complain("out of memory");
		return NULL;
	}
	job->name = kind == QRT_BLOCK_READ || kind == QRT_BLOCK_READV ? "read"
		    : kind == QRT_BLOCK_FLUSH                         ? "flush"
		    : kind == QRT_BLOCK_DISCARD                       ? "discard"
								      : "write";
	job->is_async = strncmp(words[0], "aio_", 4) == 0;
	job->request.kind = kind;
	job->pattern = NO_PATTERN;
	return job;
}

/* What is verified: all, from -s on, -l bytes. */
static int set_window(const struct options *options)
{
	struct job *job = options->job;

	if (job->pattern_start <= job->request.length && !options->has_length)
		job->pattern_length = job->request.length - job->pattern_start;
	if (job->pattern_start > job->request.length ||
	    job->pattern_length > job->request.length - job->pattern_start) {
		complain("%s: what -s and -l name is not within its length", job->name);
		return EXIT_USAGE;
	}
	if ((options->has_start || options->has_length) && job->pattern == NO_PATTERN) {
		complain("%s: -s and -l want -P", job->name);
		return EXIT_USAGE;
	}
	return EXIT_OK;
}

static int set_range(struct job *job, char **numbers, const char *arguments)
{
	if (!numbers[0] || !numbers[1] || numbers[2] || read_number(numbers[0], &job->request.offset) < 0 ||
	    read_number(numbers[1], &job->request.length) < 0)
		return usage(job->name, arguments);
	return EXIT_OK;
}

static int fill(struct job *job)
{
	int byte = job->request.kind == QRT_BLOCK_READ ? READ_BYTE
		   : job->pattern == NO_PATTERN        ? WRITE_BYTE
						       : job->pattern;
	int code = job_have_memory(job, job->request.length, byte);

	job->request.buffer = job->memory;
	return code;
}

static int run(struct session *session, char **words, uint32_t kind, const char *known, const char *arguments)
{
	struct options options = {.job = new_job(words, kind)};
	struct job *job = options.job;
	int code;

	if (!job)
		return EXIT_FAILED;
	code = take_options(&options, words, known);
	if (code == EXIT_OK)
		code = set_range(job, words + optind, arguments);
	else
		usage(words[0], arguments);
	if (code == EXIT_OK && kind == QRT_BLOCK_READ)
		code = set_window(&options);
	if (options.is_zero)
		job->request.kind = QRT_BLOCK_WRITE_ZEROES;
	if (code == EXIT_OK && job->request.kind <= QRT_BLOCK_WRITE)
		code = fill(job);
	if (code == EXIT_OK)
		return job_run(session, job);
	job_free(job);
	return code;
}

int command_read(struct session *session, char **words)
{
	return run(session, words, QRT_BLOCK_READ,
		   "+:P:s:l:qvp:", "[-P BYTE [-s START] [-l LENGTH]] [-v] [-q] [-p PRIORITY] OFFSET LENGTH");
}

int command_write(struct session *session, char **words)
{
	return run(session, words, QRT_BLOCK_WRITE,
		   "+:P:fzqp:", "[-P BYTE | -z] [-f] [-q] [-p PRIORITY] OFFSET LENGTH");
}

int command_discard(struct session *session, char **words)
{
	return run(session, words, QRT_BLOCK_DISCARD, "+:qp:", "[-q] [-p PRIORITY] OFFSET LENGTH");
}

int command_flush(struct session *session, char **words)
{
	struct job *job = new_job(words, QRT_BLOCK_FLUSH);

	return job ? job_run(session, job) : EXIT_FAILED;
}

int command_aio_flush(struct session *session, char **words)
{
	(void)words;
	return job_wait_all(session);
}

/* ---- in parts ---- */

/* OFFSET LENGTH [LENGTH]... */
static int set_parts(struct job *job, char **numbers, const char *arguments)
{
	uint64_t length, sum = 0;
	uint32_t i, count = 0;
	int code;

	while (numbers[count])
		count++;
	if (count < 2 || count > PARTS_MAX || read_number(numbers[0], &job->request.offset) < 0)
		return usage(job->name, arguments);
	job->parts = calloc(count, sizeof(*job->parts));
	for (i = 1; i < count; i++) {
		if (!job->parts || read_number(numbers[i], &length) < 0 || length > 1u << 30)
			return usage(job->name, arguments);
		job->parts[i - 1].iov_len = length;
		sum += length;
	}
	job->request.length = sum;
	code = job_have_memory(job, sum, job->pattern == NO_PATTERN ? WRITE_BYTE : job->pattern);
	for (i = 0, sum = 0; i < count - 1 && code == EXIT_OK; i++) {
		job->parts[i].iov_base = job->memory + sum;
		sum += job->parts[i].iov_len;
	}
	job->request.iov = job->parts;
	job->request.iov_count = count - 1;
	return code;
}

static int run_parts(struct session *session, char **words, uint32_t kind, const char *known)
{
	static const char arguments[] = "[-P BYTE] [-q] [-p PRIORITY] OFFSET LENGTH [LENGTH]...";
	struct options options = {.job = new_job(words, kind)};
	int code;

	if (!options.job)
		return EXIT_FAILED;
	code = take_options(&options, words, known);
	if (code == EXIT_OK)
		code = set_parts(options.job, words + optind, arguments);
	else
		usage(words[0], arguments);
	if (code == EXIT_OK)
		code = set_window(&options);
	if (code != EXIT_OK) {
		job_free(options.job);
		return code;
	}
	if (kind == QRT_BLOCK_READV)
		memset(options.job->memory, READ_BYTE, options.job->request.length);
	return job_run(session, options.job);
}

int command_readv(struct session *session, char **words)
{
	return run_parts(session, words, QRT_BLOCK_READV, "+:P:qvp:");
}

int command_writev(struct session *session, char **words)
{
	return run_parts(session, words, QRT_BLOCK_WRITEV, "+:P:fqp:");
}
