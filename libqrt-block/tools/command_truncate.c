/* SPDX-License-Identifier: MIT */
#include <getopt.h>
#include <string.h>

#include "command.h"
#include "io.h"
#include "size_text.h"
#include "tool_say.h"

#define PIECE (G_GUINT64_CONSTANT(1) << 20)

struct arguments {
	guint64 size;
	gboolean is_filled; /* what is new has its space */
};

static gboolean take_mode(struct arguments *arguments, const char *mode)
{
	arguments->is_filled = strcmp(mode, "falloc") == 0 || strcmp(mode, "full") == 0;
	return arguments->is_filled || strcmp(mode, "off") == 0;
}

static gboolean take_arguments(struct arguments *arguments, int argc, char **argv)
{
	gboolean is_good = TRUE;
	int letter;

	optind = 0; /* begins anew, in glibc */
	while (is_good && (letter = getopt(argc, argv, ":m:")) != -1)
		is_good = letter == 'm' && take_mode(arguments, optarg);
	if (!is_good || argc - optind != 1) {
		complain("truncate: give the new length, and -m off, falloc or full; try 'help truncate'");
		return FALSE;
	}
	if (size_text_parse(argv[optind], &arguments->size) >= 0)
		return TRUE;
	complain("truncate: '%s' is no number of bytes; give such as 4096, 0x1000 or 4k", argv[optind]);
	return FALSE;
}

static gboolean resize(const struct session *session, guint64 size)
{
	struct qrt_block_error error;

	if (qrt_block_device_resize(session->image->device, size, &error) >= 0)
		return TRUE;
	complain("truncate: %s", error.message);
	return FALSE;
}

/* Zeroes that are written, as those that are not may be a hole, and some filesystems know no others. */
static gboolean fill_piece(struct session *session, guint64 offset, guint64 length)
{
	static const struct io_command command = {
		.name = "truncate", .failed = "truncate", .kind = QRT_BLOCK_WRITE, .is_part = TRUE};
	struct io_option option = {.offset = offset, .length = length};
	gboolean is_good;

	option.lengths = g_array_new(FALSE, FALSE, sizeof(guint64));
	g_array_append_val(option.lengths, length);
	is_good = io_run(session, &command, &option);
	io_option_clear(&option);
	return is_good;
}

/* What could not be had in full is not there at all. */
static gboolean fill(struct session *session, guint64 before, guint64 after)
{
	guint64 at, length;
	gboolean is_good = TRUE;

	for (at = before; at < after && is_good; at += length) {
		length = MIN(PIECE - at % PIECE, after - at);
		is_good = !session_is_interrupted(session) && fill_piece(session, at, length);
	}
	if (!is_good)
		resize(session, before);
	return is_good;
}

gboolean command_truncate(struct session *session, int argc, char **argv)
{
	struct arguments arguments = {0};
	guint64 before;

	if (!take_arguments(&arguments, argc, argv) || !io_wait_all(session))
		return FALSE;
	before = image_capacity(session->image);
	if (arguments.is_filled && arguments.size < before) {
		complain("truncate: -m is for what is new, and the image becomes shorter");
		return FALSE;
	}
	return resize(session, arguments.size) &&
	       (!arguments.is_filled || fill(session, before, arguments.size));
}
