/* SPDX-License-Identifier: MIT */
#include "qcow2_help.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define COPIED     (1ull << 63)
#define COMPRESSED (1ull << 62)

void qcow2_set32(struct qcow2_file *file, uint64_t at, uint32_t value)
{
	value = __builtin_bswap32(value);
	memcpy(file->bytes + at, &value, sizeof(value));
}

void qcow2_set64(struct qcow2_file *file, uint64_t at, uint64_t value)
{
	value = __builtin_bswap64(value);
	memcpy(file->bytes + at, &value, sizeof(value));
}

uint64_t qcow2_get64(const struct qcow2_file *file, uint64_t at)
{
	uint64_t value;

	memcpy(&value, file->bytes + at, sizeof(value));
	return __builtin_bswap64(value);
}

/* Clusters of zeroes at the end. */
static uint64_t grow(struct qcow2_file *file, uint64_t clusters)
{
	uint64_t at = file->length;

	file->length += clusters * file->cluster;
	if (file->length > file->room) {
		file->room = 2 * file->length;
		file->bytes = realloc(file->bytes, file->room);
		CU_ASSERT_PTR_NOT_NULL_FATAL(file->bytes);
	}
	memset(file->bytes + at, 0, file->length - at);
	return at;
}

static uint64_t reach_of(const struct qcow2_file *file)
{
	return file->cluster / 8 * file->cluster;
}

void qcow2_begin(struct qcow2_file *file, uint32_t version, uint32_t cluster_bits, uint64_t capacity)
{
	uint64_t count;

	memset(file, 0, sizeof(*file));
	file->cluster_bits = cluster_bits;
	file->cluster = 1ull << cluster_bits;
	file->capacity = capacity;
	grow(file, 1);
	count = (capacity + reach_of(file) - 1) / reach_of(file);
	file->l1_at = grow(file, (count * 8 + file->cluster - 1) / file->cluster);
	memcpy(file->bytes, "QFI\xfb", 4);
	qcow2_set32(file, 4, version);
	qcow2_set32(file, 20, cluster_bits);
	qcow2_set64(file, 24, capacity);
	qcow2_set32(file, 36, (uint32_t)count);
	qcow2_set64(file, 40, file->l1_at);
	if (version < 3)
		return;
	qcow2_set32(file, 96, 4);
	qcow2_set32(file, 100, 104);
}

void qcow2_end(struct qcow2_file *file)
{
	free(file->bytes);
	file->bytes = NULL;
}

void qcow2_put_entry(struct qcow2_file *file, uint64_t number, uint64_t entry)
{
	uint64_t offset = number * file->cluster, l1 = file->l1_at + offset / reach_of(file) * 8, table;

	if (!qcow2_get64(file, l1)) {
		table = grow(file, 1);
		qcow2_set64(file, l1, table | COPIED);
	}
	table = qcow2_get64(file, l1) & ~COPIED;
	qcow2_set64(file, table + number % (file->cluster / 8) * 8, entry);
}

void qcow2_put_data(struct qcow2_file *file, uint64_t number, const void *cluster)
{
	uint64_t at = grow(file, 1);

	memcpy(file->bytes + at, cluster, file->cluster);
	qcow2_put_entry(file, number, at | COPIED);
}

/* Somewhere in a cluster of its own, as others may be before and behind it. */
void qcow2_put_compressed(struct qcow2_file *file, uint64_t number, const void *cluster)
{
	uint64_t at = grow(file, 2) + number % 7 * 13, sectors;
	uint32_t shift = 62 - (file->cluster_bits - 8);
	z_stream stream = {0};

	CU_ASSERT_EQUAL_FATAL(deflateInit2(&stream, 9, Z_DEFLATED, -12, 9, Z_DEFAULT_STRATEGY), Z_OK);
	stream.next_in = (uint8_t *)(uintptr_t)cluster;
	stream.avail_in = (unsigned)file->cluster;
	stream.next_out = file->bytes + at;
	stream.avail_out = (unsigned)(file->length - at);
	CU_ASSERT_EQUAL_FATAL(deflate(&stream, Z_FINISH), Z_STREAM_END);
	deflateEnd(&stream);
	sectors = (at + stream.total_out - 1) / 512 - at / 512;
	qcow2_put_entry(file, number, COMPRESSED | sectors << shift | at);
}

/* Its format as an extension; the name behind that. */
void qcow2_put_backing(struct qcow2_file *file, const char *name, const char *format)
{
	uint64_t at = 104;

	if (format) {
		qcow2_set32(file, at, 0xe2792aca);
		qcow2_set32(file, at + 4, (uint32_t)strlen(format));
		memcpy(file->bytes + at + 8, format, strlen(format));
		at += 8 + (strlen(format) + 7) / 8 * 8;
	}
	at += 8;
	qcow2_set64(file, 8, at);
	qcow2_set32(file, 16, (uint32_t)strlen(name));
	memcpy(file->bytes + at, name, strlen(name));
}

void qcow2_save(const struct qcow2_file *file, const char *path)
{
	FILE *out = fopen(path, "we");

	CU_ASSERT_PTR_NOT_NULL_FATAL(out);
	CU_ASSERT_EQUAL(fwrite(file->bytes, 1, file->length, out), file->length);
	CU_ASSERT_EQUAL(fclose(out), 0);
}
