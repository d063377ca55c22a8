/* SPDX-License-Identifier: MIT */
#include "tool_option.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "size_text.h"

/* A program without commands has its name alone. */
static void advise(const struct option_usage *usage, const char *what)
{
	if (usage->command)
		complain("%s: %s; try '%s %s --help'", usage->command, what, tool_name, usage->command);
	else
		complain("%s; try '%s --help'", what, tool_name);
}

static int fail(const struct option_usage *usage, const GError *error)
{
	advise(usage, error->message);
	return EXIT_USAGE;
}

int option_parse(const struct option_usage *usage, char **argv, char ***ret_rest)
{
	g_autoptr(GOptionContext) context = g_option_context_new(NULL);
	GOptionGroup *group = g_option_group_new("main", "", "", usage->data, NULL);
	g_auto(GStrv) words = g_strdupv(argv), rest = NULL;
	g_autoptr(GError) error = NULL;
	gboolean is_help = FALSE;
	const GOptionEntry own[] = {
		{"help", 'h', 0, G_OPTION_ARG_NONE, &is_help, NULL, NULL},
		{G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &rest, NULL, NULL},
		{NULL}};

	g_option_group_add_entries(group, usage->entries);
	g_option_group_add_entries(group, own);
	g_option_context_set_main_group(context, group);
	g_option_context_set_help_enabled(context, FALSE);
	if (!g_option_context_parse_strv(context, &words, &error))
		return fail(usage, error);
	if (is_help) {
		puts(usage->help);
		return OPTION_HELP;
	}
	*ret_rest = rest ? g_steal_pointer(&rest) : g_new0(char *, 1);
	return EXIT_OK;
}

int option_need_one(const struct option_usage *usage, char **rest, const char *what)
{
	g_autofree char *words = NULL;

	if (g_strv_length(rest) == 1)
		return EXIT_OK;
	words = rest[0] ? g_strdup_printf("'%s' is one argument too many", rest[1])
			: g_strdup_printf("give %s", what);
	advise(usage, words);
	return EXIT_USAGE;
}

int option_take_number(const char *name, const char *text, guint64 least, guint64 most, guint64 *number)
{
	if (!text || g_ascii_string_to_unsigned(text, 10, least, most, number, NULL))
		return EXIT_OK;
	complain("%s %s: give a whole number of %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT, name, text,
		 least, most);
	return EXIT_USAGE;
}

int option_take_size(const char *name, const char *text, guint64 *size)
{
	guint64 number;

	if (!text)
		return EXIT_OK;
	if (size_text_parse(text, &number) >= 0 && number > 0) {
		*size = number;
		return EXIT_OK;
	}
	complain("%s %s: give a number of bytes, such as 65536, 64K, 4M or 1G", name, text);
	return EXIT_USAGE;
}

int option_take_seconds(const char *name, const char *text, double most, double *seconds)
{
	char *end = NULL;
	double value = text ? g_ascii_strtod(text, &end) : 0;

	if (!text)
		return EXIT_OK;
	if (g_ascii_isdigit(text[0]) && !*end && isfinite(value) && value > 0 && value <= most) {
		*seconds = value;
		return EXIT_OK;
	}
	complain("%s %s: give a number of seconds above 0, up to %g", name, text, most);
	return EXIT_USAGE;
}
