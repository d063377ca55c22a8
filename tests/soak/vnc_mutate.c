/* SPDX-License-Identifier: MIT */
/*
 * Surfaces that change by chance, looked at by differs of each kernel that this machine has, and by a model.
 * Usage: vnc_mutate MUTATIONS SEED; prints TAP. What fails is found again by the seed that it names.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vncmodel.h"

#define FRAMES         12
#define MUTATIONS_MOST 8u
#define RECTANGLES     4u

static uint64_t seed, mutations;

static struct vncmodel model;
static struct qrt_vnc_differ *differs[QRT_VNC_KERNELS];
static struct qrt_vnc_surface surface;
static uint8_t *pixels, *shadow_pixels[QRT_VNC_KERNELS], *cells;
static uint64_t bytes, cells_bytes;
static int at_front;
static struct qrt_vnc_hint hint;
static struct qrt_vnc_rectangle rectangles[RECTANGLES];

static uint32_t any(uint32_t below)
{
	return (uint32_t)vncmodel_random(&seed, below);
}

static void die(const char *what, long long code)
{
	fprintf(stderr, "vnc_mutate: %s: %lld\n", what, code);
	exit(1);
}

/* ---- scene ---- */

static void place(uint8_t *memory, struct qrt_vnc_surface *one)
{
	one->pixels = one->stride < 0 ? memory + (uint64_t)-one->stride * (one->height - 1) : memory;
}

static void make_surface(void)
{
	static const uint32_t all_bits[] = {8, 16, 32};
	uint32_t pixel, row;

	surface.bits = all_bits[any(3)];
	pixel = surface.bits / 8;
	surface.width = 1 + any(any(4) ? 600 / pixel : 18000 / pixel);
	surface.height = 1 + any(surface.width * pixel > 600 ? 20 : 70);
	row = surface.width * pixel;
	surface.stride = row + any(3) * any(70) * pixel;
	bytes = (uint64_t)surface.stride * (surface.height - 1) + row;
	if (any(4) == 0)
		surface.stride = -surface.stride;
	at_front = (int)any(2);
	pixels = vncmodel_guarded(bytes, at_front);
	if (!pixels)
		die("no memory", -ENOMEM);
	place(pixels, &surface);
}

static void choose(struct qrt_vnc_differ_config *config)
{
	static const uint32_t widths[] = {0, 16, 32, 64};

	config->size = sizeof(*config);
	config->width = surface.width;
	config->height = surface.height;
	config->bits = surface.bits;
	config->mask = any(3) ? 0 : any(1u << surface.bits / 2) << any(surface.bits / 2);
	config->tile_width = widths[any(4)];
	config->tile_height = any(2) ? 1u << any(7) : 0;
	config->rectangles_max = any(2) ? 1 + any(20) : 0;
	config->threads = any(4) ? 0 : 1 + any(3);
}

static void open_one(const struct qrt_vnc_differ_config *wanted, uint32_t kernel, int has_shadow)
{
	struct qrt_vnc_differ_config config = *wanted;
	struct qrt_vnc_surface shadow = surface;
	struct qrt_vnc_error error;
	int rc;

	if (has_shadow) {
		shadow_pixels[kernel] = vncmodel_guarded(bytes, at_front);
		if (!shadow_pixels[kernel])
			die("no memory", -ENOMEM);
		place(shadow_pixels[kernel], &shadow);
		config.shadow = &shadow;
	}
	config.kernel = kernel;
	rc = qrt_vnc_differ_open(&config, &differs[kernel], &error);
	if (rc < 0)
		die(error.message, rc);
}

static void begin(void)
{
	struct qrt_vnc_differ_info info = {.size = sizeof(info)};
	struct qrt_vnc_differ_config config = {0};
	int has_shadow = (int)any(2), rc;
	uint32_t kernel;

	make_surface();
	choose(&config);
	for (kernel = 1; kernel < QRT_VNC_KERNELS; kernel++) {
		if (qrt_vnc_kernel_list() >> kernel & 1)
			open_one(&config, kernel, has_shadow);
	}
	qrt_vnc_differ_get_info(differs[QRT_VNC_KERNEL_SCALAR], &info);
	rc = vncmodel_init(&model, &info);
	if (rc < 0)
		die("no memory", rc);
	if (!has_shadow)
		vncmodel_force(&model);
}

static void end(void)
{
	uint32_t kernel;

	for (kernel = 0; kernel < QRT_VNC_KERNELS; kernel++) {
		differs[kernel] = qrt_vnc_differ_close(differs[kernel]);
		vncmodel_let_go(shadow_pixels[kernel], bytes, at_front);
		shadow_pixels[kernel] = NULL;
	}
	vncmodel_let_go(pixels, bytes, at_front);
	vncmodel_finish(&model);
}

/* ---- frame ---- */

static uint8_t *byte_at(uint32_t x, uint32_t y)
{
	return (uint8_t *)surface.pixels + (int64_t)y * surface.stride + x;
}

static void change_some(uint8_t *from, uint32_t count)
{
	uint32_t i;

	for (i = 0; i < count; i++)
		from[i] = (uint8_t)any(256);
}

static void mutate(void)
{
	uint32_t row = model.row_bytes, x = any(row), y = any(surface.height), i;

	switch (any(8)) {
	case 0: /* what may not count */
		for (i = 3; i < row; i += 4)
			byte_at(0, y)[i] ^= 0x55;
		break;
	case 1:
		change_some(byte_at(x, y), row - x);
		break;
	case 2: /* a column */
		for (i = y; i < surface.height; i++)
			*byte_at(x, i) ^= 1;
		break;
	case 3: /* in its ends */
		*byte_at(any(2) ? 0 : row - 1, any(2) ? 0 : surface.height - 1) ^= (uint8_t)(1u << any(8));
		break;
	case 4:
		for (i = 0; i < row; i += 128)
			*byte_at(i, y) ^= 1;
		break;
	default:
		*byte_at(x, y) ^= (uint8_t)(1u << any(8));
		break;
	}
	mutations++;
}

