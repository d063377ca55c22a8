/* SPDX-License-Identifier: MIT */
#include "image.h"

#include <errno.h>
#include <string.h>

#include "image_probe.h"
#include "tool_say.h"

#define BOUNCES 8 /* the library's default */

/* No page cache is between us and memory. */
static guint32 flags_of(const struct image_options *options)
{
	gboolean is_direct = options->is_direct && options->engine != QRT_BLOCK_ENGINE_MEMORY;

	gboolean is_backed = options->is_backed && options->format == QRT_BLOCK_FORMAT_QCOW2;

	return (options->is_read_only ? QRT_BLOCK_DEVICE_READ_ONLY : 0) |
	       (is_direct ? QRT_BLOCK_DEVICE_DIRECT : 0) | (options->create ? QRT_BLOCK_DEVICE_CREATE : 0) |
	       (options->is_shared ? QRT_BLOCK_DEVICE_SHARE : 0) | (is_backed ? QRT_BLOCK_DEVICE_BACKING : 0);
}

static gboolean open_throttle(struct image *image)
{
	struct qrt_block_throttle_config config = {.size = sizeof(config),
						   .requests = image->options.throttle_requests,
						   .bytes = image->options.throttle_bytes};
	struct qrt_block_error error;

	if (!config.requests && !config.bytes)
		return TRUE;
	if (qrt_block_throttle_open(&config, &image->throttle, &error) >= 0)
		return TRUE;
	complain("%s", error.message);
	return FALSE;
}

/* The library's words, and the options that they are here. */
static void complain_of(const struct qrt_block_error *error)
{
	const char *options = "";

	/* What is long may have lost its end. */
	if (error->code == -EPERM && strstr(error->message, "names a backing file"))
		options = " (that is -o backing=on)";
	else if (strstr(error->message, "SHARE"))
		options = " (SHARE is -U, force-share=on)";
	else if (strstr(error->message, "DIRECT"))
		options = " (DIRECT is -n, cache=none)";
	complain("%s%s", error->message, options);
}

/* What the library would refuse, too, in words that nobody here knows. */
static gboolean check_kind(const struct image_options *options)
{
	gboolean is_memory = options->engine == QRT_BLOCK_ENGINE_MEMORY;

	if (is_memory && !options->memory_bytes)
		complain("memory has no length of its own: give --size SIZE (size=SIZE)");
	else if (is_memory && (options->path || options->create))
		complain("memory is no file: leave '%s' and --create out, or choose another engine",
			 options->path ? options->path : "FILE");
	else if (is_memory && (options->is_read_only || options->is_shared))
		complain("memory is this program's alone, to read and write: leave -r and -U out");
	else if (!is_memory && !options->path)
		complain("no image was named: give a path");
	else if (!is_memory && options->memory_bytes)
		complain("--size is for -i memory: '%s' has its own length; --create SIZE makes a file",
			 options->path);
	else
		return TRUE;
	return FALSE;
}

/* Its format, as it looks. As raw bytes an image of another one is soon destroyed: who means that says so. */
static gboolean find_format(struct image_options *options)
{
	const char *format;

	if (!options->path || options->create || options->has_format)
		return TRUE;
	format = image_probe(options->path);
	if (!format)
		return TRUE;
	if (strcmp(format, image_format_name(QRT_BLOCK_FORMAT_QCOW2)) != 0) {
		complain("%s: this looks like a %s image; -f raw (format=raw) takes it as raw bytes all the "
			 "same",
			 options->path, format);
		return FALSE;
	}
	options->format = QRT_BLOCK_FORMAT_QCOW2;
	return TRUE;
}

static gboolean check_format(const struct image_options *options)
{
	if (options->format == QRT_BLOCK_FORMAT_RAW)
		return TRUE;
	if (options->create)
		complain("%s: only raw images are made: leave -f (format=) or --create out", options->path);
	else if (!options->is_read_only && options->has_format)
		complain("%s: a qcow2 image is read, and not written: give -r (read-only=on)", options->path);
	else if (!options->is_read_only)
		complain("%s: this looks like a qcow2 image, which is read, and not written: -r "
			 "(read-only=on) "
			 "reads it; -f raw (format=raw) takes it as raw bytes all the same",
			 options->path);
	else
		return TRUE;
	return FALSE;
}

/* Whether who submits does its requests itself, which the library has for raw bytes alone. */
static gboolean is_blocking(const struct image_options *options)
{
	return options->is_blocking && options->format == QRT_BLOCK_FORMAT_RAW;
}

static gboolean open_device(struct image *image)
{
	const struct image_options *options = &image->options;
	gboolean is_memory = options->engine == QRT_BLOCK_ENGINE_MEMORY;
	struct qrt_block_device_config config = {
		.size = sizeof(config),
		.engine = options->engine,
		.flags = flags_of(options),
		.workers = is_blocking(options) ? 1 : options->workers,
		.path = options->path,
		.fd = -1,
		.capacity = is_memory ? options->memory_bytes : options->create,
		.requests = options->depth * MAX(options->queues, 1),
		.queues = MAX(options->queues, 1),
		.fault = options->has_fault ? &options->fault : NULL,
		.throttles = {image->throttle},
		.format = options->format,
	};
	struct qrt_block_error error;

	if (qrt_block_device_open(&config, &image->device, &error) >= 0)
		return TRUE;
	complain_of(&error);
	return FALSE;
}

/* No more bounce buffers than requests: they are memory that is there from the start. */
static gboolean open_queues(struct image *image)
{
	const struct image_options *options = &image->options;
	struct qrt_block_queue_config config = {
		.size = sizeof(config),
		.flags = (options->queues ? 0 : QRT_BLOCK_QUEUE_ONE_THREAD) |
			 (is_blocking(options) ? QRT_BLOCK_QUEUE_BLOCKING : 0),
		.depth = options->depth,
		.bounces = MIN(options->depth, BOUNCES),
	};
	guint count = MAX(image->options.queues, 1);
	struct qrt_block_error error;

	image->queues = g_new0(struct qrt_block_queue *, count);
	for (; image->queue_count < count; image->queue_count++) {
		if (qrt_block_queue_open(image->device, &config, &image->queues[image->queue_count], &error) <
		    0) {
			complain("%s", error.message);
			return FALSE;
		}
	}
	image->queue = image->queues[0];
	return TRUE;
}

struct image *image_open(const struct image_options *options)
{
	struct image *image = g_new0(struct image, 1);

	image_options_copy(&image->options, options);
	if (!check_kind(options) || !find_format(&image->options) || !check_format(&image->options) ||
	    !open_throttle(image) || !open_device(image) || !open_queues(image))
		return image_close(image);
	/* When it is opened again, it is there, and of the same format, whatever was written to it. */
	image->options.create = 0;
	image->options.has_format = TRUE;
	image->info.size = sizeof(image->info);
	qrt_block_device_get_info(image->device, &image->info);
	return image;
}

struct image *image_close(struct image *image)
{
	if (!image)
		return NULL;
	while (image->queue_count > 0)
		qrt_block_queue_close(image->queues[--image->queue_count]);
	g_free(image->queues);
	qrt_block_device_close(image->device);
	qrt_block_throttle_close(image->throttle);
	image_options_clear(&image->options);
	g_free(image);
	return NULL;
}

guint64 image_capacity(const struct image *image)
{
	struct qrt_block_device_info info = {.size = sizeof(info)};

	qrt_block_device_get_info(image->device, &info);
	return info.capacity;
}
