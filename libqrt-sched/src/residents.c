/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "placer_p.h"

struct qrt_sched_p_resident *qrt_sched_p_residents_find(struct qrt_sched_p_residents *residents, pid_t tid)
{
	uint32_t i;

	for (i = 0; i < residents->count; i++) {
		if (residents->entries[i].tid == tid)
			return &residents->entries[i];
	}
	return NULL;
}

struct qrt_sched_p_resident *qrt_sched_p_residents_add(struct qrt_sched_p_residents *residents, pid_t tid)
{
	uint32_t room = residents->room ? residents->room * 2 : 64;
	struct qrt_sched_p_resident *entries;

	if (residents->count == residents->room) {
		entries = realloc(residents->entries, room * sizeof(*entries));
		if (!entries)
			return NULL;
		residents->entries = entries;
		residents->room = room;
	}
	entries = &residents->entries[residents->count++];
	*entries = (struct qrt_sched_p_resident){.tid = tid, .role = QRT_SCHED_ROLES};
	return entries;
}

/* Whether another one has the same index: threads can name the same one, as a replugged CPU does. */
static int is_shared(const struct qrt_sched_p_residents *residents,
		     const struct qrt_sched_p_resident *resident)
{
	const struct qrt_sched_p_resident *other;
	uint32_t i;

	for (i = 0; i < residents->count; i++) {
		other = &residents->entries[i];
		if (other != resident && other->role == resident->role && other->index == resident->index)
			return 1;
	}
	return 0;
}

static void release(struct qrt_sched_p_residents *residents, const struct qrt_sched_p_resident *resident)
{
	if ((unsigned)resident->role >= QRT_SCHED_ROLES || resident->index >= QRT_SCHED_P_INDEX_MAX)
		return;
	/* Only a vCPU's index comes from its name. */
	if (resident->role == QRT_SCHED_ROLE_VCPU && is_shared(residents, resident))
		return;
	residents->taken[resident->role][resident->index / 64] &= ~(1ull << resident->index % 64);
}

void qrt_sched_p_residents_remove(struct qrt_sched_p_residents *residents,
				  struct qrt_sched_p_resident *resident)
{
	size_t behind;

	release(residents, resident);
	behind = --residents->count - (size_t)(resident - residents->entries);
	/* The others stay in the order in which they came. */
	memmove(resident, resident + 1, behind * sizeof(*resident));
}

/* The lowest free one; beyond the last the plan's last value repeats anyhow, so they share it. */
static uint32_t lowest_free(const uint64_t *taken)
{
	uint32_t word;

	for (word = 0; word < QRT_SCHED_P_INDEX_MAX / 64; word++) {
		if (~taken[word])
			return word * 64 + (uint32_t)__builtin_ctzll(~taken[word]);
	}
	return QRT_SCHED_P_INDEX_MAX;
}

void qrt_sched_p_residents_assign(struct qrt_sched_p_residents *residents,
				  struct qrt_sched_p_resident *resident, enum qrt_sched_role role,
				  int32_t wanted)
{
	uint64_t *taken = residents->taken[role];
	uint32_t index;

	if (resident->role == role && (wanted < 0 || (uint32_t)wanted == resident->index))
		return;
	release(residents, resident);
	index = wanted >= 0 ? (uint32_t)wanted : lowest_free(taken);
	if (index < QRT_SCHED_P_INDEX_MAX)
		taken[index / 64] |= 1ull << index % 64;
	resident->role = role;
	resident->index = index;
}

static int is_inherited(const struct qrt_sched_setting *born, const struct qrt_sched_setting *from)
{
	int reset = (from->flags & QRT_SCHED_FLAG_RESET_ON_FORK) && born->policy == QRT_SCHED_POLICY_OTHER;

	if (!reset && (born->policy != from->policy || born->priority != from->priority))
		return 0;
	return !(born->set & from->set & QRT_SCHED_SET_CPUS) ||
	       !memcmp(&born->cpus, &from->cpus, sizeof(born->cpus));
}

struct qrt_sched_setting qrt_sched_p_residents_origin(const struct qrt_sched_p_residents *residents,
						      const struct qrt_sched_setting *born)
{
	const struct qrt_sched_p_resident *other;
	uint32_t i;

	for (i = 0; i < residents->count; i++) {
		other = &residents->entries[i];
		if (other->is_placed && is_inherited(born, &other->now))
			return other->origin;
	}
	return *born;
}
