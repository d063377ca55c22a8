/* SPDX-License-Identifier: MIT */
/* What <qrt/vnc_encoder.h> promises to those who have the shared object, the header and the manual. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <qrt/vnc_encoder.h>
#include <string.h>

#include "tap.h"

#define SIDE 100u

static const struct qrt_vnc_pixel_format plain = {
	32, 24, __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__, 1, 255, 255, 255, 16, 8, 0, {0}};
static const struct qrt_vnc_rectangle all = {0, 0, SIDE, SIDE};

static uint32_t pixels[SIDE * SIDE];
static struct qrt_vnc_encoder *encoder;
static struct qrt_vnc_client *client;
static struct qrt_vnc_error error;

static void open_with(uint32_t threads, const struct qrt_vnc_thread_operations *operations)
{
	const struct qrt_vnc_encoder_config config = {.size = sizeof(config),
						      .threads = threads,
						      .clients = 2,
						      .chunks = 8,
						      .operations = operations};
	const struct qrt_vnc_client_config own = {
		.size = sizeof(own), .encoding = QRT_VNC_ENCODING_ZRLE, .format = plain};

	CU_ASSERT_EQUAL_FATAL(qrt_vnc_encoder_open(&config, &encoder, &error), 0);
	CU_ASSERT_EQUAL_FATAL(qrt_vnc_client_open(encoder, &own, &client, &error), 0);
}

static void end(void)
{
	client = qrt_vnc_client_close(client);
	encoder = qrt_vnc_encoder_close(encoder);
	CU_ASSERT(!client && !encoder);
}

static struct qrt_vnc_update update_of(const struct qrt_vnc_order *order)
{
	return (struct qrt_vnc_update){.size = sizeof(struct qrt_vnc_update),
				       .order_count = 1,
				       .orders = order,
				       .surface = {pixels, SIDE * 4, SIDE, SIDE, 32, 0},
				       .format = plain};
}

static void closing_nothing_is_fine(void)
{
	CU_ASSERT_PTR_NULL(qrt_vnc_encoder_close(NULL));
	CU_ASSERT_PTR_NULL(qrt_vnc_client_close(NULL));
}

static void outputs_are_left_alone_where_it_fails(void)
{
	struct qrt_vnc_encoder_config config = {.size = sizeof(config), .threads = 65};
	struct qrt_vnc_client_config own = {.size = sizeof(own), .encoding = 2, .format = plain};
	struct qrt_vnc_encoder *other = (struct qrt_vnc_encoder *)&config;
	struct qrt_vnc_client *another = (struct qrt_vnc_client *)&config;

	CU_ASSERT_EQUAL(qrt_vnc_encoder_open(&config, &other, &error), -EINVAL);
	CU_ASSERT_PTR_EQUAL(other, &config);
	CU_ASSERT_EQUAL(error.code, -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "64 threads"));
	CU_ASSERT_EQUAL(qrt_vnc_encoder_open(&config, &other, NULL), -EINVAL);
	open_with(0, NULL);
	CU_ASSERT_EQUAL(qrt_vnc_client_open(encoder, &own, &another, &error), -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "encoding 2"));
	own.encoding = QRT_VNC_ENCODING_RAW;
	own.format.bits = 24;
	CU_ASSERT_EQUAL(qrt_vnc_client_open(encoder, &own, &another, &error), -EINVAL);
	CU_ASSERT_EQUAL(qrt_vnc_client_set(client, &own, &error), -EINVAL);
	own.format.bits = 32;
	own.flags = 4;
	CU_ASSERT_EQUAL(qrt_vnc_client_set(client, &own, &error), -EINVAL);
	CU_ASSERT_PTR_EQUAL(another, &config);
	end();
}

/* A config with more at its end than this version knows. */
struct newer {
	struct qrt_vnc_encoder_config known;
	uint64_t unknown;
};

