/* SPDX-License-Identifier: MIT */
#include "io_option.h"

#include <errno.h>
#include <getopt.h>
#include <string.h>

#include "number.h"
#include "priority.h"
#include "size_text.h"
#include "tool_say.h"

#define OPTION_PRIORITY 256
#define OPTION_DEADLINE 257
#define OPTION_BOUNCE   258

/* ---- values ---- */

static gboolean take_size(const char *command, const char *what, const char *text, guint64 *ret_size)
{
	int rc = size_text_parse(text, ret_size);

	if (rc >= 0)
		return TRUE;
	complain("%s: %s '%s' is %s; give bytes, such as 4096, 0x1000 or 4k", command, what, text,
		 rc == -ERANGE ? "too large" : "no number");
	return FALSE;
}

static gboolean take_pattern(struct io_option *option, const char *command, const char *text)
{
	guint64 value;

	if (size_text_parse(text, &value) < 0 || value > 255) {
		complain("%s: '%s' is no pattern; give a byte, 0 to 255 or 0x00 to 0xff", command, text);
		return FALSE;
	}
	option->pattern = (guint8)value;
	option->has_pattern = TRUE;
	return TRUE;
}

static gboolean take_priority(struct io_option *option, const char *command, const char *text)
{
	if (priority_find(text, &option->priority))
		return TRUE;
	complain("%s: --priority %s: give urgent, normal or low", command, text);
	return FALSE;
}

static gboolean take_deadline(struct io_option *option, const char *command, const char *text)
{
	if (number_parse_time(text, 0, &option->deadline_ns) >= 0)
		return TRUE;
	complain("%s: --deadline %s: give a time from now on, such as 500us, 20ms or 2s", command, text);
	return FALSE;
}

/* Of a read, -s is where the part begins. */
static gboolean take_start(struct io_option *option, const char *command, const char *text, gboolean is_read)
{
	if (is_read) {
		option->has_part = TRUE;
		return take_size(command, "-s", text, &option->part_offset);
	}
	g_free(option->source);
	option->source = g_strdup(text);
	return TRUE;
}

/* ---- options ---- */

static gboolean refuse(int letter, const char *command, const char *word)
{
	switch (letter) {
	case 'b':
		complain("%s: -b: a raw image has no state of a VM; leave it out", command);
		break;
	case 'c':
		complain("%s: -c: a raw image has no compression; leave it out", command);
		break;
	case 'i':
		complain("%s: -i: there is no accounting to exercise; leave it out", command);
		break;
	case 'n':
		complain("%s: -n: who cannot zero fast writes zeroes, always; leave it out", command);
		break;
	case ':':
		complain("%s: %s needs a value; try 'help %s'", command, word, command);
		break;
	default:
		complain("%s: there is no option %s; try 'help %s'", command, word, command);
		break;
	}
	return FALSE;
}

static gboolean take_flag(struct io_option *option, int letter)
{
	switch (letter) {
	case 'C':
		return option->is_machine = TRUE;
	case 'q':
		return option->is_quiet = TRUE;
	case 'v':
		return option->is_dumped = TRUE;
	case 'f':
		return option->is_fua = TRUE;
	case 'z':
		return option->is_zeroes = TRUE;
	case 'u':
		return option->is_unmapped = TRUE;
	case OPTION_BOUNCE:
		return option->is_bounced = TRUE;
	case 'p':
		return TRUE; /* of no meaning any more in qemu-io either */
	default:
		return FALSE;
	}
}

static gboolean take_one(struct io_option *option, int letter, const char *command, const char *word,
			 gboolean is_read)
{
	switch (letter) {
	case 'P':
		return take_pattern(option, command, optarg);
	case 's':
		return take_start(option, command, optarg, is_read);
	case 'l':
		option->has_part = TRUE;
		return take_size(command, "-l", optarg, &option->part_length);
	case OPTION_PRIORITY:
		return take_priority(option, command, optarg);
	case OPTION_DEADLINE:
		return take_deadline(option, command, optarg);
	default:
		return take_flag(option, letter) || refuse(letter, command, word);
	}
}

