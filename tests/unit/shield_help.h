/* SPDX-License-Identifier: MIT */
/* A shield on a made-up host, from before it is raised until the host is compared with how it was. */
#ifndef QRT_TESTS_SHIELD_HELP_H
#define QRT_TESTS_SHIELD_HELP_H

#include "host_tree.h"

#define SHIELD_HELP_LEFT 64

struct shield_help {
	struct host_tree_kept kept;
	struct qrt_sched_saved *saved;
	struct qrt_sched_shield_config config;
	struct qrt_sched_shield_left left[SHIELD_HELP_LEFT];
	size_t count;
	struct qrt_sched_error error;
	char *before;
};

/* A host with cpusets of a version, 0: none. Ended by host_tree_end(). */
void shield_help_begin(int version);
/* Takes a picture of the host. */
void shield_help_prepare(struct shield_help *up, const char *cpus, uint32_t flags);
void shield_help_finish(struct shield_help *up);
int shield_help_raise(struct shield_help *up);
/* Puts back as another process does, by the text that was kept alone. */
void shield_help_restore(struct shield_help *up);

/* 1 when that was reported as left. */
int shield_help_is_left(const struct shield_help *up, const char *what, const char *name);
void shield_help_as_before(const struct shield_help *up, const char *when);
void shield_help_file(const char *path, const char *text);

#endif