static void structs_of_other_sizes_are_judged(void)
{
	struct newer newer = {.known = {.size = sizeof(newer)}};
	struct qrt_vnc_encoder_info info = {.size = 16};
	uint64_t behind = 0x5555555555555555;

	CU_ASSERT_EQUAL(qrt_vnc_encoder_open(&newer.known, &encoder, NULL), 0);
	memcpy((char *)&info + 16, &behind, sizeof(behind));
	CU_ASSERT_EQUAL(qrt_vnc_encoder_get_info(encoder, &info), 0);
	CU_ASSERT(info.size == 16 && info.clients == 64 && info.chunks == 4096);
	CU_ASSERT_EQUAL(memcmp((char *)&info + 16, &behind, sizeof(behind)), 0);
	info.size = 0;
	CU_ASSERT_EQUAL(qrt_vnc_encoder_get_info(encoder, &info), -EINVAL);
	encoder = qrt_vnc_encoder_close(encoder);
	newer.unknown = 1;
	CU_ASSERT_EQUAL(qrt_vnc_encoder_open(&newer.known, &encoder, NULL), -E2BIG);
	newer.known.size = 0;
	CU_ASSERT_EQUAL(qrt_vnc_encoder_open(&newer.known, &encoder, NULL), -EINVAL);
}

static void there_are_no_more_clients_than_configured(void)
{
	const struct qrt_vnc_client_config own = {.size = sizeof(own), .format = plain};
	struct qrt_vnc_client *second, *third = NULL;

	open_with(0, NULL);
	CU_ASSERT_EQUAL(qrt_vnc_client_open(encoder, &own, &second, NULL), 0);
	CU_ASSERT_EQUAL(qrt_vnc_client_open(encoder, &own, &third, &error), -ENOSPC);
	qrt_vnc_client_close(second);
	CU_ASSERT_EQUAL(qrt_vnc_client_open(encoder, &own, &third, NULL), 0);
	qrt_vnc_client_close(third);
	end();
}

static void the_descriptor_says_when_to_collect(void)
{
	const struct iovec *segments;
	struct qrt_vnc_order order = {.rectangles = &all, .rectangle_count = 1};
	struct qrt_vnc_update update = update_of(&order);
	struct pollfd fd = {.events = POLLIN};
	int rc, i;

	open_with(2, NULL);
	order.client = client;
	fd.fd = qrt_vnc_encoder_get_fd(encoder);
	CU_ASSERT_EQUAL(fcntl(fd.fd, F_GETFD), FD_CLOEXEC);
	for (i = 0; i < 50; i++) {
		CU_ASSERT_EQUAL(qrt_vnc_encoder_collect(encoder), -ENOENT);
		CU_ASSERT_EQUAL(qrt_vnc_encoder_post(encoder, &update), 0);
		CU_ASSERT_EQUAL(qrt_vnc_client_consume(client, 0),
				0); /* says nothing of what is on its way */
		do {
			CU_ASSERT_EQUAL_FATAL(poll(&fd, 1, 60000), 1);
			rc = qrt_vnc_encoder_collect(encoder);
		} while (rc == -EAGAIN);
		CU_ASSERT_EQUAL(rc, 0);
		CU_ASSERT(qrt_vnc_client_get_segments(client, &segments) > 0);
		CU_ASSERT_EQUAL(qrt_vnc_client_consume(client, qrt_vnc_client_get_backlog(client)), 0);
		CU_ASSERT_EQUAL(qrt_vnc_client_get_segments(client, &segments), 0);
	}
	CU_ASSERT_EQUAL(qrt_vnc_encoder_get_fd(encoder), fd.fd);
	end();
}

