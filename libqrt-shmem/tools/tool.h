/* SPDX-License-Identifier: MIT */
/* The commands of qrt-shmem, one file each, and what all of them use. */
#ifndef QRT_SHMEM_TOOL_H
#define QRT_SHMEM_TOOL_H

#include <glib.h>

#define EXIT_OK     0
#define EXIT_FAILED 1
#define EXIT_USAGE  2

/* argv[0] is the command's name. They return the exit code. */
int command_serve(char **argv);
int command_ls(char **argv);
int command_ring(char **argv);
int command_send(char **argv);
int command_recv(char **argv);
int command_dump(char **argv);
int command_bench(char **argv);

/* "qrt-shmem: MESSAGE" on standard error, one line. */
void complain(const char *format, ...) G_GNUC_PRINTF(1, 2);

/* The ending of a word that is counted: "" for one, else "s". */
const char *plural(unsigned long long count);

/* Makes question marks of what is not printable ASCII, in place: names come from anywhere. Returns text. */
char *clean_text(char *text);

#endif
