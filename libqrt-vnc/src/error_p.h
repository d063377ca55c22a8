/* SPDX-License-Identifier: MIT */
#ifndef QRT_VNC_ERROR_P_H
#define QRT_VNC_ERROR_P_H

#include <qrt/vnc.h>

#include "struct_p.h"

/* Fills *reterr (may be NULL) with a negative errno and one line of text without control characters, cut to
 * its size. Returns code, so that a caller can end with it. */
int qrt_vnc_p_error(struct qrt_vnc_error *reterr, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
