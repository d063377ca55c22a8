/* SPDX-License-Identifier: MIT */
/* Lines of resctrl's schemata, "L3:0=ff;1=f": for each domain of a resource its ways, as a mask. */
#ifndef QRT_SCHED_SCHEMATA_P_H
#define QRT_SCHED_SCHEMATA_P_H

#include <stddef.h>

/* Longest line, with its NUL. */
#define QRT_SCHED_P_SCHEMATA_LINE 4096

/* 1 for the file of such lines. */
int qrt_sched_p_schemata_is_file(const char *path);
/* 1 for one line, written without blanks and zeros in front: as the functions below write it. */
int qrt_sched_p_schemata_is_line(const char *line);
/* The line of a file's text about the resource that another line names. -ENOENT; -EINVAL: not understood. */
int qrt_sched_p_schemata_find(const char *text, const char *like, char buf[QRT_SCHED_P_SCHEMATA_LINE]);
/* What is left of a line without the ways that another one has. -ERANGE: nothing in one of its domains. */
int qrt_sched_p_schemata_minus(const char *line, const char *other, char buf[QRT_SCHED_P_SCHEMATA_LINE]);

#endif
