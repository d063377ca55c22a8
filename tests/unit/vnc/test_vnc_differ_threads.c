/* SPDX-License-Identifier: MIT */
/* Threads of a differ: where they come from, what they do beside the caller, what happens to surfaces that
 * change meanwhile. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <qrt/vnc_differ.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"

#define WIDTH  800u
#define HEIGHT 256u
#define FRAMES 40

static uint32_t pixels[HEIGHT][WIDTH];
static const struct qrt_vnc_surface surface = {
	.pixels = pixels, .stride = sizeof(pixels[0]), .width = WIDTH, .height = HEIGHT, .bits = 32};
static struct qrt_vnc_differ *differ;
static struct qrt_vnc_difference found;

static struct qrt_vnc_differ_config config_of(uint32_t threads)
{
	return (struct qrt_vnc_differ_config){.size = sizeof(struct qrt_vnc_differ_config),
					      .width = WIDTH,
					      .height = HEIGHT,
					      .bits = 32,
					      .threads = threads};
}

static void begin(const struct qrt_vnc_differ_config *config)
{
	memset(pixels, 0, sizeof(pixels));
	found = (struct qrt_vnc_difference){.size = sizeof(found)};
	CU_ASSERT_EQUAL_FATAL(qrt_vnc_differ_open(config, &differ, NULL), 0);
	CU_ASSERT_EQUAL(qrt_vnc_differ_run(differ, &surface, NULL, &found), 1);
}

static void begin_plain(uint32_t threads)
{
	const struct qrt_vnc_differ_config config = config_of(threads);

	begin(&config);
}

static void end(void)
{
	differ = qrt_vnc_differ_close(differ);
}

static int collect(void)
{
	struct pollfd fd = {.fd = qrt_vnc_differ_get_fd(differ), .events = POLLIN};
	int rc;

	do {
		if (poll(&fd, 1, 60000) != 1)
			return -ETIMEDOUT;
		rc = qrt_vnc_differ_collect(differ, &found);
	} while (rc == -EAGAIN);
	return rc;
}

static int is_like(void)
{
	struct qrt_vnc_differ_info info = {.size = sizeof(info)};

	qrt_vnc_differ_get_info(differ, &info);
	return memcmp(info.shadow.pixels, pixels, sizeof(pixels)) == 0; /* rows are a multiple of 64 bytes */
}

/* ---- together ---- */

static void the_work_is_done_together(void)
{
	uint32_t threads, frame, wrong = 0;

	for (threads = 0; threads < 4; threads++) {
		begin_plain(threads);
		for (frame = 0; frame < FRAMES; frame++) {
			pixels[frame * 6][frame * 19] = frame + 1;
			pixels[HEIGHT - 1 - frame][WIDTH - 1] = frame + 1;
			wrong += qrt_vnc_differ_run(differ, &surface, NULL, &found) != 1;
			wrong += found.changed != 2 || !is_like();
		}
		end();
	}
	CU_ASSERT_EQUAL(wrong, 0);
}

static void what_is_posted_is_collected(void)
{
	uint32_t frame, wrong = 0;

	begin_plain(2);
	CU_ASSERT_EQUAL(qrt_vnc_differ_collect(differ, &found), -ENOENT);
	CU_ASSERT_EQUAL(qrt_vnc_differ_cancel(differ), -ENOENT);
	for (frame = 0; frame < FRAMES; frame++) {
		pixels[frame * 6][frame * 19] = frame + 1;
		wrong += qrt_vnc_differ_post(differ, &surface, NULL) != 0;
		wrong += collect() != 1 || found.changed != 1 || !is_like();
	}
	CU_ASSERT_EQUAL(wrong, 0);
	end();
}

static void one_is_posted_at_a_time(void)
{
	struct qrt_vnc_surface other = surface;

	begin_plain(1);
	CU_ASSERT_EQUAL(qrt_vnc_differ_post(differ, &surface, NULL), 0);
	CU_ASSERT_EQUAL(qrt_vnc_differ_post(differ, &surface, NULL), -EBUSY);
	CU_ASSERT_EQUAL(qrt_vnc_differ_run(differ, &surface, NULL, &found), -EBUSY);
	CU_ASSERT_EQUAL(qrt_vnc_differ_invalidate(differ, NULL), -EBUSY);
	CU_ASSERT_EQUAL(qrt_vnc_differ_resize(differ, &other, NULL, NULL), -EBUSY);
	CU_ASSERT_EQUAL(collect(), 0);
	CU_ASSERT_EQUAL(qrt_vnc_differ_collect(differ, &found), -ENOENT);
	CU_ASSERT_EQUAL(qrt_vnc_differ_post(differ, &surface, NULL), 0);
	end(); /* one that is posted is cancelled */
}

