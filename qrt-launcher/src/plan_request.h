/* SPDX-License-Identifier: MIT */
/* The plan that `run`, `check` and `plan` look at: from a file, from -rt options, or made for this host. */
#ifndef QRT_LAUNCHER_PLAN_REQUEST_H
#define QRT_LAUNCHER_PLAN_REQUEST_H

#include "launch.h"
#include "neighbours.h"
#include "vm_args.h"
#include "vm_memory.h"

#include <json-glib/json-glib.h>
#include <qrt/sched.h>
#include <stdbool.h>

#define PLAN_FINDINGS_MAX 64

struct plan_request {
	const char *command; /* of the launcher, for messages */
	struct qrt_sched_plan *plan;
	struct qrt_sched_host host;
	const struct qrt_sched_cpus
		*own_cpus; /* this process's where it left some, borrowed; NULL: as they are */
	struct qrt_sched_vm vm;
	bool given;              /* a file or an option said something; once finished: of a role */
	bool wants_default;      /* -rt default: what they left open is as in the default plan */
	bool no_preload;         /* nothing will lock memory in QEMU */
	uint32_t said;           /* roles that a file or an option named: bit n is role n */
	struct launch_user user; /* --user */
	enum vm_accel accel;     /* what QEMU's arguments ask for */
	char **vm_argv;          /* QEMU's command line, borrowed; NULL: none */
	int vm_argc;
	struct vm_memory memory;      /* as QEMU's arguments have it */
	struct neighbours neighbours; /* VMs that run */
	size_t findings_count;
	struct qrt_sched_finding findings[PLAN_FINDINGS_MAX]; /* the worst first */
};

/* What the plan asks of the host, over all roles. */
struct plan_needs {
	bool realtime, nice, lock;
	int priority; /* the highest */
};

int plan_request_open(struct plan_request *request, const char *command);
void plan_request_close(struct plan_request *request);

/* Takes argv[*index], if it is --plan, -rt, --user, -- or QEMU's command line, and moves *index behind it.
 * Returns 1 when taken, 0 when it is something else; on an error, which was said, the negative exit code. */
int plan_request_take(struct plan_request *request, int argc, char **argv, int *index);

/* Reads the VM's shape out of QEMU's arguments. Returns an exit code; what was wrong was said. */
int plan_request_read_vm(struct plan_request *request);
/* "TCG (QEMU's choice: no accelerator is named)": the guest's code, and how that is known. */
const char *plan_request_describe_accel(const struct plan_request *request);

/* Reads the host, completes the plan and lints it. Returns an exit code; what was wrong was said. */
int plan_request_finish(struct plan_request *request);
/* The same for a VM of this name that runs. Touches and says nothing; an error has its words in reterr. */
int plan_request_judge_running(struct plan_request *request, const struct qrt_sched_vm *vm, const char *name,
			       struct qrt_sched_error *reterr);
/* Takes "default" off the front of an option. Returns what is left of it. */
const char *plan_request_skip_default(struct plan_request *request, const char *text);
/* Gives the roles that `plan` leaves open what the default plan has for them. */
int plan_request_complete(const struct plan_request *request, struct qrt_sched_plan *plan,
			  struct qrt_sched_error *reterr);

/* Whether QEMU will be allowed to lock its memory goes into the host's flags, for lint. */
void plan_lock_foresee(struct plan_request *request);
/* Findings that need more than the plan and the host: other VMs, how QEMU is started. */
void plan_judge(struct plan_request *request);
/* Huge pages and nodes for the memory that QEMU's arguments speak of. */
void plan_judge_pages(struct plan_request *request);
/* vCPUs and the nodes of their memory, as /sys has them below `root`. */
void plan_judge_nodes(struct plan_request *request, const char *root);

/* A new finding without words, behind those that are as bad; NULL where there is no room. */
struct qrt_sched_finding *plan_finding_add(struct plan_request *request, enum qrt_sched_severity severity,
					   const char *code);
/* The first of that code, or NULL. */
struct qrt_sched_finding *plan_finding_find(struct plan_request *request, const char *code);
void plan_finding_remove(struct plan_request *request, const char *code);

/* 1 when lint found a fault. */
bool plan_request_has_fault(const struct plan_request *request);
void plan_request_get_needs(const struct plan_request *request, struct plan_needs *ret_needs);
/* Where the plan's real-time vCPUs may run, for other VMs' launchers. */
void plan_request_get_place(const struct plan_request *request, struct state_place *ret_place);

const char *plan_severity_name(uint32_t severity);
/* How many threads of a role the VM can have, as far as known; at least 1. */
uint32_t plan_request_count_threads(const struct plan_request *request, enum qrt_sched_role role);

void plan_print_findings(const struct plan_request *request);
/* "warning: plan (line 3): ...; remedy" on standard error. */
void plan_complain_of(const struct qrt_sched_finding *finding);
void plan_build_findings(const struct plan_request *request, JsonBuilder *builder);
/* Prints what the builder built; consumes it. */
void plan_print_json(JsonBuilder *builder);

#endif
