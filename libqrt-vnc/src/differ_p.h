/* SPDX-License-Identifier: MIT */
#ifndef QRT_VNC_DIFFER_P_H
#define QRT_VNC_DIFFER_P_H

#include <qrt/vnc_differ.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "kernel_p.h"
#include "rectangles_p.h"

#define QRT_VNC_P_ROW_WORDS 64u /* of units, of the longest row: 65535 pixels of 32 bits */

/* All that follows from the size of the surfaces: resize makes a new one. */
struct qrt_vnc_p_shape {
	struct qrt_vnc_p_tiles tiles;
	uint32_t bits, pixel_mask;
	uint32_t columns;
	uint32_t row_bytes;         /* of pixels */
	uint32_t units, unit_words; /* of a row of pixels; the last one may not be whole */
	uint32_t unit_pixels_log2;
	uint32_t tile_units_log2;    /* units of a row of pixels in a tile */
	uint32_t strip_rows, strips; /* rows of tiles that are one piece of work */
	uint64_t mask;               /* of 8 bytes */
	struct qrt_vnc_surface shadow;
	void *own_shadow; /* or NULL: the caller's */
	void *memory;     /* of what follows */
	uint64_t *found, *forced,
		*hinted; /* bits of tiles: result, count as changed, by rectangles of the hint */
	uint64_t *done;  /* of each row of tiles: the number of the last run that came to its end */
	struct qrt_vnc_p_workbench bench;
};

/* What a run works on: written before its strips are given out, and read only meanwhile. */
struct qrt_vnc_p_run {
	uint64_t number;
	struct qrt_vnc_surface surface;
	struct qrt_vnc_hint hint;
	uint32_t is_whole;     /* without a hint */
	uint32_t cell_to_unit; /* log2: cells of a unit, ... */
	uint32_t unit_to_cell; /* ... or units of a cell */
	uint32_t is_posted;
	uint32_t is_widened;
};

struct qrt_vnc_differ {
	struct qrt_vnc_p_shape shape;
	struct qrt_vnc_differ_config config;
	const struct qrt_vnc_p_kernel *kernel;
	struct qrt_vnc_p_list list;
	struct qrt_vnc_p_run run;
	int event;
	uint32_t is_carried; /* what was found by a run that was cancelled is still to be told */
	struct qrt_vnc_thread_operations operations;
	void **threads;
	uint32_t threads_count;
	sem_t calls, ended;
	_Atomic uint32_t is_ending, is_cancelled;
	_Atomic uint32_t to_call;  /* threads that are called by each other */
	_Atomic uint32_t left;     /* strips that nobody has taken */
	_Atomic uint32_t finished; /* strips */
};

/* ---- shape ---- */

/* For surfaces of that size; the shadow is like `shadow`, or own where that is NULL. */
int qrt_vnc_p_shape_make(struct qrt_vnc_p_shape *shape, const struct qrt_vnc_differ_config *config,
			 const struct qrt_vnc_surface *like, const struct qrt_vnc_surface *shadow,
			 struct qrt_vnc_error *reterr);
void qrt_vnc_p_shape_finish(struct qrt_vnc_p_shape *shape);
/* Whether it is of this shape, and in memory that there can be. */
int qrt_vnc_p_shape_fits(const struct qrt_vnc_p_shape *shape, const struct qrt_vnc_surface *surface);
/* Sets the bits of all tiles that it touches. */
void qrt_vnc_p_shape_mark(const struct qrt_vnc_p_shape *shape, uint64_t *bits,
			  const struct qrt_vnc_rectangle *rectangle);

/* ---- hint ---- */

/* Takes it into the next run, NULL: all. -EINVAL, -E2BIG: nothing is changed. */
int qrt_vnc_p_hint_take(const struct qrt_vnc_p_shape *shape, struct qrt_vnc_p_run *run,
			const struct qrt_vnc_hint *hint);
/* Adds the units that it has in a row of pixels. */
void qrt_vnc_p_hint_add(const struct qrt_vnc_p_shape *shape, const struct qrt_vnc_p_run *run, uint32_t y,
			uint64_t *units);

/* ---- work ---- */

/* One of strips - 1 ... 0, by any thread. */
void qrt_vnc_p_strip_do(struct qrt_vnc_differ *differ, uint32_t strip);
/* Strips as long as there are some. */
void qrt_vnc_p_run_work(struct qrt_vnc_differ *differ);

int qrt_vnc_p_threads_start(struct qrt_vnc_differ *differ, uint32_t count, struct qrt_vnc_error *reterr);
void qrt_vnc_p_threads_end(struct qrt_vnc_differ *differ);
/* So many of them work at what is left; returns at once. */
void qrt_vnc_p_threads_call(struct qrt_vnc_differ *differ, uint32_t count);
void qrt_vnc_p_wait(sem_t *semaphore);

#endif
