/* SPDX-License-Identifier: MIT */
/*
 * What stands behind qrt-io's commands and in its options: whatever is in a line, it is taken, or refused
 * with one complaint, and what was taken fits together.
 *
 * The input is lines, as a script has them: each is the words of a command, and each word is KEY=VALUE,...,
 * too.
 */
#include "fuzz.h"

#include <string.h>

#include "image_option.h"
#include "io_option.h"
#include "tool_say.h"

const char tool_name[] = "fuzz";

static int complaints;

/* In place of what prints them. */
void complain(const char *format, ...)
{
	char line[4096];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	complaints++;
}

/* A read and a write, with all letters that there are. */
static void parse_io(int argc, char **argv)
{
	static const char *const letters[] = {"CqvP:s:l:", "CfquzP:s:", "CqvP:", "Cq", ""};
	struct io_option option;
	size_t i;
	int before;

	for (i = 0; i < G_N_ELEMENTS(letters); i++) {
		g_auto(GStrv) words = g_strdupv(argv);
		GPtrArray *moved = g_ptr_array_new();
		int k;

		/* getopt moves them. */
		for (k = 0; k <= argc; k++)
			g_ptr_array_add(moved, words[k]);
		before = complaints;
		if (io_option_parse(&option, letters[i], i == 4 ? 0 : 16, argc, (char **)moved->pdata)) {
			PROMISE(complaints == before);
			PROMISE(option.part_offset + option.part_length <= option.length);
		} else {
			PROMISE(complaints == before + 1);
		}
		io_option_clear(&option);
		g_ptr_array_free(moved, TRUE);
	}
}

static void parse_image(const char *word)
{
	struct image_options options;
	int before = complaints;

	image_options_init(&options);
	if (image_options_set_all(&options, "fuzz", word))
		PROMISE(complaints == before);
	else
		PROMISE(complaints == before + 1);
	image_options_clear(&options);
}

static void run_line(const char *line)
{
	g_auto(GStrv) argv = NULL;
	int argc, i;

	if (!g_shell_parse_argv(line, &argc, &argv, NULL))
		return;
	parse_io(argc, argv);
	for (i = 0; i < argc; i++)
		parse_image(argv[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *text = g_strndup((const char *)data, size);
	g_auto(GStrv) lines = g_strsplit(text, "\n", 64);
	char **line;

	for (line = lines; *line; line++)
		run_line(*line);
	return 0;
}
