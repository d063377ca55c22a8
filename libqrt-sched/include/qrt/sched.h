/* SPDX-License-Identifier: MIT */
/*
 * libqrt-sched: roles for threads, and the plan that says how each role runs.
 *
 * A plan is data: role -> policy, priority, nice, CPUs. It is parsed from the two -rt grammars or
 * from a plan file, checked (lint), and carried out on threads through layers: many parties may
 * want to change a thread, one pure function computes what is in force, one place applies it.
 *
 * Every call is marked [setup] or [rt]. An [rt] call does not allocate, log, or take a lock that
 * another role can hold, and its time is bounded. Every int result is >= 0 on success and a negative
 * errno on failure. ret_* are written on success only, reterr (which may be NULL) on failure only.
 * A handle is used by one thread at a time, unless its comment says otherwise.
 *
 * The library never exits, aborts on input, prints, starts threads, installs signal handlers, or
 * keeps global mutable state (<qrt/process.h> and <qrt/quantum.h> say what they do of that). It changes a
 * thread only in calls named apply, enter or restore.
 */
#ifndef QRT_SCHED_H
#define QRT_SCHED_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define QRT_SCHED_API __attribute__((visibility("default")))
#else
#define QRT_SCHED_API
#endif

/* The library's version as "MAJOR.MINOR.PATCH". [rt] */
QRT_SCHED_API const char *qrt_sched_version(void);

/* ---- errors -------------------------------------------------------------------------------- */

/* What went wrong in a setup call, for a person: one line without a newline at its end. */
struct qrt_sched_error {
	int32_t code;      /* the negative errno that the call returned */
	uint32_t line;     /* line of the plan file, 0 where there is none */
	char message[512]; /* names the thing and the remedy */
};

/* ---- CPU sets ------------------------------------------------------------------------------ */

#define QRT_SCHED_CPUS_MAX 1024

struct qrt_sched_cpus {
	uint64_t bits[QRT_SCHED_CPUS_MAX / 64]; /* CPU n is bit n % 64 of bits[n / 64] */
};

/* Adds one CPU. -EINVAL outside 0..QRT_SCHED_CPUS_MAX-1. [rt] */
QRT_SCHED_API int qrt_sched_cpus_add(struct qrt_sched_cpus *cpus, int cpu);
/* 1 when the set has the CPU, else 0. [rt] */
QRT_SCHED_API int qrt_sched_cpus_has(const struct qrt_sched_cpus *cpus, int cpu);
/* How many CPUs are in the set. [rt] */
QRT_SCHED_API int qrt_sched_cpus_count(const struct qrt_sched_cpus *cpus);
/* The lowest CPU above `after` (start with -1), -ENOENT where there is none. [rt] */
QRT_SCHED_API int qrt_sched_cpus_next(const struct qrt_sched_cpus *cpus, int after);
/* The kernel's list format: "0-3,8". Spaces, an empty list, descending ranges: -EINVAL; a CPU
 * beyond QRT_SCHED_CPUS_MAX-1: -ERANGE. [setup] */
QRT_SCHED_API int qrt_sched_cpus_parse(const char *text, struct qrt_sched_cpus *ret_cpus);
/* Writes the list format, NUL-terminated. Returns its length; -ENOSPC when size is too small. [rt] */
QRT_SCHED_API int qrt_sched_cpus_format(const struct qrt_sched_cpus *cpus, char *buf, size_t size);

/* ---- roles --------------------------------------------------------------------------------- */

/* What a thread of a virtual machine is for. The first five are RT-QEMU's. */
enum qrt_sched_role {
	QRT_SCHED_ROLE_VCPU, /* runs a guest CPU */
	QRT_SCHED_ROLE_MAIN, /* the main loop: all I/O and events */
	QRT_SCHED_ROLE_PAIO, /* asynchronous disk I/O workers */
	QRT_SCHED_ROLE_VNCM, /* VNC, main side: the screen difference */
	QRT_SCHED_ROLE_VNCS, /* VNC, slave side: the encode worker */
	QRT_SCHED_ROLE_IOTH, /* iothreads */
	QRT_SCHED_ROLE_KIO,  /* kernel threads that work for the VM */
	QRT_SCHED_ROLE_OTHR, /* helpers, such as call_rcu */
};
#define QRT_SCHED_ROLES 8

/* The four letters of a role ("vcpu"; "kio" has three), NULL for a number that is none. [rt] */
QRT_SCHED_API const char *qrt_sched_role_name(enum qrt_sched_role role);
/* The role of such a name, -ENOENT where it is none. [rt] */
QRT_SCHED_API int qrt_sched_role_parse(const char *name);
/* For whom the kernel made a thread of this name: "vhost-4711" for 4711 (iou-wrk-N and iou-sqp-N: a
 * thread). *ret_pid is 0 where the name does not tell: "kvm-nx-lpage-re", which kernels before 5.17 cut,
 * and recent ones do not number. RETURN 0; -ENOENT: no name that the kernel gives. [rt] */
QRT_SCHED_API int qrt_sched_role_get_served(const char *thread_name, pid_t *ret_pid);

/* ---- settings ------------------------------------------------------------------------------ */

/* Numbers as in linux/sched.h. */
enum qrt_sched_policy {
	QRT_SCHED_POLICY_OTHER = 0,
	QRT_SCHED_POLICY_FIFO = 1,
	QRT_SCHED_POLICY_RR = 2,
	QRT_SCHED_POLICY_BATCH = 3,
	QRT_SCHED_POLICY_IDLE = 5,
	QRT_SCHED_POLICY_DEADLINE = 6,
};

