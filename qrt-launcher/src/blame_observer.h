/* SPDX-License-Identifier: MIT */
/* blame as a program among those that it watches: its own place, and what it may. */
#ifndef QRT_LAUNCHER_BLAME_OBSERVER_H
#define QRT_LAUNCHER_BLAME_OBSERVER_H

#include "blame_threads.h"

/* Puts the caller where it disturbs least; leaves it where it is when that is not allowed. */
void blame_observer_place(const struct blame_threads *threads);
/* Lets the caller have as many files open as it may: each thread that is watched is one. */
void blame_observer_open_files(void);
/* Ticks that the machine below took so far, over all CPUs; UINT64_MAX where that cannot be read. */
uint64_t blame_observer_read_steal(void);
/* Says why blame_perf_open() failed, and the remedy; returns a negative exit code. */
int blame_observer_complain(int error);

#endif
