/* SPDX-License-Identifier: MIT */
#include "tracker_p.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error_p.h"

#define PAUSE_MAX 8u
#define FLAGS     (QRT_VNC_TRACKER_SOLE | QRT_VNC_TRACKER_NO_PAUSE)

/* What belongs to a surface: made anew as a whole with each. */
static void finish_view(struct qrt_vnc_p_view *view)
{
	qrt_vnc_p_pages_close(&view->pages);
	qrt_vnc_p_cells_finish(&view->cells[0]);
	qrt_vnc_p_cells_finish(&view->cells[1]);
	free(view);
}

static struct qrt_vnc_p_view *make_view(const struct qrt_vnc_surface *surface)
{
	struct qrt_vnc_p_view *view = calloc(1, sizeof(*view));

	if (!view)
		return NULL;
	view->pages.uffd = view->pages.pagemap = -1;
	if (qrt_vnc_p_cells_init(&view->cells[0], surface->width, surface->height) >= 0 &&
	    qrt_vnc_p_cells_init(&view->cells[1], surface->width, surface->height) >= 0)
		return view;
	finish_view(view);
	return NULL;
}

static void say(struct qrt_vnc_p_view *view, uint32_t way, const char *why)
{
	view->way = way;
	snprintf(view->reason, sizeof(view->reason), "%s", why);
}

static int choose_way(struct qrt_vnc_p_view *view, const struct qrt_vnc_tracker_config *config,
		      struct qrt_vnc_error *reterr)
{
	const char *why = "it was asked for";
	int rc = 0;

	if (config->way == QRT_VNC_TRACKER_ALL || config->way == QRT_VNC_TRACKER_MARKS) {
		say(view, config->way, why);
		return 0;
	}
	rc = qrt_vnc_p_pages_open(&view->pages, &view->layout, config->flags & QRT_VNC_TRACKER_SOLE, &why);
	if (rc >= 0)
		say(view, QRT_VNC_TRACKER_PAGES, "the kernel notes what pages are written to");
	else if (config->way == QRT_VNC_TRACKER_AUTO)
		say(view, QRT_VNC_TRACKER_ALL, why);
	else
		return qrt_vnc_p_error(reterr, rc, "writes to the surface's pages cannot be noted: %s", why);
	return 0;
}

static int open_view(const struct qrt_vnc_tracker_config *config, struct qrt_vnc_p_view **ret_view,
		     struct qrt_vnc_error *reterr)
{
	struct qrt_vnc_p_layout layout;
	struct qrt_vnc_p_view *view;
	int rc = qrt_vnc_p_layout_init(&layout, &config->surface);

	if (rc < 0)
		return qrt_vnc_p_error(reterr, rc,
				       "%ux%u pixels of %u bits in rows of %lld bytes are no surface",
				       config->surface.width, config->surface.height, config->surface.bits,
				       (long long)config->surface.stride);
	view = make_view(&config->surface);
	if (!view)
		return qrt_vnc_p_error(reterr, -ENOMEM, "out of memory");
	view->layout = layout;
	view->is_all = true;
	view->pause_next = 1;
	view->was_paused = true; /* so that the first round, which has all, is not counted */
	rc = choose_way(view, config, reterr);
	if (rc < 0) {
		finish_view(view);
		return rc;
	}
	*ret_view = view;
	return 0;
}

int qrt_vnc_tracker_open(const struct qrt_vnc_tracker_config *config, struct qrt_vnc_tracker **ret_tracker,
			 struct qrt_vnc_error *reterr)
{
	struct qrt_vnc_tracker *tracker = calloc(1, sizeof(*tracker));
	int rc;

	if (!tracker)
		return qrt_vnc_p_error(reterr, -ENOMEM, "out of memory");
	rc = qrt_p_struct_take(&tracker->config, sizeof(tracker->config), config);
	if (rc < 0)
		qrt_vnc_p_error(reterr, rc, "a tracker's config is of another version");
	else if (tracker->config.way > QRT_VNC_TRACKER_PAGES || tracker->config.flags & ~FLAGS ||
		 tracker->config.reserved)
		rc = qrt_vnc_p_error(reterr, -EINVAL, "a tracker's config has a way or a flag that is none");
	else
		rc = open_view(&tracker->config, &tracker->view, reterr);
	if (rc < 0) {
		free(tracker);
		return rc;
	}
	*ret_tracker = tracker;
	return 0;
}

