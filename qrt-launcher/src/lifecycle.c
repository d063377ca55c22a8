/* SPDX-License-Identifier: MIT */
#include "lifecycle.h"

#include <qrt/shmem_agent.h>
#include <stdio.h>
#include <string.h>

#define STEP_NS     UINT64_C(200000000)  /* the most that passes at once */
#define CHANGES_MAX 20                   /* at once */
#define CHANGE_NS   UINT64_C(1000000000) /* one more in this time */

static const char *const names[] = {"unknown", "booting", "ready", "rebooting", "halting", "lost"};

const char *lifecycle_name(enum lifecycle_state state)
{
	return (size_t)state < sizeof(names) / sizeof(names[0]) ? names[state] : "unknown";
}

static bool is_lowering(enum lifecycle_state state)
{
	return state != LIFECYCLE_READY && state != LIFECYCLE_UNKNOWN;
}

/* From here on it may be lowered for the whole time again. */
static void begin_limit(struct lifecycle *life)
{
	life->spent_ns = 0;
	life->is_over = false;
}

static void enter(struct lifecycle *life, enum lifecycle_state state, const char *why, uint64_t now_ns)
{
	if (!is_lowering(state))
		begin_limit(life);
	if (state == life->state)
		return;
	life->state = state;
	life->since_ns = now_ns;
	snprintf(life->why, sizeof(life->why), "%s", why);
}

void lifecycle_begin(struct lifecycle *life, uint64_t now_ns)
{
	memset(life, 0, sizeof(*life));
	life->last_ns = life->more_ns = now_ns;
	life->changes = CHANGES_MAX;
	enter(life, LIFECYCLE_BOOTING, "start", now_ns);
}

void lifecycle_set_running(struct lifecycle *life, bool is_running)
{
	life->is_running = is_running;
}

/* Each of them changes all threads, and is told to others. */
static bool may_change(struct lifecycle *life, uint64_t now_ns)
{
	while (now_ns - life->more_ns >= CHANGE_NS && life->changes < CHANGES_MAX) {
		life->more_ns += CHANGE_NS;
		life->changes++;
	}
	if (life->changes == CHANGES_MAX)
		life->more_ns = now_ns;
	if (life->changes == 0)
		return false;
	life->changes--;
	return true;
}

/* What it does not know says no more than that the guest lives. */
void lifecycle_hear(struct lifecycle *life, uint32_t said, uint32_t beat, uint64_t now_ns)
{
	static const enum lifecycle_state states[] = {
		[QRT_SHMEM_STATE_NONE] = LIFECYCLE_UNKNOWN,
		[QRT_SHMEM_STATE_BOOTING] = LIFECYCLE_BOOTING,
		[QRT_SHMEM_STATE_READY] = LIFECYCLE_READY,
		[QRT_SHMEM_STATE_REBOOTING] = LIFECYCLE_REBOOTING,
		[QRT_SHMEM_STATE_HALTING] = LIFECYCLE_HALTING,
	};

	if (life->is_down || (life->is_known && beat == life->beat))
		return;
	life->is_known = true;
	life->beat = beat;
	life->silent_ns = 0;
	if (said < sizeof(states) / sizeof(states[0]) &&
	    (states[said] == life->state || may_change(life, now_ns)))
		enter(life, states[said], said ? "agent" : "agent-ended", now_ns);
}

void lifecycle_reset(struct lifecycle *life, const char *reason, uint64_t now_ns)
{
	begin_limit(life);
	life->is_down = life->is_known = false;
	life->silent_ns = 0;
	enter(life, LIFECYCLE_BOOTING, reason, now_ns);
}

void lifecycle_shut_down(struct lifecycle *life, const char *reason, uint64_t now_ns)
{
	life->is_down = true;
	enter(life, LIFECYCLE_HALTING, reason, now_ns);
}

void lifecycle_pass(struct lifecycle *life, const struct lifecycle_limits *limits, uint64_t now_ns)
{
	uint64_t passed_ns = now_ns > life->last_ns ? now_ns - life->last_ns : 0;

	life->last_ns = now_ns;
	if (!life->is_running)
		return;
	if (passed_ns > STEP_NS)
		passed_ns = STEP_NS;
	life->silent_ns += passed_ns;
	if (is_lowering(life->state))
		life->spent_ns += passed_ns;
	if (limits->boot_ns && is_lowering(life->state) && life->spent_ns >= limits->boot_ns)
		life->is_over = true;
	if (life->state == LIFECYCLE_READY && limits->silence_ns && life->silent_ns >= limits->silence_ns)
		enter(life, LIFECYCLE_LOST, "heartbeat", now_ns);
}

bool lifecycle_is_lowered(const struct lifecycle *life)
{
	return is_lowering(life->state) && !life->is_over;
}
