/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "agent.h"

static const char *const names[] = {"none", "booting", "ready", "rebooting", "halting"};

int state_parse(const char *name)
{
	int i;

	for (i = QRT_SHMEM_STATE_BOOTING; i <= QRT_SHMEM_STATE_HALTING; i++) {
		if (!strcmp(name, names[i]))
			return i;
	}
	return -1;
}

const char *state_name(uint32_t state)
{
	return state < sizeof(names) / sizeof(names[0]) ? names[state] : "unknown";
}

int state_say(const struct device *device, uint32_t state)
{
	struct qrt_shmem_state said = {0};

	if (qrt_shmem_read_state(&device->view, device->slot, &said) < 0)
		said.beat = 0;
	said.life = qrt_shmem_get_life(&device->view, device->slot);
	said.state = state;
	said.beat++;
	said.flags = 0;
	if (!said.life)
		return -ESTALE;
	qrt_shmem_say_state(&device->view, device->slot, &said);
	return 0;
}
