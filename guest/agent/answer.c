/* SPDX-License-Identifier: MIT */
/* What the host asks, and the answers. Messages of anybody but the host are left alone. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "agent.h"

#define MESSAGES_MAX 64 /* of one look: the host cannot keep the agent from its beat */

struct answerer {
	const struct device *device;
	struct qrt_shmem_reader reader;
	struct qrt_shmem_writer writer;
	uint32_t life; /* in which it was begun */
	unsigned char *buf;
	uint32_t size;
};

static uint32_t draw_epoch(void)
{
	struct timespec now;
	uint32_t epoch;

	if (getrandom(&epoch, sizeof(epoch), GRND_NONBLOCK) == sizeof(epoch))
		return epoch;
	clock_gettime(CLOCK_MONOTONIC, &now); /* early in boot there is nothing better */
	return (uint32_t)now.tv_nsec ^ (uint32_t)now.tv_sec << 20;
}

static void begin(struct answerer *answerer)
{
	const struct device *device = answerer->device;

	answerer->life = qrt_shmem_get_life(&device->view, device->slot);
	qrt_shmem_begin_writing(&answerer->writer, &device->view, device->slot, draw_epoch(),
				QRT_SHMEM_TO_ALL);
	qrt_shmem_begin_reading(&answerer->reader, &device->view, device->host, device->slot, 0);
}

struct answerer *answerer_new(const struct device *device)
{
	struct answerer *answerer = calloc(1, sizeof(*answerer));

	if (!answerer)
		return NULL;
	answerer->device = device;
	answerer->size = qrt_shmem_length_max(&device->view);
	answerer->buf = malloc(answerer->size);
	if (!answerer->buf) {
		free(answerer);
		return NULL;
	}
	begin(answerer);
	return answerer;
}

void answerer_free(struct answerer *answerer)
{
	if (!answerer)
		return;
	free(answerer->buf);
	free(answerer);
}

static void send_to_host(struct answerer *answerer, uint16_t type, const void *data, uint32_t size)
{
	if (qrt_shmem_send(&answerer->writer, answerer->device->host, type, data, size) >= 0)
		device_ring_host(answerer->device);
}

static void answer_probe(struct answerer *answerer)
{
	struct qrt_shmem_agent_probe probe;
	struct qrt_shmem_agent_result result;
	int rc;

	memcpy(&probe, answerer->buf, sizeof(probe));
	rc = probe_begin(&probe);
	if (rc >= 0)
		return;
	memset(&result, 0, sizeof(result));
	result.cookie = probe.cookie;
	result.error = rc;
	send_to_host(answerer, QRT_SHMEM_AGENT_RESULT, &result, sizeof(result));
}

static void answer(struct answerer *answerer, const struct qrt_shmem_message *message)
{
	if (message->to != answerer->device->slot && message->to != QRT_SHMEM_TO_ALL)
		return;
	if (message->type == QRT_SHMEM_AGENT_PING && message->length == sizeof(struct qrt_shmem_agent_ping))
		send_to_host(answerer, QRT_SHMEM_AGENT_PONG, answerer->buf, message->length);
	if (message->type == QRT_SHMEM_AGENT_PROBE && message->length == sizeof(struct qrt_shmem_agent_probe))
		answer_probe(answerer);
}

void answerer_look(struct answerer *answerer)
{
	const struct device *device = answerer->device;
	struct qrt_shmem_agent_result result;
	struct qrt_shmem_message message;
	int i, rc = 1;

	if (qrt_shmem_get_life(&device->view, device->slot) != answerer->life)
		begin(answerer);
	for (i = 0; i < MESSAGES_MAX && rc != 0; i++) {
		rc = qrt_shmem_receive(&answerer->reader, &message, answerer->buf, answerer->size);
		if (rc > 0)
			answer(answerer, &message);
	}
	qrt_shmem_acknowledge(&answerer->reader);
	if (probe_end(&result))
		send_to_host(answerer, QRT_SHMEM_AGENT_RESULT, &result, sizeof(result));
}
