/* SPDX-License-Identifier: MIT */
#include "qcow2_chain_p.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define HEADER_MAX (1u << QRT_BLOCK_P_QCOW2_CLUSTER_BITS_MAX)

/* Which file is next. */
struct place {
	char path[PATH_MAX];
	uint32_t has_path, is_raw;
};

/* Of a length that direct I/O takes, and not nothing. */
static uint64_t round_up(uint64_t length)
{
	return length ? (length + QRT_BLOCK_P_PAGE - 1) / QRT_BLOCK_P_PAGE * QRT_BLOCK_P_PAGE
		      : QRT_BLOCK_P_PAGE;
}

/* ---- one file ---- */

static int open_file(struct qrt_block_p_qcow2_layer *layer, const struct qrt_block_device_config *config,
		     const struct place *place, struct qrt_block_error *reterr)
{
	struct qrt_block_device_config own = *config;
	uint32_t queues = config->queues ? config->queues : 16;
	uint32_t requests = config->requests ? config->requests : 1024;
	struct stat status;
	int rc;

	own.format = QRT_BLOCK_FORMAT_RAW;
	own.flags &= ~QRT_BLOCK_DEVICE_BACKING;
	own.path = place->has_path ? place->path : NULL;
	own.queues = queues;
	own.requests = requests + queues * QRT_BLOCK_P_QCOW2_BESIDE;
	if (own.requests > 65536)
		own.requests = 65536;
	own.throttles[0] = own.throttles[1] = NULL;
	rc = qrt_block_device_open(&own, &layer->file, reterr);
	/* A new image ends with its tables, at any byte. */
	if (rc == -EINVAL && own.flags & QRT_BLOCK_DEVICE_DIRECT) {
		own.flags &= ~QRT_BLOCK_DEVICE_DIRECT;
		rc = qrt_block_device_open(&own, &layer->file, reterr);
		layer->is_odd = 1;
	}
	if (rc < 0)
		return rc;
	if (fstat(layer->file->fd, &status) < 0)
		return qrt_block_p_error(reterr, -errno, "%s: %s", place->path, strerror(errno));
	layer->filesystem = status.st_dev;
	layer->number = status.st_ino;
	return 0;
}

static int read_header(struct qrt_block_p_qcow2_layer *layer, const char *name,
		       struct qrt_block_error *reterr)
{
	uint64_t length = layer->file->capacity < HEADER_MAX ? layer->file->capacity : HEADER_MAX;
	uint8_t *bytes = aligned_alloc(QRT_BLOCK_P_PAGE, round_up(length));
	int rc;

	if (!bytes)
		return qrt_block_p_error(reterr, -ENOMEM, "out of memory");
	rc = qrt_block_p_device_peek(layer->file, 0, bytes, length);
	if (rc < 0)
		qrt_block_p_error(reterr, rc, "%s: its header: %s", name, strerror(-rc));
	else
		rc = qrt_block_p_qcow2_parse(bytes, length, layer->file->capacity, name, &layer->image.header,
					     reterr);
	free(bytes);
	return rc;
}

/* The whole of it is looked at again and again, and stays. */
static int read_l1(struct qrt_block_p_qcow2_layer *layer, const char *name, struct qrt_block_error *reterr)
{
	struct qrt_block_p_qcow2_image *image = &layer->image;
	uint64_t alignment = layer->file->alignment, length = (uint64_t)image->header.l1_count * 8;
	uint32_t i;
	int rc = 0;

	length = (length + alignment - 1) / alignment * alignment;
	image->l1 = aligned_alloc(QRT_BLOCK_P_PAGE, round_up(length));
	if (!image->l1)
		return qrt_block_p_error(reterr, -ENOMEM, "out of memory");
	if (length)
		rc = qrt_block_p_device_peek(layer->file, image->header.l1_offset, image->l1, length);
	if (rc < 0)
		return qrt_block_p_error(reterr, rc, "%s: its L1 table: %s", name, strerror(-rc));
	for (i = 0; i < image->header.l1_count; i++)
		image->l1[i] = __builtin_bswap64(image->l1[i]);
	return 0;
}

