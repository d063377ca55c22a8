/* SPDX-License-Identifier: MIT */
/* A device that is open, and queues of it, each for one thread at a time. */
#ifndef QRT_IO_IMAGE_H
#define QRT_IO_IMAGE_H

#include "image_option.h"

struct image {
	struct image_options options;
	struct qrt_block_throttle *throttle; /* NULL: none */
	struct qrt_block_device *device;
	struct qrt_block_queue **queues;
	struct qrt_block_queue *queue; /* the first of them */
	guint queue_count;
	struct qrt_block_device_info info; /* its capacity: image_capacity() */
};

/* NULL: it was said why not. */
struct image *image_open(const struct image_options *options);
/* NULL is fine; returns NULL. */
struct image *image_close(struct image *image);
guint64 image_capacity(const struct image *image);

#endif
