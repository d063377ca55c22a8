/* SPDX-License-Identifier: MIT */
/* What is said of an image, in words or as JSON. */
#ifndef QRT_IO_IMAGE_SAY_H
#define QRT_IO_IMAGE_SAY_H

#include "session.h"

void image_say_length(const struct session *session);
void image_say_info(const struct session *session);
/* `data`: the session. */
void image_say_extent(const struct qrt_block_extent *extent, void *data);
/* `data` of `length` bytes are there. */
void image_say_alloc(const struct session *session, guint64 offset, guint64 length, guint64 data);
void image_say_statistics(const struct session *session);

#endif
