/* SPDX-License-Identifier: MIT */
/* The commands of qrt-shmem, one file each. */
#ifndef QRT_SHMEM_TOOL_H
#define QRT_SHMEM_TOOL_H

#include "tool_say.h"

/* argv[0] is the command's name. They return the exit code. */
int command_serve(char **argv);
int command_ls(char **argv);
int command_ring(char **argv);
int command_send(char **argv);
int command_recv(char **argv);
int command_dump(char **argv);
int command_bench(char **argv);

#endif
