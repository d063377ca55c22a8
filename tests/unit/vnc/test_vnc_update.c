/* SPDX-License-Identifier: MIT */
/* Updates for many: what is shared, what is refused, copies, cancel, and clients that go. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "vnc_help.h"

#define WIDTH       520u
#define HEIGHT      140u
#define PATIENCE_MS 60000

static const struct qrt_vnc_rectangle all = {0, 0, WIDTH, HEIGHT};

static struct qrt_vnc_encoder *encoder;
static struct frame frame;
static struct random chance;
static struct viewer viewers[4];
static struct qrt_vnc_order orders[4];

static struct qrt_vnc_client_config config_of(uint32_t encoding, uint32_t flags)
{
	return (struct qrt_vnc_client_config){
		.encoding = encoding, .flags = flags, .format = formats[FORMAT_32]};
}

/* A frame of all sorts; and `count` viewers of one kind, that lack all of it. */
static void begin(uint32_t threads, uint32_t chunks, uint32_t count,
		  const struct qrt_vnc_client_config *config)
{
	static const struct qrt_vnc_rectangle parts[] = {
		{0, 0, 200, HEIGHT}, {200, 0, 120, HEIGHT}, {320, 0, 200, 70}, {320, 70, 200, 70}};
	uint32_t i;

	chance.state = 7;
	encoder = open_encoder(threads, chunks);
	frame_init(&frame, WIDTH, HEIGHT, FORMAT_32, &chance);
	for (i = 0; i < 4; i++)
		frame_draw(&frame, &parts[i], (enum frame_kind)(i + 1), &chance);
	for (i = 0; i < count; i++) {
		viewer_init(&viewers[i], encoder, &frame, config);
		orders[i] = (struct qrt_vnc_order){
			.client = viewers[i].client, .rectangles = &all, .rectangle_count = 1};
	}
}

static struct qrt_vnc_encoder_info info_of(void)
{
	struct qrt_vnc_encoder_info info = {.size = sizeof(info)};

	CU_ASSERT_EQUAL(qrt_vnc_encoder_get_info(encoder, &info), 0);
	return info;
}

/* All chunks are free again; workers may still have some that were cancelled. */
static int are_chunks_back(void)
{
	const struct timespec pause = {0, 1000000};
	int i;

	for (i = 0; i < PATIENCE_MS && info_of().free_chunks != info_of().chunks; i++) {
		if (update(encoder, &frame, NULL, 0) < 0)
			return 0;
		nanosleep(&pause, NULL);
	}
	return i < PATIENCE_MS;
}

static void end(uint32_t count)
{
	uint32_t i;

	for (i = 0; i < count; i++)
		viewer_finish(&viewers[i]);
	CU_ASSERT(are_chunks_back());
	encoder = qrt_vnc_encoder_close(encoder);
	frame_finish(&frame);
}

static int is_exact(struct viewer *viewer)
{
	return viewer_take(viewer, SIZE_MAX) && !frame_count_wrong(&frame, &all, &viewer->decoder);
}

/* ---- many clients ---- */

static void four_equal_clients_share_every_chunk(void)
{
	const struct qrt_vnc_client_config config = config_of(QRT_VNC_ENCODING_ZRLE, 0);
	const struct iovec *a, *b;
	size_t i, count;

	begin(2, 0, 4, &config);
	CU_ASSERT_EQUAL(update(encoder, &frame, orders, 4), 0);
	CU_ASSERT(info_of().encoded > 1);
	CU_ASSERT_EQUAL(info_of().used, 4 * info_of().encoded);
	CU_ASSERT_EQUAL(info_of().pixels, (uint64_t)WIDTH * HEIGHT);
	count = qrt_vnc_client_get_segments(viewers[0].client, &a);
	CU_ASSERT_EQUAL(qrt_vnc_client_get_segments(viewers[3].client, &b), count);
	for (i = 3; i < count; i++) /* behind the beginning of the stream */
		CU_ASSERT_PTR_EQUAL(a[i].iov_base, b[i].iov_base);
	for (i = 0; i < 4; i++)
		CU_ASSERT(is_exact(&viewers[i]));
	end(4);
}

static void what_differs_is_not_shared(void)
{
	struct qrt_vnc_client_config config = config_of(QRT_VNC_ENCODING_ZRLE, 0);

	begin(2, 0, 2, &config);
	config.format = formats[FORMAT_16];
	viewer_init(&viewers[2], encoder, &frame, &config);
	orders[2] = orders[0];
	orders[2].client = viewers[2].client;
	config.encoding = QRT_VNC_ENCODING_HEXTILE;
	viewer_init(&viewers[3], encoder, &frame, &config);
	orders[3] = orders[2];
	orders[3].client = viewers[3].client;
	CU_ASSERT_EQUAL(update(encoder, &frame, orders, 4), 0);
	CU_ASSERT_EQUAL(info_of().used * 3, info_of().encoded * 4);
	CU_ASSERT(is_exact(&viewers[0]) && is_exact(&viewers[1]) && is_exact(&viewers[2]) &&
		  is_exact(&viewers[3]));
	end(4);
}

