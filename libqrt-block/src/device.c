/* SPDX-License-Identifier: MIT */
#include "device_p.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine_p.h"
#include "power_p.h"
#include "qcow2_chain_p.h"

#define REQUESTS_MAX  65536u
#define QUEUES_MAX    1024u
#define WORKERS_USUAL 4u
#define KNOWN_FLAGS                                                                                          \
	(QRT_BLOCK_DEVICE_READ_ONLY | QRT_BLOCK_DEVICE_DIRECT | QRT_BLOCK_DEVICE_CREATE |                    \
	 QRT_BLOCK_DEVICE_SHARE | QRT_BLOCK_DEVICE_NO_LOCKS | QRT_BLOCK_DEVICE_BACKING)

/* ---- opening ---- */

static int check(const struct qrt_block_device_config *config, struct qrt_block_error *reterr)
{
	if (config->flags & ~KNOWN_FLAGS || config->engine > QRT_BLOCK_ENGINE_MEMORY)
		return qrt_block_p_error(reterr, -EINVAL, "a device with unknown flags or an unknown engine");
	if (config->format > QRT_BLOCK_FORMAT_QCOW2 || config->reserved ||
	    (config->flags & QRT_BLOCK_DEVICE_BACKING && config->format == QRT_BLOCK_FORMAT_RAW))
		return qrt_block_p_error(
			reterr, -EINVAL,
			"a device with an unknown format, or BACKING with one that has none");
	if (config->workers > QRT_BLOCK_P_WORKERS_MAX || config->requests > REQUESTS_MAX ||
	    config->queues > QUEUES_MAX)
		return qrt_block_p_error(reterr, -EINVAL,
					 "a device has at most %u workers, %u requests and %u queues",
					 QRT_BLOCK_P_WORKERS_MAX, REQUESTS_MAX, QUEUES_MAX);
	return 0;
}

static int take_fault(struct qrt_block_device *device, const struct qrt_block_fault_config *fault,
		      struct qrt_block_error *reterr)
{
	struct qrt_block_fault_config *own = &device->fault;
	int rc;

	if (!fault)
		return 0;
	rc = qrt_p_struct_take(own, sizeof(*own), fault);
	if (rc >= 0 && (own->flags & ~QRT_BLOCK_FAULT_POWER || own->delay_min_ns > own->delay_max_ns ||
			own->kinds >> QRT_BLOCK_KINDS))
		rc = -EINVAL;
	return rc < 0 ? qrt_block_p_error(reterr, rc,
					  "faults with unknown flags or kinds, or delays in reverse")
		      : 0;
}

static int have_tables(struct qrt_block_device *device, struct qrt_block_error *reterr)
{
	uint32_t i;

	device->mailboxes = calloc(device->mailboxes_count, sizeof(*device->mailboxes));
	device->zeroes = aligned_alloc(QRT_BLOCK_P_PAGE, QRT_BLOCK_P_ZEROES);
	if (!device->mailboxes || !device->zeroes)
		return qrt_block_p_error(reterr, -ENOMEM, "out of memory");
	memset(device->zeroes, 0, QRT_BLOCK_P_ZEROES);
	for (i = 0; i < device->mailboxes_count; i++)
		qrt_block_p_mailbox_init(&device->mailboxes[i]);
	return 0;
}

static int have_workers(struct qrt_block_device *device, const struct qrt_block_device_config *config,
			struct qrt_block_error *reterr)
{
	uint32_t usual = device->engine == QRT_BLOCK_ENGINE_LIBAIO ? 1 : WORKERS_USUAL;
	int rc = qrt_block_p_threads_take(&device->pool.threads, config->threads);

	if (rc < 0)
		return qrt_block_p_error(reterr, rc,
					 "thread operations lack create or join, or are of another version");
	if (device->engine == QRT_BLOCK_ENGINE_MEMORY)
		return 0;
	if (config->workers)
		usual = config->workers;
	else if (device->engine == QRT_BLOCK_ENGINE_THREADS && !device->qcow2)
		device->workers_max = QRT_BLOCK_P_WORKERS_MAX;
	rc = qrt_block_p_pool_open(&device->pool, device, usual, device->requests_max);
	return rc < 0 ? qrt_block_p_error(reterr, rc, "a worker cannot be started: %s", strerror(-rc)) : 0;
}

static int have_content(struct qrt_block_device *device, const struct qrt_block_device_config *config,
			struct qrt_block_error *reterr)
{
	int rc;