static void what_cannot_be_is_refused(void)
{
	struct qrt_vnc_rectangle beyond = {1, 0, SIDE, 1}, none = {0, 0, 0, 5};
	struct qrt_vnc_copy copy = {{0, 0, 10, 10}, SIDE - 9, 0};
	struct qrt_vnc_order twice[2] = {{.rectangles = &all, .rectangle_count = 1}}, *order = &twice[0];
	struct qrt_vnc_update update = update_of(order);

	open_with(0, NULL);
	CU_ASSERT_EQUAL(qrt_vnc_encoder_post(encoder, &update), -EINVAL);
	order->client = client;
	order->rectangles = &beyond;
	CU_ASSERT_EQUAL(qrt_vnc_encoder_post(encoder, &update), -EINVAL);
	order->rectangles = &none;
	CU_ASSERT_EQUAL(qrt_vnc_encoder_post(encoder, &update), -EINVAL);
	order->rectangles = &all;
	order->copies = &copy;
	order->copy_count = 1;
	CU_ASSERT_EQUAL(qrt_vnc_encoder_post(encoder, &update), -EINVAL);
	order->copy_count = QRT_VNC_COPIES_MAX + 1;
	CU_ASSERT_EQUAL(qrt_vnc_encoder_post(encoder, &update), -EINVAL);
	order->copy_count = 0;
	twice[1] = twice[0];
	update.order_count = 2;
	CU_ASSERT_EQUAL(qrt_vnc_encoder_post(encoder, &update), -EINVAL);
	update.order_count = 3;
	CU_ASSERT_EQUAL(qrt_vnc_encoder_post(encoder, &update), -EINVAL);
	update.order_count = 1;
	update.surface.stride = SIDE * 4 - 4;
	CU_ASSERT_EQUAL(qrt_vnc_encoder_post(encoder, &update), -EINVAL);
	update = update_of(order);
	update.format.big_endian = !plain.big_endian;
	CU_ASSERT_EQUAL(qrt_vnc_encoder_post(encoder, &update), -EINVAL);
	update = update_of(order);
	update.surface.height = 0;
	CU_ASSERT_EQUAL(qrt_vnc_encoder_post(encoder, &update), -EINVAL);
	update = update_of(order);
	CU_ASSERT_EQUAL(qrt_vnc_encoder_post(encoder, &update), 0);
	CU_ASSERT_EQUAL(qrt_vnc_encoder_post(encoder, &update), -EBUSY);
	CU_ASSERT_EQUAL(qrt_vnc_encoder_collect(encoder), 0);
	end();
}

/* ---- threads ---- */

static uint32_t created, joined, roles, fails_at;

static int create(void *data, const struct qrt_vnc_thread *thread, void **ret_thread)
{
	static pthread_t threads[8];

	CU_ASSERT_PTR_EQUAL(data, &created);
	CU_ASSERT_EQUAL(thread->index, created);
	roles |= 1u << thread->role;
	if (created == fails_at || pthread_create(&threads[created], NULL, thread->run, thread->argument))
		return -EAGAIN;
	*ret_thread = &threads[created++];
	return 0;
}

static void join(void *data, void *handle)
{
	CU_ASSERT_PTR_EQUAL(data, &created);
	pthread_join(*(pthread_t *)handle, NULL);
	joined++;
}

static const struct qrt_vnc_thread_operations operations = {
	.size = sizeof(operations), .create = create, .join = join, .data = &created};

static void threads_are_the_callers_and_in_their_role(void)
{
	created = joined = roles = 0;
	fails_at = 8;
	open_with(3, &operations);
	CU_ASSERT_EQUAL(created, 3);
	CU_ASSERT_EQUAL(roles, 1u << QRT_VNC_ROLE_ENCODER);
	end();
	CU_ASSERT_EQUAL(joined, 3);
}

static void threads_that_are_there_go_when_one_more_fails(void)
{
	const struct qrt_vnc_encoder_config config = {
		.size = sizeof(config), .threads = 4, .operations = &operations};

	created = joined = 0;
	fails_at = 2;
	CU_ASSERT_EQUAL(qrt_vnc_encoder_open(&config, &encoder, &error), -EAGAIN);
	CU_ASSERT_EQUAL(created, 2);
	CU_ASSERT_EQUAL(joined, 2);
}

static const struct tap_test tests[] = {
	{"closing nothing is fine", closing_nothing_is_fine},
	{"outputs are left alone where it fails", outputs_are_left_alone_where_it_fails},
	{"structs of other sizes are judged", structs_of_other_sizes_are_judged},
	{"there are no more clients than configured", there_are_no_more_clients_than_configured},
	{"the descriptor says when to collect", the_descriptor_says_when_to_collect},
	{"what cannot be is refused", what_cannot_be_is_refused},
	{"threads are the caller's, and in their role", threads_are_the_callers_and_in_their_role},
	{"threads that are there go when one more fails", threads_that_are_there_go_when_one_more_fails},
};

TAP_MAIN("contract of the vnc encoder", tests)