static gboolean take_options(struct io_option *option, const char *letters, int argc, char **argv)
{
	static const struct option names[] = {{"priority", required_argument, NULL, OPTION_PRIORITY},
					      {"deadline", required_argument, NULL, OPTION_DEADLINE},
					      {"bounce", no_argument, NULL, OPTION_BOUNCE},
					      {NULL, 0, NULL, 0}};
	gboolean is_read = strchr(letters, 'l') != NULL, is_good = TRUE;
	g_autofree char *all = g_strconcat(":", letters, NULL);
	char word[3] = "-?";
	int letter;

	optind = 0; /* begins anew, in glibc */
	while (is_good && (letter = getopt_long(argc, argv, all, names, NULL)) != -1) {
		word[1] = (char)optopt;
		is_good = take_one(option, letter, argv[0],
				   optopt > 0 && optopt < 128 ? word : argv[optind - 1], is_read);
	}
	return is_good;
}

/* ---- offset and lengths ---- */

static gboolean take_lengths(struct io_option *option, const char *command, char **words)
{
	guint64 length;

	for (; *words; words++) {
		if (!take_size(command, "length", *words, &length))
			return FALSE;
		if (length > G_MAXINT64 - option->length) {
			complain("%s: the lengths are too large together; give less", command);
			return FALSE;
		}
		option->length += length;
		g_array_append_val(option->lengths, length);
	}
	return TRUE;
}

static gboolean take_places(struct io_option *option, guint many, int argc, char **argv)
{
	int count = argc - optind;

	if (many == 0 && count == 0)
		return TRUE;
	if (many == 0) {
		complain("%s: '%s' is one argument too many; try 'help %s'", argv[0], argv[optind], argv[0]);
		return FALSE;
	}
	if (count < 2 || count > (int)many + 1) {
		complain("%s: %s; try 'help %s'", argv[0],
			 count < 2 ? "give an offset and a length" : "that is one argument too many",
			 argv[0]);
		return FALSE;
	}
	return take_size(argv[0], "offset", argv[optind], &option->offset) &&
	       take_lengths(option, argv[0], argv + optind + 1);
}

/* ---- what goes together ---- */

static const char *find_contradiction(const struct io_option *option)
{
	if (option->is_zeroes + option->has_pattern + (option->source != NULL) > 1)
		return "only one of -z, -P and -s goes";
	if (option->is_unmapped && !option->is_zeroes)
		return "-u goes with -z only";
	if (option->is_zeroes && option->lengths->len > 1)
		return "-z goes with one length only";
	if (option->is_zeroes && option->is_bounced)
		return "--bounce does not go with -z, which has no buffer";
	if (option->has_part && !option->has_pattern)
		return "-s and -l go with -P only";
	if (option->part_offset > option->length ||
	    option->part_length > option->length - option->part_offset)
		return "what is to be verified ends behind what is read";
	return NULL;
}

gboolean io_option_parse(struct io_option *option, const char *letters, guint many, int argc, char **argv)
{
	const char *contradiction;

	memset(option, 0, sizeof(*option));
	option->pattern = IO_OPTION_PATTERN;
	option->lengths = g_array_new(FALSE, FALSE, sizeof(guint64));
	if (!take_options(option, letters, argc, argv) || !take_places(option, many, argc, argv))
		return FALSE;
	contradiction = find_contradiction(option);
	if (contradiction)
		complain("%s: %s; try 'help %s'", argv[0], contradiction, argv[0]);
	if (option->part_length == 0)
		option->part_length = option->length - option->part_offset;
	return !contradiction;
}

void io_option_clear(struct io_option *option)
{
	g_clear_pointer(&option->source, g_free);
	if (option->lengths)
		g_array_unref(option->lengths);
	option->lengths = NULL;
}