struct qrt_vnc_tracker *qrt_vnc_tracker_close(struct qrt_vnc_tracker *tracker)
{
	if (tracker) {
		finish_view(tracker->view);
		free(tracker);
	}
	return NULL;
}

/* A page can have one userfaultfd, and so the old one goes first: were the new surface refused, the old one
 * gets its own again, or all of it is told from then on. */
int qrt_vnc_tracker_set_surface(struct qrt_vnc_tracker *tracker, const struct qrt_vnc_surface *surface,
				struct qrt_vnc_error *reterr)
{
	struct qrt_vnc_tracker_config config = tracker->config;
	struct qrt_vnc_p_view *view = NULL;
	const char *why;
	int rc;

	config.surface = *surface;
	qrt_vnc_p_pages_close(&tracker->view->pages);
	rc = open_view(&config, &view, reterr);
	if (rc >= 0) {
		finish_view(tracker->view);
		tracker->config = config;
		tracker->view = view;
		return 0;
	}
	view = tracker->view;
	view->is_all = true;
	if (view->way == QRT_VNC_TRACKER_PAGES &&
	    qrt_vnc_p_pages_open(&view->pages, &view->layout, config.flags & QRT_VNC_TRACKER_SOLE, &why) < 0)
		say(view, QRT_VNC_TRACKER_ALL, why);
	return rc;
}

int qrt_vnc_tracker_get_info(const struct qrt_vnc_tracker *tracker, struct qrt_vnc_tracker_info *ret_info)
{
	const struct qrt_vnc_p_view *view = tracker->view;
	struct qrt_vnc_tracker_info info = {.way = view->way};

	if (view->way == QRT_VNC_TRACKER_PAGES) {
		info.page_bytes = view->pages.size;
		info.pages = view->pages.count;
		info.written = view->written;
	}
	memcpy(info.reason, view->reason, sizeof(info.reason));
	return qrt_p_struct_give(ret_info, &info, sizeof(info));
}

/* Whether most was written: then for a while nothing is noted, and writers have no faults. The round after a
 * pause has all that was written in it, and says nothing of what is written in a round. */
static void consider_pause(struct qrt_vnc_p_view *view)
{
	bool is_first = view->was_paused;

	view->was_paused = false;
	if (is_first)
		return;
	if (view->written <= view->pages.count / 2) {
		view->pause_next = 1;
		return;
	}
	view->pause_left = view->pause_next;
	view->was_paused = true;
	if (view->pause_next < PAUSE_MAX)
		view->pause_next *= 2;
}

static void look_at_pages(struct qrt_vnc_p_view *view, uint32_t flags)
{
	int64_t written;

	view->written = 0;
	if (view->pause_left) {
		view->pause_left--;
		view->is_all = true;
		return;
	}
	written = qrt_vnc_p_pages_take(&view->pages, &view->layout, &view->cells[view->now]);
	if (written < 0) {
		qrt_vnc_p_pages_close(&view->pages);
		view->is_all = true;
		say(view, QRT_VNC_TRACKER_ALL,
		    written == -EPERM ? "the memory was mapped anew" : "the kernel ended to note writes");
		return;
	}
	view->written = (uint64_t)written;
	if (!(flags & QRT_VNC_TRACKER_NO_PAUSE))
		consider_pause(view);
}

static const struct qrt_vnc_rectangle everything = {0, 0, UINT16_MAX, UINT16_MAX};

int qrt_vnc_tracker_take(struct qrt_vnc_tracker *tracker, struct qrt_vnc_hint *ret_hint)
{
	struct qrt_vnc_p_view *view = tracker->view;
	struct qrt_vnc_hint hint = {.cell_width = QRT_VNC_P_CELL, .cell_height = 1};
	struct qrt_vnc_p_cells *cells = &view->cells[view->now];

	if (ret_hint->size < sizeof(ret_hint->size))
		return -EINVAL;
	if (view->way == QRT_VNC_TRACKER_PAGES)
		look_at_pages(view, tracker->config.flags);
	if (view->is_all || view->way == QRT_VNC_TRACKER_ALL)
		qrt_vnc_p_cells_set_rectangle(cells, &everything);
	view->is_all = false;
	view->now = !view->now;
	qrt_vnc_p_cells_clear(&view->cells[view->now]);
	hint.words = cells->row_words;
	hint.cells = cells->words;
	qrt_p_struct_give(ret_hint, &hint, sizeof(hint));
	return !qrt_vnc_p_cells_is_empty(cells);
}
