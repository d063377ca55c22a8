/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "bits_p.h"
#include "differ_p.h"
#include "struct_p.h"

#define WORTH_CALLING_BYTES (256u << 10) /* less than this is compared sooner than a thread wakes */

/* ---- strips ---- */

static size_t tiles_words(const struct qrt_vnc_differ *differ)
{
	return (size_t)differ->shape.tiles.rows * differ->shape.tiles.words;
}

/* All strips are finished: by the last thread that worked on one. Who waits may begin the next run, or close,
 * as soon as it is told that this one ended. */
static void end(struct qrt_vnc_differ *differ)
{
	uint32_t is_posted = differ->run.is_posted;
	const uint64_t one = 1;
	int event = differ->event;

	if (!atomic_load(&differ->is_cancelled))
		differ->run.is_widened = (uint32_t)qrt_vnc_p_rectangles_make(
			&differ->shape.tiles, differ->shape.found, &differ->shape.bench, &differ->list);
	sem_post(&differ->ended);
	/* It cannot be full, and who waits looks at the semaphore. */
	if (is_posted && write(event, &one, sizeof(one)) < 0)
		return;
}

/* When these are counted the run may be over, and the next one of another size. */
static void finish(struct qrt_vnc_differ *differ, uint32_t strips)
{
	uint32_t all = differ->shape.strips;

	if (atomic_fetch_add(&differ->finished, strips) + strips == all)
		end(differ);
}

/* Nothing of a run is looked at without a strip of it: without one, it may be over. */
static uint32_t take(struct qrt_vnc_differ *differ)
{
	uint32_t left = atomic_load(&differ->left);

	while (left && !atomic_compare_exchange_weak(&differ->left, &left, left - 1))
		;
	return left;
}

void qrt_vnc_p_run_work(struct qrt_vnc_differ *differ)
{
	uint32_t left;

	while ((left = take(differ)) > 0) {
		qrt_vnc_p_strip_do(differ, differ->shape.strips - left);
		finish(differ, 1);
	}
}

/* ---- runs ---- */

static void begin(struct qrt_vnc_differ *differ, const struct qrt_vnc_surface *surface, uint32_t is_posted)
{
	if (!differ->is_carried)
		memset(differ->shape.found, 0, tiles_words(differ) * sizeof(uint64_t));
	differ->is_carried = 0;
	differ->run.surface = *surface;
	differ->run.is_posted = is_posted;
	differ->run.number++;
	atomic_store(&differ->is_cancelled, 0);
	atomic_store(&differ->finished, 0);
	atomic_store(&differ->left, differ->shape.strips);
}

static int prepare(struct qrt_vnc_differ *differ, const struct qrt_vnc_surface *surface,
		   const struct qrt_vnc_hint *hint)
{
	if (differ->run.is_posted)
		return -EBUSY;
	if (!qrt_vnc_p_shape_fits(&differ->shape, surface))
		return -EINVAL;
	return qrt_vnc_p_hint_take(&differ->shape, &differ->run, hint);
}

static int give(const struct qrt_vnc_differ *differ, struct qrt_vnc_difference *ret)
{
	const struct qrt_vnc_difference found = {
		.is_widened = differ->run.is_widened,
		.tiles = differ->shape.found,
		.rectangles = differ->list.rectangles,
		.count = differ->list.count,
		.changed = (uint32_t)qrt_vnc_p_bits_count(differ->shape.found, tiles_words(differ)),
	};

	qrt_p_struct_give(ret, &found, sizeof(found));
	return found.changed > 0;
}

static uint32_t fewer(uint32_t one, uint32_t other)
{
	return one < other ? one : other;
}

static uint32_t helpers_of(const struct qrt_vnc_differ *differ)
{
	uint64_t bytes = (uint64_t)differ->shape.row_bytes * differ->shape.tiles.height;

	return bytes < WORTH_CALLING_BYTES ? 0 : fewer(differ->threads_count, differ->shape.strips - 1);
}

int qrt_vnc_differ_run(struct qrt_vnc_differ *differ, const struct qrt_vnc_surface *surface,
		       const struct qrt_vnc_hint *hint, struct qrt_vnc_difference *ret_difference)
{
	int rc = ret_difference->size < sizeof(uint32_t) ? -EINVAL : prepare(differ, surface, hint);

	if (rc < 0)
		return rc;
	begin(differ, surface, 0);
	qrt_vnc_p_threads_call(differ, helpers_of(differ));
	qrt_vnc_p_run_work(differ);
	qrt_vnc_p_wait(&differ->ended);
	return give(differ, ret_difference);
}

/* ---- post and collect ---- */

int qrt_vnc_differ_post(struct qrt_vnc_differ *differ, const struct qrt_vnc_surface *surface,
			const struct qrt_vnc_hint *hint)
{
	int rc = differ->threads_count ? prepare(differ, surface, hint) : -EOPNOTSUPP;

	if (rc < 0)
		return rc;
	begin(differ, surface, 1);
	qrt_vnc_p_threads_call(differ, fewer(differ->threads_count, differ->shape.strips));
	return 0;
}

int qrt_vnc_differ_get_fd(const struct qrt_vnc_differ *differ)
{
	return differ->event;
}

/* Before it is looked at what happened: what happens later wakes again. */
static void quiet(const struct qrt_vnc_differ *differ)
{
	uint64_t count;

	while (read(differ->event, &count, sizeof(count)) < 0 && errno == EINTR)
		;
}

int qrt_vnc_differ_collect(struct qrt_vnc_differ *differ, struct qrt_vnc_difference *ret_difference)
{
	if (ret_difference->size < sizeof(uint32_t))
		return -EINVAL;
	quiet(differ);
	if (!differ->run.is_posted)
		return -ENOENT;
	if (sem_trywait(&differ->ended) < 0)
		return -EAGAIN;
	differ->run.is_posted = 0;
	return give(differ, ret_difference);
}

int qrt_vnc_differ_cancel(struct qrt_vnc_differ *differ)
{
	uint32_t left;

	if (!differ->run.is_posted)
		return -ENOENT;
	atomic_store(&differ->is_cancelled, 1);
	left = atomic_exchange(&differ->left, 0);
	if (left)
		finish(differ, left);
	qrt_vnc_p_wait(&differ->ended);
	differ->run.is_posted = 0;
	differ->is_carried = 1;
	quiet(differ);
	return 0;
}
