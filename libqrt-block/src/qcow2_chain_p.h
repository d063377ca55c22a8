/* SPDX-License-Identifier: MIT */
/* A device whose content is an image of qcow2, with the backing files below it. Each file is a raw device of
 * its own, and what reads from it is that one's queue: what is here is a user of the public interface. */
#ifndef QRT_BLOCK_QCOW2_CHAIN_P_H
#define QRT_BLOCK_QCOW2_CHAIN_P_H

#include <sys/types.h>

#include "device_p.h"
#include "qcow2_p.h"

#define QRT_BLOCK_P_QCOW2_LAYERS 32u
/* A queue of a file has so many requests more than that of the image, for tables. */
#define QRT_BLOCK_P_QCOW2_BESIDE 16u

struct qrt_block_p_qcow2_layer {
	struct qrt_block_device *file;
	struct qrt_block_p_qcow2_image image;
	dev_t filesystem;
	ino_t number;
	uint32_t is_odd; /* without DIRECT, for its length */
};

struct qrt_block_p_qcow2 {
	struct qrt_block_p_qcow2_layer own[QRT_BLOCK_P_QCOW2_LAYERS]; /* the image, and what is below it */
	const struct qrt_block_p_qcow2_image *images[QRT_BLOCK_P_QCOW2_LAYERS];
	uint64_t capacities[QRT_BLOCK_P_QCOW2_LAYERS];
	struct qrt_block_p_qcow2_layers layers;
	uint32_t cluster_bits_max;
};

/* Opens the files; they are the device's, also where that fails. */
int qrt_block_p_qcow2_open(struct qrt_block_device *device, const struct qrt_block_device_config *config,
			   struct qrt_block_error *reterr);
void qrt_block_p_qcow2_close(struct qrt_block_p_qcow2 *chain);
/* Of all files. */
uint32_t qrt_block_p_qcow2_workers(const struct qrt_block_p_qcow2 *chain);
/* As qrt_block_device_list_extents(), of a range that is within (qcow2_extents.c). */
int qrt_block_p_qcow2_list_extents(const struct qrt_block_p_qcow2 *chain, uint64_t offset, uint64_t length,
				   struct qrt_block_extent *ret_extents, size_t max);
/* By a worker: what a queue has left to it (qcow2_task.c). */
int64_t qrt_block_p_qcow2_execute(struct qrt_block_p_op *op);

#endif
