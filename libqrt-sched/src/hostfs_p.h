/* SPDX-License-Identifier: MIT */
/* Files of the kernel that are changed, not only read. Tests of the hidden core replace the table. */
#ifndef QRT_SCHED_HOSTFS_P_H
#define QRT_SCHED_HOSTFS_P_H

#include <stddef.h>

/* Longest path, with its NUL, that is written to or kept. */
#define QRT_SCHED_P_PATH 384

/* Every function returns 0 or a negative errno. */
struct qrt_sched_p_hostfs {
	int (*write)(const char *path, const char *text); /* in one piece, to a file that is there */
	int (*make)(const char *path);                    /* a folder */
	int (*remove)(const char *path);                  /* an empty one */
};

/* The kernel's table, unless a test put its own there. It changes nothing outside of the file systems by
 * which the kernel shows its own settings (proc, sysfs, cgroup, resctrl): -EXDEV. */
extern const struct qrt_sched_p_hostfs *qrt_sched_p_hostfs;
extern const struct qrt_sched_p_hostfs qrt_sched_p_hostfs_kernel;

/* A file's text without the white space at its end. Returns its length. */
int qrt_sched_p_read_trimmed(const char *path, char *buf, size_t size);
/* A file of unknown length, NUL-terminated, freed by free(). Returns its length, -EFBIG above 16 MiB. */
int qrt_sched_p_read_long(const char *path, char **ret_text);
/* 1 when the path is there. */
int qrt_sched_p_exists(const char *path);
/* Calls found() with the name of each entry of a folder, until it returns other than 0, which is returned. */
int qrt_sched_p_list(const char *path, int (*found)(const char *name, void *data), void *data);
/* FOLDER/NAME. -ENAMETOOLONG. */
int qrt_sched_p_join(char path[QRT_SCHED_P_PATH], const char *folder, const char *name);
/* 1 when `word` is one of the words of a text, which blanks or commas separate. */
int qrt_sched_p_has_word(const char *text, const char *word);

#endif
