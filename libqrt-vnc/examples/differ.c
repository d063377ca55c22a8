/* SPDX-License-Identifier: MIT */
/* A picture that moves, and what changed of it from frame to frame: looked at by a thread of the differ's,
 * while this one waits by poll(2), as a program's main loop does. cc differ.c $(pkg-config --cflags --libs
 * libqrt-vnc) && ./a.out */
#include <errno.h>
#include <poll.h>
#include <qrt/vnc_differ.h>
#include <stdio.h>
#include <string.h>

#define WIDTH  640
#define HEIGHT 480
#define FRAMES 5

static uint32_t pixels[HEIGHT][WIDTH];

static void draw(int frame)
{
	int x, y;

	memset(pixels, 0, sizeof(pixels));
	for (y = 0; y < 32; y++) {
		for (x = 0; x < 32; x++)
			pixels[200 + y][100 * frame + x] = 0xff8000;
	}
}

/* Posts the picture and waits until it was looked at. */
static int look(struct qrt_vnc_differ *differ, struct qrt_vnc_difference *difference)
{
	struct qrt_vnc_surface surface;
	struct pollfd fd;
	int changed;

	memset(&surface, 0, sizeof(surface));
	surface.pixels = pixels;
	surface.stride = sizeof(pixels[0]);
	surface.width = WIDTH;
	surface.height = HEIGHT;
	surface.bits = 32;
	changed = qrt_vnc_differ_post(differ, &surface, NULL);
	if (changed < 0)
		return changed;
	fd.fd = qrt_vnc_differ_get_fd(differ);
	fd.events = POLLIN;
	do {
		poll(&fd, 1, -1);
		changed = qrt_vnc_differ_collect(differ, difference);
	} while (changed == -EAGAIN); /* it woke for nothing */
	return changed;
}

static void say(const struct qrt_vnc_difference *difference)
{
	uint32_t i;

	printf("%u tiles changed:", difference->changed);
	for (i = 0; i < difference->count; i++)
		printf(" %ux%u+%u+%u", difference->rectangles[i].width, difference->rectangles[i].height,
		       difference->rectangles[i].x, difference->rectangles[i].y);
	printf("\n");
}

int main(void)
{
	struct qrt_vnc_difference difference;
	struct qrt_vnc_differ_config config;
	struct qrt_vnc_differ *differ;
	struct qrt_vnc_error error;
	int frame, rc = 0;

	memset(&difference, 0, sizeof(difference));
	difference.size = sizeof(difference);
	memset(&config, 0, sizeof(config));
	config.size = sizeof(config);
	config.width = WIDTH;
	config.height = HEIGHT;
	config.bits = 32;
	config.threads = 1;
	if (qrt_vnc_differ_open(&config, &differ, &error) < 0) {
		fprintf(stderr, "%s\n", error.message);
		return 1;
	}
	for (frame = 0; frame < FRAMES && rc >= 0; frame++) {
		draw(frame);
		rc = look(differ, &difference);
		if (rc > 0)
			say(&difference);
	}
	qrt_vnc_differ_close(differ);
	return rc < 0;
}
