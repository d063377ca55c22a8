/* SPDX-License-Identifier: MIT */
/* What QEMU's arguments say of guest memory, and what makes it of huge pages. */
#ifndef QRT_LAUNCHER_VM_MEMORY_H
#define QRT_LAUNCHER_VM_MEMORY_H

#include <glib.h>
#include <qrt/sched.h>

struct vm_memory {
	uint64_t size; /* bytes, 0: not said, or not understood */
	char own[40];  /* which option says what it is made of: "-mem-path"; empty: none does */
};

/* Never fails. A memory backend that is for a device alone says nothing. */
void vm_memory_read(int argc, char *const *argv, struct vm_memory *ret_memory);

/* Bytes of a huge page, 0 where guest memory is not to be made of these. */
uint64_t vm_memory_get_page(uint32_t hugepages);
/* Adds arguments that make guest memory of huge pages that are all there before the guest is; none where
 * there is nothing to be made so, or QEMU's arguments see to it themselves. */
void vm_memory_add_arguments(const struct vm_memory *memory, uint32_t hugepages, GPtrArray *argv);

#endif
