/* SPDX-License-Identifier: MIT */
/*
 * What changed on a surface since it was looked at last.
 *
 * A differ compares a surface with its shadow, what it was like before, and makes the shadow like it in the
 * same pass: what changed, in tiles and in rectangles, is what has to be sent, and the shadow is where it is
 * read from. It works in the caller's thread, by threads of its own beside it, or by those alone: then the
 * caller posts a surface and collects what was found.
 *
 * The surface may change while it is looked at. Each byte of it is read once in a run; what was compared is
 * what is copied, so that the shadow never holds anything that was not, and a change that comes too late for
 * one run is there for the next.
 *
 * Rows are looked at in units of 64 bytes from their beginning. A unit in which a bit of the mask differs is
 * copied whole, one in which none does is not written.
 *
 * Calls as <qrt/vnc.h> has them. After open and resize nothing is allocated and no thread comes or goes.
 */
#ifndef QRT_VNC_DIFFER_H
#define QRT_VNC_DIFFER_H

#include <qrt/vnc.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- kernels ---- */

enum qrt_vnc_kernel {
	QRT_VNC_KERNEL_AUTO, /* the fastest that this machine has */
	QRT_VNC_KERNEL_SCALAR,
	QRT_VNC_KERNEL_SSE2,
	QRT_VNC_KERNEL_AVX2,
	QRT_VNC_KERNEL_AVX512,
	QRT_VNC_KERNEL_NEON,
	QRT_VNC_KERNELS,
};

/* What this machine has: bits 1 << enum qrt_vnc_kernel. [rt] */
QRT_VNC_API uint32_t qrt_vnc_kernel_list(void);
/* "scalar", "avx2"; NULL: no such kernel. [rt] */
QRT_VNC_API const char *qrt_vnc_kernel_text(uint32_t kernel);

/* ---- differ ---- */

#define QRT_VNC_DIFFER_THREADS_MAX    64u
#define QRT_VNC_DIFFER_RECTANGLES_MAX 65535u /* an update has no more: RFC 6143, 7.6.1 */

struct qrt_vnc_differ_config {
	uint32_t size;
	uint32_t kernel;              /* enum qrt_vnc_kernel */
	uint32_t width, height, bits; /* as of the surfaces that it will look at */
	uint32_t mask;                /* bits of a pixel that count; 0: of 32 bits the lower 24, else all */
	uint32_t tile_width;          /* pixels: 16, 32, 64, of 64 bytes at least; 0: the fewest */
	uint32_t tile_height;         /* rows: 1, 2, 4, ... 64; 0: 16 */
	uint32_t rectangles_max;      /* 1 to QRT_VNC_DIFFER_RECTANGLES_MAX; 0: 4096 */
	uint32_t threads;             /* its own, beside the caller's; at most QRT_VNC_DIFFER_THREADS_MAX */
	/* The caller's, of the same width, height and bits, until resize or close; what it holds was seen.
	 * NULL: the differ has one, and all counts as changed at first. */
	const struct qrt_vnc_surface *shadow;
	const struct qrt_vnc_thread_operations *operations; /* NULL: plain threads of the default policy */
};

struct qrt_vnc_differ;

/* -EINVAL, -E2BIG, -ENOMEM, -EMFILE; -EOPNOTSUPP: this machine has no such kernel; what creating a thread
 * says. [setup] */
QRT_VNC_API int qrt_vnc_differ_open(const struct qrt_vnc_differ_config *config,
				    struct qrt_vnc_differ **ret_differ, struct qrt_vnc_error *reterr);
/* What was posted is cancelled. Ends its threads. NULL is fine; returns NULL. [setup] */
QRT_VNC_API struct qrt_vnc_differ *qrt_vnc_differ_close(struct qrt_vnc_differ *differ);

/* From now on for surfaces like this one, of which only width, height and bits count, with that shadow, or
 * with one of its own (NULL), as at first. The mask and the tiles' width are those of the configuration where
 * they fit, else the default. What was found, and not collected, is gone. -EINVAL, -ENOMEM: all is as before;
 * -EBUSY: a surface is posted. [setup] */
QRT_VNC_API int qrt_vnc_differ_resize(struct qrt_vnc_differ *differ, const struct qrt_vnc_surface *like,
				      const struct qrt_vnc_surface *shadow, struct qrt_vnc_error *reterr);

