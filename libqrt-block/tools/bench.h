/* SPDX-License-Identifier: MIT */
#ifndef QRT_IO_BENCH_H
#define QRT_IO_BENCH_H

/* argv[0] is the command's name. Returns the exit code. */
int command_bench(char **argv);

#endif
