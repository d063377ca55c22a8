/* SPDX-License-Identifier: MIT */
/* What a header of qcow2 says, and which ones are refused. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "qcow2_help.h"
#include "qcow2_p.h"

#define MAPPED (64u << 20)

static int parse(const struct qcow2_file *file, struct qrt_block_p_qcow2_header *ret,
		 struct qrt_block_error *reterr)
{
	uint64_t length = file->length < 2u << 20 ? file->length : 2u << 20;

	return qrt_block_p_qcow2_parse(file->bytes, length, file->length, "image", ret, reterr);
}

static void right_ones_are_taken(void)
{
	static const uint32_t bits[] = {9, 12, 16, 21};
	struct qrt_block_p_qcow2_header header;
	struct qcow2_file file;
	size_t i;
	uint32_t version;

	for (i = 0; i < sizeof(bits) / sizeof(bits[0]); i++) {
		for (version = 2; version <= 3; version++) {
			qcow2_begin(&file, version, bits[i], MAPPED);
			CU_ASSERT_EQUAL(parse(&file, &header, NULL), 0);
			CU_ASSERT(header.version == version && header.cluster_bits == bits[i]);
			CU_ASSERT(header.capacity == MAPPED && header.l1_offset == file.cluster);
			CU_ASSERT(!*header.backing && !header.is_extended && !header.is_corrupt);
			qcow2_end(&file);
		}
	}
}

static void a_backing_file_is_found(void)
{
	struct qrt_block_p_qcow2_header header;
	struct qcow2_file file;

	qcow2_begin(&file, 3, 16, MAPPED);
	qcow2_put_backing(&file, "../base.img", "raw");
	CU_ASSERT_EQUAL(parse(&file, &header, NULL), 0);
	CU_ASSERT_STRING_EQUAL(header.backing, "../base.img");
	CU_ASSERT_STRING_EQUAL(header.backing_format, "raw");
	qcow2_end(&file);
	CU_ASSERT_PTR_NULL(qrt_block_p_qcow2_why_no_path("/a/b:c"));
	CU_ASSERT_PTR_NULL(qrt_block_p_qcow2_why_no_path("./b:c"));
	CU_ASSERT_PTR_NOT_NULL(qrt_block_p_qcow2_why_no_path("nbd://host/disk"));
	CU_ASSERT_PTR_NOT_NULL(qrt_block_p_qcow2_why_no_path("json:{}"));
}

/* One number of a right header is changed. */
static const struct wrong {
	const char *what;
	uint32_t at, is_long;
	uint64_t value;
	int code;
	const char *word;
} wrongs[] = {
	{"magic", 0, 0, 0x514649fa, -EINVAL, "no qcow2 image"},
	{"version 1", 4, 0, 1, -EOPNOTSUPP, "version 1"},
	{"version 4", 4, 0, 4, -EOPNOTSUPP, "version 4"},
	{"clusters of 256 bytes", 20, 0, 8, -EINVAL, "512 bytes to 2 MiB"},
	{"clusters of 4 MiB", 20, 0, 22, -EINVAL, "512 bytes to 2 MiB"},
	{"clusters beyond all", 20, 0, UINT32_MAX, -EINVAL, "512 bytes to 2 MiB"},
	{"capacity", 24, 1, 1ull << 63, -EINVAL, "2^63"},
	{"capacity beyond L1", 24, 1, INT64_MAX, -EINVAL, "too small"},
	{"encrypted", 32, 0, 2, -EOPNOTSUPP, "encrypted"},
	{"no L1", 36, 0, 0, -EINVAL, "too small"},
	{"huge L1", 36, 0, UINT32_MAX, -EINVAL, "32 MiB"},
	{"L1 beyond the file", 40, 1, 1ull << 40, -EINVAL, "not in the file"},
	{"L1 not aligned", 40, 1, 512, -EINVAL, "not in the file"},
	{"L1 beyond numbers", 40, 1, UINT64_MAX << 16, -EINVAL, "not in the file"},
	{"external data", 72, 1, 4, -EOPNOTSUPP, "another file"},
	{"a feature without a name", 72, 1, 1u << 9, -EOPNOTSUPP, "feature 9"},
	{"a feature at the end", 72, 1, 1ull << 63, -EOPNOTSUPP, "feature 63"},
	{"reference counts", 96, 0, 7, -EINVAL, "reference counts"},
	{"short header", 100, 0, 96, -EINVAL, "own length"},
	{"header of odd length", 100, 0, 105, -EINVAL, "own length"},
	{"header beyond the cluster", 100, 0, 1u << 17, -EINVAL, "own length"},
	{"header beyond the file", 100, 0, UINT32_MAX & ~7u, -EINVAL, "own length"},
	{"long extension", 108, 0, UINT32_MAX, -EINVAL, "extension"},
};