static void without_threads_nothing_is_posted(void)
{
	begin_plain(0);
	CU_ASSERT_EQUAL(qrt_vnc_differ_post(differ, &surface, NULL), -EOPNOTSUPP);
	end();
}

/* Wherever it is cancelled, this result and the next one together have all. */
static void nothing_is_lost_by_a_cancel(void)
{
	const struct qrt_vnc_hint nothing = {.size = sizeof(nothing)};
	uint32_t frame, y, wrong = 0;

	begin_plain(2);
	for (frame = 1; frame < FRAMES; frame++) {
		for (y = 0; y < HEIGHT; y += 16)
			pixels[y][y] = frame;
		wrong += qrt_vnc_differ_post(differ, &surface, NULL) != 0;
		for (y = 0; y < frame * 100; y++)
			__asm__ volatile("");
		wrong += qrt_vnc_differ_cancel(differ) != 0;
		wrong += qrt_vnc_differ_run(differ, &surface, &nothing, &found) != 1;
		wrong += found.changed != HEIGHT / 16 || !is_like();
	}
	CU_ASSERT_EQUAL(wrong, 0);
	end();
}

static void what_was_ready_is_kept_by_a_cancel(void)
{
	const struct qrt_vnc_hint nothing = {.size = sizeof(nothing)};
	struct pollfd fd;

	begin_plain(1);
	pixels[3][3] = 1;
	CU_ASSERT_EQUAL(qrt_vnc_differ_post(differ, &surface, NULL), 0);
	fd = (struct pollfd){.fd = qrt_vnc_differ_get_fd(differ), .events = POLLIN};
	CU_ASSERT_EQUAL(poll(&fd, 1, 60000), 1);
	CU_ASSERT_EQUAL(qrt_vnc_differ_cancel(differ), 0);
	CU_ASSERT_EQUAL(qrt_vnc_differ_run(differ, &surface, &nothing, &found), 1);
	CU_ASSERT_EQUAL(found.changed, 1);
	CU_ASSERT_EQUAL(qrt_vnc_differ_run(differ, &surface, &nothing, &found), 0);
	end();
}

/* ---- sizes ---- */

static int is_like_part(const struct qrt_vnc_surface *part)
{
	struct qrt_vnc_differ_info info = {.size = sizeof(info)};
	uint32_t y, same = 0;

	qrt_vnc_differ_get_info(differ, &info);
	for (y = 0; y < part->height; y++)
		same += memcmp((char *)info.shadow.pixels + (int64_t)y * info.shadow.stride, pixels[y],
			       part->width * 4) == 0;
	return same == part->height && found.changed == info.columns * info.rows;
}

/* Threads that come late to one size find another one. */
static void sizes_change_under_threads(void)
{
	struct qrt_vnc_surface part = surface;
	uint32_t round, wrong = 0;

	begin_plain(3);
	for (round = 0; round < 200; round++) {
		part.width = 1 + round * 7919 % WIDTH;
		part.height = 1 + round * 104729 % HEIGHT;
		pixels[round % part.height][round % part.width] = round;
		wrong += qrt_vnc_differ_resize(differ, &part, NULL, NULL) != 0;
		wrong += qrt_vnc_differ_post(differ, &part, NULL) != 0;
		if (round % 3) {
			wrong += qrt_vnc_differ_cancel(differ) != 0;
			wrong += qrt_vnc_differ_run(differ, &part, NULL, &found) != 1;
		} else {
			wrong += collect() != 1;
		}
		wrong += !is_like_part(&part);
	}
	CU_ASSERT_EQUAL(wrong, 0);
	end();
}

/* ---- a guest that draws ---- */

static _Atomic int is_over;

/* It takes no care of who reads, as a guest does not. */
__attribute__((no_sanitize("thread"), noinline)) static void *draw(void *argument)
{
	volatile uint32_t *all = argument;
	uint32_t i, number = 0;

	while (!atomic_load(&is_over)) {
		for (i = 0; i < HEIGHT; i++, number++)
			all[i * WIDTH + (number * 64 + i) % WIDTH] = number;
	}
	return NULL;
}

/* Each change is found, now or by the next run: in the end the shadow is like the surface, and it never was
 * like it where no tile was told. */
