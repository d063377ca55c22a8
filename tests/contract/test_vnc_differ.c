/* SPDX-License-Identifier: MIT */
/* What libqrt-vnc's differ promises to those who have the shared object, the header and the manual: outputs,
 * lifetimes, descriptors, sizes of structs, wake-ups. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <qrt/vnc_differ.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tap.h"

#define SIDE 256u

static uint32_t pixels[SIDE][SIDE];
static const struct qrt_vnc_surface surface = {
	.pixels = pixels, .stride = sizeof(pixels[0]), .width = SIDE, .height = SIDE, .bits = 32};
static const struct qrt_vnc_differ_config plain = {
	.size = sizeof(plain), .width = SIDE, .height = SIDE, .bits = 32, .threads = 1};
static struct qrt_vnc_differ *differ;
static struct qrt_vnc_difference found = {.size = sizeof(found)};
static struct qrt_vnc_error error;

static void begin(void)
{
	CU_ASSERT_EQUAL_FATAL(qrt_vnc_differ_open(&plain, &differ, &error), 0);
}

static void end(void)
{
	differ = qrt_vnc_differ_close(differ);
	CU_ASSERT_PTR_NULL(differ);
}

static int is_readable(int timeout_ms)
{
	struct pollfd fd = {.fd = qrt_vnc_differ_get_fd(differ), .events = POLLIN};

	return poll(&fd, 1, timeout_ms) == 1;
}

static int collect(void)
{
	int rc;

	do {
		if (!is_readable(60000))
			return -ETIMEDOUT;
		rc = qrt_vnc_differ_collect(differ, &found);
	} while (rc == -EAGAIN);
	return rc;
}

static void closing_nothing_is_fine(void)
{
	CU_ASSERT_PTR_NULL(qrt_vnc_differ_close(NULL));
	CU_ASSERT_EQUAL(strcmp(qrt_vnc_version(), "0.1.0"), 0);
}

static void outputs_are_left_alone_where_it_fails(void)
{
	struct qrt_vnc_differ_config bad = plain;
	struct qrt_vnc_differ *other = (struct qrt_vnc_differ *)&bad;
	const struct qrt_vnc_surface small = {.width = 1, .height = 1, .bits = 32};
	struct qrt_vnc_difference before;

	bad.bits = 7;
	CU_ASSERT_EQUAL(qrt_vnc_differ_open(&bad, &other, &error), -EINVAL);
	CU_ASSERT_PTR_EQUAL(other, &bad);
	CU_ASSERT_EQUAL(error.code, -EINVAL);
	CU_ASSERT_EQUAL(qrt_vnc_differ_open(&bad, &other, NULL), -EINVAL);
	begin();
	CU_ASSERT_EQUAL(qrt_vnc_differ_run(differ, &surface, NULL, &found), 1);
	before = found;
	CU_ASSERT_EQUAL(qrt_vnc_differ_run(differ, &small, NULL, &found), -EINVAL);
	CU_ASSERT_EQUAL(qrt_vnc_differ_collect(differ, &found), -ENOENT);
	CU_ASSERT_EQUAL(memcmp(&before, &found, sizeof(found)), 0);
	end();
}

static void good_calls_leave_the_error_alone(void)
{
	memset(&error, 'x', sizeof(error));
	begin();
	CU_ASSERT_EQUAL(qrt_vnc_differ_resize(differ, &surface, NULL, &error), 0);
	CU_ASSERT_EQUAL(error.message[0], 'x');
	end();
}

/* A config with more at its end than this version knows. */
struct newer {
	struct qrt_vnc_differ_config known;
	uint64_t unknown;
};