/* "fifo", "rr", "other", "batch", "idle", "deadline"; NULL for a number that is none. [rt] */
QRT_SCHED_API const char *qrt_sched_policy_name(uint32_t policy);
/* The policy of such a name, -ENOENT where it is none. [rt] */
QRT_SCHED_API int qrt_sched_policy_parse(const char *name);

/* Members of a setting, for `set` masks and for the result of a comparison. */
#define QRT_SCHED_SET_POLICY   1u
#define QRT_SCHED_SET_PRIORITY 2u
#define QRT_SCHED_SET_NICE     4u
#define QRT_SCHED_SET_CPUS     8u
#define QRT_SCHED_SET_FLAGS    16u
#define QRT_SCHED_SET_TIMES    32u
#define QRT_SCHED_SET_IOPRIO   64u
#define QRT_SCHED_SET_ALL      127u

/* Children of the thread, processes and kernel threads too, start as OTHER with nice 0
 * (SCHED_FLAG_RESET_ON_FORK; it does not touch the affinity). Who gives DEADLINE without naming FLAGS gives
 * this too: without it such a thread cannot start another one (EAGAIN), nor can KVM for it. */
#define QRT_SCHED_FLAG_RESET_ON_FORK 1u

/* I/O priorities as the kernel has them (linux/ioprio.h): class << 13 | level. 0 is none of its own: it
 * follows from policy and nice value. */
#define QRT_SCHED_IOPRIO_RT    1u
#define QRT_SCHED_IOPRIO_BE    2u
#define QRT_SCHED_IOPRIO_IDLE  3u
#define QRT_SCHED_IOPRIO(c, l) ((uint32_t)(c) << 13 | (uint32_t)(l))

/* "rt:0".."rt:7", "be:0".."be:7", "idle", "none". Returns the value, -EINVAL. [rt] */
QRT_SCHED_API int qrt_sched_ioprio_parse(const char *text);
/* Writes that form. Returns its length; -EINVAL: no such priority; -ENOSPC. [rt] */
QRT_SCHED_API int qrt_sched_ioprio_format(uint32_t ioprio, char *buf, size_t size);

/* How a thread runs, or a part of that: only members named in `set` count. */
struct qrt_sched_setting {
	uint32_t set;               /* QRT_SCHED_SET_*: which members count */
	uint32_t policy;            /* enum qrt_sched_policy */
	int32_t priority;           /* 1..99 with FIFO and RR; DEADLINE: of the fallback, 0..99; else 0 */
	int32_t nice;               /* -20..19 */
	uint32_t flags;             /* QRT_SCHED_FLAG_* */
	uint32_t ioprio;            /* QRT_SCHED_IOPRIO(); 0: none, also where the kernel has none */
	struct qrt_sched_cpus cpus; /* where it may run, not empty */
	/* TIMES. DEADLINE: all three, 1024 ns..2^63 ns, runtime <= deadline <= period (sched(7)). OTHER and
	 * BATCH: runtime_ns is the thread's slice, 100 us..100 ms, 0: whatever the kernel gives, where the
	 * kernel has slices (Linux 6.12), else it does not count; the other two are 0. FIFO, RR, IDLE: 0. */
	uint64_t runtime_ns;
	uint64_t deadline_ns;
	uint64_t period_ns;
};

/* Which members named in want->set differ in `have`: QRT_SCHED_SET_* bits, 0 for none. A nice value
 * counts under OTHER and BATCH only, a priority under FIFO and RR only, times under DEADLINE, and under
 * OTHER and BATCH where `want` has a slice and this kernel has slices. `online`, where not NULL, masks the
 * CPUs of `want` first, as the kernel does. [rt] */
QRT_SCHED_API uint32_t qrt_sched_setting_compare(const struct qrt_sched_setting *want,
						 const struct qrt_sched_setting *have,
						 const struct qrt_sched_cpus *online);
/* "fifo 97 on 1", "other nice 5 on 0,2-3", "deadline 2ms/10ms/10ms on 0-1 io rt:0", for people. Returns
 * the length, -ENOSPC. [rt] */
QRT_SCHED_API int qrt_sched_setting_describe(const struct qrt_sched_setting *setting, char *buf, size_t size);
/* The setting of a thread (0: the caller's), all members set. -ESRCH. [rt] */
QRT_SCHED_API int qrt_sched_setting_read(pid_t tid, struct qrt_sched_setting *ret_setting);
/* Gives a thread (0: the caller) the members in `set`; the others stay. All or nothing: where a
 * part fails the parts already changed are put back. CPUs first when urgency rises, last when it
 * falls, so that a thread is never urgent on the wrong CPU. RETURN 0; -EPERM with the missing right
 * in reterr; -ESRCH; -EINVAL (a CPU that is not there, a priority or times out of range); DEADLINE: -EBUSY
 * (its times and those of the others are more than the CPUs have), -EPERM also where the CPUs are not all
 * of those that the kernel schedules together (the root domain: all CPUs of the cpuset partition). [rt] */
QRT_SCHED_API int qrt_sched_setting_apply(pid_t tid, const struct qrt_sched_setting *setting,
					  struct qrt_sched_error *reterr);
