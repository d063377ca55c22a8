/* SPDX-License-Identifier: MIT */
/* Whether a file is an image of another format than raw, which raw bytes would destroy. */
#ifndef QRT_IO_IMAGE_PROBE_H
#define QRT_IO_IMAGE_PROBE_H

#include <glib.h>

/* The name of the format that the file looks like. NULL: none that is known, or it cannot be read. */
const char *image_probe(const char *path);

#endif
