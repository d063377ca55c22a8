/* SPDX-License-Identifier: MIT */
/* How an image is opened, as options say it: on the command line, behind `open`, and as KEY=VALUE. */
#ifndef QRT_IO_IMAGE_OPTION_H
#define QRT_IO_IMAGE_OPTION_H

#include <glib.h>
#include <qrt/block.h>

struct image_options {
	char *path; /* NULL: none */
	guint32 engine;
	gboolean is_read_only, is_shared;
	gboolean has_format;         /* it was said: else it is looked for */
	guint32 format;              /* enum qrt_block_format */
	gboolean is_backed;          /* files that an image names are opened, too */
	gboolean is_direct;          /* past the page cache */
	gboolean is_written_through; /* each write is safe when it is done */
	gboolean is_flush_ignored;
	gboolean is_discard_ignored;
	gboolean is_misaligned;                    /* buffers that do not suit DIRECT */
	guint32 workers, depth;                    /* 0: the library's */
	guint32 queues;                            /* that are opened; 0: one */
	gboolean is_blocking;                      /* queues for threads that wait for their requests */
	guint64 create, memory_bytes;              /* 0: none is made, none of MEMORY */
	guint64 throttle_requests, throttle_bytes; /* a second; 0: no limit */
	gboolean has_fault;
	struct qrt_block_fault_config fault;
};

void image_options_init(struct image_options *options);
void image_options_copy(struct image_options *to, const struct image_options *from);
void image_options_clear(struct image_options *options);

/* A line for each key. */
void image_options_print(void);
/* Takes one in. FALSE: it was said, in one line that begins with `where`, what is wrong. */
gboolean image_options_set(struct image_options *options, const char *where, const char *key,
			   const char *value);
/* "KEY=VALUE,KEY=VALUE"; ",," is a comma in a value. What was right until then stays. */
gboolean image_options_set_all(struct image_options *options, const char *where, const char *text);

/* The name of a format, as options have it. */
const char *image_format_name(guint32 format);
/* The name of an engine, as options have it; and back, -1: none. */
const char *image_engine_name(guint32 engine);
int image_engine_find(const char *name);

#endif
