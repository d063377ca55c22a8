/* SPDX-License-Identifier: MIT */
/* What a program on a command line says, and with which code it ends. */
#ifndef QRT_TOOL_SAY_H
#define QRT_TOOL_SAY_H

#include <glib.h>

#define EXIT_OK     0
#define EXIT_FAILED 1
#define EXIT_USAGE  2

/* The program's, which defines it. */
extern const char tool_name[];

/* "NAME: MESSAGE" on standard error, one line. */
void complain(const char *format, ...) G_GNUC_PRINTF(1, 2);

/* The ending of a word that is counted: "" for one, else "s". */
const char *plural(unsigned long long count);

/* Makes question marks of what is not printable ASCII, in place: names come from anywhere. Returns text. */
char *clean_text(char *text);

/* The program's exit code: what was printed may still be in the buffer when the disk is full, and that is no
 * success. */
int end_output(int code);

#endif
