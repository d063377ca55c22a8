/* SPDX-License-Identifier: MIT */
#ifndef QRT_BLOCK_ERROR_P_H
#define QRT_BLOCK_ERROR_P_H

#include <qrt/block.h>

#include "struct_p.h"

/* Fills *reterr (may be NULL) with a negative errno and one line of text without control characters, cut to
 * its size. Returns code, so that a caller can end with it. */
int qrt_block_p_error(struct qrt_block_error *reterr, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
