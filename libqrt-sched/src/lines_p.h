/* SPDX-License-Identifier: MIT */
/* Texts of lines that outlive their process: how they are put together and taken apart. */
#ifndef QRT_SCHED_LINES_P_H
#define QRT_SCHED_LINES_P_H

#include <stddef.h>

struct qrt_sched_p_lines {
	char *buf;
	size_t size, len; /* len goes on beyond size, so that the caller can ask */
};

/* Appends what there is room for, with a NUL. */
void qrt_sched_p_lines_put(struct qrt_sched_p_lines *lines, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Copies the next line, without its newline. Returns its length with it, 0 at the end, -EINVAL where it is
 * too long for `size`, cut short, or not text. */
int qrt_sched_p_lines_take(const char *text, size_t len, char *line, size_t size);
/* What tells this boot from others, "unknown" where the kernel does not say: thread numbers mean nothing in
 * another one. */
void qrt_sched_p_read_boot(char *ret_boot, size_t size);

#endif