/* Chunks go into streams of which one has come far, and another one begins. */
static void late_clients_share_with_early_ones(void)
{
	static const uint32_t compressed[] = {QRT_VNC_ENCODING_ZRLE, QRT_VNC_ENCODING_ZLIB,
					      QRT_VNC_ENCODING_TIGHT};
	size_t i, round;

	for (i = 0; i < 3; i++) {
		const struct qrt_vnc_client_config config = config_of(compressed[i], 0);

		begin(2, 0, 2, &config);
		for (round = 0; round < 5; round++) {
			CU_ASSERT_EQUAL(update(encoder, &frame, orders, round == 3 ? 2 : 1), 0);
			CU_ASSERT(is_exact(&viewers[0]));
			if (round == 3)
				CU_ASSERT(is_exact(&viewers[1]));
			frame_draw(&frame, &all, (enum frame_kind)((round + 1) % FRAME_KINDS), &chance);
		}
		CU_ASSERT(info_of().used > info_of().encoded);
		end(2);
	}
}

/* One that lags has what it got, while others go on. */
static void what_is_not_yet_written_stays(void)
{
	const struct qrt_vnc_client_config config = config_of(QRT_VNC_ENCODING_TIGHT, 0);
	struct frame before;
	int i;

	begin(2, 0, 2, &config);
	CU_ASSERT_EQUAL(update(encoder, &frame, orders, 2), 0);
	before = frame;
	frame_init(&frame, WIDTH, HEIGHT, FORMAT_32, &chance);
	CU_ASSERT(viewer_take(&viewers[1], 1000));
	for (i = 0; i < 3; i++) {
		frame_draw(&frame, &all, FRAME_PHOTO, &chance);
		CU_ASSERT_EQUAL(update(encoder, &frame, orders + 1, 1), 0);
		CU_ASSERT(is_exact(&viewers[1]));
		CU_ASSERT_EQUAL(update(encoder, &frame, orders, 2), -EBUSY);
	}
	CU_ASSERT(viewer_take(&viewers[0], 777));
	CU_ASSERT_EQUAL(frame_count_wrong(&before, &all, &viewers[0].decoder), 0);
	frame_finish(&before);
	end(2);
}

static void bytes_that_were_not_there_are_not_consumed(void)
{
	const struct qrt_vnc_client_config config = config_of(QRT_VNC_ENCODING_RAW, 0);
	const struct iovec *segments;
	uint64_t backlog;

	begin(0, 0, 1, &config);
	CU_ASSERT_EQUAL(qrt_vnc_client_get_segments(viewers[0].client, &segments), 0);
	CU_ASSERT_EQUAL(qrt_vnc_client_consume(viewers[0].client, 1), -EINVAL);
	CU_ASSERT_EQUAL(update(encoder, &frame, orders, 1), 0);
	backlog = qrt_vnc_client_get_backlog(viewers[0].client);
	CU_ASSERT_EQUAL(qrt_vnc_client_consume(viewers[0].client, backlog + 1), -EINVAL);
	CU_ASSERT_EQUAL(qrt_vnc_client_get_backlog(viewers[0].client), backlog);
	CU_ASSERT(is_exact(&viewers[0]));
	end(1);
}

/* ---- rectangles ---- */

static void copies_come_first_and_in_order(void)
{
	const struct qrt_vnc_copy copies[] = {{{100, 30, 300, 30}, 0, 0}, {{110, 30, 290, 30}, 100, 30}};
	const struct qrt_vnc_client_config config = config_of(QRT_VNC_ENCODING_HEXTILE,
							      QRT_VNC_CLIENT_COPY_RECT);
	const struct qrt_vnc_client_config without = config_of(QRT_VNC_ENCODING_HEXTILE, 0);
	uint32_t *row;
	uint32_t y;

	begin(0, 0, 1, &config);
	viewer_init(&viewers[1], encoder, &frame, &without);
	orders[1] = orders[0];
	orders[1].client = viewers[1].client;
	CU_ASSERT_EQUAL(update(encoder, &frame, orders, 2), 0);
	CU_ASSERT(is_exact(&viewers[0]) && is_exact(&viewers[1]));
	for (y = 0; y < 30; y++) {
		row = (uint32_t *)(void *)((uint8_t *)frame.surface.pixels +
					   (int64_t)(y + 30) * frame.surface.stride);
		memcpy(row + 100, (uint8_t *)frame.surface.pixels + (int64_t)y * frame.surface.stride, 1200);
		memmove(row + 110, row + 100, 1160);
	}
	orders[0].rectangle_count = orders[1].rectangle_count = 0;
	orders[0].copies = orders[1].copies = copies;
	orders[0].copy_count = orders[1].copy_count = 2;
	CU_ASSERT_EQUAL(update(encoder, &frame, orders, 2), 0);
	CU_ASSERT(qrt_vnc_client_get_backlog(viewers[0].client) == 36);
	CU_ASSERT(is_exact(&viewers[0]) && is_exact(&viewers[1]));
	CU_ASSERT_EQUAL(viewers[0].decoder.copies, 2);
	CU_ASSERT_EQUAL(viewers[1].decoder.copies, 0);
	end(2);
}

