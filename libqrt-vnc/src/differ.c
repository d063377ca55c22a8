/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "differ_p.h"
#include "error_p.h"
#include "struct_p.h"
#include "threads_p.h"

#define RECTANGLES_USUAL 4096u

/* ---- opening ---- */

static int check(const struct qrt_vnc_differ_config *config, struct qrt_vnc_error *reterr)
{
	if (config->kernel >= QRT_VNC_KERNELS)
		return qrt_vnc_p_error(reterr, -EINVAL, "a differ with an unknown kernel");
	if (config->rectangles_max > QRT_VNC_DIFFER_RECTANGLES_MAX ||
	    config->threads > QRT_VNC_DIFFER_THREADS_MAX)
		return qrt_vnc_p_error(reterr, -EINVAL, "a differ has at most %u rectangles and %u threads",
				       QRT_VNC_DIFFER_RECTANGLES_MAX, QRT_VNC_DIFFER_THREADS_MAX);
	if (config->bits < 32 && config->mask && !(config->mask & ((1ull << config->bits) - 1)))
		return qrt_vnc_p_error(reterr, -EINVAL, "the mask %#x has none of the %u bits of a pixel",
				       config->mask, config->bits);
	return 0;
}

static int have_kernel(struct qrt_vnc_differ *differ, struct qrt_vnc_error *reterr)
{
	differ->kernel = qrt_vnc_p_kernel_find(differ->config.kernel);
	return differ->kernel ? 0
			      : qrt_vnc_p_error(reterr, -EOPNOTSUPP,
						"this machine has no kernel %s: auto takes one that it has",
						qrt_vnc_kernel_text(differ->config.kernel));
}

static int have_shape(struct qrt_vnc_differ *differ, struct qrt_vnc_error *reterr)
{
	const struct qrt_vnc_differ_config *config = &differ->config;
	const struct qrt_vnc_surface like = {
		.width = config->width, .height = config->height, .bits = config->bits};

	return qrt_vnc_p_shape_make(&differ->shape, config, &like, config->shadow, reterr);
}

static int have_rest(struct qrt_vnc_differ *differ, struct qrt_vnc_error *reterr)
{
	struct qrt_vnc_p_list *list = &differ->list;

	list->max = differ->config.rectangles_max ? differ->config.rectangles_max : RECTANGLES_USUAL;
	list->rectangles = calloc(list->max, sizeof(*list->rectangles));
	differ->threads = calloc(QRT_VNC_DIFFER_THREADS_MAX, sizeof(*differ->threads));
	if (!list->rectangles || !differ->threads)
		return qrt_vnc_p_error(reterr, -ENOMEM, "out of memory");
	differ->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (differ->event < 0)
		return qrt_vnc_p_error(reterr, -errno, "no eventfd: %s", strerror(errno));
	return 0;
}

static int have_threads(struct qrt_vnc_differ *differ, struct qrt_vnc_error *reterr)
{
	int rc = qrt_vnc_p_threads_take(&differ->operations, differ->config.operations);

	if (rc < 0)
		return qrt_vnc_p_error(reterr, rc,
				       "thread operations lack create or join, or are of another version");
	return qrt_vnc_p_threads_start(differ, differ->config.threads, reterr);
}

static int make(struct qrt_vnc_differ *differ, struct qrt_vnc_error *reterr)
{
	int rc = check(&differ->config, reterr);

	if (rc >= 0)
		rc = have_kernel(differ, reterr);
	if (rc >= 0)
		rc = have_shape(differ, reterr);
	if (rc >= 0)
		rc = have_rest(differ, reterr);
	if (rc >= 0)
		rc = have_threads(differ, reterr);
	return rc;
}

int qrt_vnc_differ_open(const struct qrt_vnc_differ_config *config, struct qrt_vnc_differ **ret_differ,
			struct qrt_vnc_error *reterr)
{
	struct qrt_vnc_differ *differ = calloc(1, sizeof(*differ));
	int rc;

	if (!differ)
		return qrt_vnc_p_error(reterr, -ENOMEM, "out of memory");
	differ->event = -1;
	sem_init(&differ->calls, 0, 0);
	sem_init(&differ->ended, 0, 0);
	rc = qrt_p_struct_take(&differ->config, sizeof(differ->config), config);
	if (rc < 0)
		qrt_vnc_p_error(reterr, rc, "the configuration of a differ is of another version");
	else
		rc = make(differ, reterr);
	if (rc < 0) {
		qrt_vnc_differ_close(differ);
		return rc;
	}
	*ret_differ = differ;
	return 0;
}

struct qrt_vnc_differ *qrt_vnc_differ_close(struct qrt_vnc_differ *differ)
{
	if (!differ)
		return NULL;
	qrt_vnc_differ_cancel(differ);
	qrt_vnc_p_threads_end(differ);
	if (differ->event >= 0)
		close(differ->event);
	qrt_vnc_p_shape_finish(&differ->shape);
	free(differ->list.rectangles);
	free(differ->threads);
	sem_destroy(&differ->calls);
	sem_destroy(&differ->ended);
	free(differ);
	return NULL;
}

/* ---- afterwards ---- */

int qrt_vnc_differ_resize(struct qrt_vnc_differ *differ, const struct qrt_vnc_surface *like,
			  const struct qrt_vnc_surface *shadow, struct qrt_vnc_error *reterr)
{
	struct qrt_vnc_p_shape shape;
	int rc;

	if (differ->run.is_posted)
		return qrt_vnc_p_error(reterr, -EBUSY, "a surface is posted: collect or cancel first");
	rc = qrt_vnc_p_shape_make(&shape, &differ->config, like, shadow, reterr);
	if (rc < 0)
		return rc;
	qrt_vnc_p_shape_finish(&differ->shape);
	differ->shape = shape;
	differ->run.number = 0;
	differ->is_carried = 0;
	return 0;
}

int qrt_vnc_differ_get_info(const struct qrt_vnc_differ *differ, struct qrt_vnc_differ_info *ret_info)
{
	const struct qrt_vnc_p_shape *shape = &differ->shape;
	const struct qrt_vnc_differ_info info = {
		.kernel = differ->kernel->kernel,
		.mask = shape->pixel_mask,
		.tile_width = shape->tiles.tile_width,
		.tile_height = shape->tiles.tile_height,
		.columns = shape->columns,
		.rows = shape->tiles.rows,
		.words = shape->tiles.words,
		.rectangles_max = differ->list.max,
		.threads = differ->threads_count,
		.shadow = shape->shadow,
	};

	return qrt_p_struct_give(ret_info, &info, sizeof(info));
}

int qrt_vnc_differ_invalidate(struct qrt_vnc_differ *differ, const struct qrt_vnc_rectangle *rectangle)
{
	const struct qrt_vnc_rectangle all = {0, 0, QRT_VNC_SIDE_MAX, QRT_VNC_SIDE_MAX};

	if (differ->run.is_posted)
		return -EBUSY;
	qrt_vnc_p_shape_mark(&differ->shape, differ->shape.forced, rectangle ? rectangle : &all);
	return 0;
}
