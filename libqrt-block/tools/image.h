/* SPDX-License-Identifier: MIT */
/* A device that is open, and a queue of it. */
#ifndef QRT_IO_IMAGE_H
#define QRT_IO_IMAGE_H

#include "image_option.h"

struct image {
	struct image_options options;
	struct qrt_block_throttle *throttle; /* NULL: none */
	struct qrt_block_device *device;
	struct qrt_block_queue *queue;
	struct qrt_block_device_info info; /* its capacity: image_capacity() */
};

/* NULL: it was said why not. */
struct image *image_open(const struct image_options *options);
/* NULL is fine; returns NULL. */
struct image *image_close(struct image *image);
guint64 image_capacity(const struct image *image);

#endif
