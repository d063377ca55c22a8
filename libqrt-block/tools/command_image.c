/* SPDX-License-Identifier: MIT */
/* Commands about the image as a whole. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "image_letter.h"
#include "image_say.h"
#include "io.h"
#include "size_text.h"
#include "tool_say.h"

#define EXTENTS      64
#define ALLOC_LENGTH 512

/* ---- open, close ---- */

static gboolean take_letters(struct image_options *options, int argc, char **argv)
{
	int letter;

	optind = 0; /* begins anew, in glibc */
	while ((letter = getopt(argc, argv, ":" IMAGE_LETTERS)) != -1) {
		if (letter == ':' || letter == '?') {
			complain("%s: -%c %s; try 'help %s'", argv[0], optopt,
				 letter == ':' ? "needs a value" : "is no option", argv[0]);
			return FALSE;
		}
		if (!image_letter_set(options, argv[0], letter, optarg))
			return FALSE;
	}
	return TRUE;
}

static gboolean take_open(struct image_options *options, int argc, char **argv)
{
	if (!take_letters(options, argc, argv))
		return FALSE;
	if (argc - optind > 1) {
		complain("open: '%s' is one argument too many; try 'help open'", argv[optind + 1]);
		return FALSE;
	}
	return optind == argc || image_options_set(options, "open", "filename", argv[optind]);
}

static gboolean run_open(struct session *session, int argc, char **argv)
{
	struct image_options options;
	gboolean is_good;

	if (session->image) {
		complain("open: an image is open already; 'close' closes it");
		return FALSE;
	}
	image_options_copy(&options, &session->options);
	is_good = take_open(&options, argc, argv) && session_open(session, &options);
	image_options_clear(&options);
	return is_good;
}

static gboolean run_close(struct session *session, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return session_close(session);
}

/* -c is the mode of the cache here, as in qemu-io. */
static gboolean take_reopen(struct image_options *options, int argc, char **argv)
{
	gboolean is_good = TRUE, is_read = FALSE, is_written = FALSE;
	int letter;

	optind = 0;
	while (is_good && (letter = getopt(argc, argv, ":rwc:o:")) != -1) {
		if (letter == 'r')
			is_read = TRUE;
		else if (letter == 'w')
			is_written = TRUE;
		else if (letter == 'c')
			is_good = image_options_set(options, "reopen", "cache", optarg);
		else if (letter == 'o')
			is_good = image_options_set_all(options, "reopen", optarg);
		else
			is_good = FALSE;
	}
	if (letter == ':' || letter == '?' || optind < argc || (is_read && is_written)) {
		complain("reopen: give -r or -w, -c MODE or -o KEY=VALUE,...; try 'help reopen'");
		return FALSE;
	}
	if (is_read || is_written)
		options->is_read_only = is_read;
	return is_good;
}

/* Two that are open at the same time would lock each other out: what was there comes back where the new one
 * cannot be had. */
static gboolean open_instead(struct session *session, const struct image_options *before,
			     const struct image_options *after)
{
	if (!session_close(session))
		return FALSE;
	if (session_open(session, after))
		return TRUE;
	session_open(session, before);
	return FALSE;
}

static gboolean run_reopen(struct session *session, int argc, char **argv)
{
	struct image_options before, after;
	gboolean is_good;

	image_options_copy(&before, &session->image->options);
	image_options_copy(&after, &before);
	is_good = take_reopen(&after, argc, argv);
	if (is_good && before.engine == QRT_BLOCK_ENGINE_MEMORY) {
		complain("reopen: what is in memory would be gone; leave it open");
		is_good = FALSE;
	}
	is_good = is_good && open_instead(session, &before, &after);
	image_options_clear(&after);
	image_options_clear(&before);
	return is_good;
}

/* ---- what there is ---- */

static gboolean run_length(struct session *session, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	if (qrt_block_device_refresh(session->image->device, NULL) < 0) {
		complain("length: the image cannot be looked at any more; 'close' it");
		return FALSE;
	}
	image_say_length(session);
	return TRUE;
}

static gboolean run_info(struct session *session, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	image_say_info(session);
	return TRUE;
}

