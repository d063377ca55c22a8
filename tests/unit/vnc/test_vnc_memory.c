/* SPDX-License-Identifier: MIT */
/* Memory: who posts, collects, cancels and writes allocates nothing; where there is none, nothing is broken.
 */
#include <errno.h>
#include <stdlib.h>

#include "vnc_help.h"

#define WIDTH  1500u
#define ROUNDS 10
#define HEIGHT 70u

static _Thread_local int is_watched;
static unsigned calls;
static _Thread_local int is_main;
static _Thread_local unsigned fails_in; /* allocations of this thread: the last of so many; 0: none */
static _Atomic int do_workers_fail;

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

static int is_to_fail(void)
{
	return (fails_in && !--fails_in) || (do_workers_fail && !is_main);
}

void *__wrap_malloc(size_t size)
{
	count_call();
	if (is_to_fail())
		return NULL;
	return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	count_call();
	if (is_to_fail())
		return NULL;
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
	for (i = 0; i < ROUNDS; i++) {
		good += update(encoder, &frame, orders, 2) == 0;
		write_out(clients[0]);
		write_out(clients[1]);
		good += qrt_vnc_encoder_post(encoder, &posted) == 0;
		good += qrt_vnc_encoder_cancel(encoder) == 0;
	}
	is_watched = 0;
	CU_ASSERT_EQUAL(good, 3 * ROUNDS);
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

/* ---- there is none ---- */

static void opening_fails_at_each_allocation(void)
{
	const struct qrt_vnc_encoder_config config = {.size = sizeof(config), .threads = 2, .chunks = 8};
	const struct qrt_vnc_client_config own = {.size = sizeof(own), .format = formats[FORMAT_32]};
	struct qrt_vnc_encoder *opened = NULL;
	struct qrt_vnc_client *client = NULL;
	unsigned i, failed = 0;
	int rc = -ENOMEM;

	for (i = 1; rc == -ENOMEM && i < 100; i++) {
		fails_in = i;
		rc = qrt_vnc_encoder_open(&config, &opened, NULL);
		failed += rc == -ENOMEM && !opened;
	}
	fails_in = 0;
	CU_ASSERT_EQUAL_FATAL(rc, 0);
	CU_ASSERT(failed > 5 && failed == i - 2);
	for (i = 1, rc = -ENOMEM; rc == -ENOMEM && i < 100; i++) {
		fails_in = i;
		rc = qrt_vnc_client_open(opened, &own, &client, NULL);
	}
	fails_in = 0;
	CU_ASSERT_EQUAL_FATAL(rc, 0);
	CU_ASSERT(i > 3);
	qrt_vnc_client_close(client);
	qrt_vnc_encoder_close(opened);
}

/* It is dropped, for all, and the next one is as good as ever. */
static void an_update_without_memory_leaves_no_trace(void)
{
	static const struct qrt_vnc_rectangle all = {0, 0, WIDTH, HEIGHT};
	const struct qrt_vnc_client_config config = {.encoding = QRT_VNC_ENCODING_ZRLE,
						     .format = formats[FORMAT_32]};
	struct qrt_vnc_order order = {.rectangles = &all, .rectangle_count = 1};
	struct viewer viewer;

	is_main = 1;
	begin();
	viewer_init(&viewer, encoder, &frame, &config);
	order.client = viewer.client;
	do_workers_fail = 1;
	CU_ASSERT_EQUAL(update(encoder, &frame, &order, 1), -ENOMEM);
	do_workers_fail = 0;
	CU_ASSERT_EQUAL(qrt_vnc_client_get_backlog(viewer.client), 0);
	CU_ASSERT_EQUAL(update(encoder, &frame, &order, 1), 0);
	CU_ASSERT(viewer_take(&viewer, SIZE_MAX));
	CU_ASSERT_EQUAL(frame_count_wrong(&frame, &all, &viewer.decoder), 0);
	viewer_finish(&viewer);
	end();
}

static const struct tap_test tests[] = {
	{"a caller allocates and frees nothing", a_caller_allocates_and_frees_nothing},
	{"without threads it is seen", without_threads_it_is_seen},
	{"opening fails at each allocation", opening_fails_at_each_allocation},
	{"an update without memory leaves no trace", an_update_without_memory_leaves_no_trace},
};

TAP_MAIN("vnc memory", tests)