struct qrt_vnc_differ_info {
	uint32_t size;
	uint32_t kernel; /* enum qrt_vnc_kernel, not AUTO */
	uint32_t mask, tile_width, tile_height;
	uint32_t columns, rows; /* tiles */
	uint32_t words;         /* of 64 bits, of a row of tiles */
	uint32_t rectangles_max, threads;
	struct qrt_vnc_surface shadow; /* what to read from; where it is stays until resize */
};

/* -EINVAL: no size. [rt] */
QRT_VNC_API int qrt_vnc_differ_get_info(const struct qrt_vnc_differ *differ,
					struct qrt_vnc_differ_info *ret_info);

/* ---- hints ---- */

/* What may have changed: the cells whose bit is set, or the tiles that a rectangle touches, or both. Nothing
 * else of the surface is read, but tiles that count as changed or were not come to by a run that was
 * cancelled. */
struct qrt_vnc_hint {
	uint32_t size;
	uint32_t cell_width;   /* pixels: 16, 32, 64 */
	uint32_t cell_height;  /* rows: 1 or more */
	uint32_t words;        /* from one row of cells to the next one */
	const uint64_t *cells; /* bit n % 64 of word n / 64 is the nth from the left; NULL: none */
	const struct qrt_vnc_rectangle *rectangles; /* within the surface, or cut to it */
	uint32_t count;                             /* of those; at most QRT_VNC_DIFFER_RECTANGLES_MAX */
	uint32_t reserved;
};

/* ---- what is found ---- */

/* Is the differ's, until the next run, post, resize or close. */
struct qrt_vnc_difference {
	uint32_t size;
	uint32_t is_widened; /* there would be too many rectangles: they cover tiles, too, that did not change
			      */
	/* Bit n % 64 of word n / 64 is the nth tile from the left; rows of info.words words. */
	const uint64_t *tiles;
	/* All tiles that changed, cut to the surface: disjoint, from top to bottom, then from left to right,
	 * as they begin. */
	const struct qrt_vnc_rectangle *rectangles;
	uint32_t count;   /* of rectangles */
	uint32_t changed; /* tiles */
};

/* Looks at a surface in this thread, together with those of the differ, if any. 1: something changed; 0:
 * nothing did. hint NULL: all of it may have. -EINVAL: not such a surface or hint, nothing is done; -EBUSY:
 * one is posted. [rt] */
QRT_VNC_API int qrt_vnc_differ_run(struct qrt_vnc_differ *differ, const struct qrt_vnc_surface *surface,
				   const struct qrt_vnc_hint *hint,
				   struct qrt_vnc_difference *ret_difference);

/* The same by the differ's threads alone. The pixels and the cells of the hint must stay until it is
 * collected or cancelled; the structs and rectangles are copied. -EOPNOTSUPP: it has no threads; and as for
 * run. [rt] */
QRT_VNC_API int qrt_vnc_differ_post(struct qrt_vnc_differ *differ, const struct qrt_vnc_surface *surface,
				    const struct qrt_vnc_hint *hint);
/* Readable when there may be something to collect: for poll, never to be read. [rt] */
QRT_VNC_API int qrt_vnc_differ_get_fd(const struct qrt_vnc_differ *differ);
/* What was found in what was posted: 1 or 0 as run. -EAGAIN: not yet; -ENOENT: nothing is posted; -EINVAL: no
 * size. [rt] */
QRT_VNC_API int qrt_vnc_differ_collect(struct qrt_vnc_differ *differ,
				       struct qrt_vnc_difference *ret_difference);
/* Ends what was posted; waits no longer than each thread needs for a row of pixels. What was found is in the
 * next result; rows that were not come to are read by the next run whatever its hint. -ENOENT: nothing is
 * posted. [rt] */
QRT_VNC_API int qrt_vnc_differ_cancel(struct qrt_vnc_differ *differ);

/* Tiles that this touches (NULL: all) count as changed in the next result. -EBUSY: a surface is posted. [rt]
 */
QRT_VNC_API int qrt_vnc_differ_invalidate(struct qrt_vnc_differ *differ,
					  const struct qrt_vnc_rectangle *rectangle);

#ifdef __cplusplus
}
#endif

#endif /* QRT_VNC_DIFFER_H */
