/* SPDX-License-Identifier: MIT */
/*
 * What encoding costs, of frames like a terminal's and like a photo: deflate beside zlib's level 1, four
 * equal clients beside one, and how soon a full frame is cancelled. Usage: vnc_encode; prints lines of
 * numbers:
 *
 *   deflate NS BYTES ZLIB_NS ZLIB_BYTES
 *   clients ENCODING CPU_NS_OF_ONE CPU_NS_OF_FOUR
 *   cancel US...
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#include <qrt/vnc_encoder.h>

#include "deflate_p.h"

#define WIDTH    1920u
#define HEIGHT   1080u
#define LARGE    3840u /* and 2160 rows */
#define GLYPHS   64u
#define WORDS    200u
#define CHUNK    (256u << 10)
#define REPEATS  7
#define UPDATES  20
#define CANCELS  60
#define THREADS  2u
#define RAW      (-15)
#define MEMORY   8
#define IOV_MOST 1024
#define PATIENCE 60000 /* ms */

static uint64_t chance = 1;

static uint32_t below(uint32_t limit)
{
	chance = chance * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)((chance >> 32) * limit >> 32);
}

static uint64_t now(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void give_up(const char *what)
{
	fprintf(stderr, "vnc_encode: %s\n", what);
	exit(1);
}

/* ---- frames ---- */

struct frame {
	uint32_t width, height;
	uint32_t *pixels;
};

static struct frame frame_of(uint32_t width, uint32_t height)
{
	struct frame frame = {width, height, calloc((size_t)width * height, 4)};

	if (!frame.pixels)
		give_up("no memory");
	return frame;
}

/* Strokes, 8 x 16. */
static void make_glyph(uint8_t rows[16])
{
	uint32_t i, column, from;

	memset(rows, 0, 16);
	for (i = 0; i < 2; i++) {
		column = 1 + below(6);
		for (from = 2 + below(5); from < 13; from++)
			rows[from] |= (uint8_t)(1u << column);
		rows[3 + below(9)] |= 0x7e;
	}
}

static void put_glyph(const struct frame *frame, uint32_t x, uint32_t y, const uint8_t rows[16],
		      uint32_t colour)
{
	uint32_t row, column;

	for (row = 0; row < 16 && y + row < frame->height; row++)
		for (column = 0; column < 8; column++)
			if (rows[row] >> column & 1)
				frame->pixels[(size_t)(y + row) * frame->width + x + column] = colour;
}

static void draw_line(const struct frame *frame, uint32_t y, uint8_t glyphs[GLYPHS][16],
		      const uint8_t words[WORDS][8])
{
	static const uint32_t colours[] = {0xc0c0c0, 0xc0c0c0, 0xc0c0c0, 0x55ff55, 0x5555ff, 0xffff55};
	uint32_t x = 0, i, word, end = below(frame->width), colour;

	while (x < end) {
		word = below(WORDS);
		colour = colours[below(6)];
		for (i = 0; i < 2 + word % 6u && x + 16 < frame->width; i++, x += 8)
			put_glyph(frame, x, y, glyphs[words[word][i]], colour);
		x += 8;
	}
}

static struct frame draw_terminal(uint32_t width, uint32_t height)
{
	struct frame frame = frame_of(width, height);
	uint8_t glyphs[GLYPHS][16], words[WORDS][8];
	uint32_t i, y;

	for (i = 0; i < GLYPHS; i++)
		make_glyph(glyphs[i]);
	for (i = 0; i < WORDS * 8; i++)
		words[i / 8][i % 8] = (uint8_t)below(GLYPHS);
	for (y = 0; y < height; y += 16)
		draw_line(&frame, y, glyphs, words);
	return frame;
}

static struct frame draw_photo(uint32_t width, uint32_t height)
{
	struct frame frame = frame_of(width, height);
	uint32_t x, y;

	for (y = 0; y < height; y++)
		for (x = 0; x < width; x++)
			frame.pixels[(size_t)y * width + x] = (x * 255 / width + below(8)) % 256 << 16 |
							      (y * 255 / height + below(8)) % 256 << 8 |
							      (x + y) / 16 % 256;
	return frame;
}

/* ---- deflate ---- */

static uint64_t deflate_ours(struct qrt_vnc_p_deflater *deflater, const struct frame *frame, uint8_t *out,
			     size_t room, uint64_t *ret_ns)
{
	size_t at, size = (size_t)frame->width * frame->height * 4, sum = 0, length, made;
	uint64_t start = now(CLOCK_THREAD_CPUTIME_ID);

	for (at = 0; at < size; at += length) {
		length = size - at < CHUNK ? size - at : CHUNK;
		made = qrt_vnc_p_deflate(deflater, (const uint8_t *)frame->pixels + at, length, out + sum,
					 room - sum);
		if (!made)
			give_up("deflate failed");
		sum += made;
	}
	*ret_ns = now(CLOCK_THREAD_CPUTIME_ID) - start;
	return sum;
}

static uint64_t deflate_zlib(const struct frame *frame, uint8_t *out, size_t room, uint64_t *ret_ns)
{
	z_stream stream = {.next_in = (Bytef *)frame->pixels,
			   .avail_in = frame->width * frame->height * 4,
			   .next_out = out,
			   .avail_out = (uInt)room};
	uint64_t start;

	if (deflateInit2(&stream, 1, Z_DEFLATED, RAW, MEMORY, Z_DEFAULT_STRATEGY) != Z_OK)
		give_up("zlib does not begin");
	start = now(CLOCK_THREAD_CPUTIME_ID);
	if (deflate(&stream, Z_SYNC_FLUSH) != Z_OK || stream.avail_in)
		give_up("zlib failed");
	*ret_ns = now(CLOCK_THREAD_CPUTIME_ID) - start;
	deflateEnd(&stream);
	return stream.total_out;
}

/* In turns; the first one of each is for memory to be there. */
static void measure_deflate(const struct frame *frame)
{
	struct qrt_vnc_p_deflater *deflater = qrt_vnc_p_deflater_open();
	size_t room = (size_t)frame->width * frame->height * 5;
	uint64_t ours = 0, zlib = 0, ns, ours_bytes = 0, zlib_bytes = 0;
	uint8_t *out = malloc(room);
	int i;

	if (!out || !deflater)
		give_up("no memory");
	memset(out, 0, room);
	for (i = 0; i <= REPEATS; i++) {
		ours_bytes = deflate_ours(deflater, frame, out, room, &ns);
		ours += i ? ns : 0;
		zlib_bytes = deflate_zlib(frame, out, room, &ns);
		zlib += i ? ns : 0;
	}
	free(out);
	qrt_vnc_p_deflater_close(deflater);
	printf("deflate %llu %llu %llu %llu\n", (unsigned long long)ours, (unsigned long long)ours_bytes,
	       (unsigned long long)zlib, (unsigned long long)zlib_bytes);
}

/* ---- updates ---- */

static struct qrt_vnc_update update_of(const struct frame *frame, const struct qrt_vnc_order *orders,
				       uint32_t count)
{
	return (struct qrt_vnc_update){
		.size = sizeof(struct qrt_vnc_update),
		.order_count = count,
		.orders = orders,
		.surface = {frame->pixels, frame->width * 4, frame->width, frame->height, 32, 0},
		.format = {32, 24, __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__, 1, 255, 255, 255, 16, 8, 0, {0}}};
}

static struct qrt_vnc_encoder *open_encoder(void)
{
	const struct qrt_vnc_encoder_config config = {.size = sizeof(config), .threads = THREADS};
	struct qrt_vnc_encoder *encoder;

	if (qrt_vnc_encoder_open(&config, &encoder, NULL) < 0)
		give_up("no encoder");
	return encoder;
}

static struct qrt_vnc_client *open_client(struct qrt_vnc_encoder *encoder, uint32_t encoding)
{
	const struct qrt_vnc_client_config config = {.size = sizeof(config),
						     .encoding = encoding,
						     .format = {32, 24, 0, 1, 255, 255, 255, 16, 8, 0, {0}}};
	struct qrt_vnc_client *client;

	if (qrt_vnc_client_open(encoder, &config, &client, NULL) < 0)
		give_up("no client");
	return client;
}

static void write_out(struct qrt_vnc_client *client, int fd)
{
	const struct iovec *segments;
	size_t count;
	ssize_t written;

	while ((count = qrt_vnc_client_get_segments(client, &segments))) {
		written = writev(fd, segments, (int)(count < IOV_MOST ? count : IOV_MOST));
		if (written < 0 || qrt_vnc_client_consume(client, (uint64_t)written) < 0)
			give_up("writing failed");
	}
}

static void wait_for(struct qrt_vnc_encoder *encoder)
{
	struct pollfd fd = {.fd = qrt_vnc_encoder_get_fd(encoder), .events = POLLIN};
	int rc;

	while ((rc = qrt_vnc_encoder_collect(encoder)) == -EAGAIN)
		if (poll(&fd, 1, PATIENCE) != 1)
			give_up("an update does not end");
	if (rc < 0)
		give_up("an update failed");
}

/* CPU time of all threads, with all that is written. */
static uint64_t cost_of(const struct frame *frame, uint32_t encoding, uint32_t count, int fd)
{
	const struct qrt_vnc_rectangle all = {0, 0, (uint16_t)frame->width, (uint16_t)frame->height};
	struct qrt_vnc_encoder *encoder = open_encoder();
	struct qrt_vnc_order orders[4] = {{0}};
	const struct qrt_vnc_update update = update_of(frame, orders, count);
	uint64_t start;
	uint32_t i, round;

	for (i = 0; i < count; i++)
		orders[i] = (struct qrt_vnc_order){
			.client = open_client(encoder, encoding), .rectangles = &all, .rectangle_count = 1};
	start = now(CLOCK_PROCESS_CPUTIME_ID);
	for (round = 0; round < UPDATES; round++) {
		if (qrt_vnc_encoder_post(encoder, &update) < 0)
			give_up("post failed");
		wait_for(encoder);
		for (i = 0; i < count; i++)
			write_out(orders[i].client, fd);
	}
	start = now(CLOCK_PROCESS_CPUTIME_ID) - start;
	for (i = 0; i < count; i++)
		qrt_vnc_client_close(orders[i].client);
	qrt_vnc_encoder_close(encoder);
	return start;
}

static void measure_clients(const struct frame *frame)
{
	static const struct {
		const char *name;
		uint32_t encoding;
	} rows[] = {{"zrle", QRT_VNC_ENCODING_ZRLE},
		    {"tight", QRT_VNC_ENCODING_TIGHT},
		    {"zlib", QRT_VNC_ENCODING_ZLIB}};
	int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	size_t i;

	if (fd < 0)
		give_up("no /dev/null");
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t one = cost_of(frame, rows[i].encoding, 1, fd);
		uint64_t four = cost_of(frame, rows[i].encoding, 4, fd);

		printf("clients %s %llu %llu\n", rows[i].name, (unsigned long long)one,
		       (unsigned long long)four);
	}
	close(fd);
}

