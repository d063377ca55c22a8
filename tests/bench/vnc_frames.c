/* SPDX-License-Identifier: MIT */
/*
 * How long it takes to find what changed on a screen, by several ways that take turns.
 * Usage: vnc_frames WIDTH HEIGHT PERCENT ROUNDS [KERNEL]; prints "WAY NANOSECONDS" for each round, and in the
 * end that all of them have the same picture.
 *
 * The others are written from how they work: QEMU's loop looks at cells of 16 pixels of a row whose dirty bit
 * is set, TigerVNC's at blocks of 64x64. All dirty bits are set, as where a guest draws the same again.
 */
#include <errno.h>
#include <poll.h>
#include <qrt/vnc_differ.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define REPEATS 5 /* of a way in a round, of which the median counts */
#define CELL    16u
#define BLOCK   64u
#define PERCENT 100u

struct way {
	const char *name;
	uint64_t (*look)(struct way *way); /* nanoseconds */
	uint32_t threads;
	uint32_t is_other; /* no compare: its picture is not looked at */
	uint32_t *shadow;
	struct qrt_vnc_differ *differ;
};

static uint32_t width, height, percent, cells_words, kernel;
static uint32_t *pixels;
static uint64_t *dirty, *changed; /* of cells: all; those that changed */
static uint64_t *told;            /* where the others say what they found */
static uint64_t seed = 1;

static void die(const char *what)
{
	fprintf(stderr, "vnc_frames: %s\n", what);
	exit(1);
}

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void *have(size_t bytes)
{
	size_t whole = (bytes + 4095) / 4096 * 4096;
	void *memory = aligned_alloc(4096, whole);

	if (!memory)
		die("no memory");
	memset(memory, 0, whole);
	return memory;
}

static uint32_t below(uint32_t limit)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)((seed >> 33) % limit);
}

static uint32_t fewer(uint32_t one, uint32_t other)
{
	return one < other ? one : other;
}

/* ---- frames ---- */

/* As a guest does: in whole, or by tiles of 16x16. */
static void draw_tile(uint32_t x, uint32_t y)
{
	uint32_t past_x = fewer(x + CELL, width), past_y = fewer(y + CELL, height), i;

	for (; y < past_y; y++) {
		changed[(size_t)y * cells_words + x / CELL / 64] |= 1ull << x / CELL % 64;
		for (i = x; i < past_x; i++)
			pixels[(size_t)y * width + i] = pixels[(size_t)y * width + i] * 3 + 0x010101 +
							seed % 2;
	}
}

static void draw(void)
{
	uint32_t x, y;

	memset(changed, 0, (size_t)height * cells_words * sizeof(*changed));
	memset(dirty, 0xff, (size_t)height * cells_words * sizeof(*dirty));
	for (y = 0; y < height; y += CELL) {
		for (x = 0; x < width; x += CELL) {
			if (below(PERCENT) < percent)
				draw_tile(x, y);
		}
	}
}

/* ---- ways of others ---- */

static uint64_t look_qemu(struct way *way)
{
	uint32_t x, y, cells = (width + CELL - 1) / CELL, bytes;
	uint64_t begun = now(), *row, bit;

	for (y = 0; y < height; y++) {
		uint32_t *guest = pixels + (size_t)y * width, *server = way->shadow + (size_t)y * width;

		row = dirty + (size_t)y * cells_words;
		for (x = 0; x < cells; x++, guest += CELL, server += CELL) {
			bit = 1ull << x % 64;
			if (!(row[x / 64] & bit))
				continue;
			row[x / 64] &= ~bit;
			bytes = fewer(CELL, width - x * CELL) * 4;
			if (memcmp(server, guest, bytes) == 0)
				continue;
			memcpy(server, guest, bytes);
			told[(size_t)y * cells_words + x / 64] |= bit;
		}
	}
	return now() - begun;
}

