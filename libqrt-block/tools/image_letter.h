/* SPDX-License-Identifier: MIT */
/* Options of one letter that say how an image is opened: the program's, and those of `open`. */
#ifndef QRT_IO_IMAGE_LETTER_H
#define QRT_IO_IMAGE_LETTER_H

#include "image_option.h"

/* As getopt(3) has them. */
#define IMAGE_LETTERS "rsnCkmUt:d:i:f:o:"
#define IMAGE_LETTER_HELP                                                                                    \
	"  -r  read only\n"                                                                                  \
	"  -t none|writeback|writethrough|directsync|unsafe  how it is cached (default writeback)\n"         \
	"  -n  as -t none\n"                                                                                 \
	"  -i auto|threads|libaio|io_uring  the engine; native is libaio\n"                                  \
	"  -k  as -i libaio\n"                                                                               \
	"  -d unmap|ignore  what a discard does\n"                                                           \
	"  -U  others may write to it meanwhile\n"                                                           \
	"  -m  buffers that are not aligned\n"                                                               \
	"  -f FORMAT  raw, or qcow2 (with -r); without it the file tells, or is refused; -C is taken, and "  \
	"does "                                                                                              \
	"nothing to it\n"

/* FALSE: it was said, in a line that begins with `where`, what is wrong. */
gboolean image_letter_set(struct image_options *options, const char *where, int letter, const char *value);

#endif