static void wrong_ones_are_refused_by_name(void)
{
	struct qrt_block_p_qcow2_header header;
	struct qrt_block_error error = {0};
	struct qcow2_file file;
	size_t i;
	int rc;

	for (i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++) {
		qcow2_begin(&file, 3, 16, MAPPED);
		qcow2_set32(&file, 104, 0x12345678);
		if (wrongs[i].is_long)
			qcow2_set64(&file, wrongs[i].at, wrongs[i].value);
		else
			qcow2_set32(&file, wrongs[i].at, (uint32_t)wrongs[i].value);
		rc = parse(&file, &header, &error);
		if (rc != wrongs[i].code || !strstr(error.message, wrongs[i].word))
			tap_note("%s: %d: %s", wrongs[i].what, rc, error.message);
		CU_ASSERT_EQUAL(rc, wrongs[i].code);
		CU_ASSERT_PTR_NOT_NULL(strstr(error.message, wrongs[i].word));
		qcow2_end(&file);
	}
}

static void a_feature_is_refused_by_its_name(void)
{
	struct qrt_block_p_qcow2_header header;
	struct qrt_block_error error = {0};
	struct qcow2_file file;

	qcow2_begin(&file, 3, 16, MAPPED);
	qcow2_set64(&file, 72, 1u << 11);
	qcow2_set32(&file, 104, 0x6803f857);
	qcow2_set32(&file, 108, 96);
	file.bytes[112 + 48 + 1] = 11;
	memcpy(file.bytes + 112 + 48 + 2, "time travel", 11);
	CU_ASSERT_EQUAL(parse(&file, &header, &error), -EOPNOTSUPP);
	CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "time travel"));
	qcow2_end(&file);
}

static void names_stay_in_the_first_cluster(void)
{
	static const struct {
		uint64_t at;
		uint32_t length;
	} places[] = {{512, 1024}, {65536, 4}, {65530, 8}, {UINT64_MAX, 4}, {512, UINT32_MAX}, {512, 4}};
	struct qrt_block_p_qcow2_header header;
	struct qcow2_file file;
	size_t i;

	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		qcow2_begin(&file, 3, 16, MAPPED);
		qcow2_set64(&file, 8, places[i].at);
		qcow2_set32(&file, 16, places[i].length);
		CU_ASSERT_EQUAL(parse(&file, &header, NULL), -EINVAL);
		qcow2_end(&file);
	}
}

static void what_is_short_is_not_read_beyond(void)
{
	struct qrt_block_p_qcow2_header header;
	struct qcow2_file file;
	uint8_t *exact;
	size_t length;

	qcow2_begin(&file, 3, 9, 1u << 15);
	for (length = 0; length < 104; length++) {
		exact = malloc(length + 1);
		CU_ASSERT_PTR_NOT_NULL_FATAL(exact);
		memcpy(exact, file.bytes, length);
		CU_ASSERT_EQUAL(qrt_block_p_qcow2_parse(exact, length, length, "image", &header, NULL),
				-EINVAL);
		free(exact);
	}
	qcow2_end(&file);
}

static const struct tap_test tests[] = {
	{"right ones are taken, of all sizes", right_ones_are_taken},
	{"a backing file is found", a_backing_file_is_found},
	{"wrong ones are refused, and why is said", wrong_ones_are_refused_by_name},
	{"a feature that is not known is refused by its name", a_feature_is_refused_by_its_name},
	{"names stay in the first cluster", names_stay_in_the_first_cluster},
	{"what is short is not read beyond its end", what_is_short_is_not_read_beyond},
};

TAP_MAIN("qcow2 header", tests)