static void structs_of_other_sizes_are_judged(void)
{
	struct newer newer = {.known = plain};
	struct qrt_vnc_difference shorter = {.size = offsetof(struct qrt_vnc_difference, rectangles)};
	struct qrt_vnc_difference none = {.size = 0};

	newer.known.size = sizeof(newer);
	CU_ASSERT_EQUAL(qrt_vnc_differ_open(&newer.known, &differ, NULL), 0);
	shorter.rectangles = (const struct qrt_vnc_rectangle *)&newer;
	CU_ASSERT_EQUAL(qrt_vnc_differ_run(differ, &surface, NULL, &shorter), 1);
	CU_ASSERT_PTR_EQUAL(shorter.rectangles, &newer);
	CU_ASSERT_PTR_NOT_NULL(shorter.tiles);
	CU_ASSERT_EQUAL(qrt_vnc_differ_run(differ, &surface, NULL, &none), -EINVAL);
	CU_ASSERT_EQUAL(qrt_vnc_differ_collect(differ, &none), -EINVAL);
	end();
	newer.unknown = 1;
	CU_ASSERT_EQUAL(qrt_vnc_differ_open(&newer.known, &differ, NULL), -E2BIG);
	newer.known.size = 0;
	CU_ASSERT_EQUAL(qrt_vnc_differ_open(&newer.known, &differ, NULL), -EINVAL);
}

static void the_descriptor_says_what_is_there(void)
{
	int fd;

	begin();
	fd = qrt_vnc_differ_get_fd(differ);
	CU_ASSERT_EQUAL(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CU_ASSERT(fcntl(fd, F_GETFL) & O_NONBLOCK);
	CU_ASSERT(!is_readable(0));
	CU_ASSERT_EQUAL(qrt_vnc_differ_post(differ, &surface, NULL), 0);
	CU_ASSERT_EQUAL(collect(), 1);
	CU_ASSERT_EQUAL(qrt_vnc_differ_run(differ, &surface, NULL, &found), 0);
	CU_ASSERT_EQUAL(qrt_vnc_differ_resize(differ, &surface, NULL, NULL), 0);
	CU_ASSERT_EQUAL(qrt_vnc_differ_get_fd(differ), fd);
	end();
}

/* Who waits by the descriptor alone is never left waiting. */
static void no_wake_is_lost(void)
{
	uint32_t i, wrong = 0;

	begin();
	for (i = 0; i < 1000; i++) {
		pixels[i % SIDE][i % 7] ^= 1;
		wrong += qrt_vnc_differ_post(differ, &surface, NULL) != 0;
		if (i % 3 == 0) {
			wrong += qrt_vnc_differ_cancel(differ) != 0;
			wrong += qrt_vnc_differ_post(differ, &surface, NULL) != 0;
		}
		wrong += collect() != 1;
	}
	CU_ASSERT_EQUAL(wrong, 0);
	end();
}

static void a_result_stays_until_the_next_run(void)
{
	struct qrt_vnc_rectangle first;

	begin();
	CU_ASSERT_EQUAL(qrt_vnc_differ_post(differ, &surface, NULL), 0);
	CU_ASSERT_EQUAL(collect(), 1);
	first = found.rectangles[0];
	pixels[9][9] ^= 1;
	CU_ASSERT_EQUAL(qrt_vnc_differ_invalidate(differ, NULL), 0);
	CU_ASSERT_EQUAL(qrt_vnc_differ_collect(differ, &found), -ENOENT);
	CU_ASSERT_EQUAL(memcmp(&first, found.rectangles, sizeof(first)), 0);
	CU_ASSERT_EQUAL(found.tiles[0], 0xffff);
	end();
}

static void two_differs_do_not_know_each_other(void)
{
	struct qrt_vnc_differ *other;

	begin();
	CU_ASSERT_EQUAL_FATAL(qrt_vnc_differ_open(&plain, &other, NULL), 0);
	CU_ASSERT_EQUAL(qrt_vnc_differ_run(differ, &surface, NULL, &found), 1);
	CU_ASSERT_EQUAL(qrt_vnc_differ_post(other, &surface, NULL), 0);
	CU_ASSERT_EQUAL(qrt_vnc_differ_run(differ, &surface, NULL, &found), 0);
	qrt_vnc_differ_close(other);
	end();
}

static const struct tap_test tests[] = {
	{"closing nothing is fine", closing_nothing_is_fine},
	{"outputs are left alone where it fails", outputs_are_left_alone_where_it_fails},
	{"good calls leave the error alone", good_calls_leave_the_error_alone},
	{"structs of other sizes are judged", structs_of_other_sizes_are_judged},
	{"the descriptor says what is there", the_descriptor_says_what_is_there},
	{"no wake is lost", no_wake_is_lost},
	{"a result stays until the next run", a_result_stays_until_the_next_run},
	{"two differs do not know each other", two_differs_do_not_know_each_other},
};

TAP_MAIN("contract vnc_differ", tests)
