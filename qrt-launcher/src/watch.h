/* SPDX-License-Identifier: MIT */
/* The threads of one VM: their roles, and whether they run as planned. */
#ifndef QRT_LAUNCHER_WATCH_H
#define QRT_LAUNCHER_WATCH_H

#include <glib.h>
#include <qrt/sched.h>
#include <stdbool.h>

enum placed_by {
	PLACED_BY_NONE, /* seen, not yet in a role */
	PLACED_BY_SELF,
	PLACED_BY_BROKER,
	PLACED_BY_SUPERVISOR,
};

struct governor;
struct qrt_sched_saved;
struct locks;
struct slices;

struct watched {
	pid_t tid;
	char name[32];
	enum qrt_sched_role role;
	uint32_t index;
	enum placed_by placed_by;
	bool kernel;         /* a thread outside of QEMU's process */
	bool own_slices;     /* it ends its slices itself */
	bool fell_back;      /* the kernel refused it DEADLINE: its layer PLAN is the fallback */
	uint8_t climbs;      /* tries to give it DEADLINE that wait until it has run on its CPUs */
	bool wrong;          /* at the last look */
	uint32_t looks;      /* since its name last changed */
	uint32_t generation; /* of the scan that saw it last */
	uint64_t corrections;
	bool has_past;      /* it was there before its supervisor, and goes back to how it was */
	int error;          /* why it could not be placed, 0 */
	gint64 retry_at_us; /* where it could not */
	struct qrt_sched_thread *thread;
	struct locks *locks; /* the watch's */
	struct slices *slices;
};

struct watch {
	const struct qrt_sched_plan *plan;
	struct qrt_sched_setting fresh; /* a thread of QEMU without a plan */
	GHashTable *threads;            /* tid -> struct watched */
	struct locks *locks;            /* preempt locks of the vCPUs, NULL: none */
	struct slices *slices;          /* of who does not end them itself, NULL: they are the kernel's */
	struct governor *governor;      /* NULL: none */
	struct qrt_sched_saved *places; /* cgroups of those that entered a shield, NULL: nobody remembers */
	uint64_t corrections;
	bool verbose;
	bool is_released; /* the threads were put back: none is touched any more */
	bool is_lowered;  /* its threads run as the guest needs it while it is not ready */
	const struct qrt_sched_plan *boot_plan; /* which says how; NULL: real-time ones are time-shared */
	gint64 raised_us;                       /* when they were that last */
	bool said[QRT_SCHED_ROLES];             /* that a thread could not be placed */
	bool said_fallback[QRT_SCHED_ROLES];
	struct qrt_sched_error failure; /* the last of them */
};

/* Somebody says what a thread is. */
struct watch_entry {
	pid_t tid;
	enum qrt_sched_role role;
	int32_t index; /* -1: the next free of its role */
	enum placed_by placed_by;
	bool kernel;
	bool own_slices;
	const char *name; /* NULL: as /proc has it */
};

void watch_init(struct watch *watch, const struct qrt_sched_plan *plan,
		const struct qrt_sched_setting *fresh);
void watch_clear(struct watch *watch);
struct watched *watch_find(const struct watch *watch, pid_t tid);
/* Takes a thread note of, without a role. NULL where it ended. */
struct watched *watch_note(struct watch *watch, pid_t tid);
/* Gives a thread its role and places it. 0, or the error. */
int watch_enter(struct watch *watch, const struct watch_entry *entry);
/* Has slices made by somebody else from now on; NULL: by nobody. */
void watch_use_slices(struct watch *watch, struct slices *slices);
/* Places all by the plan that took the place of `before`. 0, or the first error after having tried all. */
struct change_result;
int watch_change(struct watch *watch, const struct qrt_sched_plan *before, struct change_result *result);
void watch_forget(struct watch *watch, pid_t tid);
/* Places a thread that has a role anew: the plan is another one. 0, or the error. */
int watch_replace(struct watch *watch, struct watched *watched);
/* Applies what the layers of a thread say now. 1: something was changed, 0: nothing; or the error. */
int watch_apply(struct watch *watch, struct watched *watched);
/* The same where no more than the governor's layer may have changed: what the host's files say of CPUs is
 * read only where that fails. */
int watch_apply_limit(struct watch *watch, struct watched *watched);
/* True when another living thread of the role has the index. */
bool watch_is_taken(const struct watch *watch, enum qrt_sched_role role, uint32_t index, pid_t but);
/* Looks at every thread; one that is wrong twice in a row is put right and counted. */
void watch_verify(struct watch *watch);
/* Has all threads run as the guest needs it while it is not ready, those that come later, too; or back as
 * they are planned. */
void watch_lower(struct watch *watch, bool is_lowered);
/* Whether its threads wait as they come, or did that a moment ago: a wait is booked when it ends. */
bool watch_is_patient(const struct watch *watch);
/* Says so in a thread's layers; nothing is applied. */
int watch_set_lowered(const struct watch *watch, struct watched *watched);
/* Gives the threads what the governor decided on them. */
void watch_govern(struct watch *watch);
/* Forgets threads of QEMU that the scan of this generation did not see, and kernel threads that ended. */
void watch_sweep(struct watch *watch, uint32_t generation);
uint32_t watch_count_unplaced(const struct watch *watch);
/* How the thread differs from what it shall be: QRT_SCHED_SET_* bits, or the error. */
int watch_compare(const struct watched *watched);
/* Where the thread was refused DEADLINE its plan is the fallback from now on, which is said once a role.
 * True: it is to be applied again. */
bool watch_fall_back(struct watch *watch, struct watched *watched, int refusal,
		     const struct qrt_sched_error *error);
/* True: DEADLINE may be tried again, by placing the thread. */
bool watch_climbs(const struct watched *watched);
/* What the plan says of the thread; set == 0 where nothing. */
void watch_get_planned(const struct watched *watched, struct qrt_sched_setting *ret_setting);

#endif
