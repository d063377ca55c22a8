/* SPDX-License-Identifier: MIT */
/* What lies in buffers. */
#ifndef QRT_IO_PATTERN_H
#define QRT_IO_PATTERN_H

#include <glib.h>
#include <stdio.h>

/* Fills with what a file has, over and over. FALSE: it was said why not. */
gboolean pattern_fill_from(guint8 *buffer, gsize length, const char *path);
/* Where the first byte is that is another one; `length`: there is none. */
gsize pattern_find_other(const guint8 *buffer, gsize length, guint8 pattern);
/* Lines of 16 bytes, as hexadecimal numbers and characters; `offset` is the first one's. */
void pattern_dump(FILE *file, const guint8 *buffer, gsize length, guint64 offset);

#endif
