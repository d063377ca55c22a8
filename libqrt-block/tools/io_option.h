/* SPDX-License-Identifier: MIT */
/* What the commands that read and write take, with QEMU's letters. */
#ifndef QRT_IO_IO_OPTION_H
#define QRT_IO_IO_OPTION_H

#include <glib.h>
#include <qrt/block.h>

/* As qemu-io has it: what a pattern is where none is given. */
#define IO_OPTION_PATTERN 0xcd

struct io_option {
	gboolean is_machine;  /* -C: numbers alone */
	gboolean is_quiet;    /* -q */
	gboolean is_dumped;   /* -v */
	gboolean is_fua;      /* -f */
	gboolean is_zeroes;   /* -z */
	gboolean is_unmapped; /* -u */
	gboolean is_bounced;  /* --bounce */
	gboolean has_pattern; /* -P */
	guint8 pattern;
	char *source; /* -s of a write: a file */
	gboolean has_part;
	guint64 part_offset,
		part_length; /* -s and -l of a read: what of it is verified; length 0: the rest */
	guint32 priority;
	guint64 deadline_ns; /* from the submission on; 0: none */
	guint64 offset, length;
	GArray *lengths; /* guint64: those of the parts, one at least */
};

/* `letters`, as getopt(3) has them: those that this command knows. `many`: how many lengths it takes at most;
 * 0: no offset either. FALSE: it was said what is wrong. What came is cleared by the caller in either case.
 */
gboolean io_option_parse(struct io_option *option, const char *letters, guint many, int argc, char **argv);
void io_option_clear(struct io_option *option);

#endif
