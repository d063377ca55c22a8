/* SPDX-License-Identifier: MIT */
/* A device with as many queues as threads may use it at the same time. All calls but open and close are for
 * any thread. */
#ifndef QRT_NBDKIT_EXPORT_H
#define QRT_NBDKIT_EXPORT_H

#include "image_option.h"

struct export_options {
	struct image_options image;
	guint32 queues, priority;
	guint64 deadline_ns; /* of each request; 0: none */
};

gboolean export_options_know(const char *key);
/* FALSE: it was said what is wrong. */
gboolean export_options_set(struct export_options *options, const char *key, const char *value);

struct export;

/* NULL: it was said why not. */
struct export *export_open(const struct export_options *options);
/* NULL is fine; returns NULL. */
struct export *export_close(struct export *export);
guint64 export_capacity(const struct export *export);
guint32 export_alignment(const struct export *export);
int export_list_extents(const struct export *export, guint64 offset, guint64 length,
			struct qrt_block_extent *ret_extents, gsize max);
/* Waits for a queue, and for the request. 0 or a negative errno with its detail. */
int export_run(struct export *export, const struct qrt_block_request *wanted, guint32 *ret_detail);

#endif
