/* SPDX-License-Identifier: MIT */
/* What QEMU's command line says about the VM, as far as a launcher has to know it. */
#ifndef QRT_LAUNCHER_VM_ARGS_H
#define QRT_LAUNCHER_VM_ARGS_H

#include <qrt/sched.h>
#include <stdbool.h>

enum vm_accel {
	VM_ACCEL_UNNAMED, /* QEMU's choice */
	VM_ACCEL_TCG,
	VM_ACCEL_KVM,        /* with nothing to fall back to */
	VM_ACCEL_KVM_OR_TCG, /* TCG where KVM cannot be had */
};

struct vm_args {
	struct qrt_sched_vm vm;
	char name[65];      /* the guest's, empty where none was given; cut where it is longer */
	bool daemonize;     /* QEMU would leave its parent */
	bool unnamed;       /* debug-threads=off */
	bool has_plan;      /* -rt, of a QEMU that has it itself */
	bool lacks_pci;     /* a machine of which it is known that it has no PCI bus */
	bool has_pcie;      /* -machine pcie=on */
	char smp_wrong[80]; /* what of -smp gives no number of CPUs, "cpus=0"; empty: nothing */
	enum vm_accel accel;
	uint32_t topology; /* product of what -smp says about sockets, cores, ... */
	uint32_t cpus;     /* -smp n */
	uint32_t maxcpus;
};

/* argv[0] is QEMU's program. Never fails: what it does not understand is QEMU's to refuse, but for the number
 * of CPUs, on which a plan builds. */
void vm_args_read(int argc, char *const *argv, struct vm_args *ret_args);

/* Behind the first "key=value" and its comma; ",," is a comma of the value. */
const char *vm_args_skip_pair(const char *text);
/* True when the first "key=value" forbids QEMU to name its threads. */
bool vm_args_leaves_unnamed(const char *text);
/* True when the option `argument` of QEMU ("-smp", "--smp") is followed by a value. */
bool vm_args_takes_value(const char *argument);

#endif
