/* SPDX-License-Identifier: MIT */
#ifndef QRT_LAUNCHER_LIBRARY_H
#define QRT_LAUNCHER_LIBRARY_H

/* Where libqrt-sched is in QEMU. */
enum library {
	LIBRARY_NONE,      /* nowhere: threads are placed from outside, after their birth */
	LIBRARY_PRELOADED, /* loaded into a stock QEMU */
	LIBRARY_BUILT_IN,  /* QEMU has -rt itself */
};

/* "none", "preloaded", "built-in", as `status --json` has it. */
const char *library_get_name(enum library library);
/* The same for people, behind other words: ", without preload"; nothing where it is as usual. */
const char *library_describe(const char *name);

#endif
