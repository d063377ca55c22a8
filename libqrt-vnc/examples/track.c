/* SPDX-License-Identifier: MIT */
/* Looks at a screen by what was written to it, finds what scrolled, and says what would be sent.
 * cc track.c $(pkg-config --cflags --libs libqrt-vnc) && ./a.out */
#include <qrt/vnc_differ.h>
#include <qrt/vnc_move.h>
#include <qrt/vnc_tracker.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define WIDTH  640u
#define HEIGHT 400u

struct screen {
	struct qrt_vnc_surface surface;
	struct qrt_vnc_surface shadow; /* the differ's: what a client has */
	struct qrt_vnc_tracker *tracker;
	struct qrt_vnc_move *move;
	struct qrt_vnc_differ *differ;
};

static int open_all(struct screen *screen)
{
	struct qrt_vnc_tracker_config tracker;
	struct qrt_vnc_move_config move;
	struct qrt_vnc_differ_config differ;
	struct qrt_vnc_differ_info info;
	struct qrt_vnc_error error;

	memset(&tracker, 0, sizeof(tracker));
	tracker.size = sizeof(tracker);
	tracker.surface = screen->surface;
	memset(&move, 0, sizeof(move));
	move.size = sizeof(move);
	move.width = WIDTH;
	move.height = HEIGHT;
	move.bits = 32;
	memset(&differ, 0, sizeof(differ));
	differ.size = sizeof(differ);
	differ.width = WIDTH;
	differ.height = HEIGHT;
	differ.bits = 32;
	if (qrt_vnc_tracker_open(&tracker, &screen->tracker, &error) < 0 ||
	    qrt_vnc_move_open(&move, &screen->move, &error) < 0 ||
	    qrt_vnc_differ_open(&differ, &screen->differ, &error) < 0) {
		fprintf(stderr, "%s\n", error.message);
		return -1;
	}
	memset(&info, 0, sizeof(info));
	info.size = sizeof(info);
	qrt_vnc_differ_get_info(screen->differ, &info);
	screen->shadow = info.shadow;
	return 0;
}

static void look(struct screen *screen)
{
	struct qrt_vnc_hint hint;
	struct qrt_vnc_moves moves;
	struct qrt_vnc_difference difference;
	uint32_t i;

	memset(&hint, 0, sizeof(hint));
	hint.size = sizeof(hint);
	memset(&moves, 0, sizeof(moves));
	moves.size = sizeof(moves);
	memset(&difference, 0, sizeof(difference));
	difference.size = sizeof(difference);
	/* Without a hint's cells the differ tells what it still has to, and reads nothing else. */
	if (!qrt_vnc_tracker_take(screen->tracker, &hint))
		puts("nothing was written");
	qrt_vnc_move_find(screen->move, &screen->surface, &screen->shadow, &hint, &moves);
	hint.rectangles = moves.rectangles;
	hint.count = moves.count;
	qrt_vnc_differ_run(screen->differ, &screen->surface, &hint, &difference);
	if (!moves.count && !difference.count)
		puts("nothing changed");
	for (i = 0; i < moves.count; i++)
		printf("copy %ux%u from %u,%u to %u,%u\n", moves.copies[i].to.width,
		       moves.copies[i].to.height, moves.copies[i].x, moves.copies[i].y, moves.copies[i].to.x,
		       moves.copies[i].to.y);
	for (i = 0; i < difference.count; i++)
		printf("send %ux%u at %u,%u\n", difference.rectangles[i].width,
		       difference.rectangles[i].height, difference.rectangles[i].x,
		       difference.rectangles[i].y);
}

/* Lines that are all different. */
static void draw(uint32_t *pixels, uint32_t first)
{
	uint32_t x, y;

	for (y = 0; y < HEIGHT; y++)
		for (x = 0; x < WIDTH; x++)
			pixels[y * WIDTH + x] =
				((first + y) / 2 * 2654435761u ^ x / 2 * 40503u) * 2246822519u >> 8;
}

int main(void)
{
	struct screen screen;
	void *pixels = mmap(NULL, WIDTH * HEIGHT * 4, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			    0);
	int code = 1;

	if (pixels == MAP_FAILED)
		return 1;
	memset(&screen, 0, sizeof(screen));
	screen.surface.pixels = pixels;
	screen.surface.stride = WIDTH * 4;
	screen.surface.width = WIDTH;
	screen.surface.height = HEIGHT;
	screen.surface.bits = 32;
	if (open_all(&screen) >= 0) {
		draw((uint32_t *)pixels, 0);
		look(&screen);
		draw((uint32_t *)pixels, 16);
		look(&screen);
		memset(pixels, 0xff, 64);
		look(&screen);
		look(&screen);
		code = 0;
	}
	qrt_vnc_differ_close(screen.differ);
	qrt_vnc_move_close(screen.move);
	qrt_vnc_tracker_close(screen.tracker);
	munmap(pixels, WIDTH * HEIGHT * 4);
	return code;
}
