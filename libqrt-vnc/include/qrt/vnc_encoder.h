/* SPDX-License-Identifier: MIT */
/*
 * What is sent of a surface, for many clients at once.
 *
 * An encoder belongs to a screen, a client to a connection. An update, which is posted, is a surface that
 * does not change meanwhile (the shadow of a differ) and for each client the rectangles that it lacks. They
 * are cut into chunks, which worker threads encode: each once, for all clients of the same pixel format,
 * encoding and quality. When all are done the update is collected; then each client has a FramebufferUpdate
 * message of RFC 6143, in segments that point into the chunks, for writev(2). A chunk refers to no other
 * one's bytes, so that it goes into any connection's compressed stream, and an update that is cancelled
 * leaves no trace.
 *
 * What comes from a client, its pixel format and encodings, is judged here. A client for which nothing works
 * (a colour map, bits that lie outside a pixel) is refused with a sentence.
 *
 * Calls as <qrt/vnc.h> has them. An encoder and its clients are used by one thread at a time. Workers
 * allocate; post does so only in an encoder without threads.
 */
#ifndef QRT_VNC_ENCODER_H
#define QRT_VNC_ENCODER_H

#include <qrt/vnc.h>
#include <sys/uio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- pixel formats ---- */

#define QRT_VNC_PIXEL_FORMAT_BYTES 16u

/* Whether a client can have it: true colour; 8, 16 or 32 bits, and a depth of at most so many; maxima 2^n -
 * 1, at least 1; colours that lie side by side within the pixel and need no more than the depth. -EINVAL.
 * [rt] */
QRT_VNC_API int qrt_vnc_pixel_format_check(const struct qrt_vnc_pixel_format *format,
					   struct qrt_vnc_error *reterr);
/* From SetPixelFormat or ServerInit: RFC 6143, 7.4; and checks it. -EINVAL. [rt] */
QRT_VNC_API int qrt_vnc_pixel_format_read(const uint8_t bytes[QRT_VNC_PIXEL_FORMAT_BYTES],
					  struct qrt_vnc_pixel_format *ret_format,
					  struct qrt_vnc_error *reterr);
QRT_VNC_API void qrt_vnc_pixel_format_write(const struct qrt_vnc_pixel_format *format,
					    uint8_t ret_bytes[QRT_VNC_PIXEL_FORMAT_BYTES]); /* [rt] */

/* ---- encoder ---- */

#define QRT_VNC_ENCODER_THREADS_MAX 64u
#define QRT_VNC_ENCODER_CLIENTS_MAX 1024u
#define QRT_VNC_ENCODER_CHUNKS_MAX  65535u

struct qrt_vnc_encoder_config {
	uint32_t size;
	uint32_t threads; /* workers; 0: who posts encodes; at most QRT_VNC_ENCODER_THREADS_MAX */
	uint32_t clients; /* at the same time; 0: 64; at most QRT_VNC_ENCODER_CLIENTS_MAX */
	uint32_t chunks;  /* of all updates that are not yet written; 0: 4096; at most
			     QRT_VNC_ENCODER_CHUNKS_MAX */
	const struct qrt_vnc_thread_operations *operations; /* NULL: plain threads of the default policy */
};

struct qrt_vnc_encoder;

/* -EINVAL, -E2BIG, -ENOMEM, -EMFILE; what creating a thread says. [setup] */
QRT_VNC_API int qrt_vnc_encoder_open(const struct qrt_vnc_encoder_config *config,
				     struct qrt_vnc_encoder **ret_encoder, struct qrt_vnc_error *reterr);
/* Its clients must be closed. What was posted is cancelled; ends the workers. NULL is fine; returns NULL.
 * [setup] */
QRT_VNC_API struct qrt_vnc_encoder *qrt_vnc_encoder_close(struct qrt_vnc_encoder *encoder);
/* Readable when there may be something to collect: for poll, never to be read; constant. [rt] */
QRT_VNC_API int qrt_vnc_encoder_get_fd(const struct qrt_vnc_encoder *encoder);

struct qrt_vnc_encoder_info {
	uint32_t size;
	uint32_t threads, clients, chunks; /* as configured */
	uint32_t has_jpeg;                 /* this build can */
	uint32_t free_chunks;
	uint64_t encoded; /* chunks, from the beginning */
	uint64_t used;    /* the same, each as often as a client got it */
	uint64_t pixels;  /* of what was encoded */
	char deflate[16]; /* by what: "isa-l", "zlib" */
};

/* -EINVAL: no size. [rt] */
QRT_VNC_API int qrt_vnc_encoder_get_info(const struct qrt_vnc_encoder *encoder,
					 struct qrt_vnc_encoder_info *ret_info);

/* ---- clients ---- */

