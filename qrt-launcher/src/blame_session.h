/* SPDX-License-Identifier: MIT */
/* One run of blame over a VM or process: records, samples and mutex waits in, a report out. */
#ifndef QRT_LAUNCHER_BLAME_SESSION_H
#define QRT_LAUNCHER_BLAME_SESSION_H

#include "blame_report.h"
#include "blame_vm.h"

struct blame_options {
	uint64_t over_ns;
	uint64_t length_ns;
	uint32_t roles; /* bit per role */
	size_t top;
	bool json, help;
	bool last;        /* what the VM's supervisor has recorded */
	const char *file; /* what it has kept */
	const char *name; /* of a VM; else */
	int32_t pid;
};

/* Runs until the time is over, the VM ends or a signal comes, and prints. Returns an exit code. */
int blame_session_run(const struct blame_options *options, struct blame_vm *vm);

#endif
