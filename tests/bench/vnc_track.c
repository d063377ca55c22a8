/* SPDX-License-Identifier: MIT */
/*
 * One round of the benchmark vnc-track, at 3840x2160 of 32 bits: a part of a screen is written, and a differ
 * looks at what a tracker says, or at all. Both have a screen and a differ of their own, and take turns in
 * who is first. Prints "NAME OURS_NS OTHERS_NS", medians: PART with a tracker and without; PART_written, what
 * it costs to write it; scrolled, to find what scrolled, and a look at all.
 *
 * Usage: vnc_track LOOKS
 */
#include <qrt/vnc_differ.h>
#include <qrt/vnc_move.h>
#include <qrt/vnc_tracker.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define WIDTH     3840u
#define HEIGHT    2160u
#define BYTES     ((size_t)WIDTH * HEIGHT * 4)
#define LOOKS_MAX 1000

struct side {
	struct qrt_vnc_surface surface;
	struct qrt_vnc_differ *differ;
	struct qrt_vnc_tracker *tracker; /* NULL: looks at all */
	double look[LOOKS_MAX], written[LOOKS_MAX];
};

static struct side sides[2];

static void check(int rc, const struct qrt_vnc_error *error)
{
	if (rc >= 0)
		return;
	fprintf(stderr, "%s\n", error->message);
	exit(1);
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static struct qrt_vnc_surface make_surface(void)
{
	void *memory = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED) {
		perror("mmap");
		exit(1);
	}
	memset(memory, 1, BYTES);
	return (struct qrt_vnc_surface){memory, (int64_t)WIDTH * 4, WIDTH, HEIGHT, 32, 0};
}

static void open_side(struct side *side, int is_tracked)
{
	struct qrt_vnc_differ_config differ = {
		.size = sizeof(differ), .width = WIDTH, .height = HEIGHT, .bits = 32};
	struct qrt_vnc_tracker_config tracker = {.size = sizeof(tracker), .way = QRT_VNC_TRACKER_PAGES};
	struct qrt_vnc_error error;

	side->surface = tracker.surface = make_surface();
	check(qrt_vnc_differ_open(&differ, &side->differ, &error), &error);
	if (is_tracked)
		check(qrt_vnc_tracker_open(&tracker, &side->tracker, &error), &error);
}

/* A rectangle in the middle with that part of the screen. */
static void write_part(const struct side *side, double part, uint32_t value)
{
	double share = part >= 1 ? 1 : part >= 0.1 ? 0.316 : part > 0 ? 0.1 : 0;
	uint32_t width = (uint32_t)(WIDTH * share), height = (uint32_t)(HEIGHT * share), y;
	char *pixels = (char *)side->surface.pixels +
		       ((size_t)(HEIGHT - height) / 2 * WIDTH + (WIDTH - width) / 2) * 4;

	for (y = 0; y < height; y++)
		memset(pixels + (size_t)y * WIDTH * 4, (int)value, (size_t)width * 4);
}

static void look(struct side *side)
{
	struct qrt_vnc_difference difference = {.size = sizeof(difference)};
	struct qrt_vnc_hint hint = {.size = sizeof(hint)};

	if (!side->tracker)
		qrt_vnc_differ_run(side->differ, &side->surface, NULL, &difference);
	else if (qrt_vnc_tracker_take(side->tracker, &hint))
		qrt_vnc_differ_run(side->differ, &side->surface, &hint, &difference);
}

static void measure_one(struct side *side, double part, int number)
{
	double begin = now(), between;

	write_part(side, part, (uint32_t)number);
	between = now();
	look(side);
	side->written[number] = between - begin;
	side->look[number] = now() - between;
}

static int compare(const void *a, const void *b)
{
	double one = *(const double *)a, other = *(const double *)b;

	return (one > other) - (one < other);
}

static double median(double *values, int count)
{
	qsort(values, (size_t)count, sizeof(*values), compare);
	return values[count / 2];
}

static void measure(const char *name, double part, int looks)
{
	int i;

	look(&sides[0]);
	look(&sides[1]);
	for (i = 0; i < looks; i++) {
		measure_one(&sides[i & 1], part, i);
		measure_one(&sides[!(i & 1)], part, i);
	}
	printf("%s %.0f %.0f\n", name, median(sides[0].look, looks), median(sides[1].look, looks));
	if (part > 0)
		printf("%s_written %.0f %.0f\n", name, median(sides[0].written, looks),
		       median(sides[1].written, looks));
}

/* Lines that are all different, as those of a log. */
static void draw_lines(const struct side *side)
{
	uint32_t *pixels = side->surface.pixels;
	uint64_t state = 1;
	size_t i;

	for (i = 0; i < (size_t)WIDTH * HEIGHT; i++) {
		state = state * 6364136223846793005ull + 1442695040888963407ull;
		pixels[i] = state >> 61 ? 0 : 0xffffff;
	}
}

static void measure_scroll(int looks)
{
	struct qrt_vnc_move_config config = {
		.size = sizeof(config), .width = WIDTH, .height = HEIGHT, .bits = 32};
	struct side *side = &sides[1];
	struct qrt_vnc_differ_info info = {.size = sizeof(info)};
	struct qrt_vnc_moves moves = {.size = sizeof(moves)};
	struct qrt_vnc_error error;
	struct qrt_vnc_move *move;
	int i;

	check(qrt_vnc_move_open(&config, &move, &error), &error);
	qrt_vnc_differ_get_info(side->differ, &info);
	draw_lines(side);
	for (i = 0; i < looks; i++) {
		double begin;

		look(side);
		memmove(side->surface.pixels, (char *)side->surface.pixels + (size_t)WIDTH * 64,
			BYTES - (size_t)WIDTH * 64);
		begin = now();
		if (qrt_vnc_move_find(move, &side->surface, &info.shadow, NULL, &moves) != 1) {
			fputs("what scrolled was not found\n", stderr);
			exit(1);
		}
		sides[0].look[i] = now() - begin;
		begin = now();
		look(side);
		side->look[i] = now() - begin;
	}
	printf("scrolled %.0f %.0f\n", median(sides[0].look, looks), median(side->look, looks));
	qrt_vnc_move_close(move);
}

int main(int argc, char **argv)
{
	int looks = argc == 2 ? (int)strtol(argv[1], NULL, 10) : 0;

	if (looks < 1 || looks > LOOKS_MAX) {
		fputs("usage: vnc_track LOOKS\n", stderr);
		return 2;
	}
	open_side(&sides[0], 1);
	open_side(&sides[1], 0);
	measure("none", 0, looks);
	measure("one", 0.01, looks);
	measure("ten", 0.1, looks);
	measure("all", 1, looks);
	measure_scroll(looks);
	return 0;
}
