/* SPDX-License-Identifier: MIT */
/* What clients say of themselves: pixel formats, encodings. */
#include <errno.h>
#include <string.h>

#include "vnc_help.h"

static struct qrt_vnc_error error;

static int is_refused(struct qrt_vnc_pixel_format format, const char *word)
{
	memset(&error, 0, sizeof(error));
	return qrt_vnc_pixel_format_check(&format, &error) == -EINVAL && error.code == -EINVAL &&
	       strstr(error.message, word);
}

static void formats_that_make_sense_are_taken_and_written_back(void)
{
	struct qrt_vnc_pixel_format format;
	uint8_t bytes[QRT_VNC_PIXEL_FORMAT_BYTES];
	size_t i;

	for (i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		qrt_vnc_pixel_format_write(&formats[i], bytes);
		CU_ASSERT_EQUAL(qrt_vnc_pixel_format_read(bytes, &format, &error), 0);
		CU_ASSERT_EQUAL(memcmp(&format, &formats[i], sizeof(format)), 0);
	}
}

static void the_bytes_are_those_of_the_specification(void)
{
	static const uint8_t expected[] = {32, 24, 1, 1, 0, 255, 0, 127, 0, 63, 16, 8, 1, 0, 0, 0};
	const struct qrt_vnc_pixel_format format = {32, 24, 7, 9, 255, 127, 63, 16, 8, 1, {1, 2, 3}};
	uint8_t bytes[QRT_VNC_PIXEL_FORMAT_BYTES];

	qrt_vnc_pixel_format_write(&format, bytes);
	CU_ASSERT_EQUAL(memcmp(bytes, expected, sizeof(expected)), 0);
}

static void formats_that_make_none_are_refused_with_the_reason(void)
{
	const struct qrt_vnc_pixel_format good = formats[FORMAT_32];
	struct qrt_vnc_pixel_format bad = good;

	bad.bits = 24;
	CU_ASSERT(is_refused(bad, "24 bits"));
	bad.bits = 0;
	CU_ASSERT(is_refused(bad, "0 bits"));
	bad = good;
	bad.true_colour = 0;
	CU_ASSERT(is_refused(bad, "colour map"));
	bad = good;
	bad.depth = 33;
	CU_ASSERT(is_refused(bad, "depth of 33"));
	bad.depth = 0;
	CU_ASSERT(is_refused(bad, "depth of 0"));
	bad.depth = 23;
	CU_ASSERT(is_refused(bad, "more bits than the depth"));
	bad = good;
	bad.green_max = 0;
	CU_ASSERT(is_refused(bad, "2^n - 1"));
	bad.green_max = 254;
	CU_ASSERT(is_refused(bad, "2^n - 1"));
	bad = good;
	bad.red_shift = 25;
	CU_ASSERT(is_refused(bad, "within 32 bits"));
	bad.red_shift = 255;
	CU_ASSERT(is_refused(bad, "within 32 bits"));
	bad.red_shift = 15;
	CU_ASSERT(is_refused(bad, "overlap"));
}

static void what_is_refused_leaves_the_output_alone(void)
{
	struct qrt_vnc_pixel_format format = formats[FORMAT_16], before = format;
	uint8_t bytes[QRT_VNC_PIXEL_FORMAT_BYTES] = {24};

	CU_ASSERT_EQUAL(qrt_vnc_pixel_format_read(bytes, &format, NULL), -EINVAL);
	CU_ASSERT_EQUAL(memcmp(&format, &before, sizeof(format)), 0);
}

/* ---- encodings ---- */

static struct qrt_vnc_client_config read_encodings(const int32_t *numbers, size_t count)
{
	struct qrt_vnc_client_config config = {
		.size = sizeof(config), .encoding = 99, .flags = 99, .quality = 99};
	uint8_t bytes[64];
	size_t i;

	for (i = 0; i < count; i++) {
		uint32_t number = (uint32_t)numbers[i];
		const uint8_t four[4] = {(uint8_t)(number >> 24), (uint8_t)(number >> 16),
					 (uint8_t)(number >> 8), (uint8_t)number};

		memcpy(bytes + 4 * i, four, 4);
	}
	CU_ASSERT_EQUAL(qrt_vnc_client_read_encodings(bytes, 4 * count, &config), 0);
	return config;
}

static void the_first_encoding_that_is_known_wins(void)
{
	static const int32_t numbers[] = {-239, 2, 4, 16, 7, 1, -224, 5, 0};
	struct qrt_vnc_client_config config = read_encodings(numbers, 9);

	CU_ASSERT_EQUAL(config.encoding, QRT_VNC_ENCODING_ZRLE);
	CU_ASSERT_EQUAL(config.flags, QRT_VNC_CLIENT_COPY_RECT | QRT_VNC_CLIENT_LAST_RECT);
	CU_ASSERT_EQUAL(config.quality, 0);
}

static void who_names_nothing_gets_raw(void)
{
	static const int32_t numbers[] = {2, -223};
	struct qrt_vnc_client_config config = read_encodings(numbers, 2);
	uint8_t bytes[3] = {0};

	CU_ASSERT(config.encoding == QRT_VNC_ENCODING_RAW && !config.flags && !config.quality);
	config = read_encodings(NULL, 0);
	CU_ASSERT(config.encoding == QRT_VNC_ENCODING_RAW && !config.flags && !config.quality);
	CU_ASSERT_EQUAL(qrt_vnc_client_read_encodings(bytes, 3, &config), -EINVAL);
}

static void a_quality_is_named_in_two_ways(void)
{
	static const struct {
		int32_t number;
		uint32_t quality;
	} rows[] = {{-32, 15}, {-23, 96},   {-33, 0},  {-22, 0}, {-512, 1},
		    {-511, 1}, {-412, 100}, {-411, 0}, {-513, 0}};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const int32_t numbers[] = {7, rows[i].number};

		CU_ASSERT_EQUAL(read_encodings(numbers, 2).quality, rows[i].quality);
	}
}

static const struct tap_test tests[] = {
	{"formats that make sense are taken, and written back",
	 formats_that_make_sense_are_taken_and_written_back},
	{"the bytes are those of the specification", the_bytes_are_those_of_the_specification},
	{"formats that make none are refused with the reason",
	 formats_that_make_none_are_refused_with_the_reason},
	{"what is refused leaves the output alone", what_is_refused_leaves_the_output_alone},
	{"the first encoding that is known wins", the_first_encoding_that_is_known_wins},
	{"who names nothing gets raw", who_names_nothing_gets_raw},
	{"a quality is named in two ways", a_quality_is_named_in_two_ways},
};

TAP_MAIN("vnc pixel format", tests)
