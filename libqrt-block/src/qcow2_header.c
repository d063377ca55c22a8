/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "qcow2_p.h"

#define MAGIC                 0x514649fbu /* "QFI\xfb" */
#define LENGTH_V2             72u
#define LENGTH_V3             104u
#define EXTENSION_END         0u
#define EXTENSION_FORMAT      0xe2792acau
#define EXTENSION_FEATURES    0x6803f857u
#define FEATURE_BYTES         48u
#define FEATURE_NAME_BYTES    46u
#define EXTENDED_CLUSTER_BITS 14u /* subclusters of 512 bytes at least */
#define REFCOUNT_ORDER_MAX    6u

enum incompatible { DIRTY, CORRUPT, EXTERNAL, COMPRESSION, EXTENDED, KNOWN_FEATURES };

/* A file that is being taken apart. */
struct source {
	const uint8_t *bytes;
	size_t length;
	const char *name;
	struct qrt_block_error *reterr;
};

static int damaged(const struct source *source, const char *what)
{
	return qrt_block_p_error(source->reterr, -EINVAL, "%s: its qcow2 header is damaged: %s", source->name,
				 what);
}

int qrt_block_p_qcow2_is(const uint8_t *bytes, size_t length)
{
	return length >= 4 && qrt_block_p_be32(bytes) == MAGIC;
}

/* ---- features ---- */

/* What the file's own table calls it. */
static void name_feature(const struct source *source, size_t table, size_t length, uint32_t bit, char *ret,
			 size_t size)
{
	size_t at;

	for (at = 0; at + FEATURE_BYTES <= length; at += FEATURE_BYTES) {
		const uint8_t *entry = source->bytes + table + at;

		if (entry[0] != 0 || entry[1] != bit)
			continue;
		size = size <= FEATURE_NAME_BYTES ? size : FEATURE_NAME_BYTES + 1;
		memcpy(ret, entry + 2, size - 1);
		ret[size - 1] = '\0';
	}
}

struct extensions {
	size_t features, features_length;
};

static int take_extension(const struct source *source, struct qrt_block_p_qcow2_header *header,
			  struct extensions *extensions, uint32_t type, size_t at, uint32_t length)
{
	if (type == EXTENSION_FORMAT) {
		if (length >= sizeof(header->backing_format))
			return damaged(source, "the name of the backing file's format is too long");
		memcpy(header->backing_format, source->bytes + at, length);
	}
	if (type == EXTENSION_FEATURES) {
		extensions->features = at;
		extensions->features_length = length;
	}
	return 0;
}

/* They end where one says so, at the backing file's name, or with the cluster. */
static int take_extensions(const struct source *source, struct qrt_block_p_qcow2_header *header,
			   struct extensions *extensions, size_t at)
{
	size_t end = qrt_block_p_be64(source->bytes + 8);
	int rc = 0;

	if (!end || end > source->length)
		end = source->length;
	while (rc >= 0 && at + 8 <= end) {
		uint32_t type = qrt_block_p_be32(source->bytes + at);
		uint32_t length = qrt_block_p_be32(source->bytes + at + 4);

		at += 8;
		if (type == EXTENSION_END)
			break;
		if (length > end - at)
			return damaged(source, "an extension is longer than the header");
		rc = take_extension(source, header, extensions, type, at, length);
		at += ((size_t)length + 7) / 8 * 8;
	}
	return rc;
}

static int check_features(const struct source *source, struct qrt_block_p_qcow2_header *header,
			  const struct extensions *extensions, uint64_t features)
{
	uint64_t unknown = features & ~((1ull << KNOWN_FEATURES) - 1);
	char called[FEATURE_NAME_BYTES + 1] = "";
	uint32_t bit;

	header->is_corrupt = features >> CORRUPT & 1;
	header->is_extended = features >> EXTENDED & 1;
	if (features >> EXTERNAL & 1)
		return qrt_block_p_error(source->reterr, -EOPNOTSUPP,
					 "%s: its data are in another file, which is not read here",
					 source->name);
	if (header->is_extended && header->cluster_bits < EXTENDED_CLUSTER_BITS)
		return damaged(source, "clusters so small have no subclusters");
	if (!unknown)
		return 0;
	bit = (uint32_t)__builtin_ctzll(unknown);
	name_feature(source, extensions->features, extensions->features_length, bit, called, sizeof(called));
	return qrt_block_p_error(source->reterr, -EOPNOTSUPP, "%s: it needs the qcow2 feature %u (%s)",
				 source->name, bit, *called ? called : "which has no name");
}

/* ---- what all versions have ---- */

static int check_tables(const struct source *source, struct qrt_block_p_qcow2_header *header,
			uint64_t file_length)
{
	uint32_t reach_bits = qrt_block_p_qcow2_reach_bits(header);
	uint64_t count = qrt_block_p_be32(source->bytes + 36), needed;

	header->l1_offset = qrt_block_p_be64(source->bytes + 40);
	needed = (header->capacity >> reach_bits) + ((header->capacity & ((1ull << reach_bits) - 1)) != 0);
	if (count > QRT_BLOCK_P_QCOW2_TABLE_MAX)
		return damaged(source, "its L1 table is larger than 32 MiB");
	if (needed > count)
		return damaged(source, "its L1 table is too small for its size");
	if (header->l1_offset & ((1ull << header->cluster_bits) - 1) || header->l1_offset > file_length ||
	    needed * 8 > file_length - header->l1_offset)
		return damaged(source, "its L1 table is not in the file");
	header->l1_count = (uint32_t)needed;
	return 0;
}