static void a_surface_may_change_meanwhile(void)
{
	static uint32_t told[HEIGHT][WIDTH];
	struct qrt_vnc_differ_info info = {.size = sizeof(info)};
	pthread_t drawer;
	uint32_t frame, i, y;

	begin_plain(2);
	memset(told, 0, sizeof(told));
	qrt_vnc_differ_get_info(differ, &info);
	atomic_store(&is_over, 0);
	CU_ASSERT_EQUAL_FATAL(pthread_create(&drawer, NULL, draw, pixels), 0);
	for (frame = 0; frame <= FRAMES; frame++) {
		if (frame == FRAMES) {
			atomic_store(&is_over, 1);
			pthread_join(drawer, NULL);
		}
		qrt_vnc_differ_run(differ, &surface, NULL, &found);
		for (i = 0; i < found.count; i++) {
			const struct qrt_vnc_rectangle *one = &found.rectangles[i];

			for (y = one->y; y < (uint32_t)one->y + one->height; y++)
				memcpy(&told[y][one->x],
				       (char *)info.shadow.pixels + (int64_t)y * info.shadow.stride +
					       one->x * 4u,
				       one->width * 4u);
		}
	}
	CU_ASSERT(is_like());
	CU_ASSERT_EQUAL(memcmp(told, pixels, sizeof(told)), 0);
	end();
}

/* ---- thread operations ---- */

static struct {
	pthread_t threads[8];
	uint32_t created, joined, role, indices, limit;
} composer;

static int create(void *data, const struct qrt_vnc_thread *thread, void **ret_thread)
{
	(void)data;
	if (composer.created == composer.limit)
		return -EPERM;
	composer.role |= 1u << thread->role;
	composer.indices |= 1u << thread->index;
	*ret_thread = &composer.threads[composer.created];
	if (pthread_create(&composer.threads[composer.created], NULL, thread->run, thread->argument) != 0)
		return -EAGAIN;
	composer.created++;
	return 0;
}

static void join(void *data, void *handle)
{
	(void)data;
	pthread_join(*(pthread_t *)handle, NULL);
	composer.joined++;
}

static void threads_come_from_the_caller(void)
{
	const struct qrt_vnc_thread_operations operations = {
		.size = sizeof(operations), .create = create, .join = join};
	struct qrt_vnc_differ_config config = config_of(3);

	config.operations = &operations;
	memset(&composer, 0, sizeof(composer));
	composer.limit = 8;
	begin(&config);
	CU_ASSERT_EQUAL(composer.created, 3);
	CU_ASSERT_EQUAL(composer.role, 1u << QRT_VNC_ROLE_DIFFER);
	CU_ASSERT_EQUAL(composer.indices, 7);
	end();
	CU_ASSERT_EQUAL(composer.joined, 3);
}

static void a_thread_that_is_refused_is_an_error(void)
{
	const struct qrt_vnc_thread_operations operations = {
		.size = sizeof(operations), .create = create, .join = join};
	const struct qrt_vnc_thread_operations without = {.size = sizeof(without), .create = create};
	struct qrt_vnc_differ_config config = config_of(3);
	struct qrt_vnc_error error;

	config.operations = &operations;
	memset(&composer, 0, sizeof(composer));
	composer.limit = 2;
	CU_ASSERT_EQUAL(qrt_vnc_differ_open(&config, &differ, &error), -EPERM);
	CU_ASSERT_EQUAL(error.code, -EPERM);
	CU_ASSERT_EQUAL(composer.joined, 2);
	config.operations = &without;
	CU_ASSERT_EQUAL(qrt_vnc_differ_open(&config, &differ, &error), -EINVAL);
}

static const struct tap_test tests[] = {
	{"the work is done together", the_work_is_done_together},
	{"what is posted is collected", what_is_posted_is_collected},
	{"one is posted at a time", one_is_posted_at_a_time},
	{"without threads nothing is posted", without_threads_nothing_is_posted},
	{"nothing is lost by a cancel", nothing_is_lost_by_a_cancel},
	{"what was ready is kept by a cancel", what_was_ready_is_kept_by_a_cancel},
	{"sizes change under threads", sizes_change_under_threads},
	{"a surface may change meanwhile", a_surface_may_change_meanwhile},
	{"threads come from the caller", threads_come_from_the_caller},
	{"a thread that is refused is an error", a_thread_that_is_refused_is_an_error},
};

TAP_MAIN("vnc_differ_threads", tests)