static void look_at_block(struct way *way, uint32_t x, uint32_t y)
{
	uint32_t bytes = fewer(BLOCK, width - x) * 4, past = fewer(y + BLOCK, height);
	size_t at = (size_t)y * width + x;

	while (y < past && memcmp(way->shadow + at, pixels + at, bytes) == 0) {
		y++;
		at += width;
	}
	if (y < past)
		told[x / BLOCK] |= 1;
	for (; y < past; y++, at += width)
		memcpy(way->shadow + at, pixels + at, bytes);
}

static uint64_t look_tigervnc(struct way *way)
{
	uint64_t begun = now();
	uint32_t x, y;

	for (y = 0; y < height; y += BLOCK) {
		for (x = 0; x < width; x += BLOCK)
			look_at_block(way, x, y);
	}
	return now() - begun;
}

/* ---- limits ---- */

/* The compiler makes of it what the machine has. */
static inline __attribute__((always_inline)) uint64_t read_plain(const uint64_t *one, const uint64_t *other,
								 size_t count)
{
	uint64_t all = 0;
	size_t i;

	for (i = 0; i < count; i++)
		all |= one[i] ^ other[i];
	return all;
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) static uint64_t read_wide(const uint64_t *one, const uint64_t *other,
							  size_t count)
{
	return read_plain(one, other, count);
}
#endif

static uint64_t read_both(const uint64_t *one, const uint64_t *other, size_t count)
{
#if defined(__x86_64__)
	if (__builtin_cpu_supports("avx2"))
		return read_wide(one, other, count);
#endif
	return read_plain(one, other, count);
}

static uint64_t look_read(struct way *way)
{
	uint64_t begun = now();

	told[0] |= read_both((const void *)pixels, (const void *)way->shadow, (size_t)width * height / 2);
	return now() - begun;
}

static uint64_t look_memcpy(struct way *way)
{
	uint64_t begun = now();

	memcpy(way->shadow, pixels, (size_t)width * height * 4);
	return now() - begun;
}

/* ---- ours ---- */

static struct qrt_vnc_surface surface(void)
{
	return (struct qrt_vnc_surface){
		.pixels = pixels, .stride = (int64_t)width * 4, .width = width, .height = height, .bits = 32};
}

static struct qrt_vnc_hint hint_of(const uint64_t *cells)
{
	return (struct qrt_vnc_hint){.size = sizeof(struct qrt_vnc_hint),
				     .cell_width = CELL,
				     .cell_height = 1,
				     .words = cells_words,
				     .cells = cells};
}

static uint64_t run(struct way *way, const struct qrt_vnc_hint *hint)
{
	struct qrt_vnc_difference found = {.size = sizeof(found)};
	const struct qrt_vnc_surface one = surface();
	uint64_t begun = now();

	if (qrt_vnc_differ_run(way->differ, &one, hint, &found) < 0)
		die("the differ does not run");
	return now() - begun;
}

static uint64_t look_ours(struct way *way)
{
	const struct qrt_vnc_hint all = hint_of(dirty);

	return run(way, &all);
}

static uint64_t look_hinted(struct way *way)
{
	const struct qrt_vnc_hint some = hint_of(changed);

	return run(way, &some);
}

/* What it takes of the caller's time. */
static uint64_t look_posted(struct way *way)
{
	struct qrt_vnc_difference found = {.size = sizeof(found)};
	struct pollfd fd = {.fd = qrt_vnc_differ_get_fd(way->differ), .events = POLLIN};
	const struct qrt_vnc_surface one = surface();
	const struct qrt_vnc_hint all = hint_of(dirty);
	uint64_t begun = now(), passed;
	int rc = qrt_vnc_differ_post(way->differ, &one, &all);

	passed = now() - begun;
	if (rc < 0)
		die("the differ takes nothing");
	do {
		poll(&fd, 1, -1);
		begun = now();
		rc = qrt_vnc_differ_collect(way->differ, &found);
		passed += now() - begun;
	} while (rc == -EAGAIN);
	return passed;
}

