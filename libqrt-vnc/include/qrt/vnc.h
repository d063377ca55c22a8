/* SPDX-License-Identifier: MIT */
/*
 * libqrt-vnc: screens of real-time virtual machines, for any remote-display server.
 *
 * What all of it has in common: surfaces, rectangles, pixel formats, threads, errors. What changed on a
 * surface is found by <qrt/vnc_differ.h>; what need not be looked at is known by <qrt/vnc_tracker.h>; what is
 * sent of it is made by <qrt/vnc_encoder.h>.
 *
 * Every call is marked [setup] or [rt]. An [rt] call does not allocate or log, waits for no thread but those
 * that work for it at this moment, and its time is bounded by the size of the surface. Every int result is
 * >= 0 on success and a negative errno on failure. ret_* are written on success only, reterr (which may be
 * NULL) on failure only. A handle is used by one thread at a time. A config struct starts with its size;
 * zero in a member is the default.
 *
 * The library never exits, aborts on input, prints, installs signal handlers, or keeps global mutable state,
 * and starts threads only where a config asks for them, by its thread operations.
 */
#ifndef QRT_VNC_H
#define QRT_VNC_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define QRT_VNC_API __attribute__((visibility("default")))
#else
#define QRT_VNC_API
#endif

/* The library's version as "MAJOR.MINOR.PATCH". [rt] */
QRT_VNC_API const char *qrt_vnc_version(void);

/* What went wrong in a setup call, for a person: one line without a newline at its end. */
struct qrt_vnc_error {
	int32_t code;      /* the negative errno that the call returned */
	char message[252]; /* names the thing and the remedy */
};

/* ---- surfaces ---- */

#define QRT_VNC_SIDE_MAX 65535u /* pixels: RFC 6143, 7.3.2 */

/* Pixels in rows. The memory is the caller's, and may change at any time. */
struct qrt_vnc_surface {
	void *pixels;   /* of the first row; of 16 and 32 bits they lie at multiples of their size */
	int64_t stride; /* bytes from one row to the next one; < 0: the first row is the last one in memory */
	uint32_t width; /* pixels, 1 to QRT_VNC_SIDE_MAX */
	uint32_t height; /* rows, 1 to QRT_VNC_SIDE_MAX */
	uint32_t bits;   /* of a pixel: 8, 16, 32 */
	uint32_t reserved;
};

/* Pixels of a surface; none is without any. */
struct qrt_vnc_rectangle {
	uint16_t x, y, width, height;
};

/* Pixels that a client has already: what is at x, y there, of the size of `to`, belongs to `to` now, as if by
 * a buffer where both overlap. Copies are done one after the other: RFC 6143, 7.7.2. */
struct qrt_vnc_copy {
	struct qrt_vnc_rectangle to;
	uint16_t x, y;
};

/* What the bits of a pixel mean, as RFB says it: RFC 6143, 7.4. Without true_colour they are an index. */
struct qrt_vnc_pixel_format {
	uint8_t bits, depth, big_endian, true_colour;
	uint16_t red_max, green_max, blue_max;
	uint8_t red_shift, green_shift, blue_shift;
	uint8_t reserved[3];
};

/* ---- threads ---- */

enum qrt_vnc_role {
	QRT_VNC_ROLE_DIFFER,  /* looks at what changed: vncm of a plan of libqrt-sched */
	QRT_VNC_ROLE_ENCODER, /* makes what is sent: vncs */
};

struct qrt_vnc_thread {
	uint32_t role;  /* enum qrt_vnc_role */
	uint32_t index; /* 0, 1, ... of its handle */
	void *(*run)(void *argument);
	void *argument;
	uint64_t stack_bytes; /* what it needs at least */
};

/* Where the library's threads come from. They live from the opening of a handle to its closing. */
struct qrt_vnc_thread_operations {
	uint32_t size;
	uint32_t reserved;
	/* Starts one, and says in *ret_thread what it is called from then on; 0 or a negative errno. */
	int (*create)(void *data, const struct qrt_vnc_thread *thread, void **ret_thread);
	void (*join)(void *data, void *handle);
	void *data;
};

#ifdef __cplusplus
}
#endif

#endif /* QRT_VNC_H */
