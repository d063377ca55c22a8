/* SPDX-License-Identifier: MIT */
/* What the supervisor of a VM tells blame: threads with their roles, the plan, the mutex recorder. */
#ifndef QRT_LAUNCHER_BLAME_VM_H
#define QRT_LAUNCHER_BLAME_VM_H

#include "blame_threads.h"

#include <qrt/sched_record.h>

struct blame_vm {
	char name[65]; /* empty: a process that no launcher supervises */
	int32_t pid;
	struct qrt_sched_plan *plan;         /* NULL: none */
	struct qrt_sched_recorder *recorder; /* NULL: none */
	GArray *told;                        /* struct blame_thread */
};

/* Asks the supervisor of the VM `name`. Returns 0; or a negative exit code, after a word. */
int blame_vm_ask(struct blame_vm *vm, const char *name);
/* Any process: roles by names of threads, no recorder. */
int blame_vm_take_process(struct blame_vm *vm, int32_t pid);
void blame_vm_clear(struct blame_vm *vm);

#endif