	if (config->format == QRT_BLOCK_FORMAT_QCOW2)
		return qrt_block_p_qcow2_open(device, config, reterr);
	if (config->engine == QRT_BLOCK_ENGINE_MEMORY) {
		device->engine = config->engine;
		return qrt_block_p_memory_open(device, config, reterr);
	}
	rc = qrt_block_p_file_open(device, config, reterr);
	if (rc >= 0)
		rc = qrt_block_p_device_choose(device, config->engine, reterr);
	return rc < 0 ? rc : qrt_block_p_file_lock(device, config, reterr);
}

static int fill(struct qrt_block_device *device, const struct qrt_block_device_config *config,
		struct qrt_block_error *reterr)
{
	/* Those of an image are its files'. */
	int is_raw = config->format == QRT_BLOCK_FORMAT_RAW;
	int rc = take_fault(device, is_raw ? config->fault : NULL, reterr);

	device->fd = -1;
	device->flags = config->flags & ~QRT_BLOCK_DEVICE_CREATE;
	memcpy(device->throttles, config->throttles, sizeof(device->throttles));
	device->requests_max = config->requests ? config->requests : 1024;
	device->mailboxes_count = device->fault.size ? 1 : config->queues ? config->queues : 16;
	if (rc >= 0)
		rc = have_tables(device, reterr);
	if (rc >= 0)
		rc = have_content(device, config, reterr);
	if (rc >= 0 && device->fault.flags & QRT_BLOCK_FAULT_POWER) {
		rc = qrt_block_p_power_open(device, &device->power);
		if (rc < 0)
			qrt_block_p_error(reterr, rc, "a copy of the device's content: %s", strerror(-rc));
	}
	if (rc >= 0)
		rc = have_workers(device, config, reterr);
	return rc;
}

int qrt_block_device_open(const struct qrt_block_device_config *config, struct qrt_block_device **ret_device,
			  struct qrt_block_error *reterr)
{
	struct qrt_block_device_config own;
	struct qrt_block_device *device;
	int rc = qrt_p_struct_take(&own, sizeof(own), config);

	if (rc < 0)
		return qrt_block_p_error(reterr, rc, "a device's config is of another version");
	rc = check(&own, reterr);
	if (rc < 0)
		return rc;
	device = calloc(1, sizeof(*device));
	if (!device)
		return qrt_block_p_error(reterr, -ENOMEM, "out of memory");
	rc = fill(device, &own, reterr);
	if (rc < 0) {
		qrt_block_device_close(device);
		return rc;
	}
	free(device->made);
	device->made = NULL; /* it stays */
	*ret_device = device;
	return 0;
}

struct qrt_block_device *qrt_block_device_close(struct qrt_block_device *device)
{
	uint32_t i;

	if (!device)
		return NULL;
	qrt_block_p_pool_close(&device->pool);
	for (i = 0; device->mailboxes && i < device->mailboxes_count; i++)
		qrt_block_p_mailbox_finish(&device->mailboxes[i]);
	qrt_block_p_power_close(device->power);
	qrt_block_p_qcow2_close(device->qcow2);
	qrt_block_p_file_close(device);
	qrt_block_p_memory_close(device);
	free(device->mailboxes);
	free(device->zeroes);
	free(device);
	return NULL;
}

/* Queues may be opened by several threads meanwhile: what they found out is no part of the device's own. */
static void say_reason(const struct qrt_block_device *device, char *reason, size_t size)
{
	uint32_t count = atomic_load(&device->ringless);
	size_t used = strlen(device->reason);

	memcpy(reason, device->reason, used + 1);
	if (count)
		snprintf(reason + used, size - used, "; queues without a ring: %u: " QRT_BLOCK_P_LOCKED_WORDS,
			 count);
}

int qrt_block_device_get_info(const struct qrt_block_device *device, struct qrt_block_device_info *ret_info)
{
	struct qrt_block_device_info info = {
		.engine = device->engine,
		.flags = device->flags,
		.lock = device->lock,
		.capacity = atomic_load(&device->capacity),
		.alignment = device->alignment,
		.memory_alignment = device->memory_alignment,
		.is_block_device = device->is_block_device,
		.workers = atomic_load(&device->pool.count),
		.length_max = QRT_BLOCK_P_LENGTH_MAX,
		.layers = 1,
	};

	say_reason(device, info.reason, sizeof(info.reason));
	if (device->qcow2) {
		info.format = QRT_BLOCK_FORMAT_QCOW2;
		info.layers = device->qcow2->layers.count;
		info.workers += qrt_block_p_qcow2_workers(device->qcow2);
	}
	return qrt_p_struct_give(ret_info, &info, sizeof(info));
}
