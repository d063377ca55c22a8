/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "bench.h"
#include "image_letter.h"
#include "interactive.h"
#include "tool_option.h"

const char tool_name[] = "qrt-io";

static const char help[] =
	"Usage: qrt-io [OPTIONS] [-c COMMAND]... [FILE]\n"
	"       qrt-io bench [OPTIONS] FILE\n\n"
	"Reads, writes and examines a disk image, by commands of qemu-io(1); without -c it asks for them.\n\n"
	"  -c, --cmd COMMAND      such as 'write -P 0xab 0 64k'; may be repeated\n"
	"  -r, --read-only\n"
	"  -i, --engine, --aio E  auto (default), threads, libaio, io_uring, memory\n"
	"  -k, --native-aio       as --engine libaio\n"
	"  -t, --cache MODE       none, writeback (default), writethrough, directsync, unsafe\n"
	"  -n, --nocache          as --cache none\n"
	"  -d, --discard MODE     unmap (default), ignore\n"
	"  -U, --force-share      others may write to it meanwhile\n"
	"  -m, --misalign         buffers that are not aligned\n"
	"  -f, --format FORMAT    raw, or qcow2 (with -r); without it FILE tells, or is refused\n"
	"      --create SIZE      make FILE\n"
	"      --size SIZE        of memory, with --engine memory and without FILE\n"
	"      --workers N, --depth N\n"
	"  -o, --option KEY=VALUE,...  -o help lists the keys\n"
	"      --image-opts       FILE is such options, too\n"
	"      --json             an object a line\n"
	"  -h, --help, -V, --version\n\n"
	"'qrt-io -c help' lists the commands, 'qrt-io bench --help' explains the benchmark; see also "
	"qrt-io(1).\n"
	"Exit code: 0, 1 a command failed, 2 usage.";

struct arguments {
	struct session session;
	char **commands;
	gboolean is_image_opts, is_version, is_key_help, is_wrong; /* wrong: that was said */
};

/* Those of one letter; the long name of which is any. */
static gboolean take_letter(const char *name, const char *value, gpointer data, GError **error)
{
	static const struct {
		const char *name;
		int letter;
	} names[] = {{"--read-only", 'r'},    {"--snapshot", 's'},    {"--nocache", 'n'},
		     {"--misalign", 'm'},     {"--native-aio", 'k'},  {"--cache", 't'},
		     {"--discard", 'd'},      {"--force-share", 'U'}, {"--format", 'f'},
		     {"--copy-on-read", 'C'}, {"--option", 'o'},      {"--engine", 'i'},
		     {"--aio", 'i'}};
	struct arguments *arguments = data;
	int letter = (guchar)name[1];
	guint i;

	(void)error;
	for (i = 0; i < G_N_ELEMENTS(names); i++) {
		if (strcmp(name, names[i].name) == 0)
			letter = names[i].letter;
	}
	if (letter == 'o' && strcmp(value, "help") == 0)
		arguments->is_key_help = TRUE;
	else if (!arguments->is_wrong && !image_letter_set(&arguments->session.options, name, letter, value))
		arguments->is_wrong = TRUE;
	return TRUE;
}

/* --create 64M is -o create=64M. */
static gboolean take_key(const char *name, const char *value, gpointer data, GError **error)
{
	struct arguments *arguments = data;

	(void)error;
	if (!arguments->is_wrong && !image_options_set(&arguments->session.options, name, name + 2, value))
		arguments->is_wrong = TRUE;
	return TRUE;
}