static int open_image(struct qrt_block_p_qcow2_layer *layer, const char *name, struct qrt_block_error *reterr)
{
	struct qrt_block_p_qcow2_image *image = &layer->image;
	uint32_t cluster;
	int rc = read_header(layer, name, reterr);

	if (rc < 0)
		return rc;
	cluster = 1u << image->header.cluster_bits;
	if (cluster < layer->file->alignment)
		return qrt_block_p_error(
			reterr, -EINVAL,
			"%s: its clusters of %u bytes are smaller than the %u of DIRECT: open it without",
			name, cluster, layer->file->alignment);
	if (image->header.compression == QRT_BLOCK_P_QCOW2_ZSTD && !qrt_block_p_qcow2_zstd_is_there())
		return qrt_block_p_error(reterr, -EOPNOTSUPP,
					 "%s: it is compressed by zstd, which this build does not have",
					 name);
	image->file_length = layer->file->capacity;
	image->slice_bytes = cluster < QRT_BLOCK_P_QCOW2_SLICE_BYTES ? cluster
								     : QRT_BLOCK_P_QCOW2_SLICE_BYTES;
	return read_l1(layer, name, reterr);
}

/* ---- the one below it ---- */

/* QEMU writes the driver that it has for it there, and these have bytes as they are. */
static int is_raw(const char *format)
{
	static const char *const names[] = {"raw", "file", "host_device", "qrt"};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strcmp(format, names[i]) == 0)
			return 1;
	return 0;
}

static int take_format(const struct qrt_block_p_qcow2_header *header, struct place *place, const char *name,
		       struct qrt_block_error *reterr)
{
	const char *format = header->backing_format;

	place->is_raw = is_raw(format);
	if (place->is_raw || strcmp(format, "qcow2") == 0)
		return 0;
	if (*format)
		return qrt_block_p_error(reterr, -EOPNOTSUPP,
					 "%s: its backing file is of the format '%s'; raw and qcow2 are read",
					 name, format);
	/* What a guest once wrote to a raw one could make it look like another. */
	return qrt_block_p_error(
		reterr, -EINVAL,
		"%s: it does not say which format its backing file has: 'qemu-img rebase -u -b "
		"%.60s -F FORMAT' does",
		name, header->backing);
}

/* What is relative is so to the folder of the image. */
static int take_path(const char *backing, struct place *place, struct qrt_block_error *reterr)
{
	const char *slash = strrchr(place->path, '/');
	size_t folder = *backing == '/' || !slash ? 0 : (size_t)(slash + 1 - place->path);

	if (*backing != '/' && !place->has_path)
		return qrt_block_p_error(reterr, -EINVAL,
					 "a backing file has a relative name ('%.100s'), and a descriptor no "
					 "folder",
					 backing);
	if (folder + strlen(backing) >= sizeof(place->path))
		return qrt_block_p_error(reterr, -ENAMETOOLONG, "the path of a backing file is too long");
	memcpy(place->path + folder, backing, strlen(backing) + 1);
	place->has_path = 1;
	return 0;
}

/* 1: there is one, and place says which. */
static int find_backing(const struct qrt_block_p_qcow2_header *header, uint32_t flags, struct place *place,
			const char *name, struct qrt_block_error *reterr)
{
	const char *why = qrt_block_p_qcow2_why_no_path(header->backing);
	int rc;

	if (!*header->backing)
		return 0;
	if (!(flags & QRT_BLOCK_DEVICE_BACKING))
		return qrt_block_p_error(
			reterr, -EPERM,
			"%s: it names a backing file, '%.100s', which is opened with BACKING only", name,
			header->backing);
	if (why)
		return qrt_block_p_error(reterr, -EOPNOTSUPP, "%s: its backing file '%.100s': %s", name,
					 header->backing, why);
	rc = take_format(header, place, name, reterr);
	if (rc >= 0)
		rc = take_path(header->backing, place, reterr);
	return rc < 0 ? rc : 1;
}

/* ---- all of them ---- */

static int check_new(const struct qrt_block_p_qcow2 *chain, const char *name, struct qrt_block_error *reterr)
{
	const struct qrt_block_p_qcow2_layer *layer = &chain->own[chain->layers.count];
	uint32_t i;

	for (i = 0; i < chain->layers.count; i++) {
		if (chain->own[i].filesystem == layer->filesystem && chain->own[i].number == layer->number)
			return qrt_block_p_error(reterr, -ELOOP,
						 "%s: it is below itself in a chain of images", name);
	}
	return 0;
}

/* 1: place says which is next. */
static int add_layer(struct qrt_block_p_qcow2 *chain, const struct qrt_block_device_config *config,
		     struct place *place, struct qrt_block_error *reterr)
{
	struct qrt_block_p_qcow2_layer *layer = &chain->own[chain->layers.count];
	uint32_t is_raw = place->is_raw;
	char name[PATH_MAX];
	int rc;

