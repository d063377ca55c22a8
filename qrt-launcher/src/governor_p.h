/* SPDX-License-Identifier: MIT */
/* Inside of the governor. */
#ifndef QRT_LAUNCHER_GOVERNOR_P_H
#define QRT_LAUNCHER_GOVERNOR_P_H

#include "governor_usage.h"
#include "state.h"

#include <glib.h>
#include <json-glib/json-glib.h>
#include <pthread.h>
#include <qrt/governor.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

#define GOVERNOR_TASKS  1280
#define GOVERNOR_SHARES 256
#define GOVERNOR_RIVALS 64

/* What a VM has that does not say its weight, where another one does. */
#define GOVERNOR_WEIGHT 100

struct slices;
struct supervisor;

/* Why a thread can be dropped: each has a governor of the library. */
enum governor_court {
	GOVERNOR_BUDGET, /* the plan's */
	GOVERNOR_GUARD,  /* where nothing else keeps the VM from holding every CPU of the host */
	GOVERNOR_SHARE,  /* by weight, beside other VMs; the first of several, between which CPUs are divided
			  */
	GOVERNOR_COURTS = GOVERNOR_SHARE + 16,
};

/* What a plan asks for. */
struct governor_terms {
	struct qrt_sched_budget vm, roles[QRT_SCHED_ROLES]; /* runtime 0: none */
	uint32_t weight;                                    /* 0: not said */
};

/* A thread. Its descriptors are its identity: they read nothing of a later one with the same number. */
struct governor_task {
	pid_t tid;
	int schedstat, stat; /* -1: not open */
	int role;            /* -1: nobody said */
	bool is_kernel;      /* not of QEMU's process */
	bool is_rt;          /* when it is not dropped */
	unsigned dropped;    /* by another VM's governor: bit 0 at the last look, bit 1 at the one before */
	bool is_running;     /* it was, since the look before */
	uint32_t over;       /* bit n: by court n */
	bool is_lower;       /* a priority below its plan: its VM gives way */
	int cpu;             /* where it was last, -1: not known */
	struct qrt_sched_cpus cpus;
	struct qrt_sched_setting planned; /* when it is not dropped, set == 0: nobody said */
	struct governor_clock clock;
};

/* A group in a court, and what its threads used in all. */
struct governor_account {
	int group; /* -1: none */
	uint64_t run_ns, wait_ns;
	uint32_t threads;
};

/* What a VM does on a CPU: its weight counts once on each. */
struct governor_share {
	int cpu;
	uint64_t used_at_ns; /* when something was charged last */
	struct governor_account account;
};

/* What a VM does under the host's guard. */
struct governor_guarded {
	bool is_in; /* it has used something there; else nothing here counts */
	struct governor_account account;
	uint64_t begin_run_ns; /* of the account, when the window began */
	uint64_t recent_ns;    /* what it used in a window, of late */
};

/* A VM: the own one, or another that shares CPUs with it. */
struct governor_party {
	pid_t pid;
	uint64_t start;
	int folder;      /* /proc/PID/task */
	uint32_t weight; /* 0: takes no part in sharing */
	uint32_t part;   /* its weight under the guard */
	bool is_own;
	bool is_known;      /* by the current survey */
	bool is_stale;      /* CPUs or roles have changed */
	atomic_bool is_met; /* its threads were looked through before */
	uint64_t placed_ns;
	uint64_t run_ns; /* of all threads */
	struct governor_guarded guarded;
	size_t shares_count;
	struct governor_share shares[GOVERNOR_SHARES];
	uint32_t excess;  /* threads that are not in `tasks` */
	bool lacks_files; /* for want of descriptors, not of room */
	size_t count;
	struct governor_task tasks[GOVERNOR_TASKS];
};

/* What the governor has no room for. */
struct governor_excess {
	uint32_t threads, rival_threads, rivals; /* of this VM, of others, and other VMs */
	struct qrt_sched_cpus cpus;              /* without shares */
	bool lacks_files;
};

/* What the own VM may use and used of each CPU, in thousandths. */
struct governor_scale {
	uint32_t share[QRT_SCHED_CPUS_MAX], used[QRT_SCHED_CPUS_MAX];
	bool is_above[QRT_SCHED_CPUS_MAX], is_wanted[QRT_SCHED_CPUS_MAX];
};

struct governor {
	struct supervisor *supervisor;
	struct governor_terms terms;
	struct slices *slices;
	struct qrt_sched_setting rank, scout_rank;
	struct qrt_sched_setting sharing; /* how those run that are over */
	bool may_settle;
	pthread_t thread, scout;
	int wake_fd, told_fd; /* to the thread, from the thread */
	int end_fd;           /* to the scout */
	bool has_scout;
	guint source;
	unsigned said; /* of what there is no room for, by the supervisor */
	atomic_bool ends;
	struct qrt_sched_cpus online, tickless;
	struct qrt_sched_cpus kept; /* CPUs of which the host needs one for its own work */

