/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "qrt_io.h"

#define WORDS_MAX 80
#define LINES_MAX 256

static const struct command {
	const char *name, *other; /* as in qemu-io; other: its short name */
	const char *summary;
	int (*run)(struct session *session, char **words);
} commands[] = {
	{"read", "r", "read, and verify with -P BYTE", command_read},
	{"write", "w", "write BYTE with -P, zeroes with -z", command_write},
	{"readv", "rv", "read in parts", command_readv},
	{"writev", "wv", "write in parts", command_writev},
	{"aio_read", NULL, "read, without waiting", command_read},
	{"aio_write", NULL, "write, without waiting", command_write},
	{"aio_flush", NULL, "wait for all of those", command_aio_flush},
	{"flush", "f", "make safe what was written", command_flush},
	{"discard", "d", "its content is not needed any more", command_discard},
	{"map", NULL, "what is data and what is hole", command_map},
	{"length", "l", "of the device", command_length},
	{"info", "i", "engine, alignment, flags, lock", command_info},
	{"truncate", "t", "make it longer or shorter", command_truncate},
	{"sleep", NULL, "for so many milliseconds", command_sleep},
	{"abort", NULL, "end by SIGABRT, at once", command_abort},
	{"quit", "q", "end", command_quit},
};

static void print_commands(void)
{
	size_t i;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		printf("  %-10s %s\n", commands[i].name, commands[i].summary);
}

static void print_help(void)
{
	puts("Usage: qrt-io [OPTIONS] FILE\n\n"
	     "Requests to a raw image or block device, from -c or line by line from standard input.\n\n"
	     "  -c COMMAND       run it, and the next -c; without one lines are read\n"
	     "  -r               read-only\n"
	     "  -n               past the page cache (direct)\n"
	     "  -U               others may write to it meanwhile\n"
	     "  -i ENGINE        auto, threads, native, io_uring\n"
	     "  --create LENGTH  make the file\n"
	     "  --help, --version\n\nCommands:");
	print_commands();
	puts("\nsee also qrt-io(1)");
}

static int run_words(struct session *session, char **words)
{
	size_t i;

	if (strcmp(words[0], "help") == 0) {
		print_commands();
		return EXIT_OK;
	}
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(words[0], commands[i].name) == 0 ||
		    (commands[i].other && strcmp(words[0], commands[i].other) == 0))
			return commands[i].run(session, words);
	}
	complain("there is no command '%s'; try help", words[0]);
	return EXIT_USAGE;
}

int run_line(struct session *session, char *line)
{
	char *words[WORDS_MAX];
	int count = split(line, words, WORDS_MAX);

	if (count < 0) {
		complain("a line with an open quote, or of more than %d words", WORDS_MAX - 1);
		return EXIT_USAGE;
	}
	return count ? run_words(session, words) : EXIT_OK;
}

/* ---- the session ---- */

struct invocation {
	struct qrt_block_device_config config;
	char *lines[LINES_MAX];
	int lines_count;
};

static int read_engine(const char *name, uint32_t *ret_engine)
{
	static const char *const names[] = {"auto", "threads", "native", "io_uring"};
	uint32_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(name, names[i]) == 0) {
			*ret_engine = i;
			return EXIT_OK;
		}
	}
	complain("-i: an engine is auto, threads, native or io_uring");
	return EXIT_USAGE;
}

/* The worst code of what was run: a script sees one number. */
static int worse(int one, int other)
{
	return one > other ? one : other;
}

static int run_lines(struct session *session, const struct invocation *invocation)
{
	int i, code = EXIT_OK;

	for (i = 0; i < invocation->lines_count && !session->is_over; i++)
		code = worse(code, run_line(session, invocation->lines[i]));
	return code;
}

static int run_input(struct session *session)
{
	int is_person = isatty(0), code = EXIT_OK;
	char *line = NULL;
	size_t size = 0;

	while (!session->is_over) {
		if (is_person)
			printf("qrt-io> ");
		fflush(stdout);
		if (getline(&line, &size, stdin) < 0)
			break;
		code = worse(code, run_line(session, line));
	}
	free(line);
	return code;
}

static int run_session(const struct invocation *invocation)
{
	const struct qrt_block_queue_config plain = {.size = sizeof(plain),
						     .flags = QRT_BLOCK_QUEUE_ONE_THREAD};
	struct session session = {NULL};
	struct qrt_block_error error;
	int code = EXIT_FAILED;

	if (qrt_block_device_open(&invocation->config, &session.device, &error) < 0) {
		complain("%s", error.message);
		return EXIT_FAILED;
	}
	if (qrt_block_queue_open(session.device, &plain, &session.queue, &error) >= 0) {
		code = invocation->lines_count ? run_lines(&session, invocation) : run_input(&session);
		code = worse(code, job_wait_all(&session));
	} else {
		complain("%s", error.message);
	}
	qrt_block_queue_close(session.queue);
	qrt_block_device_close(session.device);
	return code;
}

/* ---- the command line ---- */

enum { OPTION_CREATE = 256, OPTION_HELP, OPTION_VERSION };

static int take_option(struct invocation *invocation, int option)
{
	switch (option) {
	case 'c':
		if (invocation->lines_count == LINES_MAX) {
			complain("more than %d commands: give them on standard input", LINES_MAX);
			return EXIT_USAGE;
		}
		invocation->lines[invocation->lines_count++] = optarg;
		return EXIT_OK;
	case 'r':
		invocation->config.flags |= QRT_BLOCK_DEVICE_READ_ONLY;
		return EXIT_OK;
	case 'n':
		invocation->config.flags |= QRT_BLOCK_DEVICE_DIRECT;
		return EXIT_OK;
	case 'U':
		invocation->config.flags |= QRT_BLOCK_DEVICE_SHARE;
		return EXIT_OK;
	case 'i':
		return read_engine(optarg, &invocation->config.engine);
	case OPTION_CREATE:
		invocation->config.flags |= QRT_BLOCK_DEVICE_CREATE;
		if (read_number(optarg, &invocation->config.capacity) >= 0)
			return EXIT_OK;
		complain("--create: '%s' is no length", optarg);
		return EXIT_USAGE;
	default:
		complain("an unknown option, or one without its value; try 'qrt-io --help'");
		return EXIT_USAGE;
	}
}

static int run(int argc, char **argv)
{
	static const struct option options[] = {{"create", required_argument, NULL, OPTION_CREATE},
						{"help", no_argument, NULL, OPTION_HELP},
						{"version", no_argument, NULL, OPTION_VERSION},
						{NULL, 0, NULL, 0}};
	struct invocation invocation = {.config = {.size = sizeof(invocation.config)}};
	int option, code = EXIT_OK;

	opterr = 0;
	while (code == EXIT_OK && (option = getopt_long(argc, argv, "c:rnUi:", options, NULL)) != -1) {
		if (option == OPTION_HELP || option == OPTION_VERSION) {
			option == OPTION_HELP ? print_help() : (void)puts("qrt-io " QRT_IO_VERSION);
			return EXIT_OK;
		}
		code = take_option(&invocation, option);
	}
	if (code != EXIT_OK)
		return code;
	if (optind != argc - 1) {
		complain("one file is wanted; try 'qrt-io --help'");
		return EXIT_USAGE;
	}
	invocation.config.path = argv[optind];
	return run_session(&invocation);
}

/* What was printed may still be in the buffer when the disk is full: that is no success. */
int main(int argc, char **argv)
{
	int code = run(argc, argv);

	if (fflush(stdout) == 0 && !ferror(stdout))
		return code;
	complain("standard output could not be written");
	return worse(code, EXIT_FAILED);
}
