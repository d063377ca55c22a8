/* SPDX-License-Identifier: MIT */
/* qcow2, without system calls: what a header says, and where the bytes of an image are. All numbers of a file
 * are its author's, who may be hostile: what leaves these functions is within the file. */
#ifndef QRT_BLOCK_QCOW2_P_H
#define QRT_BLOCK_QCOW2_P_H

#include "error_p.h"

#define QRT_BLOCK_P_QCOW2_CLUSTER_BITS_MIN 9u
#define QRT_BLOCK_P_QCOW2_CLUSTER_BITS_MAX 21u
#define QRT_BLOCK_P_QCOW2_NAME_MAX         1023u
#define QRT_BLOCK_P_QCOW2_TABLE_MAX        (4u << 20) /* entries of L1 */
#define QRT_BLOCK_P_QCOW2_SLICE_BYTES      4096u

enum qrt_block_p_qcow2_compression { QRT_BLOCK_P_QCOW2_ZLIB, QRT_BLOCK_P_QCOW2_ZSTD };

/* ---- header (qcow2_header.c) ---- */

struct qrt_block_p_qcow2_header {
	uint32_t version, cluster_bits, compression; /* enum qrt_block_p_qcow2_compression */
	uint32_t is_extended;                        /* L2 entries have subclusters */
	uint32_t is_corrupt;                         /* it is marked so */
	uint32_t l1_count;                           /* entries that are needed */
	uint64_t capacity, l1_offset;
	char backing[QRT_BLOCK_P_QCOW2_NAME_MAX + 1]; /* "": none */
	char backing_format[16];                      /* "": it does not say */
};

/* An L2 table has as many bytes of the image as a power of two of this, below 40. */
static inline uint32_t qrt_block_p_qcow2_reach_bits(const struct qrt_block_p_qcow2_header *header)
{
	return (2 * header->cluster_bits - (header->is_extended ? 4 : 3)) & 63;
}

/* 1: it begins as an image of qcow2 does. */
int qrt_block_p_qcow2_is(const uint8_t *bytes, size_t length);
/* `bytes`: the file's first cluster, or all of it where it is shorter. -EINVAL: it is damaged; -EOPNOTSUPP:
 * it is of a kind that is not read. `name` is for the message. */
int qrt_block_p_qcow2_parse(const uint8_t *bytes, size_t length, uint64_t file_length, const char *name,
			    struct qrt_block_p_qcow2_header *ret, struct qrt_block_error *reterr);
/* Why a file's name in a header is not followed; NULL: it is a path. */
const char *qrt_block_p_qcow2_why_no_path(const char *backing);

/* ---- map (qcow2_map.c) ---- */

/* One file. */
struct qrt_block_p_qcow2_image {
	struct qrt_block_p_qcow2_header header;
	uint64_t file_length;
	uint32_t slice_bytes; /* of an L2 table as much is looked at in one piece */
	uint64_t *l1;         /* as the file has it, by this machine's order of bytes; l1_count of them */
};

enum qrt_block_p_qcow2_kind {
	QRT_BLOCK_P_QCOW2_UNALLOCATED, /* as the backing file has it */
	QRT_BLOCK_P_QCOW2_ZERO,
	QRT_BLOCK_P_QCOW2_DATA,       /* at `host` */
	QRT_BLOCK_P_QCOW2_COMPRESSED, /* a cluster, in host_length bytes at `host` */
	QRT_BLOCK_P_QCOW2_TABLE,      /* not known before the slice at `host` is there */
};

struct qrt_block_p_qcow2_extent {
	uint32_t kind;  /* enum qrt_block_p_qcow2_kind */
	uint32_t layer; /* of a chain */
	uint64_t length;
	uint64_t host, host_length;
};

/* A slice of an L2 table by its place in the file; NULL: it is not at hand. */
typedef const uint8_t *qrt_block_p_qcow2_find(void *data, uint32_t layer, uint64_t host);

/* What is at `offset`, and how far of `length` bytes that goes. -EUCLEAN: the tables are wrong. */
int qrt_block_p_qcow2_map(const struct qrt_block_p_qcow2_image *image, uint32_t layer,
			  qrt_block_p_qcow2_find *find, void *data, uint64_t offset, uint64_t length,
			  struct qrt_block_p_qcow2_extent *ret);
/* The same of a chain of images; those behind the first are backing files. `capacities` are all layers'; one
 * without an image is raw. There is no UNALLOCATED: what nobody has is ZERO. */
struct qrt_block_p_qcow2_layers {
	uint32_t count;
	const struct qrt_block_p_qcow2_image *const *images; /* NULL: raw */
	const uint64_t *capacities;
};

int qrt_block_p_qcow2_map_layers(const struct qrt_block_p_qcow2_layers *layers, qrt_block_p_qcow2_find *find,
				 void *data, uint64_t offset, uint64_t length,
				 struct qrt_block_p_qcow2_extent *ret);

/* ---- compressed clusters (qcow2_inflate.c) ---- */

struct qrt_block_p_qcow2_inflater;

/* -ENOMEM. -EOPNOTSUPP: this build has none of that kind. */
int qrt_block_p_qcow2_inflater_open(uint32_t compression, struct qrt_block_p_qcow2_inflater **ret);
void qrt_block_p_qcow2_inflater_close(struct qrt_block_p_qcow2_inflater *inflater);
/* To exactly out_length bytes, and allocates nothing. -EUCLEAN: it is no compressed cluster. */
int qrt_block_p_qcow2_inflate(struct qrt_block_p_qcow2_inflater *inflater, const uint8_t *in,
			      size_t in_length, uint8_t *out, size_t out_length);

/* zstd, which may be absent from a build (qcow2_zstd.c). */
void *qrt_block_p_qcow2_zstd_open(void);
void qrt_block_p_qcow2_zstd_close(void *context);
int qrt_block_p_qcow2_zstd_inflate(void *context, const uint8_t *in, size_t in_length, uint8_t *out,
				   size_t out_length);
int qrt_block_p_qcow2_zstd_is_there(void);

/* Numbers as the file has them. */
static inline uint32_t qrt_block_p_be32(const uint8_t *bytes)
{
	uint32_t value;

	__builtin_memcpy(&value, bytes, sizeof(value));
	return __builtin_bswap32(value);
}

static inline uint64_t qrt_block_p_be64(const uint8_t *bytes)
{
	uint64_t value;

	__builtin_memcpy(&value, bytes, sizeof(value));
	return __builtin_bswap64(value);
}

#endif
