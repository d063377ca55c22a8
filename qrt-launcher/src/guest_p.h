/* SPDX-License-Identifier: MIT */
#ifndef QRT_LAUNCHER_GUEST_P_H
#define QRT_LAUNCHER_GUEST_P_H

#include "agent_link.h"
#include "guest_ask.h"
#include "lifecycle.h"

#include <glib.h>
#include <time.h>

struct guest {
	struct supervisor *supervisor;
	struct agent_link *link; /* borrowed */
	struct lifecycle life;
	struct guest_ask *ask;
	guint sources[AGENT_LINK_FDS]; /* 0: what comes there waits for the next look */
	unsigned served;               /* since the last look */
};

static inline uint64_t guest_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

#endif