	snprintf(name, sizeof(name), "%s", place->has_path ? place->path : "the descriptor");
	if (chain->layers.count == QRT_BLOCK_P_QCOW2_LAYERS)
		return qrt_block_p_error(reterr, -ELOOP, "%s: a chain of more than %u images", name,
					 QRT_BLOCK_P_QCOW2_LAYERS);
	rc = open_file(layer, config, place, reterr);
	if (rc >= 0)
		rc = check_new(chain, name, reterr);
	if (rc >= 0 && !is_raw)
		rc = open_image(layer, name, reterr);
	if (rc < 0)
		return rc;
	chain->images[chain->layers.count] = is_raw ? NULL : &layer->image;
	chain->capacities[chain->layers.count++] = is_raw ? atomic_load(&layer->file->capacity)
							  : layer->image.header.capacity;
	return is_raw ? 0 : find_backing(&layer->image.header, config->flags, place, name, reterr);
}

/* Requests may go from any of its files to any other, in steps of what all can do. */
static int agree(struct qrt_block_device *device, struct qrt_block_error *reterr)
{
	struct qrt_block_p_qcow2 *chain = device->qcow2;
	uint32_t i;

	device->alignment = device->memory_alignment = 1;
	for (i = 0; i < chain->layers.count; i++) {
		const struct qrt_block_device *file = chain->own[i].file;

		if (file->alignment > device->alignment)
			device->alignment = file->alignment;
		if (file->memory_alignment > device->memory_alignment)
			device->memory_alignment = file->memory_alignment;
	}
	for (i = 0; i < chain->layers.count; i++) {
		uint32_t bits = chain->images[i] ? chain->images[i]->header.cluster_bits : 0;

		if (bits > chain->cluster_bits_max)
			chain->cluster_bits_max = bits;
		if (chain->capacities[i] % device->alignment || (bits && 1u << bits < device->alignment))
			return qrt_block_p_error(
				reterr, -EINVAL,
				"its lengths and clusters are not all multiples of %u bytes: open it "
				"without DIRECT",
				device->alignment);
	}
	return 0;
}

static void describe(struct qrt_block_device *device)
{
	const struct qrt_block_p_qcow2 *chain = device->qcow2;
	const struct qrt_block_p_qcow2_header *header = &chain->own[0].image.header;
	const struct qrt_block_device *file = chain->own[0].file;

	device->engine = file->engine;
	device->flags = file->flags | (device->flags & QRT_BLOCK_DEVICE_BACKING);
	device->lock = file->lock;
	device->is_block_device = file->is_block_device;
	atomic_store(&device->capacity, chain->capacities[0]);
	qrt_block_p_device_note(device, "%s", file->reason);
	if (chain->own[0].is_odd)
		qrt_block_p_device_note(device, "its length is no multiple of what direct I/O wants");
	if (header->is_corrupt)
		qrt_block_p_device_note(device, "the image is marked corrupt");
}

int qrt_block_p_qcow2_open(struct qrt_block_device *device, const struct qrt_block_device_config *config,
			   struct qrt_block_error *reterr)
{
	struct place place = {.has_path = config->path != NULL};
	int rc;

	if (config->engine == QRT_BLOCK_ENGINE_MEMORY)
		return qrt_block_p_error(reterr, -EINVAL, "memory has no format");
	if (!(config->flags & QRT_BLOCK_DEVICE_READ_ONLY) || config->flags & QRT_BLOCK_DEVICE_CREATE)
		return qrt_block_p_error(reterr, -EROFS,
					 "qcow2 is read, not written: open it with READ_ONLY");
	if (place.has_path && strlen(config->path) >= sizeof(place.path))
		return qrt_block_p_error(reterr, -ENAMETOOLONG, "the path of the image is too long");
	if (place.has_path)
		memcpy(place.path, config->path, strlen(config->path) + 1);
	device->qcow2 = calloc(1, sizeof(*device->qcow2));
	if (!device->qcow2)
		return qrt_block_p_error(reterr, -ENOMEM, "out of memory");
	device->qcow2->layers.images = device->qcow2->images;
	device->qcow2->layers.capacities = device->qcow2->capacities;
	do {
		rc = add_layer(device->qcow2, config, &place, reterr);
	} while (rc > 0);
	if (rc >= 0)
		rc = agree(device, reterr);
	if (rc >= 0)
		describe(device);
	return rc;
}

void qrt_block_p_qcow2_close(struct qrt_block_p_qcow2 *chain)
{
	uint32_t i;

	for (i = 0; chain && i < QRT_BLOCK_P_QCOW2_LAYERS; i++) {
		qrt_block_device_close(chain->own[i].file);
		free(chain->own[i].image.l1);
	}
	free(chain);
}

uint32_t qrt_block_p_qcow2_workers(const struct qrt_block_p_qcow2 *chain)
{
	uint32_t i, count = 0;

	for (i = 0; i < chain->layers.count; i++)
		count += atomic_load(&chain->own[i].file->pool.count);
	return count;
}
