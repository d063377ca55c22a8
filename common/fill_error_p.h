/* SPDX-License-Identifier: MIT */
/* What fills a library's own error struct, which has a code and a message: as its error_p.h declares it. */
#ifndef QRT_FILL_ERROR_P_H
#define QRT_FILL_ERROR_P_H

#include <stdarg.h>
#include <string.h>

#include "message_p.h"

#define QRT_P_DEFINE_ERROR(function, type)                                                                   \
	int function(type *reterr, int code, const char *format, ...)                                        \
	{                                                                                                    \
		va_list args;                                                                                \
                                                                                                             \
		if (!reterr)                                                                                 \
			return code;                                                                         \
		memset(reterr, 0, sizeof(*reterr));                                                          \
		reterr->code = code;                                                                         \
		va_start(args, format);                                                                      \
		qrt_p_message(reterr->message, sizeof(reterr->message), format, args);                       \
		va_end(args);                                                                                \
		return code;                                                                                 \
	}

#endif
