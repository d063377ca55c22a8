/* SPDX-License-Identifier: MIT */
/* Draws a picture, and encodes it for a client in each encoding: how many bytes each takes.
 * cc encode.c $(pkg-config --cflags --libs libqrt-vnc) && ./a.out */
#include <errno.h>
#include <poll.h>
#include <qrt/vnc_encoder.h>
#include <stdio.h>
#include <string.h>

#define WIDTH  640u
#define HEIGHT 480u

static uint32_t pixels[WIDTH * HEIGHT];

static void draw(void)
{
	uint32_t x, y;

	for (y = 0; y < HEIGHT; y++)
		for (x = 0; x < WIDTH; x++)
			pixels[y * WIDTH + x] = (x / 40 + y / 40) % 2 ? 0xffffff : x * 255 / WIDTH;
}

static struct qrt_vnc_pixel_format format_of_pixels(void)
{
	const uint16_t one = 1;
	struct qrt_vnc_pixel_format format;

	memset(&format, 0, sizeof(format));
	format.bits = 32;
	format.depth = 24;
	format.big_endian = *(const uint8_t *)&one == 0;
	format.true_colour = 1;
	format.red_max = format.green_max = format.blue_max = 255;
	format.red_shift = 16;
	format.green_shift = 8;
	return format;
}

/* All of it, for one client. */
static int encode(struct qrt_vnc_encoder *encoder, struct qrt_vnc_client *client)
{
	static const struct qrt_vnc_rectangle all = {0, 0, WIDTH, HEIGHT};
	struct qrt_vnc_order order;
	struct qrt_vnc_update update;
	struct pollfd fd;
	int rc;

	memset(&order, 0, sizeof(order));
	order.client = client;
	order.rectangles = &all;
	order.rectangle_count = 1;
	memset(&update, 0, sizeof(update));
	update.size = sizeof(update);
	update.orders = &order;
	update.order_count = 1;
	update.surface.pixels = pixels;
	update.surface.stride = WIDTH * 4;
	update.surface.width = WIDTH;
	update.surface.height = HEIGHT;
	update.surface.bits = 32;
	update.format = format_of_pixels();
	rc = qrt_vnc_encoder_post(encoder, &update);
	fd.fd = qrt_vnc_encoder_get_fd(encoder);
	fd.events = POLLIN;
	while (rc >= 0 && (rc = qrt_vnc_encoder_collect(encoder)) == -EAGAIN)
		rc = poll(&fd, 1, -1);
	return rc;
}

static int try_encoding(struct qrt_vnc_encoder *encoder, const char *name, uint32_t encoding)
{
	struct qrt_vnc_client_config config;
	struct qrt_vnc_client *client;
	struct qrt_vnc_error error;
	int rc;

	memset(&config, 0, sizeof(config));
	config.size = sizeof(config);
	config.encoding = encoding;
	config.format = format_of_pixels();
	if (qrt_vnc_client_open(encoder, &config, &client, &error) < 0) {
		fprintf(stderr, "%s\n", error.message);
		return -1;
	}
	rc = encode(encoder, client);
	if (rc >= 0)
		printf("%-8s %8llu bytes\n", name, (unsigned long long)qrt_vnc_client_get_backlog(client));
	qrt_vnc_client_close(client); /* a server would write it */
	return rc;
}

int main(void)
{
	struct qrt_vnc_encoder_config config;
	struct qrt_vnc_encoder *encoder;
	int code;

	memset(&config, 0, sizeof(config));
	config.size = sizeof(config);
	config.threads = 2;
	if (qrt_vnc_encoder_open(&config, &encoder, NULL) < 0)
		return 1;
	draw();
	code = try_encoding(encoder, "raw", QRT_VNC_ENCODING_RAW) < 0 ||
	       try_encoding(encoder, "hextile", QRT_VNC_ENCODING_HEXTILE) < 0 ||
	       try_encoding(encoder, "zlib", QRT_VNC_ENCODING_ZLIB) < 0 ||
	       try_encoding(encoder, "Tight", QRT_VNC_ENCODING_TIGHT) < 0 ||
	       try_encoding(encoder, "ZRLE", QRT_VNC_ENCODING_ZRLE) < 0;
	qrt_vnc_encoder_close(encoder);
	return code;
}
