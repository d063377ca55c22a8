/* SPDX-License-Identifier: MIT */
/* "key=value,key=value", as QEMU's options have it. */
#ifndef QRT_LAUNCHER_VM_ARGS_PAIR_H
#define QRT_LAUNCHER_VM_ARGS_PAIR_H

struct vm_args_pair {
	char key[64], value[128]; /* cut where they are longer */
};

/* Takes "key=value" (or "value", whose key is `implied`) and its comma off the text; ",," is a comma. Returns
 * where the text goes on. */
const char *vm_args_take_pair(const char *text, const char *implied, struct vm_args_pair *ret_pair);

#endif
