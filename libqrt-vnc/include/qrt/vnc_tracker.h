/* SPDX-License-Identifier: MIT */
/*
 * What of a surface may have been written since it was asked last, so that a differ need not read the rest.
 *
 * A tracker knows that from the kernel, which notes to what pages of memory this process writes, from what
 * its caller marks (the dirty bits of an emulator, pages of a hypervisor's log, rectangles), or from both.
 * What it gives is a hint as <qrt/vnc_differ.h> takes it. It may name too much, and never too little: a write
 * that comes before the pixels are looked at is in this hint, or in the next one, or in both.
 *
 * Calls as <qrt/vnc.h> has them. After open and set_surface nothing is allocated.
 */
#ifndef QRT_VNC_TRACKER_H
#define QRT_VNC_TRACKER_H

#include <qrt/vnc_differ.h>

#ifdef __cplusplus
extern "C" {
#endif

enum qrt_vnc_tracker_way {
	QRT_VNC_TRACKER_AUTO,  /* PAGES where that works, else ALL */
	QRT_VNC_TRACKER_ALL,   /* nothing is known: each hint is all of it */
	QRT_VNC_TRACKER_MARKS, /* the caller marks each write, or what he reads of others' notes */
	QRT_VNC_TRACKER_PAGES, /* the kernel notes writes of this process: PAGEMAP_SCAN, Linux >= 6.7 */
};

/* The surface is in a file or in shared memory, and all the same nobody writes to it but through this mapping
 * of it: no other process, no other mapping, no write(2) to the file. */
#define QRT_VNC_TRACKER_SOLE 1u
/* Pages whose writes are noted cost each writer a fault; when more than half of them are written in each
 * round, the tracker pauses for a few rounds, up to 8, in which a hint is all of it. With this it does not.
 */
#define QRT_VNC_TRACKER_NO_PAUSE 2u

struct qrt_vnc_tracker_config {
	uint32_t size;
	uint32_t way;   /* enum qrt_vnc_tracker_way; one that is asked for and does not work is an error */
	uint32_t flags; /* QRT_VNC_TRACKER_SOLE, QRT_VNC_TRACKER_NO_PAUSE */
	uint32_t reserved;
	struct qrt_vnc_surface surface; /* whose memory stays where it is until set_surface or close */
};

struct qrt_vnc_tracker;

/* The first hint is all of it. -EINVAL, -E2BIG, -ENOMEM; and where PAGES is asked for: -EPERM: it is not
 * allowed, or writes of others would not be seen; -EBUSY: another userfaultfd has the memory; -ENXIO, -EXDEV:
 * it is not all mapped, or of several kinds; what userfaultfd(2), ioctl_userfaultfd(2) and
 * PAGEMAP_SCAN(2const) say. [setup] */
QRT_VNC_API int qrt_vnc_tracker_open(const struct qrt_vnc_tracker_config *config,
				     struct qrt_vnc_tracker **ret_tracker, struct qrt_vnc_error *reterr);
/* NULL is fine; returns NULL. [setup] */
QRT_VNC_API struct qrt_vnc_tracker *qrt_vnc_tracker_close(struct qrt_vnc_tracker *tracker);
/* Another surface, or the same memory mapped anew, as at first. Errors as of open; then it has the one from
 * before, and only its next hint is all of it. [setup] */
QRT_VNC_API int qrt_vnc_tracker_set_surface(struct qrt_vnc_tracker *tracker,
					    const struct qrt_vnc_surface *surface,
					    struct qrt_vnc_error *reterr);

struct qrt_vnc_tracker_info {
	uint32_t size;
	uint32_t way; /* enum qrt_vnc_tracker_way, not AUTO; PAGES becomes ALL where it stopped working */
	uint64_t page_bytes; /* PAGES: what one note is for */
	uint64_t pages;      /* PAGES: of the surface */
	uint64_t written;    /* PAGES: in the last hint; 0 in a pause */
	char reason[160];    /* why this way, for a person */
};

/* -EINVAL: no size. [rt] */
QRT_VNC_API int qrt_vnc_tracker_get_info(const struct qrt_vnc_tracker *tracker,
					 struct qrt_vnc_tracker_info *ret_info);

/* ---- what the caller knows ---- */

/* These are in the next hint, whatever the way. count 0: nothing. [rt] */
QRT_VNC_API int qrt_vnc_tracker_mark(struct qrt_vnc_tracker *tracker,
				     const struct qrt_vnc_rectangle *rectangles, uint32_t count);
/* All of it is in the next hint. [rt] */
QRT_VNC_API void qrt_vnc_tracker_mark_all(struct qrt_vnc_tracker *tracker);

/* Bits are taken out as they are read, each word in one step: others may set some meanwhile, in one step,
 * too, after they have written the pixels. */
#define QRT_VNC_TRACKER_TAKE 1u

/* Bits of rows, as QEMU's VNC server has them. */
struct qrt_vnc_tracker_rows {
	uint32_t size;
	uint32_t flags;      /* QRT_VNC_TRACKER_TAKE */
	uint64_t *bits;      /* bit n % 64 of word n / 64 is the nth cell of a row from the left */
	uint32_t words;      /* of a row; enough for the surface's width */
	uint32_t cell_width; /* pixels: 16, 32, ... 65536, powers of two */
};

/* -EINVAL, -E2BIG. [rt] */
QRT_VNC_API int qrt_vnc_tracker_mark_rows(struct qrt_vnc_tracker *tracker,
					  const struct qrt_vnc_tracker_rows *rows);

/* Bits of pages, as KVM's dirty log has them. */
struct qrt_vnc_tracker_pages {
	uint32_t size;
	uint32_t flags;      /* QRT_VNC_TRACKER_TAKE */
	uint64_t *bits;      /* bit n % 64 of word n / 64 is page n */
	uint64_t count;      /* pages; those past the surface are left alone, beside bits of the same words */
	uint64_t page_bytes; /* a power of two */
	uint64_t offset;     /* from the beginning of page 0 to the lowest byte of the surface */
};

/* -EINVAL: and where these pages are not all of the surface; -E2BIG. [rt] */
QRT_VNC_API int qrt_vnc_tracker_mark_pages(struct qrt_vnc_tracker *tracker,
					   const struct qrt_vnc_tracker_pages *pages);

/* ---- what may have been written ---- */

/* Since the last call: 1: something; 0: nothing. A differ that has something left, after a cancel or
 * invalidate, is run all the same: with a hint that names nothing that is all it looks at. What is in
 * *ret_hint is not told again: where it is not looked at, the caller marks it. Its cells are the tracker's,
 * until the next call, set_surface or close: it is not called while they are posted. -EINVAL: no
 * size. [rt] */
QRT_VNC_API int qrt_vnc_tracker_take(struct qrt_vnc_tracker *tracker, struct qrt_vnc_hint *ret_hint);

#ifdef __cplusplus
}
#endif

#endif /* QRT_VNC_TRACKER_H */
