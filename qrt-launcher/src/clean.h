/* SPDX-License-Identifier: MIT */
/* Text that somebody else chose, such as the name of a thread: no byte of it steers a terminal. */
#ifndef QRT_LAUNCHER_CLEAN_H
#define QRT_LAUNCHER_CLEAN_H

/* Makes a question mark of every byte that is not printable ASCII. Returns text. */
char *clean_text(char *text);

/* A JSON text (UTF-8, on one line) with every control character in it escaped, freed by g_free(). What it
 * says stays the same: such characters are in strings only. */
char *clean_json(const char *text);

#endif