static struct way ways[] = {
	{.name = "qemu", .look = look_qemu},
	{.name = "ours", .look = look_ours},
	{.name = "tigervnc", .look = look_tigervnc},
	{.name = "ours-2", .look = look_ours, .threads = 1},
	{.name = "read", .look = look_read, .is_other = 1},
	{.name = "ours-hinted", .look = look_hinted},
	{.name = "memcpy", .look = look_memcpy},
	{.name = "ours-posted", .look = look_posted, .threads = 1},
};

#define WAYS (sizeof(ways) / sizeof(ways[0]))

/* ---- rounds ---- */

static void open_way(struct way *way)
{
	struct qrt_vnc_surface shadow = surface();
	const struct qrt_vnc_differ_config config = {.size = sizeof(config),
						     .kernel = kernel,
						     .width = width,
						     .height = height,
						     .bits = 32,
						     .mask = 0xffffffff,
						     .threads = way->threads,
						     .shadow = &shadow};

	way->shadow = have((size_t)width * height * 4);
	shadow.pixels = way->shadow;
	if (strncmp(way->name, "ours", 4) == 0 && qrt_vnc_differ_open(&config, &way->differ, NULL) < 0)
		die("no differ: is the kernel one of this machine?");
}

static int compare(const void *one, const void *other)
{
	const uint64_t *a = one, *b = other;

	return *a < *b ? -1 : *a > *b;
}

/* A frame that this one looks at before is as the last one is when it is measured: in the caches or not. */
static void measure(struct way *way)
{
	uint64_t found[REPEATS];
	int i;

	memcpy(way->shadow, pixels, (size_t)width * height * 4);
	for (i = 0; i < REPEATS; i++) {
		draw();
		found[i] = way->look(way);
	}
	qsort(found, REPEATS, sizeof(found[0]), compare);
	printf("%s %llu\n", way->name, (unsigned long long)found[REPEATS / 2]);
	if (!way->is_other && memcmp(way->shadow, pixels, (size_t)width * height * 4) != 0)
		die(way->name);
}

static uint32_t kernel_of(const char *name)
{
	uint32_t i;

	for (i = 0; i < QRT_VNC_KERNELS; i++) {
		if (strcmp(qrt_vnc_kernel_text(i), name) == 0)
			return i;
	}
	die("no such kernel");
	return 0;
}

int main(int argc, char **argv)
{
	uint32_t rounds, round;
	size_t i;

	if (argc < 5) {
		fprintf(stderr, "usage: vnc_frames WIDTH HEIGHT PERCENT ROUNDS [KERNEL]\n");
		return 2;
	}
	width = (uint32_t)strtoul(argv[1], NULL, 10);
	height = (uint32_t)strtoul(argv[2], NULL, 10);
	percent = (uint32_t)strtoul(argv[3], NULL, 10);
	rounds = (uint32_t)strtoul(argv[4], NULL, 10);
	kernel = argc > 5 ? kernel_of(argv[5]) : QRT_VNC_KERNEL_AUTO;
	if (!width || width > 16384 || !height || height > 16384)
		die("sides are 1 to 16384");
	cells_words = (width + CELL * 64 - 1) / (CELL * 64);
	pixels = have((size_t)width * height * 4);
	dirty = have((size_t)height * cells_words * sizeof(*dirty));
	changed = have((size_t)height * cells_words * sizeof(*changed));
	told = have((size_t)height * cells_words * sizeof(*told));
	for (i = 0; i < WAYS; i++)
		open_way(&ways[i]);
	for (round = 0; round < rounds; round++) {
		for (i = 0; i < WAYS; i++)
			measure(&ways[(i + round) % WAYS]);
	}
	for (i = 0; i < WAYS; i++)
		qrt_vnc_differ_close(ways[i].differ);
	puts("same");
	return 0;
}
