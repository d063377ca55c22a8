/* SPDX-License-Identifier: MIT */
/* The threads of a VM: their roles, and what the kernel's accounts say of them. */
#ifndef QRT_LAUNCHER_BLAME_THREADS_H
#define QRT_LAUNCHER_BLAME_THREADS_H

#include "blame_model.h"

#include <glib.h>
#include <qrt/sched.h>
#include <stdbool.h>

struct blame_thread {
	int32_t tid;
	enum qrt_sched_role role;
	int32_t index; /* -1: none that is known */
	char name[16]; /* clean: it may be printed */
	bool told;     /* by the supervisor: not to be guessed from the name */
	int fd;        /* its schedstat; -1: ended */
	uint32_t scans_ended;
	bool fresh;
	struct blame_sample sample;
};

struct blame_threads;

/* The plan's name patterns help to classify threads; it may be NULL, and is borrowed. */
struct blame_threads *blame_threads_new(int32_t pid, const struct qrt_sched_plan *plan);
struct blame_threads *blame_threads_free(struct blame_threads *threads);

/* Takes in a thread of the VM, by its name where the role is not known (name == NULL). */
void blame_threads_add(struct blame_threads *threads, struct blame_model *model, int32_t tid);
void blame_threads_tell(struct blame_threads *threads, struct blame_model *model,
			const struct blame_thread *told);
/* A thread of a VM that is not looked at: what was recorded of it is judged. */
void blame_threads_recall(struct blame_threads *threads, const struct blame_thread *told);
/* The thread has ended: what comes with its number now is another. */
void blame_threads_end(struct blame_threads *threads, struct blame_model *model, int32_t tid);
/* Finds new threads in /proc, forgets ended ones, and looks who is ready. -ESRCH when the VM is gone. */
int blame_threads_scan(struct blame_threads *threads, struct blame_model *model);
/* Reads the accounts of all threads. */
void blame_threads_sample(struct blame_threads *threads);
/* Gives the model what was read. */
void blame_threads_feed(struct blame_threads *threads, struct blame_model *model);

/* A thread by its id, also one that ended a while ago; NULL where it is none of the VM's. */
const struct blame_thread *blame_threads_find(const struct blame_threads *threads, int32_t tid);
/* How many live, by the last scan. */
size_t blame_threads_count(const struct blame_threads *threads);
/* The CPUs that vCPUs under a real-time policy are bound to, and whether any thread has one. */
void blame_threads_read_cpus(const struct blame_threads *threads, struct qrt_sched_cpus *ret_vcpus,
			     bool *ret_realtime);

#endif
