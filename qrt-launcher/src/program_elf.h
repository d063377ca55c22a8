/* SPDX-License-Identifier: MIT */
/* What a program's ELF file says of it. The file may be cut, corrupt or hostile: then it says nothing. */
#ifndef QRT_LAUNCHER_PROGRAM_ELF_H
#define QRT_LAUNCHER_PROGRAM_ELF_H

#include <stdbool.h>

/* Whether the loader links it when it starts. */
bool program_elf_has_loader(int fd);

/*
 * Whether it runs under a plan of its own, given by -rt: it needs libqrt-sched.so and calls
 * qrt_sched_process_open() there. That it needs the library alone does not say so: tools link it to read
 * plans or to place other processes. The call does: it has the process's own threads placed, of which there
 * can be one plan, so that the preload library would be a second one beside it. The program is not run to be
 * asked, since it could do anything.
 */
bool program_elf_takes_plan(int fd);

#endif
