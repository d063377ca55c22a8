/* SPDX-License-Identifier: MIT */
/* What is known before anything is measured: which engines there are here, and what figures of this image
 * mean. */
#include <unistd.h>

#include "bench_run.h"
#include "image.h"
#include "tool_say.h"

#define EXTENTS  64
#define LOOKS    1000  /* of a file in many pieces the beginning says enough */
#define FEW      0.005 /* of holes nobody has to be told */
#define PER_CENT 100

static gboolean is_written(const struct bench_plan *plan)
{
	guint i;

	for (i = 0; i < plan->kind_count; i++) {
		if (bench_kind_writes(plan->kinds[i]))
			return TRUE;
	}
	return FALSE;
}

static struct image *open_with(const struct bench_plan *plan, guint32 engine)
{
	struct image_options options = plan->options;

	options.engine = engine;
	options.is_read_only = !is_written(plan) && engine != QRT_BLOCK_ENGINE_MEMORY;
	return image_open(&options);
}

/* Which share of it is holes. */
static double find_holes(const struct image *image, guint64 length)
{
	struct qrt_block_extent extents[EXTENTS];
	guint64 offset = 0, holes = 0;
	int looks, count, i;

	for (looks = 0; looks < LOOKS && offset < length; looks++) {
		count = qrt_block_device_list_extents(image->device, offset, length - offset, extents,
						      EXTENTS);
		if (count <= 0)
			break;
		for (i = 0; i < count; i++)
			holes += extents[i].is_hole ? extents[i].length : 0;
		offset = extents[count - 1].offset + extents[count - 1].length;
	}
	return offset ? (double)holes / (double)offset : 0;
}

static void tell_holes(const struct bench_plan *plan, const struct image *image)
{
	guint64 length = image_capacity(image);
	double share;

	if (!image->options.path || image->info.format != QRT_BLOCK_FORMAT_RAW)
		return;
	if (plan->area_bytes)
		length = MIN(length, plan->area_bytes);
	share = find_holes(image, length);
	if (share > FEW)
		complain("bench: %.0f %% of '%s' is holes, for which no disk is asked; one without any is "
			 "made "
			 "by qrt-io --create 1 -c 'truncate -m full 1G' FILE",
			 share * PER_CENT, plan->options.path);
}

static void drop_engine(struct bench_plan *plan, guint index)
{
	plan->absent[plan->absent_count++] = plan->engines[index];
	plan->engine_count--;
	for (; index < plan->engine_count; index++)
		plan->engines[index] = plan->engines[index + 1];
}

/* Those that cannot be had have said why; without the file nobody can. */
gboolean bench_look(struct bench_plan *plan)
{
	gboolean is_there = !plan->options.path || access(plan->options.path, R_OK) == 0;
	struct image *image;
	guint i = 0;

	while (i < plan->engine_count) {
		image = open_with(plan, plan->engines[i]);
		if (!image && !is_there)
			return FALSE;
		if (!image) {
			drop_engine(plan, i);
			continue;
		}
		if (i++ == 0) {
			plan->is_direct = image->info.flags & QRT_BLOCK_DEVICE_DIRECT;
			tell_holes(plan, image);
		}
		image_close(image);
	}
	return plan->engine_count > 0;
}