static void who_can_gets_a_last_rectangle(void)
{
	const struct qrt_vnc_client_config config = config_of(QRT_VNC_ENCODING_ZRLE,
							      QRT_VNC_CLIENT_LAST_RECT);

	begin(0, 0, 1, &config);
	CU_ASSERT_EQUAL(update(encoder, &frame, orders, 1), 0);
	CU_ASSERT(is_exact(&viewers[0]));
	CU_ASSERT(viewers[0].decoder.has_last_rect);
	end(1);
}

static void an_update_may_be_empty(void)
{
	const struct qrt_vnc_client_config config = config_of(QRT_VNC_ENCODING_ZRLE, 0);

	begin(2, 0, 1, &config);
	orders[0].rectangle_count = 0;
	CU_ASSERT_EQUAL(update(encoder, &frame, orders, 1), 0);
	CU_ASSERT_EQUAL(qrt_vnc_client_get_backlog(viewers[0].client), 4);
	CU_ASSERT(viewer_take(&viewers[0], 1));
	CU_ASSERT_EQUAL(viewers[0].decoder.rectangles, 0);
	CU_ASSERT_EQUAL(update(encoder, &frame, NULL, 0), 0);
	end(1);
}

/* A checkerboard: more rectangles than there are chunks for. */
static void too_many_rectangles_become_one(void)
{
	const struct qrt_vnc_client_config config = config_of(QRT_VNC_ENCODING_HEXTILE, 0);
	struct qrt_vnc_rectangle *parts = calloc(WIDTH * HEIGHT, sizeof(*parts));
	uint32_t i, count = 0;

	begin(0, 64, 2, &config);
	for (i = 0; i < WIDTH * HEIGHT; i += 2)
		parts[count++] = (struct qrt_vnc_rectangle){(uint16_t)(i % WIDTH), (uint16_t)(i / WIDTH), 1,
							    1};
	orders[1].rectangles = parts;
	orders[1].rectangle_count = count;
	CU_ASSERT_EQUAL(update(encoder, &frame, orders, 2), 0);
	CU_ASSERT(is_exact(&viewers[0]));
	CU_ASSERT(viewer_take(&viewers[1], SIZE_MAX));
	CU_ASSERT(viewers[1].decoder.rectangles > 0 && viewers[1].decoder.rectangles <= 64);
	CU_ASSERT_EQUAL(frame_count_wrong(&frame, &(struct qrt_vnc_rectangle){0, 0, WIDTH - 1, HEIGHT},
					  &viewers[1].decoder),
			0);
	free(parts);
	end(2);
}

static void what_does_not_fit_is_refused_and_leaves_nothing(void)
{
	const struct qrt_vnc_client_config config = config_of(QRT_VNC_ENCODING_ZRLE, 0);
	const struct qrt_vnc_rectangle small = {3, 3, 5, 5};

	begin(2, 2, 2, &config);
	CU_ASSERT_EQUAL(update(encoder, &frame, orders, 2), -ENOSPC);
	CU_ASSERT_EQUAL(info_of().free_chunks, 2);
	CU_ASSERT_EQUAL(info_of().used, 0);
	orders[0].rectangles = &small;
	CU_ASSERT_EQUAL(update(encoder, &frame, orders, 2), -ENOSPC);
	CU_ASSERT_EQUAL(info_of().free_chunks, 2);
	orders[1].rectangles = &small;
	CU_ASSERT_EQUAL(update(encoder, &frame, orders, 2), 0);
	CU_ASSERT(viewer_take(&viewers[0], 5) && viewer_take(&viewers[1], 7));
	CU_ASSERT_EQUAL(frame_count_wrong(&frame, &small, &viewers[1].decoder), 0);
	end(2);
}

/* ---- cancel, and clients that go ---- */

