/* SPDX-License-Identifier: MIT */
/*
 * For the static analyser alone, included before every file: after a failed call errno is positive.
 * It does not know that, takes `return -errno` for a possible success, and warns of what follows.
 * Clang 14 cannot negate a symbol, so the model names some values that code tells apart.
 */
#ifndef QRT_ERRNO_MODEL_H
#define QRT_ERRNO_MODEL_H

#include <errno.h>

int qrt_errno_choice(void);

static inline int *qrt_errno_of_failure(void)
{
	int *value = __errno_location();

	switch (qrt_errno_choice()) {
	case 0:
		*value = EINTR;
		break;
	case 1:
		*value = EPERM;
		break;
	case 2:
		*value = ENOENT;
		break;
	default:
		*value = EIO;
	}
	return value;
}

#undef errno
#define errno (*qrt_errno_of_failure())

#endif
