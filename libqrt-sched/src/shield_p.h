/* SPDX-License-Identifier: MIT */
/* The steps of raising a shield. All return 0 or a negative errno, with reterr filled in. */
#ifndef QRT_SCHED_SHIELD_P_H
#define QRT_SCHED_SHIELD_P_H

#include <qrt/shield.h>

#include "cgroup_p.h"
#include "saved_p.h"
#include "task_p.h"

#define QRT_SCHED_P_SHIELD_NAME 48 /* longest name, with its NUL */

struct qrt_sched_p_shield {
	uint32_t flags;
	char name[QRT_SCHED_P_SHIELD_NAME];
	struct qrt_sched_cpus cpus;   /* that are shielded */
	struct qrt_sched_cpus online; /* of the host */
	struct qrt_sched_cpus rest;   /* that are left to the host */
	struct qrt_sched_p_cgroup cgroup;
	char folder[QRT_SCHED_P_PATH]; /* the shield's cpuset, */
	char others[QRT_SCHED_P_PATH]; /* and that of everybody else (version 1) */

	struct qrt_sched_saved *saved;
	struct qrt_sched_shield_left *left; /* the caller's, of `max` entries */
	size_t max, count;
	struct qrt_sched_error *reterr;
};

/* Reads configuration and host; refuses what is out of the question. */
int qrt_sched_p_shield_open(struct qrt_sched_p_shield *shield, const struct qrt_sched_shield_config *config,
			    struct qrt_sched_error *reterr);
/* Refuses what would lock somebody out, or disturb another shield. */
int qrt_sched_p_shield_refuse(struct qrt_sched_p_shield *shield);

/* Where something may run that ran on `before`: off the shield, but somewhere. */
struct qrt_sched_cpus qrt_sched_p_shield_elsewhere(const struct qrt_sched_p_shield *shield,
						   const struct qrt_sched_cpus *before);
/* 1 for the shield's own cpusets, and what is below that with its CPUs. */
int qrt_sched_p_shield_is_own(const struct qrt_sched_p_shield *shield, const char *folder);
/* The CPUs of a cpuset as they were before this shield, 1 where that was noted; 0 as they are. */
int qrt_sched_p_shield_cpus_before(const struct qrt_sched_p_shield *shield, const char *folder,
				   struct qrt_sched_cpus *ret_cpus);
/* 1 when the set has a CPU of the shield. */
int qrt_sched_p_shield_touches(const struct qrt_sched_p_shield *shield, const struct qrt_sched_cpus *cpus);
/* Reports what was not let go of. */
void qrt_sched_p_shield_leave(struct qrt_sched_p_shield *shield, const char *what, const char *name,
			      int32_t number, int error);

/* Notes a change of a file. */
int qrt_sched_p_shield_note_file(struct qrt_sched_p_shield *shield, const char *path, const char *before,
				 const char *after);
/* Keeps what is noted; then makes it, in that order. The first failure ends it. */
int qrt_sched_p_shield_make_all(struct qrt_sched_p_shield *shield);
/* Keeps what is noted; then makes what can be made, and tells `failed` of the others. */
int qrt_sched_p_shield_make_some(struct qrt_sched_p_shield *shield,
				 void (*failed)(struct qrt_sched_p_shield *shield,
						const struct qrt_sched_p_saved_entry *entry, int error));

int qrt_sched_p_shield_irqs(struct qrt_sched_p_shield *shield);
int qrt_sched_p_shield_workqueues(struct qrt_sched_p_shield *shield);
int qrt_sched_p_shield_rps(struct qrt_sched_p_shield *shield);
int qrt_sched_p_shield_kthreads(struct qrt_sched_p_shield *shield);
/* Remembers the threads that chose their CPUs: leaving a cpuset may lose that. */
int qrt_sched_p_shield_remember_pinned(struct qrt_sched_p_shield *shield);
/* Gives them what is left of their choice, where the kernel did not. */
int qrt_sched_p_shield_narrow_pinned(struct qrt_sched_p_shield *shield);
/* Reports processes that may still run on the shield, and are not in it. */
int qrt_sched_p_shield_look_again(struct qrt_sched_p_shield *shield);

/* Puts back what was done for parts that are not asked for any more; what cannot be is for a later try. */
void qrt_sched_p_shield_drop_parts(struct qrt_sched_p_shield *shield);

int qrt_sched_p_shield_raise_v1(struct qrt_sched_p_shield *shield);
int qrt_sched_p_shield_raise_v2(struct qrt_sched_p_shield *shield);
int qrt_sched_p_shield_raise_none(struct qrt_sched_p_shield *shield);
/* Takes the shield's CPUs from all cpusets but its own two, and gives those back that left the shield. */
int qrt_sched_p_shield_shrink_others(struct qrt_sched_p_shield *shield);
/* Makes a folder of the shield's; one that is there already must be in `saved`. */
int qrt_sched_p_shield_make_folder(struct qrt_sched_p_shield *shield, const char *folder);
/* Writes a value to a file of a folder of our own, which needs no saving. */
int qrt_sched_p_shield_write_own(struct qrt_sched_p_shield *shield, const char *folder, const char *file,
				 const char *value);

#endif
