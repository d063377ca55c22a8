/* SPDX-License-Identifier: MIT */
/* Whatever a frame is, a client shows it: random frames, sizes, formats and encodings. */
#include <stdlib.h>

#include "vnc_help.h"

/* Three updates each. There is one thread here, of which a sanitizer of threads learns little. */
#if defined(__SANITIZE_THREAD__)
#define SMALL_ROUNDS 500
#define LARGE_ROUNDS 1
#else
#define SMALL_ROUNDS 3334
#define LARGE_ROUNDS 4
#endif

/* A frame, and a client of it, by chance. */
static void choose(struct random *random, uint32_t side, struct frame *frame,
		   struct qrt_vnc_client_config *config)
{
	frame_init(frame, 1 + random_below(random, side), 1 + random_below(random, side),
		   (int)random_below(random, SURFACE_FORMATS), random);
	*config = (struct qrt_vnc_client_config){.encoding = encodings[random_below(random, 5)],
						 .flags = random_below(random, 4),
						 .format = formats[random_below(random, 10)]};
}

/* One within the surface. */
static struct qrt_vnc_rectangle choose_area(struct random *random, const struct qrt_vnc_surface *surface)
{
	uint32_t x = random_below(random, surface->width), y = random_below(random, surface->height);

	return (struct qrt_vnc_rectangle){(uint16_t)x, (uint16_t)y,
					  (uint16_t)(1 + random_below(random, surface->width - x)),
					  (uint16_t)(1 + random_below(random, surface->height - y))};
}

/* All of it, and then twice a part: streams go on. The number of pixels that were wrong. */
static size_t show(struct qrt_vnc_encoder *encoder, struct frame *frame,
		   const struct qrt_vnc_client_config *config, struct random *random, unsigned kinds[256])
{
	const struct qrt_vnc_rectangle all = {0, 0, (uint16_t)frame->surface.width,
					      (uint16_t)frame->surface.height};
	struct qrt_vnc_rectangle area = all;
	struct viewer viewer;
	size_t wrong = 0;
	int i;

	viewer_init(&viewer, encoder, frame, config);
	for (i = 0; i < 3; i++) {
		const struct qrt_vnc_order order = {
			.client = viewer.client, .rectangles = &area, .rectangle_count = 1};

		frame_draw(frame, &area, (enum frame_kind)random_below(random, FRAME_KINDS), random);
		CU_ASSERT_EQUAL_FATAL(update(encoder, frame, &order, 1), 0);
		CU_ASSERT(viewer_take(&viewer, SIZE_MAX));
		wrong += frame_count_wrong(frame, &all, &viewer.decoder);
		area = choose_area(random, &frame->surface);
	}
	for (i = 0; i < 256; i++)
		kinds[i] += viewer.decoder.kinds[i];
	viewer_finish(&viewer);
	return wrong;
}

static unsigned seen[17][256]; /* by encoding, and by kind of tile or rectangle */

static size_t play(int rounds, uint32_t side, uint64_t seed)
{
	struct qrt_vnc_encoder *encoder = open_encoder(0, 0);
	struct random random = {seed};
	struct qrt_vnc_client_config config;
	struct frame frame;
	size_t wrong = 0;
	int i;

	for (i = 0; i < rounds; i++) {
		choose(&random, side, &frame, &config);
		wrong += show(encoder, &frame, &config, &random, seen[config.encoding]);
		frame_finish(&frame);
	}
	qrt_vnc_encoder_close(encoder);
	return wrong;
}

static void small_frames_of_all_sorts_are_exact(void)
{
	CU_ASSERT_EQUAL(play(SMALL_ROUNDS, 34, 1), 0);
}

static void large_frames_of_all_sorts_are_exact(void)
{
	CU_ASSERT_EQUAL(play(LARGE_ROUNDS, 1300, 2), 0);
}

static unsigned count_seen(uint32_t encoding, int first, int last)
{
	unsigned sum = 0;

	for (; first <= last; first++)
		sum += seen[encoding][first];
	return sum;
}

/* Or the tests before would prove little. */
static void all_kinds_of_tiles_were_seen(void)
{
	CU_ASSERT(count_seen(QRT_VNC_ENCODING_ZRLE, 0, 0) > 0);
	CU_ASSERT(count_seen(QRT_VNC_ENCODING_ZRLE, 1, 1) > 0);
	CU_ASSERT(count_seen(QRT_VNC_ENCODING_ZRLE, 2, 2) > 0);
	CU_ASSERT(count_seen(QRT_VNC_ENCODING_ZRLE, 3, 4) > 0);
	CU_ASSERT(count_seen(QRT_VNC_ENCODING_ZRLE, 5, 16) > 0);
	CU_ASSERT(count_seen(QRT_VNC_ENCODING_ZRLE, 128, 128) > 0);
	CU_ASSERT(count_seen(QRT_VNC_ENCODING_ZRLE, 130, 255) > 0);
	CU_ASSERT(count_seen(QRT_VNC_ENCODING_HEXTILE, 0, 0) > 0);
	CU_ASSERT(count_seen(QRT_VNC_ENCODING_HEXTILE, 1, 1) > 0);
	CU_ASSERT(count_seen(QRT_VNC_ENCODING_HEXTILE, 2, 2) > 0);
	CU_ASSERT(count_seen(QRT_VNC_ENCODING_HEXTILE, 8, 15) > 0);
	CU_ASSERT(count_seen(QRT_VNC_ENCODING_HEXTILE, 24, 26) > 0);
	CU_ASSERT(count_seen(QRT_VNC_ENCODING_TIGHT, 0, 0) > 0);
	CU_ASSERT(count_seen(QRT_VNC_ENCODING_TIGHT, 0x50, 0x50) > 0);
	CU_ASSERT(count_seen(QRT_VNC_ENCODING_TIGHT, 0x60, 0x60) > 0);
	CU_ASSERT(count_seen(QRT_VNC_ENCODING_TIGHT, 0x80, 0x80) > 0);
}

static const struct tap_test tests[] = {
	{"small frames of all sorts are exact", small_frames_of_all_sorts_are_exact},
	{"large frames of all sorts are exact", large_frames_of_all_sorts_are_exact},
	{"all kinds of tiles were seen", all_kinds_of_tiles_were_seen},
};

TAP_MAIN("vnc encode", tests)
