/* SPDX-License-Identifier: MIT */
/* The one way from the core to the kernel. Tests of the hidden core replace the table. */
#ifndef QRT_SCHED_SYS_P_H
#define QRT_SCHED_SYS_P_H

#include <qrt/sched.h>

/* struct sched_attr as far as we read it (version 1). Writes give the kernel version 0, which has
 * no utilization clamps: those of the thread stay as they are. */
struct qrt_sched_p_attr {
	uint32_t size;
	uint32_t policy;
	uint64_t flags; /* SCHED_FLAG_* of linux/sched.h */
	int32_t nice;
	uint32_t priority;
	uint64_t runtime; /* DEADLINE; since Linux 6.12 the slice of OTHER and BATCH */
	uint64_t deadline;
	uint64_t period;
	uint32_t util_min;
	uint32_t util_max;
};

#define QRT_SCHED_P_ATTR_SIZE_0 48u

/* Every function returns >= 0 or a negative errno; tid 0 is the calling thread. */
struct qrt_sched_p_sys {
	const char *root; /* stands before every path: "" or the top of a fixture tree */
	int (*get_attr)(pid_t tid, struct qrt_sched_p_attr *ret_attr);
	int (*set_attr)(pid_t tid, const struct qrt_sched_p_attr *attr);
	int (*get_nice)(pid_t tid, int *ret_nice);
	int (*set_nice)(pid_t tid, int nice);
	int (*get_cpus)(pid_t tid, struct qrt_sched_cpus *ret_cpus);
	int (*set_cpus)(pid_t tid, const struct qrt_sched_cpus *cpus);
	int (*get_ioprio)(pid_t tid, uint32_t *ret_ioprio); /* 0: none, also on kernels that have none */
	int (*set_ioprio)(pid_t tid, uint32_t ioprio);
	int (*get_limit)(int resource, uint64_t *ret_limit); /* UINT64_MAX: none */
	uint64_t (*now)(void);                               /* CLOCK_MONOTONIC, ns */
};

/* The kernel's table, unless a test put its own there. */
extern const struct qrt_sched_p_sys *qrt_sched_p_sys;
extern const struct qrt_sched_p_sys qrt_sched_p_kernel;

/* Reads a small file whole, NUL-terminated. Returns its length, -EFBIG where it does not fit. Its size by
 * stat is not asked for: where the kernel makes the content it means nothing. */
int qrt_sched_p_read_fd(int fd, char *buf, size_t size);
int qrt_sched_p_read(const char *path, char *buf, size_t size);
/* A file that holds one number. */
int qrt_sched_p_read_number(const char *path, int64_t *ret_number);
/* When the thread began, in clock ticks since boot: with its number, what tells it from a later one.
 * -ESRCH where it is gone or is being buried. */
int qrt_sched_p_read_start(pid_t tid, uint64_t *ret_start);
/* A CPU list such as .../cpu/online; an empty file gives an empty set. */
int qrt_sched_p_read_cpus(const char *path, struct qrt_sched_cpus *ret_cpus);
/* The text behind "Name:" in a text like /proc/self/status, NULL where the name is not there. */
const char *qrt_sched_p_field(const char *text, const char *name);

/* Reads what can be read, and says in ret_setting->set what that was. Returns 0 when it was all of it,
 * else why not; ret_setting is written in any case. */
int qrt_sched_p_setting_read_some(pid_t tid, struct qrt_sched_setting *ret_setting);
/* 1 when a thread that is as `a` goes before one that is as `b`. */
int qrt_sched_p_is_more_urgent(const struct qrt_sched_setting *a, const struct qrt_sched_setting *b);

/* The slice that the kernel gives to threads that did not ask for one, ns; 0: it has no slices, or that
 * cannot be found out. */
uint64_t qrt_sched_p_kernel_slice(void);
/* By its file, and by its version where it has none: not every version with it has the file. */
int qrt_sched_p_is_preempt_rt(void);

/* "cannot give thread N ...: " with the missing right and the remedy; returns rc. */
int qrt_sched_p_refusal(struct qrt_sched_error *reterr, int rc, pid_t tid,
			const struct qrt_sched_setting *setting);

#define QRT_SCHED_P_CAP_IPC_LOCK 14
#define QRT_SCHED_P_CAP_SYS_NICE 23
/* 1 when this thread has the capability in effect. */
int qrt_sched_p_capable(int capability);

#endif
