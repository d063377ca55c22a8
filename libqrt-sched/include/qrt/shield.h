/* SPDX-License-Identifier: MIT */
/*
 * libqrt-sched: shielded CPUs, and other settings of the host that a real-time VM wants quiet.
 *
 * Both change files of the kernel (cpusets, IRQ affinities, workqueue masks, RPS masks, module
 * parameters) and places of threads, which belong to the whole host. So everything is saved first, as a
 * text that the caller keeps where a crash does not reach it, and can be put back by that text alone,
 * by another process. Conventions as in <qrt/sched.h>.
 */
#ifndef QRT_SHIELD_H
#define QRT_SHIELD_H

#include <qrt/sched.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- saved: what to put back --------------------------------------------------------------------- */

/* Files and thread places of the host as they were before. */
struct qrt_sched_saved;

/* Called with the whole text each time before something more is changed: keep it (write, fsync, rename);
 * a negative errno keeps the library from changing it. NULL: nothing is kept, and a crash is not repaired. */
typedef int (*qrt_sched_saved_keep)(void *context, const char *text, size_t len);

QRT_SCHED_API int qrt_sched_saved_new(qrt_sched_saved_keep keep, void *context,
				      struct qrt_sched_saved **ret_saved);
QRT_SCHED_API struct qrt_sched_saved *qrt_sched_saved_close(struct qrt_sched_saved *saved);
/* What such a text says, added to what is there. A text of another boot is accepted and empty: what it
 * speaks of is gone. -EINVAL with the line: nothing was added. [setup] */
QRT_SCHED_API int qrt_sched_saved_parse(struct qrt_sched_saved *saved, const char *text, size_t len,
					struct qrt_sched_error *reterr);
/* Length and size as in qrt_sched_plan_format(). [setup] */
QRT_SCHED_API int qrt_sched_saved_format(const struct qrt_sched_saved *saved, char *buf, size_t size);
/* Puts everything back, last change first, CPUs of threads after all else, as far as it goes; what somebody
 * else changed since keeps that somebody's value. Returns how many things were put back, or the first error
 * after all was tried; what was put back is forgotten, the rest stays for a later try. [setup] */
QRT_SCHED_API int qrt_sched_saved_restore(struct qrt_sched_saved *saved, struct qrt_sched_error *reterr);

/* ---- shield ---------------------------------------------------------------------------------------- */

#define QRT_SCHED_SHIELD_IRQS       1u /* interrupts go elsewhere, new ones too */
#define QRT_SCHED_SHIELD_WORKQUEUES 2u /* unbound workqueues */
#define QRT_SCHED_SHIELD_KTHREADS   4u /* kernel threads that can be moved */
#define QRT_SCHED_SHIELD_RPS        8u /* receive packet steering */
#define QRT_SCHED_SHIELD_ALL        15u

#define QRT_SCHED_SHIELD_NAME "qrt-shield"

struct qrt_sched_shield_config {
	uint32_t size;
	uint32_t flags;             /* QRT_SCHED_SHIELD_*, besides processes, which always go */
	struct qrt_sched_cpus cpus; /* to be shielded: not all that are online */
	const char *name;           /* of the cpuset, NULL: QRT_SCHED_SHIELD_NAME */
};

enum qrt_sched_cgroup {
	QRT_SCHED_CGROUP_NONE, /* no cpuset to be had: places of threads are all that is changed */
	QRT_SCHED_CGROUP_V1, /* two cpusets, NAME and NAME-host, load balancing off at the top and in NAME */
	QRT_SCHED_CGROUP_V2, /* a threaded partition of kind "isolated", "root" before Linux 6.1 */
};

/* What the kernel would not let go of, or what was skipped. */
struct qrt_sched_shield_left {
	char what[32];  /* "irq", "kthread", "process", "workqueue", "rps", "cpuset" */
	char name[64];  /* "24 (virtio0-input.0)", "ksoftirqd/1" */
	int32_t number; /* irq or tid, -1 */
	int32_t error;  /* negative errno */
};

