/* SPDX-License-Identifier: MIT */
/* Names and policies of tasks, remembered also for those that ended. */
#ifndef QRT_LAUNCHER_BLAME_NAMES_H
#define QRT_LAUNCHER_BLAME_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct blame_name {
	int32_t pid;   /* of its process, 0: unknown */
	char comm[16]; /* clean: it may be printed */
	bool has_policy;
	uint32_t policy; /* the kernel's number */
	int32_t priority, nice;
};

struct blame_names;

struct blame_names *blame_names_new(void);
struct blame_names *blame_names_free(struct blame_names *names);

/* What the records say of a task. comm may be NULL. */
void blame_names_set(struct blame_names *names, int32_t tid, int32_t pid, const char *comm);
/* All that is known of a task, from somebody who looked. */
void blame_names_put(struct blame_names *names, int32_t tid, const struct blame_name *name);
/* Looks at /proc, where the task still is; the caller is soon after the event. */
void blame_names_look(struct blame_names *names, int32_t tid);
/* From now on what is known stays: /proc is not looked at any more. */
void blame_names_freeze(struct blame_names *names);
/* What is known of a task; never NULL. Negative and zero ids have names too ("idle", "others"). */
const struct blame_name *blame_names_get(struct blame_names *names, int32_t tid);
/* "fifo 10", "other nice 5", empty where it is not known. Returns buf. */
const char *blame_names_policy(const struct blame_name *name, char *buf, size_t size);

#endif
