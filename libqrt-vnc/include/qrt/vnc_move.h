/* SPDX-License-Identifier: MIT */
/*
 * What moved on a surface, up, down or aside: for a client it is a rectangle to copy, and no pixels.
 *
 * It works on the shadow, the client's picture, before a differ makes that like the surface: copies that are
 * found are carried out in the shadow, one after the other, as the client will carry them out. The differ
 * then finds the rest: what copies left wrong, and all that changed besides. So the picture is exact whatever
 * was found, and a surface that changes meanwhile costs a copy or its worth, never a pixel. The shadow must
 * be what the client has: after a differ's cancel or invalidate it is that only when the next run is sent.
 *
 * Calls as <qrt/vnc.h> has them. After open nothing is allocated.
 */
#ifndef QRT_VNC_MOVE_H
#define QRT_VNC_MOVE_H

#include <qrt/vnc_differ.h>

#ifdef __cplusplus
extern "C" {
#endif

#define QRT_VNC_MOVE_COPIES_MAX 256u

struct qrt_vnc_move_config {
	uint32_t size;
	uint32_t width, height, bits; /* as of the surfaces */
	uint32_t mask;                /* bits of a pixel that count; 0: of 32 bits the lower 24, else all */
	uint32_t copies_max;          /* of one call; 0: 16; at most QRT_VNC_MOVE_COPIES_MAX */
	uint32_t area_min;            /* pixels that changed, which a copy must make right; 0: 4096 */
	uint32_t looks_max;           /* pixels of a picture that are searched for marks; 0: 2 Mi */
};

struct qrt_vnc_move;

/* -EINVAL, -E2BIG, -ENOMEM; what getrandom(2) says: where marks are found shall not be foreseen by who draws
 * the picture. [setup] */
QRT_VNC_API int qrt_vnc_move_open(const struct qrt_vnc_move_config *config, struct qrt_vnc_move **ret_move,
				  struct qrt_vnc_error *reterr);
/* NULL is fine; returns NULL. [setup] */
QRT_VNC_API struct qrt_vnc_move *qrt_vnc_move_close(struct qrt_vnc_move *move);

/* Is the handle's, until the next find or close. */
struct qrt_vnc_moves {
	uint32_t size;
	uint32_t count;                             /* of copies */
	const struct qrt_vnc_copy *copies;          /* in the order in which they are carried out */
	const struct qrt_vnc_rectangle *rectangles; /* where they go: for the differ's hint */
	uint64_t pixels;                            /* that had changed, and are right by the copies */
};

/* Finds copies, carries them out in the shadow, and returns how many they are. What may have changed says the
 * hint (NULL: all); copies may go beyond it, and so the differ's hint must have their rectangles, too.
 * -EINVAL: not such surfaces or hint: nothing is done. [rt] */
QRT_VNC_API int qrt_vnc_move_find(struct qrt_vnc_move *move, const struct qrt_vnc_surface *surface,
				  const struct qrt_vnc_surface *shadow, const struct qrt_vnc_hint *hint,
				  struct qrt_vnc_moves *ret_moves);

#ifdef __cplusplus
}
#endif

#endif /* QRT_VNC_MOVE_H */
