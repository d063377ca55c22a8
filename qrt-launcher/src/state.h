/* SPDX-License-Identifier: MIT */
/*
 * Where running VMs keep their state: one folder a VM in the run directory.
 *
 *   lock        flock'ed by the launcher for its life
 *   state.json  who is who (struct state_record)
 *   threads     threads outside of QEMU's process, as they were; of a VM that was attached to, all of them
 *   places      the cgroups of threads that entered a shield, as they were
 *   plan        the plan that took the place of the first one
 *   control     the socket that answers questions
 *
 * A folder whose lock is free was left behind by a killed launcher. Functions return a negative
 * errno after they have said what is wrong, unless noted.
 */
#ifndef QRT_LAUNCHER_STATE_H
#define QRT_LAUNCHER_STATE_H

#include <glib.h>
#include <qrt/sched.h>
#include <qrt/shield.h>
#include <stdbool.h>

#define STATE_NAME_MAX 64

struct state {
	int run_fd;  /* the run directory, borrowed */
	int fd;      /* the VM's folder */
	int lock_fd; /* locked */
	char name[STATE_NAME_MAX + 1];
};

/* The CPUs of a VM's real-time vCPUs: where they may run at all, and those that are a FIFO vCPU's only one.
 */
struct state_place {
	struct qrt_sched_cpus realtime, fifo;
};

/* What other launchers need to know, and a later call when this launcher is gone. */
struct state_record {
	pid_t launcher_pid, qemu_pid;
	uint64_t launcher_start, qemu_start;
	char boot[40];
	struct qrt_sched_setting fresh; /* how QEMU's threads would run without a plan */
	struct state_place place;
	uint32_t weight;  /* beside other VMs, 0: not said */
	bool is_attached; /* the VM was there before: its threads have pasts of their own */
};

/* 1 for [A-Za-z0-9_.-]{1,64} that starts with a letter or digit. */
bool state_is_name(const char *name);

/* The path of the run directory in words, for messages. */
const char *state_get_run_path(void);
/* Opens the run directory; it must be a folder of ours that nobody else may write. Without `create` a
 * missing one is -ENOENT, and nothing is said. */
int state_open_run(bool create);
/* Opens it for a look; whatever is wrong with it, nothing is said. */
int state_look_run(void);
/* Makes launchers choose their CPUs one after the other, from their look at other VMs until their own record
 * is written. -ENOENT, not said: the run directory was removed meanwhile. */
int state_lock_run(int run_fd);
void state_unlock_run(int run_fd);
/* The same without waiting, by who may not wait. -EBUSY, not said. */
int state_try_lock_run(int run_fd);
/* Closes it, and removes it where it is empty and its place is ours alone. */
void state_close_run(int run_fd);

/* Makes the VM's folder and locks it, having repaired what a killed launcher left there. -EBUSY when
 * a VM of that name runs; -ENOENT, not said: the run directory was removed meanwhile. */
int state_open(int run_fd, const char *name, struct state *ret_state);
/* Locks a folder that is there. -EBUSY while its launcher lives, -ENOENT: none; neither is said. */
int state_open_left(int run_fd, const char *name, struct state *ret_state);
/* The folder's descriptor, for reading; -EPERM: not this user's alone. Says nothing. */
int state_open_folder(int run_fd, const char *name);
/* Unlocks and leaves everything where it is. */
void state_close(struct state *state);
/* Removes the folder and unlocks. */
void state_remove(struct state *state);
/* The same at the end of a VM. Where something could not be put back what was written down of it stays, for
 * `repair` to try again. */
void state_end(struct state *state, bool is_back);

/* Replaces a file of the folder as a whole. */
int state_write(const struct state *state, const char *file, const char *text, size_t len);
/* The text of a file, NUL-terminated, freed by g_free(). -EINVAL for what is no regular file of ours, -EFBIG
 * above max; -ENOENT. Says nothing. */
int state_read(int fd, const char *file, size_t max, char **ret_text, size_t *ret_len);

int state_write_record(const struct state *state, const struct state_record *record);
/* -ENOENT: none; -EINVAL: damaged. Says nothing. */
int state_read_record(int fd, struct state_record *ret_record);

/* Calls found() with the name of each VM's folder. */
void state_for_each(int run_fd, void (*found)(const char *name, void *data), void *data);

/* Puts back what killed launchers left behind of VMs. Returns how many folders could not be repaired. For who
 * does it again and again: `rests`, of names that g_free() frees, has those that failed, and which are left
 * out for some calls; NULL: all are tried. */
int state_repair_vms(int run_fd, bool verbose, GHashTable *rests);
/* The same, and of the host. */
int state_repair_all(int run_fd, bool verbose);
/* Opens the run directory, locked for the choice of CPUs, and puts back what killed launchers left behind. */
int state_enter_run(void);
/* Puts all threads of a VM that was attached to back, into their cgroups first (NULL: none left its own),
 * those that were born meanwhile as record->fresh. Returns how many, or the first error, after having tried
 * all; says nothing. */
int state_put_back(struct qrt_sched_snapshot *snapshot, struct qrt_sched_saved *places,
		   const struct state_record *record, struct qrt_sched_error *reterr);
/* One folder, locked by state_open_left(); it is removed when all was put back. */
int state_repair(struct state *state, bool verbose);

#endif