static void mutate_some(void)
{
	uint32_t i, count = any(MUTATIONS_MOST + 1);

	for (i = 0; i < count; i++)
		mutate();
	for (i = 0; i < surface.height && any(20) == 0; i++)
		change_some(byte_at(0, i), model.row_bytes);
}

static void hint_cells(void)
{
	uint32_t rows;
	uint64_t i;

	hint.cell_width = 16u << any(3);
	hint.cell_height = 1 + any(any(2) ? 1 : 20);
	hint.words = (surface.width + hint.cell_width * 64 - 1) / (hint.cell_width * 64) + any(2);
	rows = (surface.height + hint.cell_height - 1) / hint.cell_height;
	cells_bytes = (uint64_t)rows * hint.words * sizeof(uint64_t);
	cells = vncmodel_guarded(cells_bytes, at_front);
	if (!cells)
		die("no memory", -ENOMEM);
	change_some(cells, (uint32_t)cells_bytes);
	for (i = 0; i < cells_bytes && any(2); i++)
		cells[i] = any(3) ? 0 : 255;
	hint.cells = (const uint64_t *)(const void *)cells;
}

static void hint_rectangles(void)
{
	uint32_t i;

	for (i = 0; i < RECTANGLES; i++)
		rectangles[i] = (struct qrt_vnc_rectangle){
			(uint16_t)any(surface.width + 5), (uint16_t)any(surface.height + 5),
			(uint16_t)any(any(4) ? 30 : 65536), (uint16_t)any(30)};
	hint.rectangles = rectangles;
	hint.count = any(RECTANGLES + 1);
}

/* One frame in four is looked at as a whole. */
static const struct qrt_vnc_hint *choose_hint(void)
{
	memset(&hint, 0, sizeof(hint));
	hint.size = sizeof(hint);
	if (any(4) == 0)
		return NULL;
	if (any(2))
		hint_cells();
	if (any(2))
		hint_rectangles();
	return &hint;
}

/* ---- look ---- */

static int post(struct qrt_vnc_differ *differ, const struct qrt_vnc_hint *wanted,
		struct qrt_vnc_difference *found)
{
	struct pollfd fd = {.fd = qrt_vnc_differ_get_fd(differ), .events = POLLIN};
	int rc = qrt_vnc_differ_post(differ, &surface, wanted);

	if (rc < 0)
		return rc;
	do {
		if (poll(&fd, 1, 60000) != 1)
			die("nobody wakes", 0);
		rc = qrt_vnc_differ_collect(differ, found);
	} while (rc == -EAGAIN);
	return rc;
}

/* What a look at all was cancelled at is looked at by the next run, whatever its hint. */
static int cancel(struct qrt_vnc_differ *differ, struct qrt_vnc_difference *found)
{
	const struct qrt_vnc_hint nothing = {.size = sizeof(nothing)};
	struct pollfd fd = {.fd = qrt_vnc_differ_get_fd(differ), .events = POLLIN};
	int rc = qrt_vnc_differ_post(differ, &surface, NULL);

	if (rc < 0)
		return rc;
	if (any(2))
		poll(&fd, 1, (int)any(2));
	rc = qrt_vnc_differ_cancel(differ);
	return rc < 0 ? rc : qrt_vnc_differ_run(differ, &surface, &nothing, found);
}

static int look(struct qrt_vnc_differ *differ, uint32_t threads, const struct qrt_vnc_hint *wanted,
		struct qrt_vnc_difference *found)
{
	if (threads && !wanted && any(2))
		return cancel(differ, found);
	if (threads && any(2))
		return post(differ, wanted, found);
	return qrt_vnc_differ_run(differ, &surface, wanted, found);
}

static const char *do_frame(void)
{
	const struct qrt_vnc_hint *wanted;
	const char *wrong = NULL;
	uint32_t kernel;

	mutate_some();
	wanted = choose_hint();
	vncmodel_look(&model, &surface, wanted);
	for (kernel = 0; kernel < QRT_VNC_KERNELS && !wrong; kernel++) {
		struct qrt_vnc_difference found = {.size = sizeof(found)};
		int rc;

		if (!differs[kernel])
			continue;
		rc = look(differs[kernel], model.info.threads, wanted, &found);
		wrong = rc < 0 ? strerror(-rc) : vncmodel_check(&model, differs[kernel], rc, &found);
		if (wrong)
			printf("# %s:\n", qrt_vnc_kernel_text(kernel));
	}
	vncmodel_let_go(cells, cells_bytes, at_front);
	cells = NULL;
	return wrong;
}

int main(int argc, char **argv)
{
	uint64_t wanted = argc == 3 ? strtoull(argv[1], NULL, 10) : 0, first, scene = 0;
	const char *wrong = NULL;
	int frame;

	if (!wanted) {
		fprintf(stderr, "usage: vnc_mutate MUTATIONS SEED\n");
		return 2;
	}
	first = strtoull(argv[2], NULL, 10);
	printf("1..1\n");
	while (mutations < wanted && !wrong) {
		seed = first + scene++;
		begin();
		for (frame = 0; frame < FRAMES && !wrong; frame++)
			wrong = do_frame();
		end();
	}
	if (wrong)
		printf("# %s; again by: vnc_mutate 1 %llu\n", wrong, (unsigned long long)(first + scene - 1));
	printf("%sok 1 - %llu mutations: each kernel finds what a model finds\n", wrong ? "not " : "",
	       (unsigned long long)mutations);
	return wrong != NULL;
}