/* As RFB numbers them. */
enum qrt_vnc_encoding {
	QRT_VNC_ENCODING_RAW = 0,
	QRT_VNC_ENCODING_HEXTILE = 5,
	QRT_VNC_ENCODING_ZLIB = 6,
	QRT_VNC_ENCODING_TIGHT = 7,
	QRT_VNC_ENCODING_ZRLE = 16,
};

#define QRT_VNC_CLIENT_COPY_RECT 1u /* can: without it, the destinations of copies are encoded */
#define QRT_VNC_CLIENT_LAST_RECT                                                                             \
	2u /* can: updates do not say how many rectangles they have, and end with one */

struct qrt_vnc_client_config {
	uint32_t size;
	uint32_t encoding; /* enum qrt_vnc_encoding */
	uint32_t flags;    /* QRT_VNC_CLIENT_* */
	uint32_t quality;  /* TIGHT: 0: lossless; 1 to 100: of JPEG, for what has many colours */
	struct qrt_vnc_pixel_format format; /* as it wants its pixels */
};

/* What a client says by SetEncodings (RFC 6143, 7.5.2): the first of its encodings that there is here, flags,
 * and a quality where it names one. `bytes` are the numbers alone, each of 4 bytes. The rest of the
 * configuration stays as it is. -EINVAL: no multiple of 4. [rt] */
QRT_VNC_API int qrt_vnc_client_read_encodings(const uint8_t *bytes, size_t length,
					      struct qrt_vnc_client_config *config);

struct qrt_vnc_client;

/* -EINVAL, -E2BIG, -ENOMEM; -ENOSPC: the encoder has as many as it can. [setup] */
QRT_VNC_API int qrt_vnc_client_open(struct qrt_vnc_encoder *encoder,
				    const struct qrt_vnc_client_config *config,
				    struct qrt_vnc_client **ret_client, struct qrt_vnc_error *reterr);
/* At any time: an update that is on its way goes on for the others. NULL is fine; returns NULL. [setup] */
QRT_VNC_API struct qrt_vnc_client *qrt_vnc_client_close(struct qrt_vnc_client *client);
/* From its next update on. What is to be written stays as it is. -EINVAL, -E2BIG: all is as before; -EBUSY:
 * an update for it is posted. [rt] */
QRT_VNC_API int qrt_vnc_client_set(struct qrt_vnc_client *client, const struct qrt_vnc_client_config *config,
				   struct qrt_vnc_error *reterr);

/* What is to be written, one segment after the other; 0: nothing. They are the client's, and stay until
 * consume or close. [rt] */
QRT_VNC_API size_t qrt_vnc_client_get_segments(const struct qrt_vnc_client *client,
					       const struct iovec **ret_segments);
/* Their bytes. [rt] */
QRT_VNC_API uint64_t qrt_vnc_client_get_backlog(const struct qrt_vnc_client *client);
/* So many bytes were written. -EINVAL: there are not so many. [rt] */
QRT_VNC_API int qrt_vnc_client_consume(struct qrt_vnc_client *client, uint64_t bytes);

/* ---- updates ---- */

#define QRT_VNC_COPIES_MAX 256u /* of one order */

struct qrt_vnc_order {
	struct qrt_vnc_client *client; /* once in an update; has nothing left to write */
	/* Within the surface; disjoint ones cost least. More than there are chunks for are sent as one around
	 * all of them. */
	const struct qrt_vnc_rectangle *rectangles;
	const struct qrt_vnc_copy *copies;    /* done before anything else */
	uint32_t rectangle_count, copy_count; /* none of either: an update without rectangles */
};

struct qrt_vnc_update {
	uint32_t size;
	uint32_t order_count;
	const struct qrt_vnc_order *orders;
	struct qrt_vnc_surface surface; /* its pixels stay as they are until it is collected or cancelled */
	struct qrt_vnc_pixel_format
		format; /* of its pixels, in the host's order of bytes; maxima up to 1023 */
};

/* Begins with it. All but the pixels is copied. -EBUSY: another one is posted, or a client has something to
 * write; -E2BIG; -EINVAL: a surface, format, rectangle or copy that cannot be, a client of another encoder or
 * twice; -ENOSPC: it needs more chunks than are free. Nothing is done then. [rt] */
QRT_VNC_API int qrt_vnc_encoder_post(struct qrt_vnc_encoder *encoder, const struct qrt_vnc_update *update);
/* 0: its clients have it to write. -EAGAIN: not yet; -ENOENT: nothing is posted; -ENOMEM: it is dropped, as
 * if it were cancelled. [rt] */
QRT_VNC_API int qrt_vnc_encoder_collect(struct qrt_vnc_encoder *encoder);
/* Drops what was posted; the surface is the caller's again. Waits no longer than workers need to leave off
 * reading it, which is not for what they compress. -ENOENT: nothing is posted. [rt] */
QRT_VNC_API int qrt_vnc_encoder_cancel(struct qrt_vnc_encoder *encoder);

#ifdef __cplusplus
}
#endif

#endif /* QRT_VNC_ENCODER_H */