	pthread_mutex_t lock; /* of all below */
	struct qrt_sched_governor *courts[GOVERNOR_COURTS];
	struct governor_account vm, roles[QRT_SCHED_ROLES];
	struct governor_account guard; /* all VMs' */
	uint32_t guarded;              /* CPUs; 0: no guard is needed */
	uint64_t guard_window;         /* the number of the one that was looked at last, */
	uint64_t guard_ns;             /* and when the rivals were for that */
	struct governor_scale scale;
	bool gives_way; /* one priority down, to a VM that used little */
	struct governor_party *own, *rivals[GOVERNOR_RIVALS];
	size_t rivals_count;
	uint64_t rivals_ns, rivals_run_ns; /* when they were looked at, and what the own VM had used then */
	uint32_t rivals_excess;            /* other VMs that are not in `rivals` */
	struct qrt_sched_cpus unshared;    /* where a VM could have no share */
	uint64_t changes, told;
	bool is_disputed; /* somebody may have undone what the last look did */
};

/* ---- threads of a VM (governor_party.c) ---- */

/* NULL where the process is not there any more. */
struct governor_party *governor_party_open(pid_t pid, uint64_t start);
struct governor_party *governor_party_close(struct governor_party *party);
/* The numbers of its threads, how many there are, which may be more than max, and which of them are new:
 * those that ended are forgotten. */
size_t governor_party_list(const struct governor_party *party, pid_t *ret_tids, size_t max);
size_t governor_party_compare(struct governor_party *party, pid_t *tids, size_t count);
struct governor_task *governor_party_find(struct governor_party *party, pid_t tid);
/* Consumes the task; the one that is there when it is known, NULL where there is no room. */
struct governor_task *governor_party_insert(struct governor_party *party, struct governor_task *task);
void governor_task_end(struct governor_party *party, struct governor_task *task);

/* ---- a thread (governor_task.c) ---- */

bool governor_task_is_ended(const struct governor_task *task);
/* At this moment. */
bool governor_task_is_realtime(const struct governor_task *task);
int governor_task_open(const struct governor_party *party, pid_t tid, bool is_kernel,
		       struct governor_task *ret_task);
void governor_task_close(struct governor_task *task);
/* What the thread used since it was looked at before; its wait that goes on only when the state is wanted,
 * where it was only when that is. -ESRCH. */
int governor_task_read(struct governor_task *task, bool wants_state, bool wants_cpu, uint64_t now_ns,
		       struct governor_usage *ret_used);
/* Makes the kernel add up a running thread's time at once, which it does at its tick, or without one never.
 */
void governor_task_settle(const struct governor_task *task, struct slices *slices);
/* Reads CPUs and policy. */
void governor_task_place(struct governor_task *task);
/* Out of real time where it is in it, and back. False: somebody may be undoing that at this moment. */
bool governor_task_drop(const struct governor_task *task, const struct qrt_sched_setting *sharing,
			struct slices *slices);
void governor_task_raise(const struct governor_task *task, struct slices *slices);
/* As planned, or one priority below. */
void governor_task_step(const struct governor_task *task, struct slices *slices);

/* ---- groups of threads (governor_account.c); all under the lock ---- */

void governor_account_open(struct governor_account *account);
/* Returns the group's number, or why there is none. */
int governor_account_join(struct governor *governor, enum governor_court court,
			  struct governor_account *account, const struct qrt_sched_group_config *given);
void governor_account_leave(struct governor *governor, enum governor_court court,
			    struct governor_account *account);
void governor_account_charge(struct governor_account *account, const struct governor_usage *used);
/* Has the court know what the account has. */
void governor_account_tell(struct governor *governor, enum governor_court court,
			   const struct governor_account *account, uint64_t now_ns);
/* All 0 where there is no group. */
struct qrt_sched_verdict governor_account_get(const struct governor *governor, enum governor_court court,
					      const struct governor_account *account);

/* ---- who is over (governor_court.c); all under the lock ---- */

int governor_courts_open(struct governor *governor);
void governor_courts_close(struct governor *governor);
/* Reads where the party's threads may run, and forgets CPUs that they have left. */
void governor_court_place(struct governor *governor, struct governor_party *party, uint64_t now_ns);
void governor_court_leave(struct governor *governor, struct governor_party *party);
void governor_court_charge(struct governor *governor, struct governor_party *party,
			   struct governor_task *task, const struct governor_usage *used);
