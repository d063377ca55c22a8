/* SPDX-License-Identifier: MIT */
/* One running VM and all that its launcher does for it. */
#ifndef QRT_LAUNCHER_SUPERVISOR_H
#define QRT_LAUNCHER_SUPERVISOR_H

#include "library.h"
#include "state.h"
#include "watch.h"

#include <glib.h>
#include <qrt/sched_record.h>
#include <stdbool.h>
#include <sys/types.h>

struct agent_link;
struct guest;
struct qmp;
struct control;
struct governor;
struct host_keeper;
struct others;
struct locks;
struct rank;
struct notify;
struct recorder;
struct recorder_options;

struct supervisor {
	/* Set by the caller, and the caller's. */
	const struct qrt_sched_plan *plan;
	struct qrt_sched_vm vm;
	struct state *state;
	struct qrt_sched_recorder *recorder;
	struct locks *locks;      /* NULL: none */
	struct agent_link *agent; /* NULL: the guest says nothing */
	struct state_record record;
	const char *program;
	int pidfd, broker_fd, qmp_fd, signal_fd;
	enum library library;
	bool verbose;
	struct recorder_options *record_options; /* NULL: it records, no more */
	bool is_attached; /* QEMU was there before, is no child of ours, and outlives us */
	/* Once its threads are in their roles; NULL: nobody wants to know. */
	void (*ready)(struct supervisor *supervisor, void *data);
	void *ready_data;

	/* The supervisor's own. */
	GMainLoop *loop;
	struct qrt_sched_cpus cpus; /* this process's, before it left the vCPUs' */
	struct watch watch;
	struct qrt_sched_snapshot *outside; /* kernel threads as they were */
	GHashTable *strangers;              /* processes that are no thread of this VM */
	struct qmp *qmp;
	struct control *control;
	struct rank *rank;
	struct notify *notify; /* NULL: nobody wants to know */
	struct governor *governor;
	struct host_keeper *keeper;              /* of the whole host, NULL: none */
	struct others *others;                   /* whose launcher is killed, NULL: nobody looks */
	struct recorder *flight;                 /* NULL: none */
	struct guest *guest;                     /* NULL: nothing is known of it */
	const struct qrt_sched_plan *first_plan; /* QEMU knows no other */
	const struct qrt_sched_plan *boot_plan;  /* while its guest is not ready; NULL: time-shared */
	struct qrt_sched_plan *changed_plan;     /* in the place of the first one, NULL: none */
	uint32_t generation;
	guint broker_source;
	int let_go;     /* an attached VM's threads are as they were: 1 + their number; not all: the error */
	bool is_stuck;  /* it ended, and something could not be put back */
	bool newcomers; /* threads without a role appeared since the monitor was asked */
	int pool;       /* QEMU keeps as many workers as planned: 1, it refused: 0, no answer: -1 */
	gint64 started_us, terminated_us;
	char guest_state[32], accelerator[8];
	int wait_status; /* of QEMU, once it ended */
	int wait_error;  /* why that is not known, 0 */
};

/* Watches QEMU until it ended; what was changed outside of it is put back. Returns an exit code. */
int supervisor_run(struct supervisor *supervisor);

/* Looks through QEMU's threads: newcomers get their roles, those that ended are forgotten. */
void supervisor_scan(struct supervisor *supervisor);
/* Looks for kernel threads that work for this VM. */
void supervisor_scan_kernel(struct supervisor *supervisor);
/* Writes down how the threads were that are changed outside of QEMU, or before it was ours. */
int supervisor_save_outside(struct supervisor *supervisor);

/* Those that stand above the VM and do what the plan says all the time: slices from outside, budgets. */
void supervisor_open_keepers(struct supervisor *supervisor);
void supervisor_close_keepers(struct supervisor *supervisor);

/* Takes what threads say of themselves; the descriptor stays the caller's. */
void broker_open(struct supervisor *supervisor);
void broker_drain(struct supervisor *supervisor);

/* Before the VM does its first step: it may spin before there is a supervisor. */
void rank_rise(const struct qrt_sched_plan *plan, const struct locks *locks);
/* Gives the supervisor itself its priority and CPUs. */
void rank_open(struct supervisor *supervisor);
void rank_close(struct supervisor *supervisor);
/* How who must be above the VM runs. False where none of its threads is real-time. */
bool rank_get_lifted(const struct supervisor *supervisor, struct qrt_sched_setting *ret_setting);
/* Says that the supervisor has had its turn. */
void rank_beat(struct supervisor *supervisor);

void qmp_open(struct supervisor *supervisor);
void qmp_close(struct supervisor *supervisor);
/* Asks for the ids of vCPU threads and iothreads. */
void qmp_ask_threads(struct supervisor *supervisor);
/* Asks for the guest's state, and how long that takes. */
void qmp_ask_status(struct supervisor *supervisor);
/* For how many ns the oldest question is without an answer, 0: there is none. */
uint64_t qmp_get_silence(const struct supervisor *supervisor);
/* Asks it to stop the guest; recorder_note_stop() is told what came of it. False where it takes no command.
 */
bool qmp_stop(struct supervisor *supervisor);

int control_open(struct supervisor *supervisor);
void control_close(struct supervisor *supervisor);
/* The answer to "status", one line, freed by g_free(). */
char *report_status(struct supervisor *supervisor);

#endif
