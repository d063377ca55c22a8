/* SPDX-License-Identifier: MIT */
/*
 * What belongs to the whole host: a shield, KVM's halt polling, the priority of timers, a part of the cache.
 * It is changed once for all who need it, by whoever comes or goes, and put back when nobody needs it any
 * more. The folder .host of the run directory:
 *
 *   lock            flock'ed by who works here, one at a time
 *   need.user       what 'shield' was told; stays until 'unshield'
 *   need.pending    the same while it is being done; flock'ed by that command
 *   need.vm.NAME    what a VM needs; flock'ed by its launcher for its life: one that is free counts no more
 *   saved.THING     how the host was, written before each change
 *   applied.THING   the boot, and what all needs together came to when that was last done
 *   left            what the kernel did not let go of
 *
 * Functions return a negative errno after they have said what is wrong, unless noted.
 */
#ifndef QRT_LAUNCHER_HOST_H
#define QRT_LAUNCHER_HOST_H

#include "state.h"

#include <glib.h>
#include <qrt/shield.h>
#include <stdbool.h>

struct host {
	int run_fd, fd, lock_fd;
};

enum host_thing { HOST_SHIELD, HOST_HALT_POLL, HOST_TIMER_PRIO, HOST_RESCTRL };
#define HOST_THINGS 4

/* Values as texts, NULL where a thing is not needed; freed by host_need_clear(). */
struct host_need {
	char *values[HOST_THINGS]; /* HOST_SHIELD: "2-3 irqs+rps", "2-3 -" */
};

void host_need_clear(struct host_need *need);
bool host_need_is_empty(const struct host_need *need);

/* ---- the folder --------------------------------------------------------------------------------- */

/* Opens and locks it. -ENOENT without `create`: there is none, nothing is said. */
int host_open(int run_fd, bool create, struct host *ret_host);
/* Its descriptor alone, not locked. Says nothing. */
int host_open_folder(int run_fd);
/* Unlocks; removes the folder where nothing is in it. */
void host_close(struct host *host);
/* Replaces a file, which survives a crash of the machine from then on. */
int host_write(const struct host *host, const char *file, const char *text);
/* The same without waiting, and without a word: -EBUSY while somebody works there, -ENOENT. */
int host_look(int run_fd, struct host *ret_host);
/* The text of a file, freed by g_free(), or NULL. */
char *host_read(const struct host *host, const char *file);
void host_remove(const struct host *host, const char *file);

/* ---- needs -------------------------------------------------------------------------------------- */

/* Writes a need. Returns a descriptor that holds its lock: it counts until that is closed. */
int host_need_hold(const struct host *host, const char *name, const struct host_need *need);
/* Makes the pending need the user's own, which nothing holds but the file. */
int host_need_settle_user(const struct host *host);
/* Forgets a need. */
void host_need_drop(const struct host *host, const char *name);
/* All that count, name -> struct host_need; those that nobody holds any more are removed. */
GHashTable *host_need_list(const struct host *host);

/* ---- things ------------------------------------------------------------------------------------- */

const char *host_thing_name(enum host_thing thing);
/* What all needs together come to, freed by g_free(); NULL where nobody needs it. */
char *host_thing_merge(enum host_thing thing, GHashTable *needs);
/* Makes the host so. 0 also where this host has no such thing and can do without, which was said. */
int host_thing_apply(const struct host *host, enum host_thing thing, const char *value,
		     struct qrt_sched_saved *saved);

/* False where somebody has undone it since. */
bool host_thing_holds(const struct host *host, enum host_thing thing, const char *value);

/* "irqs+rps" and its bits. -EINVAL, not said. */
int host_parts_parse(const char *text, uint32_t *ret_parts);
char *host_parts_format(uint32_t wanted);
/* "2-3 irqs+rps". -EINVAL, not said. */
int host_shield_parse(const char *value, struct qrt_sched_cpus *ret_cpus, uint32_t *ret_parts);
char *host_shield_format(const struct qrt_sched_cpus *cpus, uint32_t wanted);

/* What was last done, freed by g_free(), or NULL. */
char *host_get_applied(const struct host *host, enum host_thing thing);
/* Has it done once more, for what the kernel has started since. */
void host_forget_applied(const struct host *host, enum host_thing thing);
/* Makes the host what all needs together come to; what nobody needs is put back. What fails is said; returned
 * are the errors of what `own` needs, NULL: all. */
int host_settle(const struct host *host, const struct host_need *own);
/* The same, where the folder is there: after kills. `verbose` says what was put back. */
int host_repair(int run_fd, bool verbose);

/* ---- the keeper --------------------------------------------------------------------------------- */

/*
 * Of all launchers that live, one does what has to be done while VMs run: it puts back what a killed launcher
 * needed, and does again what somebody has undone. It holds the folder's lock (flock on .host itself); when
 * it ends another one gets it at its next look. Where there is no folder nothing has to be done, and there is
 * no keeper. It works on a thread of its own, time-shared: a disk may keep it waiting. What it cannot do it
 * says once, and tries again later.
 */
struct host_keeper;

/* From where signals are blocked that are for somebody else. NULL where there can be none, which was said. */
struct host_keeper *host_keeper_open(int run_fd);
struct host_keeper *host_keeper_close(struct host_keeper *keeper);

/* ---- for a VM ----------------------------------------------------------------------------------- */

struct host_claim {
	char name[STATE_NAME_MAX + 8];
	int lock_fd;                    /* -1: nothing is claimed */
	struct qrt_sched_saved *cstate; /* holds idle states, NULL: no */
};

struct plan_request;

/* Refuses a shield that the plan's roles cannot live with. Touches nothing. An exit code. */
int host_check_plan(const struct plan_request *request);
/* The same for a plan that takes the place of the first one while the VM runs: the shield stays that one's.
 */
int host_check_later_plan(const struct plan_request *request, const char *label,
			  const struct plan_request *first);
/* Makes the host as the plan wants it, for the life of this process at most. An exit code. */
int host_claim_vm(int run_fd, const char *vm_name, const struct plan_request *request,
		  struct host_claim *ret_claim);
void host_release_vm(int run_fd, struct host_claim *claim);
/* QEMU's process, before it runs, enters what is for VMs alone. */
void host_enter_vm(const struct qrt_sched_plan *plan, pid_t pid);
/* A thread enters a shield that is up where it is planned on its CPUs alone, and leaves it where it is
 * planned elsewhere, before it is placed. `places` remembers where its process was. */
void host_admit(pid_t tid, const struct qrt_sched_setting *planned, struct qrt_sched_saved *places);
/* True where a shield that came later is why a thread has fewer CPUs than planned. */
bool host_takes_cpus(pid_t tid, const struct qrt_sched_setting *planned);
/* True when all of `cpus` are in `in`. */
bool host_is_within(const struct qrt_sched_cpus *cpus, const struct qrt_sched_cpus *in);
/* The CPUs of a shield that is up are for VMs. */
void host_allow(struct qrt_sched_host *host);

#endif