/* What a thread gets where the kernel refused it DEADLINE with `refusal`: FIFO at setting->priority, where
 * that is 0 at 1; all else as in `setting`. Nobody does this unasked: who calls it says so, and keeps the
 * result as what is wanted from then on. -ENOENT: there is no fallback (another policy, or the refusal is
 * not one of DEADLINE: -EPERM, -EACCES, -EBUSY, -EINVAL, -EOPNOTSUPP). [rt] */
QRT_SCHED_API int qrt_sched_setting_get_fallback(const struct qrt_sched_setting *setting, int refusal,
						 struct qrt_sched_setting *ret_setting);

/* The quantum in ns that RT-QEMU's table gives to a nice value of -20..19; -EINVAL. [rt] */
QRT_SCHED_API int64_t qrt_sched_quantum_of_nice(int nice);

/* ---- plans --------------------------------------------------------------------------------- */

struct qrt_sched_plan;

enum qrt_sched_mlock {
	QRT_SCHED_MLOCK_OFF,      /* nothing is locked */
	QRT_SCHED_MLOCK_ONFAULT,  /* pages stay once they have been touched; nothing is populated */
	QRT_SCHED_MLOCK_PREFAULT, /* as ONFAULT, and guest memory and stacks are touched up front */
	QRT_SCHED_MLOCK_ALL,      /* mlockall as the paper has it: every mapping populated at once */
};

enum qrt_sched_hugepages {
	QRT_SCHED_HUGEPAGES_OFF, /* as the VMM has it */
	QRT_SCHED_HUGEPAGES_THP, /* transparent ones */
	QRT_SCHED_HUGEPAGES_2M,
	QRT_SCHED_HUGEPAGES_1G,
};

/* How a VM's threads run while its guest boots, reboots, ends, or is not heard of. */
enum qrt_sched_boot {
	QRT_SCHED_BOOT_OTHER, /* time-shared */
	QRT_SCHED_BOOT_KEEP,  /* as their roles say */
	QRT_SCHED_BOOT_PLAN,  /* as another plan says: qrt_sched_plan_get_boot() */
};

#define QRT_SCHED_ADVANCE_MAX   1000 /* us */
#define QRT_SCHED_POOL_MAX      64
#define QRT_SCHED_WEIGHT_MAX    10000
#define QRT_SCHED_LOCK_MAX_US   100000   /* the longest preempt lock */
#define QRT_SCHED_CSTATE_MAX    1000000  /* us */
#define QRT_SCHED_HALTPOLL_MAX  10000000 /* ns */
#define QRT_SCHED_BOOTTIME_MAX  86400    /* s */
#define QRT_SCHED_HEARTBEAT_MAX 3600000  /* ms */

/* Members of the globals of which 0 is a value like others. */
#define QRT_SCHED_GLOBAL_CSTATE    1u
#define QRT_SCHED_GLOBAL_HALTPOLL  2u
#define QRT_SCHED_GLOBAL_BOOTTIME  4u
#define QRT_SCHED_GLOBAL_HEARTBEAT 8u

#define QRT_SCHED_BOOT_PATH_MAX 255 /* characters */

/* Parts of a shield besides processes: the same bits as in <qrt/shield.h>. */
#define QRT_SCHED_GLOBAL_SHIELD_IRQS       1u
#define QRT_SCHED_GLOBAL_SHIELD_WORKQUEUES 2u
#define QRT_SCHED_GLOBAL_SHIELD_KTHREADS   4u
#define QRT_SCHED_GLOBAL_SHIELD_RPS        8u

/* What a plan says about the whole VM. */
struct qrt_sched_globals {
	uint32_t size;            /* sizeof this, set by the caller */
	uint32_t mlock;           /* enum qrt_sched_mlock */
	uint32_t pi_mutexes;      /* 1: mutexes made without attributes inherit priority */
	uint32_t maxprio;         /* of the paper's grammar, 0 where that was not used */
	uint32_t pvsched;         /* 1: asked for; see qrt_sched_plan_supported() */
	uint32_t advance_us;      /* the main loop meets its deadlines awake: woken this early; 0: off */
	uint32_t pool_min;        /* disk I/O workers that stay when they are idle; 0: as the VMM has it */
	uint32_t defaulted;       /* 1: qrt_sched_plan_set_defaults() made (part of) this plan */
	uint32_t set;             /* QRT_SCHED_GLOBAL_*: which of those members the plan says */
	uint32_t weight;          /* of the VM beside others, 1..10000; 0: not said */
	uint32_t preempt_lock_us; /* the longest hold of device emulation's preempt lock; 0: no lock */
	uint32_t cstate_us;       /* most exit latency of idle states */
	uint32_t haltpoll_ns;     /* KVM's halt polling */
	int32_t timer_priority;   /* for the kernel's timer and softirq threads, 1..99; 0: as they are */
	uint32_t hugepages;       /* enum qrt_sched_hugepages */
	uint32_t shield;          /* 1: the plan's CPUs are shielded */
	uint32_t shield_parts;    /* QRT_SCHED_GLOBAL_SHIELD_* */
	struct qrt_sched_cpus numa_nodes; /* for guest memory; empty: not said */
	uint32_t boot;                    /* enum qrt_sched_boot */
	uint32_t boottime_s;              /* the longest time for which that holds; 0: for ever */
	uint32_t heartbeat_ms;            /* without a beat for so long the guest is lost; 0: it never is */
	uint32_t reserved;
};

