/* SPDX-License-Identifier: MIT */
/* The folder of recordings: so many, so large, and then the oldest goes. */
#ifndef QRT_LAUNCHER_RECORDER_STORE_H
#define QRT_LAUNCHER_RECORDER_STORE_H

#include <stddef.h>

#define RECORDER_STORE_FILES 32
#define RECORDER_STORE_BYTES (64u << 20)

/* Opens, and where it is missing makes, a folder of this user's alone: `path`, or NULL for ".records" in the
 * run directory. Returns a descriptor, or a negative errno after a word. */
int recorder_store_open(const char *path, int run_fd);
/* The folder in words. Returns buf. */
const char *recorder_store_describe(const char *path, char *buf, size_t size);
/* Writes NAME-DATE-TIME.json as a whole and removes what is too much then. *ret_file: its name, freed by
 * g_free(). Says nothing. */
int recorder_store_write(int folder_fd, const char *name, const char *text, size_t len, char **ret_file);

#endif