/* Refuses what would lock the user out, with the reason: no CPU left to the host, or to what runs in a
 * cpuset, this session's first of all (-EBUSY), a CPU that is not there (-EINVAL), CPUs that another
 * shield or an exclusive cpuset has (-EEXIST), the caller has no right to it (-EPERM). Touches nothing.
 * [setup] */
QRT_SCHED_API int qrt_sched_shield_check(const struct qrt_sched_shield_config *config,
					 struct qrt_sched_error *reterr);
/* Raises the shield; `saved` keeps first, and holds what to put back. All or nothing but for what the
 * kernel does not let go of, which is reported: writes up to max entries, *ret_left is how many there
 * are. Where a step that matters fails all is put back. With a `saved` that holds this shield already its
 * CPUs and parts become these: others are given back. RETURN enum qrt_sched_cgroup. [setup] */
QRT_SCHED_API int qrt_sched_shield_raise(const struct qrt_sched_shield_config *config,
					 struct qrt_sched_saved *saved,
					 struct qrt_sched_shield_left *ret_list, size_t max, size_t *ret_left,
					 struct qrt_sched_error *reterr);
/* Moves a thread into a shield that is up: it runs on the shield's CPUs then, and nowhere else; its affinity
 * can be set after that. Under version 2 its process leaves its cgroup for the top one, out of that one's
 * other limits. `saved` remembers where it was with all its threads; NULL: they come to the top when the
 * shield is lowered. -ENOENT: no shield of that name is up; -ESRCH. [setup] */
QRT_SCHED_API int qrt_sched_shield_enter(const char *name, pid_t tid, struct qrt_sched_saved *saved,
					 struct qrt_sched_error *reterr);
/* Moves a thread that is in it out of it, to where all others run. -ENOENT, -ESRCH. [setup] */
QRT_SCHED_API int qrt_sched_shield_leave(const char *name, pid_t tid, struct qrt_sched_error *reterr);
/* Which kind of shield of that name is up, its CPUs in ret_cpus; -ENOENT: none that has a cpuset. [setup] */
QRT_SCHED_API int qrt_sched_shield_read(const char *name, struct qrt_sched_cpus *ret_cpus);
/* Whether the shield of that name still keeps others off its CPUs: -ESTALE where somebody has undone a part
 * of it, or the kernel took its partition away, with the file; -ENOENT: none that has a cpuset is up. Raising
 * it again mends it. [setup] */
QRT_SCHED_API int qrt_sched_shield_verify(const char *name, struct qrt_sched_error *reterr);

/* ---- tunables: the rest of a quiet host ------------------------------------------------------------ */

enum qrt_sched_tunable {
	QRT_SCHED_TUNABLE_CSTATE,     /* most exit latency of idle states, us: held open as a descriptor */
	QRT_SCHED_TUNABLE_HALT_POLL,  /* kvm.halt_poll_ns, ns */
	QRT_SCHED_TUNABLE_TIMER_PRIO, /* FIFO priority of the timer and softirq threads on PREEMPT_RT */
	/* cache ways of the resctrl group "qrt", which the common group loses: a schemata line, "L3:0=f" */
	QRT_SCHED_TUNABLE_RESCTRL,
};

/* Sets one, or sets it anew; `saved` keeps first. CSTATE holds as long as `saved` is open; the kernel takes
 * the strictest of all that are held. Timer threads that are as high already stay. RETURN 0; -EOPNOTSUPP
 * where this host has no such thing (reterr says what is missing); -EINVAL; -EBUSY where somebody else has
 * set another value since, or has a resctrl group of our name. [setup] */
QRT_SCHED_API int qrt_sched_tunable_set(enum qrt_sched_tunable tunable, const char *value,
					struct qrt_sched_saved *saved, struct qrt_sched_error *reterr);
/* A process with all its threads enters that group; -ENOENT: it is not there. [setup] */
QRT_SCHED_API int qrt_sched_tunable_enter_resctrl(pid_t pid, struct qrt_sched_saved *saved,
						  struct qrt_sched_error *reterr);

#ifdef __cplusplus
}
#endif

#endif /* QRT_SHIELD_H */