/* The shape of a VM, as far as it decides how many threads a role can have. */
#define QRT_SCHED_VM_UNKNOWN UINT32_MAX

struct qrt_sched_vm {
	uint32_t size;
	uint32_t vcpus;     /* the most that it can have: maxcpus; 0 = unknown */
	uint32_t iothreads; /* 0 = none, QRT_SCHED_VM_UNKNOWN */
	uint32_t paio_max;  /* most pool workers, 0 = unknown */
	uint32_t vnc;       /* 1: it has a VNC server */
	uint32_t tcg;       /* 1: guest code is translated (TCG): threads spin for locks of vCPUs */
};

/* An empty plan. OWNERSHIP: the caller's, ended by close. -ENOMEM. [setup] */
QRT_SCHED_API int qrt_sched_plan_new(struct qrt_sched_plan **ret_plan);
/* A plan that says the same. As above; *ret_plan may be where `plan` was read from. -ENOMEM. [setup] */
QRT_SCHED_API int qrt_sched_plan_copy(const struct qrt_sched_plan *plan, struct qrt_sched_plan **ret_plan);
/* Takes NULL, returns NULL. [setup] */
QRT_SCHED_API struct qrt_sched_plan *qrt_sched_plan_close(struct qrt_sched_plan *plan);

/* One argument of -rt, of either grammar, or several with blanks between them; what a later option names
 * overrides what was said before.
 *   ROLE_KEY=v0[,v1,...]   ROLE of enum qrt_sched_role; value n is for thread n, the last repeats
 *     bias   a CPU, a range, a sum of them (2, 2-3, 0+2-3)    prio   0 (time sharing), 1..99
 *     sched  fifo rr other batch idle deadline                nice   -20..19: the quantum of rr; of
 *     other and batch the nice value, and the slice where it is not 0
 *     runtime, deadline, period   us, of sched=deadline: deadline is period where not said, period is
 *            deadline, both are runtime where neither is; runtime of other and batch: the slice
 *     prio under deadline is that of the fallback
 *     ioprio rt:0..7, be:0..7, idle, none
 *     budget 30%/100ms, 5ms/20ms: one value for the whole role
 *     name   patterns (*, ?) of thread names that have this role, besides the known ones
 *   maxprio=P[,policy=ff|rr|ts][,aioprio=P][,aiopolicy=ff|rr|ts][,pvsched=on|off]
 *     main, iothreads and pool workers get P, everything else P - 1; policy is ff where not named
 *   mlock=off|onfault|prefault|all    pi=on|off    advance=US (0..1000)    pool=N (0..64)
 *     not said: off, on, 0, 0
 *   budget=30%/100ms (of the VM)    weight=1..10000    preemptlock=off|US (1..100000)    cstate=US
 *   haltpoll=NS    timerprio=0..99    resctrl=SCHEMATA    hugepages=off|thp|2M|1G    numa=NODES (0, 0-1, 0+2)
 *   shield=off|on|PART[+PART...]   parts: irqs, workqueues, kthreads, rps; on is all of them
 *   boot=other|keep|PATH    boottime=S (0..86400)    heartbeat=MS (0..3600000): of a guest with an agent
 *
 * A failed option changes nothing. RETURN 0; -EINVAL, -ERANGE with the place and remedy. [setup] */
QRT_SCHED_API int qrt_sched_plan_parse_option(struct qrt_sched_plan *plan, const char *text,
					      struct qrt_sched_error *reterr);

/* As parse_option(), for the command line of a program that has no other option for a plan file: plan=PATH is
 * all that the file says, PATH being all behind the '='. Not for a text of somebody who may not read what the
 * program may: the message shows what is wrong, after PATH:LINE. RETURN as parse_file() there. [setup] */
QRT_SCHED_API int qrt_sched_plan_parse_argument(struct qrt_sched_plan *plan, const char *text,
						struct qrt_sched_error *reterr);

/* Both grammars for a person, as a program prints them for -rt help: some 20 lines of at most 100 characters,
 * the last one ends, too. OWNERSHIP: the library's. [setup] */
QRT_SCHED_API const char *qrt_sched_plan_help(void);

/* A plan file: options of the grammars, one a line or with blanks between them, blank lines, # to the end of
 * a line is a comment; blanks around = and , are allowed; "include" is not. A UTF-8 byte order mark and
 * CRLF are accepted. At most 64 KiB, lines of 4,096 bytes. A NUL
 * byte, a file that is not regular: -EINVAL; a longer file or line: -EFBIG. All or nothing. The line
 * is in reterr->line, not in the message. [setup] */
QRT_SCHED_API int qrt_sched_plan_parse_text(struct qrt_sched_plan *plan, const char *text, size_t len,
					    struct qrt_sched_error *reterr);
QRT_SCHED_API int qrt_sched_plan_parse_file(struct qrt_sched_plan *plan, const char *path,
					    struct qrt_sched_error *reterr);

/* The plan in the form of a plan file, which parses to an equal plan (lines and `defaulted` aside).
 * Each line is a valid -rt argument. Returns the length without the NUL; when that is >= size nothing
 * was written (call with NULL, 0 to ask). [setup] */
QRT_SCHED_API int qrt_sched_plan_format(const struct qrt_sched_plan *plan, char *buf, size_t size);