static int parse(struct arguments *arguments, char **argv, char ***ret_rest)
{
	const int bare = G_OPTION_FLAG_NO_ARG;
	const GOptionEntry entries[] = {
		{"cmd", 'c', 0, G_OPTION_ARG_FILENAME_ARRAY, &arguments->commands, NULL, NULL},
		{"read-only", 'r', bare, G_OPTION_ARG_CALLBACK, take_letter, NULL, NULL},
		{"snapshot", 's', bare, G_OPTION_ARG_CALLBACK, take_letter, NULL, NULL},
		{"nocache", 'n', bare, G_OPTION_ARG_CALLBACK, take_letter, NULL, NULL},
		{"copy-on-read", 'C', bare, G_OPTION_ARG_CALLBACK, take_letter, NULL, NULL},
		{"misalign", 'm', bare, G_OPTION_ARG_CALLBACK, take_letter, NULL, NULL},
		{"native-aio", 'k', bare, G_OPTION_ARG_CALLBACK, take_letter, NULL, NULL},
		{"force-share", 'U', bare, G_OPTION_ARG_CALLBACK, take_letter, NULL, NULL},
		{"aio", 'i', G_OPTION_FLAG_FILENAME, G_OPTION_ARG_CALLBACK, take_letter, NULL, NULL},
		{"engine", 0, G_OPTION_FLAG_FILENAME, G_OPTION_ARG_CALLBACK, take_letter, NULL, NULL},
		{"cache", 't', G_OPTION_FLAG_FILENAME, G_OPTION_ARG_CALLBACK, take_letter, NULL, NULL},
		{"discard", 'd', G_OPTION_FLAG_FILENAME, G_OPTION_ARG_CALLBACK, take_letter, NULL, NULL},
		{"format", 'f', G_OPTION_FLAG_FILENAME, G_OPTION_ARG_CALLBACK, take_letter, NULL, NULL},
		{"option", 'o', G_OPTION_FLAG_FILENAME, G_OPTION_ARG_CALLBACK, take_letter, NULL, NULL},
		{"create", 0, G_OPTION_FLAG_FILENAME, G_OPTION_ARG_CALLBACK, take_key, NULL, NULL},
		{"size", 0, G_OPTION_FLAG_FILENAME, G_OPTION_ARG_CALLBACK, take_key, NULL, NULL},
		{"workers", 0, G_OPTION_FLAG_FILENAME, G_OPTION_ARG_CALLBACK, take_key, NULL, NULL},
		{"depth", 0, G_OPTION_FLAG_FILENAME, G_OPTION_ARG_CALLBACK, take_key, NULL, NULL},
		{"image-opts", 0, 0, G_OPTION_ARG_NONE, &arguments->is_image_opts, NULL, NULL},
		{"json", 0, 0, G_OPTION_ARG_NONE, &arguments->session.is_json, NULL, NULL},
		{"version", 'V', 0, G_OPTION_ARG_NONE, &arguments->is_version, NULL, NULL},
		{NULL}};
	const struct option_usage usage = {.help = help, .entries = entries, .data = arguments};
	int code = option_parse(&usage, argv, ret_rest);

	if (code != EXIT_OK)
		return code;
	if (!arguments->is_wrong && (*ret_rest)[0] && (*ret_rest)[1]) {
		complain("'%s' is one argument too many; try 'qrt-io --help'", (*ret_rest)[1]);
		return EXIT_USAGE;
	}
	return arguments->is_wrong ? EXIT_USAGE : EXIT_OK;
}

static gboolean take_file(const struct arguments *arguments, struct image_options *options, const char *file)
{
	if (arguments->is_image_opts)
		return image_options_set_all(options, "--image-opts", file);
	return image_options_set(options, "FILE", "filename", file);
}

/* What is to be open from the start; `open` begins with the options without the file. */
static int open_first(struct arguments *arguments, const char *file)
{
	struct session *session = &arguments->session;
	struct image_options options;
	int code = EXIT_OK;

	if (!file && !session->options.path && session->options.engine != QRT_BLOCK_ENGINE_MEMORY)
		return EXIT_OK;
	image_options_copy(&options, &session->options);
	if (file && !take_file(arguments, &options, file))
		code = EXIT_USAGE;
	else if (!session_open(session, &options))
		code = EXIT_FAILED;
	image_options_clear(&options);
	return code;
}

static int run_all(struct arguments *arguments)
{
	struct session *session = &arguments->session;
	char **command;
	int code = EXIT_OK;

	if (!arguments->commands)
		return interactive_run(session);
	for (command = arguments->commands; *command && !session->is_over; command++) {
		if (!session_run(session, *command))
			code = EXIT_FAILED;
	}
	return code;
}

static int run(char **argv)
{
	struct arguments arguments = {.commands = NULL};
	g_auto(GStrv) rest = NULL;
	int code;

	session_init(&arguments.session);
	code = parse(&arguments, argv, &rest);
	if (code == EXIT_OK && arguments.is_version) {
		puts("qrt-io " QRT_BLOCK_TOOL_VERSION);
	} else if (code == EXIT_OK && arguments.is_key_help) {
		image_options_print();
	} else if (code == EXIT_OK) {
		code = open_first(&arguments, rest[0]);
		if (code == EXIT_OK)
			code = run_all(&arguments);
	}
	session_end(&arguments.session);
	g_strfreev(arguments.commands);
	return code == OPTION_HELP ? EXIT_OK : code;
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "bench") == 0)
		return end_output(command_bench(argv + 1));
	return end_output(run(argv));
}
