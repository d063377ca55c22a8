/* SPDX-License-Identifier: MIT */
/* Memory for compressed clusters: few, as they are large, and each keeps what was in it last. */
#include <errno.h>
#include <stdlib.h>

#include "qcow2_queue_p.h"

/* An entry may say that a cluster has twice its bytes when it is compressed; direct I/O wants what is around.
 */
static size_t in_bytes(const struct qrt_block_p_qcow2_engine *engine)
{
	size_t bytes = ((size_t)2 << engine->chain->cluster_bits_max) +
		       2 * (size_t)engine->engine.device->alignment;

	return (bytes + QRT_BLOCK_P_PAGE - 1) / QRT_BLOCK_P_PAGE * QRT_BLOCK_P_PAGE;
}

static size_t out_bytes(const struct qrt_block_p_qcow2_engine *engine)
{
	size_t bytes = (size_t)1 << engine->chain->cluster_bits_max;

	return bytes < QRT_BLOCK_P_PAGE ? QRT_BLOCK_P_PAGE : bytes;
}

int qrt_block_p_qcow2_scratch_open(struct qrt_block_p_qcow2_scratch *scratch,
				   const struct qrt_block_p_qcow2_engine *engine)
{
	uint32_t i;
	int rc = 0;

	scratch->errand.what = QRT_BLOCK_P_QCOW2_FOR_SCRATCH;
	scratch->in = aligned_alloc(QRT_BLOCK_P_PAGE, in_bytes(engine));
	scratch->out = aligned_alloc(QRT_BLOCK_P_PAGE, out_bytes(engine));
	if (!scratch->in || !scratch->out)
		return -ENOMEM;
	for (i = 0; i < engine->chain->layers.count && rc >= 0; i++) {
		const struct qrt_block_p_qcow2_image *image = engine->chain->images[i];

		if (image && !scratch->inflaters[image->header.compression])
			rc = qrt_block_p_qcow2_inflater_open(image->header.compression,
							     &scratch->inflaters[image->header.compression]);
	}
	return rc;
}

void qrt_block_p_qcow2_scratch_close(struct qrt_block_p_qcow2_scratch *scratch)
{
	free(scratch->in);
	free(scratch->out);
	qrt_block_p_qcow2_inflater_close(scratch->inflaters[QRT_BLOCK_P_QCOW2_ZLIB]);
	qrt_block_p_qcow2_inflater_close(scratch->inflaters[QRT_BLOCK_P_QCOW2_ZSTD]);
}

struct qrt_block_p_qcow2_scratch *qrt_block_p_qcow2_scratch_take(
	struct qrt_block_p_qcow2_engine *engine, const struct qrt_block_p_qcow2_extent *extent)
{
	const struct qrt_block_p_qcow2_header *header = &engine->chain->images[extent->layer]->header;
	struct qrt_block_p_qcow2_scratch *scratch, *free_one = NULL;
	uint32_t i;

	for (i = 0; i < QRT_BLOCK_P_QCOW2_SCRATCHES; i++) {
		scratch = &engine->scratches[i];
		if (scratch->is_busy)
			continue;
		if (scratch->is_full && scratch->layer == extent->layer && scratch->host == extent->host &&
		    scratch->in_length == extent->host_length)
			return scratch;
		if (!free_one || !scratch->is_full)
			free_one = scratch;
	}
	if (!free_one)
		return NULL;
	free_one->is_full = 0;
	free_one->layer = extent->layer;
	free_one->host = extent->host;
	free_one->in_length = extent->host_length;
	free_one->compression = header->compression;
	free_one->cluster = 1ull << header->cluster_bits;
	return free_one;
}

struct qrt_block_request qrt_block_p_qcow2_scratch_request(struct qrt_block_p_qcow2_scratch *scratch,
							   const struct qrt_block_p_qcow2_engine *engine,
							   uint32_t priority)
{
	uint64_t alignment = engine->chain->own[scratch->layer].file->alignment;
	uint64_t begin = scratch->host / alignment * alignment;
	uint64_t end = (scratch->host + scratch->in_length + alignment - 1) / alignment * alignment;

	scratch->before = scratch->host - begin;
	return (struct qrt_block_request){.kind = QRT_BLOCK_READ,
					  .priority = priority,
					  .offset = begin,
					  .length = end - begin,
					  .buffer = scratch->in,
					  .user = scratch};
}
