/* SPDX-License-Identifier: MIT */
/* The word that stands where QEMU's program belongs. */
#ifndef QRT_LAUNCHER_PROGRAM_WORD_H
#define QRT_LAUNCHER_PROGRAM_WORD_H

#include <stdbool.h>

/* False where it is an option of QEMU, a plan file, or a program that starts another one, which was said. */
bool program_word_check(const char *command, const char *word);

#endif