/* Streams and chunks are as if it had never been; many times, wherever workers are. */
static void a_cancelled_update_leaves_no_trace(void)
{
	const struct qrt_vnc_client_config config = config_of(QRT_VNC_ENCODING_TIGHT, 0);
	uint32_t i, done = 0;

	begin(3, 0, 2, &config);
	for (i = 0; i < 100; i++) {
		const struct qrt_vnc_update posted = {.size = sizeof(posted),
						      .order_count = 2,
						      .orders = orders,
						      .surface = frame.surface,
						      .format = frame.format};
		uint32_t spins = random_below(&chance, 20000);

		CU_ASSERT_EQUAL(qrt_vnc_encoder_post(encoder, &posted), 0);
		CU_ASSERT_EQUAL(qrt_vnc_encoder_post(encoder, &posted), -EBUSY);
		while (spins--)
			__asm__ volatile("");
		CU_ASSERT_EQUAL(qrt_vnc_encoder_cancel(encoder), 0);
		/* The surface is the caller's at once. */
		frame_draw(&frame, &(struct qrt_vnc_rectangle){0, 0, WIDTH, 2}, FRAME_NOISE, &chance);
		CU_ASSERT_EQUAL(qrt_vnc_client_get_backlog(viewers[0].client), 0);
		if (i % 10)
			continue;
		CU_ASSERT_EQUAL(update(encoder, &frame, orders, 2), 0);
		done += is_exact(&viewers[0]) && is_exact(&viewers[1]);
	}
	CU_ASSERT_EQUAL(done, 10);
	CU_ASSERT_EQUAL(qrt_vnc_encoder_cancel(encoder), -ENOENT);
	CU_ASSERT_EQUAL(qrt_vnc_encoder_collect(encoder), -ENOENT);
	CU_ASSERT_EQUAL(update(encoder, &frame, NULL, 0), 0);
	end(2);
}

static void clients_go_at_any_time(void)
{
	const struct qrt_vnc_client_config config = config_of(QRT_VNC_ENCODING_ZRLE, 0);
	const struct qrt_vnc_update posted = {.size = sizeof(posted), .order_count = 3, .orders = orders};
	struct qrt_vnc_update own = posted;

	begin(2, 0, 4, &config);
	own.surface = frame.surface;
	own.format = frame.format;
	CU_ASSERT_EQUAL(qrt_vnc_encoder_post(encoder, &own), 0);
	viewer_finish(&viewers[0]); /* whose formats the others share */
	viewer_finish(&viewers[3]);
	CU_ASSERT_EQUAL(wait_for(encoder), 0);
	CU_ASSERT(is_exact(&viewers[1]));
	viewer_finish(&viewers[2]); /* with all of it to be written */
	orders[0] = orders[1];
	own.order_count = 1;
	CU_ASSERT_EQUAL(qrt_vnc_encoder_post(encoder, &own), 0);
	viewer_finish(&viewers[1]);
	CU_ASSERT_EQUAL(qrt_vnc_encoder_cancel(encoder), 0);
	CU_ASSERT_EQUAL(update(encoder, &frame, NULL, 0), 0);
	end(0);
}

static void settings_hold_from_the_next_update_on(void)
{
	struct qrt_vnc_client_config config = config_of(QRT_VNC_ENCODING_ZRLE, 0);
	size_t i;

	begin(2, 0, 1, &config);
	config.size = sizeof(config);
	for (i = 0; i < 10; i++) {
		config.encoding = encodings[i % 5];
		config.format = formats[i];
		CU_ASSERT_EQUAL(qrt_vnc_client_set(viewers[0].client, &config, NULL), 0);
		viewers[0].decoder.format = formats[i];
		CU_ASSERT_EQUAL(update(encoder, &frame, orders, 1), 0);
		CU_ASSERT(is_exact(&viewers[0]));
	}
	end(1);
}

static const struct tap_test tests[] = {
	{"four equal clients share every chunk", four_equal_clients_share_every_chunk},
	{"what differs is not shared", what_differs_is_not_shared},
	{"late clients share with early ones", late_clients_share_with_early_ones},
	{"what is not yet written stays", what_is_not_yet_written_stays},
	{"bytes that were not there are not consumed", bytes_that_were_not_there_are_not_consumed},
	{"copies come first, and in order", copies_come_first_and_in_order},
	{"who can gets a last rectangle", who_can_gets_a_last_rectangle},
	{"an update may be empty", an_update_may_be_empty},
	{"too many rectangles become one", too_many_rectangles_become_one},
	{"what does not fit is refused, and leaves nothing", what_does_not_fit_is_refused_and_leaves_nothing},
	{"a cancelled update leaves no trace", a_cancelled_update_leaves_no_trace},
	{"clients go at any time", clients_go_at_any_time},
	{"settings hold from the next update on", settings_hold_from_the_next_update_on},
};

TAP_MAIN("vnc update", tests)