/* At any time within the first 20 ms of an update. */
static void measure_cancel(const struct frame *frame)
{
	const struct qrt_vnc_rectangle all = {0, 0, (uint16_t)frame->width, (uint16_t)frame->height};
	struct qrt_vnc_encoder *encoder = open_encoder();
	const struct qrt_vnc_order order = {.client = open_client(encoder, QRT_VNC_ENCODING_TIGHT),
					    .rectangles = &all,
					    .rectangle_count = 1};
	const struct qrt_vnc_update update = update_of(frame, &order, 1);
	uint64_t start;
	int i;

	printf("cancel");
	for (i = 0; i < CANCELS; i++) {
		const struct timespec wait = {0, (long)below(20000000)};

		if (qrt_vnc_encoder_post(encoder, &update) < 0)
			give_up("post failed");
		nanosleep(&wait, NULL);
		start = now(CLOCK_MONOTONIC);
		qrt_vnc_encoder_cancel(encoder);
		printf(" %.1f", (double)(now(CLOCK_MONOTONIC) - start) / 1000);
	}
	printf("\n");
	qrt_vnc_client_close(order.client);
	qrt_vnc_encoder_close(encoder);
}

int main(void)
{
	struct frame terminal = draw_terminal(WIDTH, HEIGHT), photo = draw_photo(LARGE, LARGE * 9 / 16);

	measure_deflate(&terminal);
	measure_clients(&terminal);
	measure_cancel(&photo);
	free(terminal.pixels);
	free(photo.pixels);
	return 0;
}
