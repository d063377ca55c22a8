/* SPDX-License-Identifier: MIT */
/* QEMU's program: found, and fit to be run under a plan. */
#ifndef QRT_LAUNCHER_PROGRAM_H
#define QRT_LAUNCHER_PROGRAM_H

#include <stdbool.h>

/* The path of a program as execvp(3) finds it. Returns an exit code (127, 126) after having said why, 0
 * with *ret_path (freed by g_free()). */
int program_find(const char *name, char **ret_path);

/* Whether it can be run, and, with `preload`, whether the loader will take the library in. As above. */
int program_check(const char *path, bool preload);

/* Whether it has -rt itself, so that nothing needs to be preloaded. False where that cannot be read. */
bool program_takes_plan(const char *path);

/* The preload library's path, NULL where there is none, which was said. Freed by g_free(). */
char *program_find_preload(void);

#endif
