/* SPDX-License-Identifier: MIT */
/* Numbers of bytes as people write them, and as they read them. */
#ifndef QRT_SIZE_TEXT_H
#define QRT_SIZE_TEXT_H

#include <stddef.h>
#include <stdint.h>

#define SIZE_TEXT_BYTES 32

/* "65536", "0x10000", "64k", "1.5M", "2E", "512b", as QEMU's tools take them: letters are powers of 1024, in
 * either case. A fraction needs a letter, and a part of a byte is rounded to the nearest. -EINVAL: no such
 * number; -ERANGE: above 2^63 - 1. */
int size_text_parse(const char *text, uint64_t *ret_bytes);

/* "512 bytes", "4 KiB", "1.500 KiB": three digits behind the point, or none where all are 0. */
void size_text_format(double bytes, char text[static SIZE_TEXT_BYTES]);

#endif