/* What the plan says of thread `index` of a role; set == 0 where it says nothing. Under FIFO and RR
 * without a priority: 1. Priority 0 without a policy means OTHER, a priority above 0 without one
 * means FIFO. A nice value other than 0 under OTHER and BATCH, without a runtime, means the quantum of
 * that nice value as slice, 100 ms at most. [rt] */
QRT_SCHED_API int qrt_sched_plan_get(const struct qrt_sched_plan *plan, enum qrt_sched_role role,
				     uint32_t index, struct qrt_sched_setting *ret_setting);
/* Sets members for thread `index` and those above it, as an option would. -EINVAL: a value out of
 * range, FLAGS (a plan has none), or threads below `index` that have no value yet. [setup] */
QRT_SCHED_API int qrt_sched_plan_set(struct qrt_sched_plan *plan, enum qrt_sched_role role, uint32_t index,
				     const struct qrt_sched_setting *setting);
/* 1 when the plan says anything about a role. [rt] */
QRT_SCHED_API int qrt_sched_plan_has(const struct qrt_sched_plan *plan, enum qrt_sched_role role);
/* How many threads of a role the plan tells apart: what it says of thread count - 1 holds for all later
 * ones. 0 when it says nothing, -EINVAL. [rt] */
QRT_SCHED_API int qrt_sched_plan_get_count(const struct qrt_sched_plan *plan, enum qrt_sched_role role);
QRT_SCHED_API int qrt_sched_plan_get_globals(const struct qrt_sched_plan *plan,
					     struct qrt_sched_globals *ret_globals);
/* The quantum of thread `index` in ns: RR with a nice value that was said; 0: none of its own. [rt] */
QRT_SCHED_API int64_t qrt_sched_plan_get_quantum(const struct qrt_sched_plan *plan, enum qrt_sched_role role,
						 uint32_t index);
/* The budget (<qrt/governor.h>) of a role, of the VM: role -1. -ENOENT where not said, -EINVAL. [rt] */
struct qrt_sched_budget;
QRT_SCHED_API int qrt_sched_plan_get_budget(const struct qrt_sched_plan *plan, int role,
					    struct qrt_sched_budget *ret_budget);
/* The schemata of resctrl=, NULL where not said. OWNERSHIP: the plan's, until it changes. [rt] */
QRT_SCHED_API const char *qrt_sched_plan_get_resctrl(const struct qrt_sched_plan *plan);
/* The file of the plan of boot=PATH, NULL where that is not said. OWNERSHIP: as above. [rt] */
QRT_SCHED_API const char *qrt_sched_plan_get_boot(const struct qrt_sched_plan *plan);
/* The line of the plan file, 0 for an option, that said `member` (one QRT_SCHED_SET_* bit). [rt] */
QRT_SCHED_API uint32_t qrt_sched_plan_get_line(const struct qrt_sched_plan *plan, enum qrt_sched_role role,
					       uint32_t member);

/* The role of a thread by its name: the plan's patterns first, then QEMU's names ("CPU 0/KVM",
 * "IO disk0", "worker", "vnc_worker", "call_rcu", ...), else OTHR. plan may be NULL. ret_index is
 * the number in the name (vCPU), or -1: the next free of its role. [rt] */
QRT_SCHED_API int qrt_sched_plan_classify(const struct qrt_sched_plan *plan, const char *thread_name,
					  int32_t *ret_index);

/* 0 when this version can carry out all that the plan says, else -EOPNOTSUPP and what it cannot
 * (pvsched; what contradicts itself). [setup] */
QRT_SCHED_API int qrt_sched_plan_supported(const struct qrt_sched_plan *plan, struct qrt_sched_error *reterr);

/* ---- the host, and lint -------------------------------------------------------------------- */

#define QRT_SCHED_HOST_CAP_NICE   1u /* may set any policy, priority and affinity */
#define QRT_SCHED_HOST_CAP_LOCK   2u /* may lock memory without limit */
#define QRT_SCHED_HOST_PREEMPT_RT 4u /* the kernel is PREEMPT_RT */
/* Linux 6.12 and newer: a deadline server serves time-shared threads that starve. Such a kernel throttles
 * real-time threads only with RT_GROUPS. */
#define QRT_SCHED_HOST_FAIR_SERVER 8u
#define QRT_SCHED_HOST_RT_GROUPS   16u  /* the kernel has groups of real-time threads */
#define QRT_SCHED_HOST_SLICES      32u  /* OTHER has slices (Linux 6.12) */
#define QRT_SCHED_HOST_MEMORY      64u  /* nodes and huge pages below were read */
#define QRT_SCHED_HOST_THP         128u /* transparent huge pages are not switched off */

/* What lint and default plans need to know about a host. */
struct qrt_sched_host {
	uint32_t size;
	uint32_t flags;                 /* QRT_SCHED_HOST_* */
	struct qrt_sched_cpus online;   /* CPUs that are there */
	struct qrt_sched_cpus allowed;  /* those that this process may use */
	struct qrt_sched_cpus isolated; /* isolcpus= or an isolated partition */
	int32_t timer_priority; /* highest real-time priority of the kernel's timer threads on PREEMPT_RT;
				 * 0: they are time-shared; -1: there are none to be seen */
	int32_t rtprio_limit;   /* RLIMIT_RTPRIO where CAP_NICE is missing, else 99 */
	int64_t rt_runtime_us;  /* kernel.sched_rt_runtime_us, -1: no throttling */
	int64_t rt_period_us;
	uint64_t memlock_limit;            /* RLIMIT_MEMLOCK in bytes, UINT64_MAX: none, 0: not known */
	struct qrt_sched_cpus fair_server; /* CPUs on which the deadline server serves */
	int64_t fair_runtime_us;           /* its time on the first of them, of every */
	int64_t fair_period_us;
	struct qrt_sched_cpus nodes; /* NUMA nodes that have memory */
	uint64_t free_2m, free_1g;   /* huge pages that nobody uses, all nodes together */
};

