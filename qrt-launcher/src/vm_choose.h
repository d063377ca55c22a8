/* SPDX-License-Identifier: MIT */
/* Which VM a command is for, where it need not be named. */
#ifndef QRT_LAUNCHER_VM_CHOOSE_H
#define QRT_LAUNCHER_VM_CHOOSE_H

#include "state.h"

/* The VM of that name, whether it runs or not; NULL: the only one that runs. Returns the run directory, which
 * the caller closes, or a negative errno, having said why by the command's name. */
int vm_choose(const char *command, const char *name, char ret_name[STATE_NAME_MAX + 1]);

#endif
