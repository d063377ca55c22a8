/* SPDX-License-Identifier: MIT */
/* Who posts, collects, cancels and writes allocates nothing, and frees nothing. */
#include <stdlib.h>

#include "vnc_help.h"

#define WIDTH  1500u
#define HEIGHT 200u

static _Thread_local int is_watched;
static unsigned calls;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void __real_free(void *memory);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void __wrap_free(void *memory);

/* Of the thread that is watched alone. */
static void count_call(void)
{
	if (is_watched)
		calls++;
}

void *__wrap_malloc(size_t size)
{
	count_call();
	return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	count_call();
	return __real_calloc(count, size);
}

void __wrap_free(void *memory)
{
	count_call();
	__real_free(memory);
}

static struct qrt_vnc_encoder *encoder;
static struct frame frame;
static struct random chance = {5};
static struct qrt_vnc_client *clients[2];

static void begin(void)
{
	static const struct qrt_vnc_rectangle all = {0, 0, WIDTH, HEIGHT};
	struct qrt_vnc_client_config config = {
		.size = sizeof(config), .encoding = QRT_VNC_ENCODING_TIGHT, .format = formats[FORMAT_32]};
	int i;

	encoder = open_encoder(2, 0);
	frame_init(&frame, WIDTH, HEIGHT, FORMAT_32, &chance);
	frame_draw(&frame, &all, FRAME_TEXT, &chance);
	for (i = 0; i < 2; i++) {
		CU_ASSERT_EQUAL_FATAL(qrt_vnc_client_open(encoder, &config, &clients[i], NULL), 0);
		config.format = formats[FORMAT_16];
		config.encoding = QRT_VNC_ENCODING_ZRLE;
	}
}

static void end(void)
{
	int i;

	for (i = 0; i < 2; i++)
		qrt_vnc_client_close(clients[i]);
	qrt_vnc_encoder_close(encoder);
	frame_finish(&frame);
}

static void write_out(struct qrt_vnc_client *client)
{
	const struct iovec *segments;

	while (qrt_vnc_client_get_segments(client, &segments))
		qrt_vnc_client_consume(client, segments[0].iov_len);
}

static void work(const struct qrt_vnc_order *orders)
{
	const struct qrt_vnc_update posted = {.size = sizeof(posted),
					      .order_count = 2,
					      .orders = orders,
					      .surface = frame.surface,
					      .format = frame.format};
	int i, good = 0;

	is_watched = 1;
	for (i = 0; i < 20; i++) {
		good += update(encoder, &frame, orders, 2) == 0;
		write_out(clients[0]);
		write_out(clients[1]);
		good += qrt_vnc_encoder_post(encoder, &posted) == 0;
		good += qrt_vnc_encoder_cancel(encoder) == 0;
	}
	is_watched = 0;
	CU_ASSERT_EQUAL(good, 60);
}

static void a_caller_allocates_and_frees_nothing(void)
{
	static const struct qrt_vnc_rectangle areas[] = {{0, 0, WIDTH, HEIGHT}, {3, 4, 50, 60}};
	struct qrt_vnc_order orders[2] = {{.rectangles = areas, .rectangle_count = 2},
					  {.rectangles = areas, .rectangle_count = 2}};

	begin();
	orders[0].client = clients[0];
	orders[1].client = clients[1];
	calls = 0;
	work(orders);
	CU_ASSERT_EQUAL(calls, 0);
	end();
}

/* What is wrapped is what the library calls, or the test before would prove nothing. */
static void without_threads_it_is_seen(void)
{
	static const struct qrt_vnc_rectangle area = {0, 0, 50, 60};
	struct qrt_vnc_order order = {.rectangles = &area, .rectangle_count = 1};

	int rc;

	encoder = open_encoder(0, 0);
	frame_init(&frame, WIDTH, HEIGHT, FORMAT_32, &chance);
	CU_ASSERT_EQUAL_FATAL(qrt_vnc_client_open(encoder,
						  &(struct qrt_vnc_client_config){
							  .size = sizeof(struct qrt_vnc_client_config),
							  .format = formats[FORMAT_32]},
						  &clients[0], NULL),
			      0);
	order.client = clients[0];
	calls = 0;
	is_watched = 1;
	rc = update(encoder, &frame, &order, 1);
	is_watched = 0;
	CU_ASSERT_EQUAL(rc, 0);
	CU_ASSERT(calls > 0);
	qrt_vnc_client_close(clients[0]);
	qrt_vnc_encoder_close(encoder);
	frame_finish(&frame);
}

static const struct tap_test tests[] = {
	{"a caller allocates and frees nothing", a_caller_allocates_and_frees_nothing},
	{"without threads it is seen", without_threads_it_is_seen},
};

TAP_MAIN("vnc rt", tests)
