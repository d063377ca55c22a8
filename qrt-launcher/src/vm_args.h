/* SPDX-License-Identifier: MIT */
/* What QEMU's command line says about the VM, as far as a launcher has to know it. */
#ifndef QRT_LAUNCHER_VM_ARGS_H
#define QRT_LAUNCHER_VM_ARGS_H

#include <qrt/sched.h>
#include <stdbool.h>

struct vm_args {
	struct qrt_sched_vm vm;
	char name[65];     /* the guest's, empty where none was given; cut where it is longer */
	bool daemonize;    /* QEMU would leave its parent */
	bool unnamed;      /* debug-threads=off */
	bool kvm;          /* KVM, with nothing else to fall back to */
	bool has_accel;    /* an accelerator was named */
	uint32_t topology; /* product of what -smp says about sockets, cores, ... */
	uint32_t cpus;     /* -smp n */
	uint32_t maxcpus;
};

/* argv[0] is QEMU's program. Never fails: what it does not understand is QEMU's to refuse. */
void vm_args_read(int argc, char *const *argv, struct vm_args *ret_args);

/* 1 when the option `argument` of QEMU ("-smp", "--smp") is followed by a value. */
/* Behind the first "key=value" and its comma; ",," is a comma of the value. */
const char *vm_args_skip_pair(const char *text);
/* True when the first "key=value" forbids QEMU to name its threads. */
bool vm_args_leaves_unnamed(const char *text);
bool vm_args_takes_value(const char *argument);

#endif