/* Reads this host. ret_host->size is the caller's. [setup] */
QRT_SCHED_API int qrt_sched_host_read(struct qrt_sched_host *ret_host, struct qrt_sched_error *reterr);

/* A plan for a VM on a host, for what the plan does not say yet: vCPUs on CPUs of their own where
 * there are enough of them, everything else on the first CPU(s), the main loop above the vCPUs.
 * What the plan already says of a role stays. [setup] */
QRT_SCHED_API int qrt_sched_plan_set_defaults(struct qrt_sched_plan *plan, const struct qrt_sched_host *host,
					      const struct qrt_sched_vm *vm, struct qrt_sched_error *reterr);

enum qrt_sched_severity {
	QRT_SCHED_NOTE,    /* worth knowing */
	QRT_SCHED_WARNING, /* works, but not as real-time needs it */
	QRT_SCHED_FAULT,   /* cannot work: do not start */
};

struct qrt_sched_finding {
	uint32_t severity; /* enum qrt_sched_severity */
	uint32_t line;     /* of the plan file, 0: none */
	char code[32];     /* for programs, stable: "starved-main", "cpu-missing", ... */
	char message[256]; /* for people: the words may change */
	char remedy[256];
	int32_t role; /* enum qrt_sched_role that it is about, -1: none of its own */
};

/* Looks for contradictions and traps; touches nothing. Writes up to max findings, worst first, and
 * returns how many there are (which may be more). [setup] */
QRT_SCHED_API int qrt_sched_plan_lint(const struct qrt_sched_plan *plan, const struct qrt_sched_host *host,
				      const struct qrt_sched_vm *vm, struct qrt_sched_finding *ret_findings,
				      size_t max);

/* ---- layers: who wants what of a thread ---------------------------------------------------- */

/*
 * Rules, from the bottom up; a member that a layer does not set passes through.
 *
 *   layer      kind     says
 *   ORIGIN     base     the thread as it was found; the value of all that nobody names
 *   PLAN       replace  any member
 *   PVSCHED    within   policy and priority that the guest asks for, never above PLAN's priority; a
 *                       DEADLINE stays what it is
 *   QUANTUM    replace  policy only, and only RR -> FIFO (a timer of ours makes the slices)
 *   LIFECYCLE  replace  policy, priority, nice, CPUs (a rebooting guest: OTHER); suspends PVSCHED,
 *                       QUANTUM, INHERIT and LOCK while it is set
 *   INHERIT    raise    urgency of a request that waits for this thread; never lowers; at most 1 s
 *   LOCK       raise    preempt lock of user code; never lowers; at most 100 ms
 *   GOVERNOR   cap      nothing above wins against it: a thread over its budget is OTHER, whatever
 *                       else is set; CPUs may be narrowed, never widened; whom it takes out of real time
 *                       has its nice value, 0 at least: the one below is a quantum
 *
 * Only ORIGIN and PLAN name TIMES and IOPRIO, and so DEADLINE; who replaces the policy ends the times.
 * "Raise" compares urgency: DEADLINE above FIFO and RR by priority above OTHER above BATCH above IDLE. On
 * equal urgency the lower layer's policy stays. A layer with a time limit counts as not set from that
 * time on; INHERIT and LOCK without a limit get their longest one from the moment they are set.
 */
enum qrt_sched_layer {
	QRT_SCHED_LAYER_ORIGIN,
	QRT_SCHED_LAYER_PLAN,
	QRT_SCHED_LAYER_PVSCHED,
	QRT_SCHED_LAYER_QUANTUM,
	QRT_SCHED_LAYER_LIFECYCLE,
	QRT_SCHED_LAYER_INHERIT,
	QRT_SCHED_LAYER_LOCK,
	QRT_SCHED_LAYER_GOVERNOR,
};
#define QRT_SCHED_LAYERS 8

/* "origin", "plan", ...; NULL for a number that is none. [rt] */
QRT_SCHED_API const char *qrt_sched_layer_name(enum qrt_sched_layer layer);

struct qrt_sched_layer_value {
	struct qrt_sched_setting setting; /* set == 0: the layer is not set */
	uint64_t until_ns;                /* CLOCK_MONOTONIC; 0: no limit */
};

/* The rules above, as a pure function: what is in force at now_ns. layers has QRT_SCHED_LAYERS
 * entries. -EINVAL where ORIGIN is incomplete or a layer sets a member that it may not. [rt] */
QRT_SCHED_API int qrt_sched_layers_resolve(const struct qrt_sched_layer_value *layers, uint64_t now_ns,
					   struct qrt_sched_setting *ret_setting);

/* A thread with its layers: the one owner of its effective setting. */
struct qrt_sched_thread;

