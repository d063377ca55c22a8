/* SPDX-License-Identifier: MIT */
/* The plan that `check` and `plan` look at: from a file, from -rt options, or made for this host. */
#ifndef QRT_LAUNCHER_PLAN_REQUEST_H
#define QRT_LAUNCHER_PLAN_REQUEST_H

#include <json-glib/json-glib.h>
#include <qrt/sched.h>
#include <stdbool.h>

#define PLAN_FINDINGS_MAX 64

struct plan_request {
	struct qrt_sched_plan *plan;
	struct qrt_sched_host host;
	struct qrt_sched_vm vm;
	bool given;     /* a file or an option said something */
	bool wants_kvm; /* QEMU's arguments ask for KVM, with nothing else to fall back to */
	char **vm_argv; /* QEMU's command line, borrowed; NULL: none */
	int vm_argc;
	size_t findings_count;
	struct qrt_sched_finding findings[PLAN_FINDINGS_MAX];
};

/* What the plan asks of the host, over all roles. */
struct plan_needs {
	bool realtime, nice, lock;
	int priority; /* the highest */
};

int plan_request_open(struct plan_request *request);
void plan_request_close(struct plan_request *request);

/* Takes argv[*index], if it is --plan, -rt, -- or QEMU's command line, and moves *index behind it.
 * Returns 1 when taken, 0 when it is something else; on an error, which was said, the negative exit code. */
int plan_request_take(struct plan_request *request, int argc, char **argv, int *index);

/* Reads the VM's shape out of QEMU's arguments. */
void plan_request_read_vm(struct plan_request *request);

/* Reads the host, completes the plan and lints it. Returns an exit code; what was wrong was said. */
int plan_request_finish(struct plan_request *request);

/* 1 when lint found a fault. */
bool plan_request_has_fault(const struct plan_request *request);
void plan_request_get_needs(const struct plan_request *request, struct plan_needs *ret_needs);

const char *plan_severity_name(uint32_t severity);
/* How many threads of a role the VM can have, as far as known; at least 1. */
uint32_t plan_request_count_threads(const struct plan_request *request, enum qrt_sched_role role);

void plan_print_findings(const struct plan_request *request);
void plan_build_findings(const struct plan_request *request, JsonBuilder *builder);
/* Prints what the builder built; consumes it. */
void plan_print_json(JsonBuilder *builder);

#endif