/* Returns when to decide again, 0: nobody knows. */
uint64_t governor_court_decide(struct governor *governor, uint64_t now_ns);
struct qrt_sched_verdict governor_court_get_share(const struct governor *governor,
						  const struct governor_share *share);
/* Bit n: over by court n. */
uint32_t governor_court_judge(struct governor *governor, const struct governor_task *task);
bool governor_court_sits(const struct governor *governor, enum governor_court court);
/* One of them does. */
bool governor_is_needed(const struct governor *governor);

/* ---- the own VM before its CPUs (governor_weigh.c); under the lock ---- */

/* After the courts have decided. */
void governor_weigh(struct governor *governor);
/* By its share. */
bool governor_weigh_is_over(const struct governor *governor, const struct governor_task *task);

/* ---- who precedes (governor_precede.c); under the lock ---- */

/* Whether the own VM gives way to another one. */
void governor_precede(struct governor *governor);
/* True where a thread has a priority to give way with. */
bool governor_precede_steps(const struct governor_task *task);
/* What it may have at most, for its layer; set == 0: what it has by its plan. */
struct qrt_sched_setting governor_precede_limit(const struct governor *governor,
						const struct governor_task *task);

/* ---- what there is no room for (governor_excess.c) ---- */

/* Under the lock. */
void governor_excess_read(const struct governor *governor, struct governor_excess *ret_excess);
/* Each once. */
void governor_excess_say(struct governor *governor, const struct governor_excess *excess);
/* Adds member "ungoverned". */
void governor_excess_build(JsonBuilder *builder, const struct governor_excess *excess);
/* That member in words; nothing where it is empty. */
void governor_excess_format(GString *line, JsonObject *member);

/* ---- the host's guard (governor_guard.c); all under the lock ---- */

/* Guards so many CPUs from now on; 0: none. */
void governor_guard_sit(struct governor *governor, uint32_t cpus, uint64_t now_ns);
void governor_guard_leave(struct governor *governor, struct governor_party *party);
/* Whether a thread of another VM was found in time sharing. */
void governor_guard_note(struct governor_task *task, bool is_dropped);
bool governor_guard_holds(const struct governor *governor, const struct governor_task *task);
/* How many of its threads. */
uint32_t governor_guard_count(const struct governor *governor, const struct governor_party *party);
void governor_guard_charge(struct governor *governor, struct governor_party *party,
			   const struct governor_task *task, const struct governor_usage *used);
void governor_guard_tell(struct governor *governor, uint64_t now_ns);
/* On the own VM; what was used is what all used. */
struct qrt_sched_verdict governor_guard_get(const struct governor *governor);

/* ---- the rounds (governor_round.c) ---- */

uint64_t governor_now(void);
/* A look before it is due. */
void governor_wake(const struct governor *governor);
/* Looks at all threads, decides, and drops. Returns when to look again. Under the lock. */
uint64_t governor_round(struct governor *governor, uint64_t now_ns);
/* Takes down what the own VM used until now, and does nothing about it. Under the lock. */
void governor_catch_up(struct governor *governor, uint64_t now_ns);

/* ---- what may have to wait (governor_scout.c) ---- */

/* Looks for new threads of all VMs. */
void governor_scan(struct governor *governor);
void *governor_scout(void *data);
/* Whether this VM alone can hold the whole host; before there are threads (governor_survey.c). */
void governor_guard(struct governor *governor);
/* Other VMs, and what else keeps this one from holding the whole host. True where a court sits now. */
bool governor_survey(struct governor *governor);

/* ---- plans (governor_plan.c) ---- */

void governor_plan_read(const struct qrt_sched_plan *plan, struct governor_terms *ret_terms);
/* The CPUs that the host's own work needs one of. */
void governor_plan_get_kept(const struct qrt_sched_host *host, struct qrt_sched_cpus *ret_kept);
/* True where neither throttling nor the fair server gives time-shared threads a turn on one of them. */
bool governor_plan_is_unheld(const struct qrt_sched_host *host, const struct qrt_sched_cpus *kept);
/* True where `taken` has all of them. */
bool governor_plan_has_all(const struct qrt_sched_cpus *taken, const struct qrt_sched_cpus *kept);
/* Where the plan's FIFO and RR threads may run. Returns the role of the highest priority, -1: there are none.
 */
int governor_plan_cover(const struct qrt_sched_plan *plan, uint32_t vcpus,
			const struct qrt_sched_cpus *everywhere, struct qrt_sched_cpus *ret_cover);
/* What real-time threads may use of so many CPUs that nothing else guards: so that each VM may use what the
 * others leave of it, and where they misjudge each other, all of them. */
struct qrt_sched_budget governor_plan_guard(uint32_t cpus);
struct qrt_sched_budget governor_plan_guard_all(uint32_t cpus);

#endif