/* Takes a thread in (tid > 0) and remembers it as it is (ORIGIN); changes nothing. -ESRCH. [setup] */
QRT_SCHED_API int qrt_sched_thread_open(pid_t tid, struct qrt_sched_thread **ret_thread);
/* Forgets the thread and leaves it as it is. Takes NULL, returns NULL. [setup] */
QRT_SCHED_API struct qrt_sched_thread *qrt_sched_thread_close(struct qrt_sched_thread *thread);
QRT_SCHED_API pid_t qrt_sched_thread_get_tid(const struct qrt_sched_thread *thread);
/* 1 while the same thread lives, 0 when it ended (a new one with its number does not count). [rt] */
QRT_SCHED_API int qrt_sched_thread_is_alive(const struct qrt_sched_thread *thread);
/* Sets (value->setting.set == 0: clears) a layer; nothing is applied yet. ORIGIN may be replaced by
 * who knows better how the thread was. -EINVAL as in resolve. [rt] */
QRT_SCHED_API int qrt_sched_thread_set_layer(struct qrt_sched_thread *thread, enum qrt_sched_layer layer,
					     const struct qrt_sched_layer_value *value);
QRT_SCHED_API int qrt_sched_thread_get_layer(const struct qrt_sched_thread *thread,
					     enum qrt_sched_layer layer,
					     struct qrt_sched_layer_value *ret_value);
/* What is in force now by the rules. [rt] */
QRT_SCHED_API int qrt_sched_thread_get_effective(const struct qrt_sched_thread *thread,
						 struct qrt_sched_setting *ret_setting);
/* Makes the kernel's setting the effective one; does nothing where it is already. Returns 1 when
 * something was changed, 0 when not, -ESRCH when the thread ended. [rt] */
QRT_SCHED_API int qrt_sched_thread_apply(struct qrt_sched_thread *thread, struct qrt_sched_error *reterr);
/* The members (QRT_SCHED_SET_*) in which the kernel differs from the effective setting; 0: none.
 * ret_actual may be NULL. -ESRCH. [rt] */
QRT_SCHED_API int qrt_sched_thread_verify(const struct qrt_sched_thread *thread,
					  struct qrt_sched_setting *ret_actual);
/* After apply failed with `refusal`: puts the fallback of a DEADLINE in its place in layer PLAN, so that
 * from now on it is what is wanted; apply again. -ENOENT as in qrt_sched_setting_get_fallback(). [rt] */
QRT_SCHED_API int qrt_sched_thread_fall_back(struct qrt_sched_thread *thread, int refusal);
/* When the first time limit of a set layer ends (CLOCK_MONOTONIC ns), 0: none. [rt] */
QRT_SCHED_API uint64_t qrt_sched_thread_get_deadline(const struct qrt_sched_thread *thread);
/* Clears every layer but ORIGIN and applies. [rt] */
QRT_SCHED_API int qrt_sched_thread_restore(struct qrt_sched_thread *thread, struct qrt_sched_error *reterr);

/* ---- snapshots: what to put back ----------------------------------------------------------- */

/* Settings of threads as they were, with what tells a thread from a later one of the same number. */
struct qrt_sched_snapshot;

QRT_SCHED_API int qrt_sched_snapshot_new(struct qrt_sched_snapshot **ret_snapshot);
QRT_SCHED_API struct qrt_sched_snapshot *qrt_sched_snapshot_close(struct qrt_sched_snapshot *snapshot);
/* Remembers a thread; the first memory of a thread stays. Returns 1 when it is new, 0 when known.
 * -EOPNOTSUPP under a policy that is not known, and so could not be given back. [setup] */
QRT_SCHED_API int qrt_sched_snapshot_add(struct qrt_sched_snapshot *snapshot, pid_t tid);
/* Remembers `setting` (complete) as how the thread was. [setup] */
QRT_SCHED_API int qrt_sched_snapshot_add_setting(struct qrt_sched_snapshot *snapshot, pid_t tid,
						 const struct qrt_sched_setting *setting);
/* Forgets threads that ended. Returns how many are left. [setup] */
QRT_SCHED_API int qrt_sched_snapshot_prune(struct qrt_sched_snapshot *snapshot);
/* Puts every living one back, as far as it goes; returns how many were put back, or the first error
 * after having tried all. [setup] */
QRT_SCHED_API int qrt_sched_snapshot_restore(struct qrt_sched_snapshot *snapshot,
					     struct qrt_sched_error *reterr);
/* Text for a state file, one thread a line; length and size as in qrt_sched_plan_format(). [setup] */
QRT_SCHED_API int qrt_sched_snapshot_format(const struct qrt_sched_snapshot *snapshot, char *buf,
					    size_t size);
/* Adds what such a text says; -EINVAL with the line. A text of another boot is accepted and empty. [setup] */
QRT_SCHED_API int qrt_sched_snapshot_parse(struct qrt_sched_snapshot *snapshot, const char *text, size_t len,
					   struct qrt_sched_error *reterr);

/* ---- placing threads at birth --------------------------------------------------------------- */

/* Wire format between a VMM's threads and their supervisor: one SOCK_SEQPACKET message each way,
 * host byte order. Threads of one process share the socket; the placer serialises them. */
#define QRT_SCHED_BROKER_MAGIC 0x51525442u /* "QRTB" */

enum qrt_sched_broker_op {
	QRT_SCHED_BROKER_PLACE = 1,  /* place me: answer with the result */
	QRT_SCHED_BROKER_PLACED = 2, /* I placed myself: no answer */
	QRT_SCHED_BROKER_ENDED = 3,  /* I am about to end: no answer */
};