/* Neighbours of one kind as one. */
static int for_each_extent(struct session *session, guint64 offset, guint64 length,
			   void (*take)(const struct qrt_block_extent *extent, void *data), void *data)
{
	struct qrt_block_extent extents[EXTENTS], whole = {.offset = offset};
	int count = 1, i;

	while (length > 0 && count > 0) {
		count = session_is_interrupted(session)
				? -EINTR
				: qrt_block_device_list_extents(session->image->device, offset, length,
								extents, EXTENTS);
		for (i = 0; i < count; i++) {
			if (whole.length > 0 && whole.is_hole != extents[i].is_hole) {
				take(&whole, data);
				whole = (struct qrt_block_extent){.offset = extents[i].offset};
			}
			whole.is_hole = extents[i].is_hole;
			whole.length += extents[i].length;
			offset += extents[i].length;
			length -= extents[i].length;
		}
	}
	if (count >= 0 && whole.length > 0)
		take(&whole, data);
	return count;
}

static gboolean say_extents_failed(const char *command, int rc)
{
	complain("%s: what is data cannot be looked up: %s", command, g_strerror(-rc));
	return FALSE;
}

static gboolean run_map(struct session *session, int argc, char **argv)
{
	int rc = for_each_extent(session, 0, image_capacity(session->image), image_say_extent, session);

	(void)argc;
	(void)argv;
	return rc < 0 ? say_extents_failed("map", rc) : TRUE;
}

static void add_data(const struct qrt_block_extent *extent, void *data)
{
	if (!extent->is_hole)
		*(guint64 *)data += extent->length;
}

static gboolean take_size(const char *command, const char *text, guint64 *size)
{
	if (size_text_parse(text, size) >= 0)
		return TRUE;
	complain("%s: '%s' is no number of bytes; give such as 4096, 0x1000 or 4k", command, text);
	return FALSE;
}

static gboolean run_alloc(struct session *session, int argc, char **argv)
{
	guint64 offset, length = ALLOC_LENGTH, data = 0, capacity = image_capacity(session->image);
	int rc;

	if (argc < 2) {
		complain("alloc: give an offset; try 'help alloc'");
		return FALSE;
	}
	if (!take_size("alloc", argv[1], &offset) || (argc > 2 && !take_size("alloc", argv[2], &length)))
		return FALSE;
	length = offset >= capacity ? 0 : MIN(length, capacity - offset);
	rc = for_each_extent(session, offset, length, add_data, &data);
	if (rc < 0)
		return say_extents_failed("alloc", rc);
	image_say_alloc(session, offset, length, data);
	return TRUE;
}

/* ---- what changes it ---- */

static gboolean run_cut_power(struct session *session, int argc, char **argv)
{
	int rc = qrt_block_device_cut_power(session->image->device);

	(void)argc;
	(void)argv;
	io_harvest(session);
	if (rc == -EOPNOTSUPP)
		complain("cut_power: the image is not prepared for it; open it with -o fault.power=on");
	else if (rc == -EBUSY)
		complain("cut_power: requests are on their way; 'aio_flush' waits for them");
	else if (rc < 0)
		complain("cut_power: %s", g_strerror(-rc));
	return rc >= 0;
}

static gboolean run_statistics(struct session *session, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	image_say_statistics(session);
	return TRUE;
}

const struct command command_images[] = {
	{"open", "o", "[-rnkmUC] [-t cache] [-d discard] [-i engine] [-f format] [-o options] [path]",
	 "open an image",
	 "What is not given is as on the command line.\n" IMAGE_LETTER_HELP
	 "  -o KEY=VALUE,...  as --image-opts; see qrt-io(1)\n",
	 FALSE, -1, run_open},
	{"close", "c", "", "wait for what is on its way, and close the image", NULL, TRUE, 0, run_close},
	{"reopen", NULL, "[-r | -w] [-c cache] [-o options]", "open the image with other options", NULL, TRUE,
	 -1, run_reopen},
	{"length", "l", "", "how long the image is", NULL, TRUE, 0, run_length},
	{"info", "i", "", "format, engine, limits", NULL, TRUE, 0, run_info},
	{"map", NULL, "", "what is allocated, and what is holes", NULL, TRUE, 0, run_map},
	{"alloc", "a", "off [len]", "how much is allocated from there on", NULL, TRUE, 2, run_alloc},
	{"truncate", "t", "[-m off | falloc | full] off", "make the image longer or shorter",
	 "  -m falloc, full  what is new has its space from the start: zeroes are written\n", TRUE, -1,
	 command_truncate},
	{"cut_power", NULL, "", "lose by chance what no flush made safe",
	 "For tests, with -o fault.power=on.\n", TRUE, 0, run_cut_power},
	{"statistics", NULL, "", "requests so far, by priority", NULL, TRUE, 0, run_statistics},
	{NULL},
};
