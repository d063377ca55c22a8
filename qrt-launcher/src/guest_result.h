/* SPDX-License-Identifier: MIT */
/* Whether what a guest says to have measured can be. */
#ifndef QRT_LAUNCHER_GUEST_RESULT_H
#define QRT_LAUNCHER_GUEST_RESULT_H

#include <qrt/shmem_agent.h>
#include <stdbool.h>

/* Of so many wake-ups, none of them later than that. Its numbers belong together: the buckets to the count,
 * and shortest, longest and sum to the buckets. One with an error, which is an errno, has no numbers. */
bool guest_result_is_sane(const struct qrt_shmem_agent_result *result, uint32_t count, uint64_t most_ns);

#endif
