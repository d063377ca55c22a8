/* SPDX-License-Identifier: MIT */
#include "power_p.h"

#include <errno.h>
#include <stdlib.h>

#define SECTOR 512u

struct qrt_block_p_power {
	struct qrt_block_device *device;
	uint64_t sectors, sector;
	uint64_t sequence;      /* of changes */
	uint64_t *first, *last; /* of each sector: its first and last change that is not safe; 0: none */
	char *safe;             /* the content */
};

uint64_t qrt_block_p_random(uint64_t *seed)
{
	uint64_t z = (*seed += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static int read_all(struct qrt_block_p_power *power)
{
	uint64_t i;
	int rc = 0;

	for (i = 0; i < power->sectors && rc >= 0; i++)
		rc = qrt_block_p_device_peek(power->device, i * power->sector,
					     power->safe + i * power->sector, power->sector);
	return rc;
}

int qrt_block_p_power_open(struct qrt_block_device *device, struct qrt_block_p_power **ret_power)
{
	struct qrt_block_p_power *power = calloc(1, sizeof(*power));
	uint64_t capacity = atomic_load(&device->capacity);
	int rc = -ENOMEM;

	if (!power)
		return -ENOMEM;
	power->device = device;
	power->sector = device->alignment > SECTOR ? device->alignment : SECTOR;
	power->sectors = capacity / power->sector;
	power->first = calloc(power->sectors + 1, sizeof(*power->first));
	power->last = calloc(power->sectors + 1, sizeof(*power->last));
	if (posix_memalign((void **)&power->safe, QRT_BLOCK_P_PAGE, capacity + power->sector))
		power->safe = NULL;
	if (power->first && power->last && power->safe)
		rc = capacity % power->sector ? -EINVAL : read_all(power);
	if (rc < 0) {
		qrt_block_p_power_close(power);
		return rc;
	}
	*ret_power = power;
	return 0;
}

void qrt_block_p_power_close(struct qrt_block_p_power *power)
{
	if (!power)
		return;
	free(power->first);
	free(power->last);
	free(power->safe);
	free(power);
}

static int make_safe(struct qrt_block_p_power *power, uint64_t i)
{
	return qrt_block_p_device_peek(power->device, i * power->sector, power->safe + i * power->sector,
				       power->sector);
}

void qrt_block_p_power_change(struct qrt_block_p_power *power, uint64_t offset, uint64_t length, int is_safe)
{
	uint64_t i, end = (offset + length + power->sector - 1) / power->sector;

	power->sequence++;
	for (i = offset / power->sector; i < end; i++) {
		if (is_safe && make_safe(power, i) >= 0) {
			power->first[i] = power->last[i] = 0;
			continue;
		}
		power->first[i] = power->first[i] ? power->first[i] : power->sequence;
		power->last[i] = power->sequence;
	}
}

uint64_t qrt_block_p_power_begin_flush(struct qrt_block_p_power *power)
{
	return power->sequence;
}

/* A later change that is in the copy now, too, is one that happened to survive. */
int qrt_block_p_power_end_flush(struct qrt_block_p_power *power, uint64_t sequence)
{
	uint64_t i;
	int rc = 0;

	for (i = 0; i < power->sectors && rc >= 0; i++) {
		if (!power->first[i] || power->first[i] > sequence)
			continue;
		rc = make_safe(power, i);
		power->first[i] = power->last[i] > sequence ? power->last[i] : 0;
	}
	return rc;
}

int qrt_block_p_power_cut(struct qrt_block_p_power *power, uint64_t *seed)
{
	uint64_t i;
	int rc = 0;

	for (i = 0; i < power->sectors && rc >= 0; i++) {
		if (!power->first[i])
			continue;
		if (qrt_block_p_random(seed) & 1)
			rc = qrt_block_p_device_poke(power->device, i * power->sector,
						     power->safe + i * power->sector, power->sector);
		else
			rc = make_safe(power, i);
		power->first[i] = power->last[i] = 0;
	}
	return rc;
}
