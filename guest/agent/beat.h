/* SPDX-License-Identifier: MIT */
#ifndef QRT_AGENT_BEAT_H
#define QRT_AGENT_BEAT_H

#include "agent.h"

/* One in a process. Priority 0: time sharing; where it may not have one it says so, and has that. */
int beat_start(const struct device *device, uint32_t state, uint32_t interval_ms, uint32_t priority);
/* Says it at once, and from there on. */
void beat_say(uint32_t state);
uint32_t beat_get(void);
/* Says this as its last word. */
void beat_end(uint32_t state);

#endif