/* PLACE, PLACED: the thread makes its own slices: RR in the plan, it runs under FIFO (layer QUANTUM). */
#define QRT_SCHED_BROKER_QUANTUM 1u
/* PLACED, and the answer to PLACE: the kernel refused DEADLINE, the thread has the fallback. Who gave it
 * that says so: the placer's caller, or the supervisor. */
#define QRT_SCHED_BROKER_FALLBACK 2u

struct qrt_sched_broker_message {
	uint32_t magic;
	uint32_t op;       /* enum qrt_sched_broker_op */
	uint32_t sequence; /* the answer carries the same */
	int32_t result;    /* answer: 0 or a negative errno */
	int32_t tid;
	uint32_t role; /* enum qrt_sched_role */
	uint32_t index;
	uint32_t flags;                  /* QRT_SCHED_BROKER_*; unknown ones are ignored */
	char name[16];                   /* the thread's, NUL-terminated */
	struct qrt_sched_setting origin; /* PLACED: the thread as it was before; PLACE: set == 0 where it
					    could not be read */
};

/* Puts the threads of its own process into their roles: by itself where it may, else by the broker.
 * Any thread may call enter and leave at any time. */
struct qrt_sched_placer;

struct qrt_sched_placer_config {
	uint32_t size;
	int32_t broker_fd;                 /* connected SOCK_SEQPACKET socket, dup'ed; -1: none */
	uint32_t timeout_ms;               /* longest wait for the broker's answer, 0: 200 */
	const struct qrt_sched_plan *plan; /* must outlive the placer */
	uint32_t flags;                    /* QRT_SCHED_PLACER_* */
	uint32_t reserved;                 /* 0 */
};

/* The threads make their quanta themselves (<qrt/quantum.h>): who has one of its own in the plan is placed
 * under FIFO, and its supervisor is told. */
#define QRT_SCHED_PLACER_QUANTUM 1u

/* -ENOMEM, -EINVAL, -E2BIG. [setup] */
QRT_SCHED_API int qrt_sched_placer_open(const struct qrt_sched_placer_config *config,
					struct qrt_sched_placer **ret_placer, struct qrt_sched_error *reterr);
QRT_SCHED_API struct qrt_sched_placer *qrt_sched_placer_close(struct qrt_sched_placer *placer);

#define QRT_SCHED_PLACED_SELF   1 /* results of enter: done by the thread itself, */
#define QRT_SCHED_PLACED_BROKER 2 /* by the broker, */
#define QRT_SCHED_PLACED_FALLBACK                                                                            \
	3 /* by itself, but the kernel refused DEADLINE: it has the fallback, and reterr says why, */
#define QRT_SCHED_PLACED_NONE                                                                                \
	0 /* nothing to do: the plan says nothing about the role, and it inherited nothing */

/* The calling thread enters the role that its name gives it (NULL: a thread without one, OTHR); the
 * calling thread of a process' start is MAIN: pass QRT_SCHED_PLACER_MAIN. Entering again changes the
 * role. vCPUs get RESET_ON_FORK. A thread of a role that the plan does not name gets back what it would
 * have without the placer, where it inherited from a placed one. RETURN QRT_SCHED_PLACED_*, or the error:
 * then the thread runs on as it was, but never with more urgency than its role has, as it could by
 * inheritance. -ETIMEDOUT: the broker did not answer; for a second it is not asked again. -EPIPE: it is
 * gone; after that no thread becomes more urgent. [setup] */
#define QRT_SCHED_PLACER_MAIN ((const char *)1)
QRT_SCHED_API int qrt_sched_placer_enter(struct qrt_sched_placer *placer, const char *thread_name,
					 struct qrt_sched_error *reterr);
/* What quantum the calling thread has by the role that it entered: ns, 0: none of its own. [setup] */
QRT_SCHED_API int64_t qrt_sched_placer_get_quantum(struct qrt_sched_placer *placer);
/* The calling thread is about to end: its index is free again. [setup] */
QRT_SCHED_API void qrt_sched_placer_leave(struct qrt_sched_placer *placer);

/* A thread that entered, and has not left. */
struct qrt_sched_placed {
	int32_t tid;
	uint32_t role; /* enum qrt_sched_role */
	uint32_t index;
	uint32_t is_placed;            /* what the plan says of its role was done to it */
	struct qrt_sched_setting want; /* set == 0: the plan says nothing about it */
};
/* Writes up to max of them, in the order in which they entered. Returns how many there are. [setup] */
QRT_SCHED_API int qrt_sched_placer_list(struct qrt_sched_placer *placer, struct qrt_sched_placed *ret_placed,
					size_t max);
/* Another plan, in place of the one of before, which may be closed then: for those who enter from now on, and
 * for all who have entered, all or nothing. -EBUSY: there is a supervisor, whose plan it is; -EPIPE: it is
 * gone; -EOPNOTSUPP: a thread would begin, change or end its own quantum, or a budget would be another one;
 * else as in qrt_sched_setting_apply(). [setup] */
QRT_SCHED_API int qrt_sched_placer_change(struct qrt_sched_placer *placer, const struct qrt_sched_plan *plan,
					  struct qrt_sched_error *reterr);

#ifdef __cplusplus
}
#endif

#endif /* QRT_SCHED_H */
