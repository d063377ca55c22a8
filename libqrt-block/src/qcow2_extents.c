/* SPDX-License-Identifier: MIT */
/* What of an image is data: by reading its tables, and waiting for that. */
#include <errno.h>
#include <stdlib.h>

#include "qcow2_chain_p.h"

#define STEPS_MAX 65536u /* of one call: then it ends sooner */

/* Of each layer the slice that was read last. */
struct reader {
	const struct qrt_block_p_qcow2 *chain;
	uint64_t hosts[QRT_BLOCK_P_QCOW2_LAYERS]; /* 0: none */
	uint8_t *slices;
};

static uint8_t *slice_of(const struct reader *reader, uint32_t layer)
{
	return reader->slices + (size_t)layer * QRT_BLOCK_P_QCOW2_SLICE_BYTES;
}

static const uint8_t *find(void *data, uint32_t layer, uint64_t host)
{
	const struct reader *reader = data;

	return reader->hosts[layer] == host ? slice_of(reader, layer) : NULL;
}

static int map(struct reader *reader, uint64_t offset, uint64_t length, struct qrt_block_p_qcow2_extent *ret)
{
	const struct qrt_block_p_qcow2_layers *layers = &reader->chain->layers;
	int rc;

	while ((rc = qrt_block_p_qcow2_map_layers(layers, find, reader, offset, length, ret)) >= 0 &&
	       ret->kind == QRT_BLOCK_P_QCOW2_TABLE) {
		reader->hosts[ret->layer] = 0;
		rc = qrt_block_p_device_peek(reader->chain->own[ret->layer].file, ret->host,
					     slice_of(reader, ret->layer), ret->host_length);
		if (rc < 0)
			return rc;
		reader->hosts[ret->layer] = ret->host;
	}
	return rc;
}

/* A raw file's own holes count, too. */
static int look(struct reader *reader, uint64_t offset, uint64_t length, struct qrt_block_extent *ret)
{
	struct qrt_block_p_qcow2_extent extent;
	int rc = map(reader, offset, length, &extent);

	if (rc < 0)
		return rc == -EUCLEAN ? -EIO : rc;
	*ret = (struct qrt_block_extent){
		.offset = offset, .length = extent.length, .is_hole = extent.kind == QRT_BLOCK_P_QCOW2_ZERO};
	if (ret->is_hole || reader->chain->images[extent.layer])
		return 0;
	return qrt_block_device_list_extents(reader->chain->own[extent.layer].file, offset, extent.length,
					     ret, 1) < 0
		       ? -EIO
		       : 0;
}

/* Fragments are joined, as long as they are alike. */
int qrt_block_p_qcow2_list_extents(const struct qrt_block_p_qcow2 *chain, uint64_t offset, uint64_t length,
				   struct qrt_block_extent *ret_extents, size_t max)
{
	struct reader reader = {.chain = chain};
	uint64_t end = offset + length;
	size_t count = 0;
	uint32_t steps = 0;
	int rc = 0;

	reader.slices = aligned_alloc(QRT_BLOCK_P_PAGE,
				      (size_t)chain->layers.count * QRT_BLOCK_P_QCOW2_SLICE_BYTES);
	if (!reader.slices)
		return -ENOMEM;
	while (rc >= 0 && offset < end && max && steps++ < STEPS_MAX) {
		struct qrt_block_extent extent;

		rc = look(&reader, offset, end - offset, &extent);
		if (rc < 0)
			break;
		if (count && ret_extents[count - 1].is_hole == extent.is_hole) {
			ret_extents[count - 1].length += extent.length;
		} else if (count == max || count == INT32_MAX) {
			break;
		} else {
			ret_extents[count++] = extent;
		}
		offset += extent.length;
	}
	free(reader.slices);
	return rc < 0 ? rc : (int)count;
}