static int take_backing(const struct source *source, struct qrt_block_p_qcow2_header *header)
{
	uint64_t at = qrt_block_p_be64(source->bytes + 8);
	uint32_t length = qrt_block_p_be32(source->bytes + 16);

	if (!at || !length)
		return 0;
	if (length > QRT_BLOCK_P_QCOW2_NAME_MAX || at > source->length || length > source->length - at)
		return damaged(source, "the backing file's name is not in its first cluster");
	if (memchr(source->bytes + at, 0, length))
		return damaged(source, "the backing file's name has a zero byte");
	memcpy(header->backing, source->bytes + at, length);
	return 0;
}

static int take_common(const struct source *source, struct qrt_block_p_qcow2_header *header)
{
	if (source->length < LENGTH_V2 || !qrt_block_p_qcow2_is(source->bytes, source->length))
		return qrt_block_p_error(source->reterr, -EINVAL, "%s: it is no qcow2 image", source->name);
	header->version = qrt_block_p_be32(source->bytes + 4);
	header->cluster_bits = qrt_block_p_be32(source->bytes + 20);
	header->capacity = qrt_block_p_be64(source->bytes + 24);
	if (header->version < 2 || header->version > 3)
		return qrt_block_p_error(source->reterr, -EOPNOTSUPP,
					 "%s: it is of version %u of qcow2; 2 and 3 are read", source->name,
					 header->version);
	if (header->cluster_bits < QRT_BLOCK_P_QCOW2_CLUSTER_BITS_MIN ||
	    header->cluster_bits > QRT_BLOCK_P_QCOW2_CLUSTER_BITS_MAX)
		return damaged(source, "clusters have 512 bytes to 2 MiB");
	if (header->capacity > INT64_MAX)
		return damaged(source, "it is larger than 2^63 bytes");
	if (qrt_block_p_be32(source->bytes + 32))
		return qrt_block_p_error(source->reterr, -EOPNOTSUPP,
					 "%s: it is encrypted, which is not read here", source->name);
	return 0;
}

/* ---- version 3 ---- */

static int take_version_3(const struct source *source, struct qrt_block_p_qcow2_header *header,
			  uint64_t *ret_features, size_t *ret_length)
{
	uint32_t length;

	if (source->length < LENGTH_V3)
		return damaged(source, "the file ends in it");
	length = qrt_block_p_be32(source->bytes + 100);
	if (length < LENGTH_V3 || length % 8 || length > source->length)
		return damaged(source, "its own length is wrong");
	if (qrt_block_p_be32(source->bytes + 96) > REFCOUNT_ORDER_MAX)
		return damaged(source, "reference counts have 64 bits at most");
	*ret_features = qrt_block_p_be64(source->bytes + 72);
	*ret_length = length;
	if (*ret_features >> COMPRESSION & 1 && length > LENGTH_V3)
		header->compression = source->bytes[104];
	if (header->compression > QRT_BLOCK_P_QCOW2_ZSTD)
		return qrt_block_p_error(source->reterr, -EOPNOTSUPP,
					 "%s: it is compressed in a way (%u) that is not known", source->name,
					 header->compression);
	return 0;
}

int qrt_block_p_qcow2_parse(const uint8_t *bytes, size_t length, uint64_t file_length, const char *name,
			    struct qrt_block_p_qcow2_header *ret, struct qrt_block_error *reterr)
{
	struct source source = {bytes, length, name, reterr};
	struct qrt_block_p_qcow2_header header = {0};
	struct extensions extensions = {0};
	size_t header_length = LENGTH_V2;
	uint64_t features = 0;
	int rc = take_common(&source, &header);

	if (rc >= 0 && header.version == 3)
		rc = take_version_3(&source, &header, &features, &header_length);
	/* What is behind the first cluster is not the header's. */
	if (rc >= 0 && source.length > 1ull << header.cluster_bits)
		source.length = 1ull << header.cluster_bits;
	if (rc >= 0 && header_length > source.length)
		rc = damaged(&source, "its own length is wrong");
	if (rc >= 0)
		rc = take_extensions(&source, &header, &extensions, header_length);
	if (rc >= 0)
		rc = check_features(&source, &header, &extensions, features);
	if (rc >= 0)
		rc = check_tables(&source, &header, file_length);
	if (rc >= 0)
		rc = take_backing(&source, &header);
	if (rc >= 0)
		*ret = header;
	return rc;
}

/* A word and a colon before the first slash is a protocol of QEMU's. */
const char *qrt_block_p_qcow2_why_no_path(const char *backing)
{
	size_t plain = strcspn(backing, "/:");

	return backing[plain] == ':' ? "it is no plain path" : NULL;
}
