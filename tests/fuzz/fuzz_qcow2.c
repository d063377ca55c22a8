/* SPDX-License-Identifier: MIT */
/*
 * An image of qcow2 that somebody made: what its header and its tables say leads nowhere but into the file,
 * and its compressed clusters into no more memory than a cluster has.
 */
#include "fuzz.h"

#include <errno.h>
#include <string.h>

#include "qcow2_p.h"

#define STEPS       512
#define INFLATE_MAX 65536u

struct source {
	const uint8_t *data;
	size_t size;
	uint32_t slice_bytes;
	uint64_t asked; /* the slice that is at hand */
};

static const uint8_t *find(void *data, uint32_t layer, uint64_t host)
{
	const struct source *source = data;

	PROMISE(layer == 0);
	PROMISE(host <= source->size && source->slice_bytes <= source->size - host);
	return source->asked == host ? source->data + host : NULL;
}

static void inflate_it(const struct qrt_block_p_qcow2_image *image, const struct source *source,
		       const struct qrt_block_p_qcow2_extent *extent)
{
	static struct qrt_block_p_qcow2_inflater *inflater;
	uint64_t cluster = 1ull << image->header.cluster_bits;
	uint8_t *out;
	int rc;

	if (image->header.compression != QRT_BLOCK_P_QCOW2_ZLIB || cluster > INFLATE_MAX)
		return;
	if (!inflater)
		PROMISE(qrt_block_p_qcow2_inflater_open(QRT_BLOCK_P_QCOW2_ZLIB, &inflater) == 0);
	out = malloc(cluster);
	PROMISE(out);
	rc = qrt_block_p_qcow2_inflate(inflater, source->data + extent->host, extent->host_length, out,
				       cluster);
	PROMISE(rc == 0 || rc == -EUCLEAN);
	free(out);
}

static void check(const struct qrt_block_p_qcow2_image *image, const struct source *source,
		  const struct qrt_block_p_qcow2_extent *extent)
{
	PROMISE(extent->length > 0);
	if (extent->kind == QRT_BLOCK_P_QCOW2_DATA)
		PROMISE(extent->host <= source->size && extent->length <= source->size - extent->host);
	if (extent->kind != QRT_BLOCK_P_QCOW2_COMPRESSED)
		return;
	PROMISE(extent->host <= source->size && extent->host_length <= source->size - extent->host);
	PROMISE(extent->host_length > 0 && extent->host_length <= 2ull << image->header.cluster_bits);
	inflate_it(image, source, extent);
}

/* From the start on, and then in leaps; an extent that is wrong is stepped over. */
static void walk(const struct qrt_block_p_qcow2_image *image, struct source *source)
{
	uint64_t capacity = image->header.capacity, offset = 0;
	const struct qrt_block_p_qcow2_image *const images[] = {image};
	const struct qrt_block_p_qcow2_layers layers = {1, images, &capacity};
	struct qrt_block_p_qcow2_extent extent;
	int i, rc;

	for (i = 0; i < STEPS && offset < capacity; i++) {
		rc = qrt_block_p_qcow2_map_layers(&layers, find, source, offset, capacity - offset, &extent);
		PROMISE(rc == 0 || rc == -EUCLEAN);
		if (rc == 0 && extent.kind == QRT_BLOCK_P_QCOW2_TABLE) {
			PROMISE(extent.host != source->asked);
			source->asked = extent.host;
			continue;
		}
		if (rc == 0) {
			PROMISE(extent.kind != QRT_BLOCK_P_QCOW2_UNALLOCATED);
			PROMISE(extent.length <= capacity - offset);
			check(image, source, &extent);
		}
		offset += rc == 0 ? extent.length : 1ull << image->header.cluster_bits;
		if (i > STEPS / 2)
			offset += capacity / STEPS;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct qrt_block_p_qcow2_image image = {.file_length = size};
	struct source source = {data, size, 0, 0};
	uint32_t i, cluster;

	if (qrt_block_p_qcow2_parse(data, size, size, "image", &image.header, NULL) < 0)
		return 0;
	PROMISE(memchr(image.header.backing, 0, sizeof(image.header.backing)));
	PROMISE((uint64_t)image.header.l1_count * 8 <= size);
	cluster = 1u << image.header.cluster_bits;
	source.slice_bytes = image.slice_bytes = cluster < QRT_BLOCK_P_QCOW2_SLICE_BYTES
							 ? cluster
							 : QRT_BLOCK_P_QCOW2_SLICE_BYTES;
	image.l1 = calloc(image.header.l1_count + 1, sizeof(*image.l1));
	PROMISE(image.l1);
	for (i = 0; i < image.header.l1_count; i++)
		image.l1[i] = qrt_block_p_be64(data + image.header.l1_offset + (uint64_t)i * 8);
	walk(&image, &source);
	free(image.l1);
	return 0;
}
