/* SPDX-License-Identifier: MIT */
/* Who ran on a CPU, and for how long: the last switches of each CPU. Pure: fed by the caller. */
#ifndef QRT_LAUNCHER_BLAME_TIMELINE_H
#define QRT_LAUNCHER_BLAME_TIMELINE_H

#include <stddef.h>
#include <stdint.h>

#define BLAME_CPUS_MAX 1024
#define BLAME_CULPRITS 8

#define BLAME_TID_IDLE    0
#define BLAME_TID_UNKNOWN (-1) /* records were lost, or the history does not go back that far */
#define BLAME_TID_OTHERS  (-2) /* the sum of all that have no place of their own */

struct blame_culprit {
	int32_t tid; /* or BLAME_TID_* */
	uint64_t ns;
};

struct blame_timeline;

struct blame_timeline *blame_timeline_new(void);
struct blame_timeline *blame_timeline_free(struct blame_timeline *timeline);

/* From time_ns on `tid` runs on `cpu`. Times of one CPU must not fall. */
void blame_timeline_run(struct blame_timeline *timeline, uint32_t cpu, uint64_t time_ns, int32_t tid);

/* Who runs there by the last word, BLAME_TID_UNKNOWN before there is one. */
int32_t blame_timeline_now(const struct blame_timeline *timeline, uint32_t cpu);

/* Who ran on `cpu` between two times, the longest first. Returns how many were written; together
 * they are the whole time. */
size_t blame_timeline_share(const struct blame_timeline *timeline, uint32_t cpu, uint64_t from_ns,
			    uint64_t to_ns, struct blame_culprit ret_culprits[BLAME_CULPRITS]);

#endif
