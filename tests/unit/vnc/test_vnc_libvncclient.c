/* SPDX-License-Identifier: MIT */
/* libvncclient, which others wrote, shows what a frame has: fed by a socket, in all encodings that it knows.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <rfb/rfbclient.h>

#include "vnc_help.h"

#define WIDTH  1100u
#define HEIGHT 90u

static const struct qrt_vnc_rectangle all = {0, 0, WIDTH, HEIGHT};
static struct qrt_vnc_encoder *encoder;
static struct qrt_vnc_client *client;
static struct frame frame;
static struct random chance;
static rfbClient *theirs;
static int wire; /* our end */

/* ---- what they are fed with ---- */

struct bytes {
	uint8_t *at;
	size_t length;
};

/* Who writes them all, while they are read. */
static void *write_all(void *argument)
{
	const struct bytes *bytes = argument;
	size_t done = 0;
	ssize_t count = 0;

	while (done < bytes->length && count >= 0) {
		count = send(wire, bytes->at + done, bytes->length - done, MSG_NOSIGNAL);
		done += count > 0 ? (size_t)count : 0;
	}
	return NULL;
}

static struct bytes gather(void)
{
	struct bytes bytes = {malloc(qrt_vnc_client_get_backlog(client)), 0};
	const struct iovec *segments;

	while (qrt_vnc_client_get_segments(client, &segments)) {
		size_t length = segments[0].iov_len;

		memcpy(bytes.at + bytes.length, segments[0].iov_base, length);
		bytes.length += length;
		CU_ASSERT_EQUAL_FATAL(qrt_vnc_client_consume(client, length), 0);
	}
	return bytes;
}

static int feed(void)
{
	struct bytes bytes = gather();
	pthread_t writer;
	int is_good;

	CU_ASSERT_EQUAL_FATAL(pthread_create(&writer, NULL, write_all, &bytes), 0);
	is_good = HandleRFBServerMessage(theirs) != 0;
	pthread_join(writer, NULL);
	free(bytes.at);
	return is_good;
}

/* RFC 6143, 7.1 to 7.3: version, no security, and a screen of that size and format. */
static void greet(const struct qrt_vnc_pixel_format *format)
{
	uint8_t hello[] = "RFB 003.008\n\1\1\0\0\0\0",
		start[24 + 3] = {WIDTH >> 8, WIDTH & 255, HEIGHT >> 8, HEIGHT & 255};
	const struct bytes bytes = {hello, sizeof(hello) - 1};

	write_all((void *)(uintptr_t)&bytes);
	qrt_vnc_pixel_format_write(format, start + 4);
	start[23] = 3;
	memcpy(start + 24, "qrt", 3);
	write_all(&(struct bytes){start, sizeof(start)});
}

static void set_format(const struct qrt_vnc_pixel_format *format)
{
	theirs->format.bitsPerPixel = format->bits;
	theirs->format.depth = format->depth;
	theirs->format.bigEndian = format->big_endian;
	theirs->format.trueColour = 1;
	theirs->format.redMax = format->red_max;
	theirs->format.greenMax = format->green_max;
	theirs->format.blueMax = format->blue_max;
	theirs->format.redShift = format->red_shift;
	theirs->format.greenShift = format->green_shift;
	theirs->format.blueShift = format->blue_shift;
}

/* What libvncclient has JPEG decoded with is never freed by it. */
__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:tjInitDecompress";
}

static void say_nothing(const char *format, ...)
{
	(void)format;
}

static void begin(struct qrt_vnc_client_config *config)
{
	int ends[2];

	config->size = sizeof(*config);
	chance.state = 3;
	encoder = open_encoder(2, 0);
	frame_init(&frame, WIDTH, HEIGHT, FORMAT_32, &chance);
	CU_ASSERT_EQUAL_FATAL(qrt_vnc_client_open(encoder, config, &client, NULL), 0);
	CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	wire = ends[0];
	rfbClientLog = rfbClientErr = say_nothing;
	theirs = rfbGetClient(config->format.bits == 32 ? 8 : 5, 3, config->format.bits / 8);
	theirs->sock = ends[1];
	greet(&config->format);
	CU_ASSERT_FATAL(InitialiseRFBConnection(theirs));
	set_format(&config->format);
	theirs->width = WIDTH;
	theirs->height = HEIGHT;
	CU_ASSERT_FATAL(theirs->MallocFrameBuffer(theirs));
}

static void end(void)
{
	free(theirs->frameBuffer);
	theirs->frameBuffer = NULL;
	rfbClientCleanup(theirs);
	close(wire);
	client = qrt_vnc_client_close(client);
	encoder = qrt_vnc_encoder_close(encoder);
	frame_finish(&frame);
}

/* ---- what they show ---- */

static uint32_t shown(uint32_t x, uint32_t y, const struct qrt_vnc_pixel_format *format)
{
	const uint8_t *at = theirs->frameBuffer + ((size_t)y * WIDTH + x) * (format->bits / 8u);
	uint32_t pixel = at[0], used = (uint32_t)format->red_max << format->red_shift |
				       (uint32_t)format->green_max << format->green_shift |
				       (uint32_t)format->blue_max << format->blue_shift;
	uint16_t half;

	if (format->bits == 16) {
		memcpy(&half, at, 2);
		pixel = half;
	} else if (format->bits == 32) {
		memcpy(&pixel, at, 4);
	}
	return pixel & used; /* what means nothing is anything there, by some of its ways */
}

static size_t count_wrong(const struct qrt_vnc_pixel_format *format, const struct qrt_vnc_rectangle *area)
{
	size_t wrong = 0;
	uint32_t x, y;

	for (y = area->y; y < (uint32_t)area->y + area->height; y++)
		for (x = area->x; x < (uint32_t)area->x + area->width; x++)
			wrong += shown(x, y, format) != frame_expected(&frame, x, y, format);
	return wrong;
}

static int show(const struct qrt_vnc_rectangle *area, const struct qrt_vnc_copy *copies, uint32_t copy_count)
{
	const struct qrt_vnc_order order = {.client = client,
					    .rectangles = area,
					    .rectangle_count = 1,
					    .copies = copies,
					    .copy_count = copy_count};

	CU_ASSERT_EQUAL_FATAL(update(encoder, &frame, &order, 1), 0);
	return feed();
}

static void draw_some(void)
{
	int i;

	for (i = 0; i < 5; i++) {
		const struct qrt_vnc_rectangle part = {(uint16_t)(i * (WIDTH / 5)), 0, WIDTH / 5, HEIGHT};

		frame_draw(&frame, &part, (enum frame_kind)i, &chance);
	}
}

static void play(uint32_t encoding, const struct qrt_vnc_pixel_format *format)
{
	static const struct qrt_vnc_rectangle odd = {13, 7, 333, 71};
	const struct qrt_vnc_copy copy = {odd, 500, 19};
	struct qrt_vnc_client_config config = {.encoding = encoding, .flags = 3, .format = *format};
	int i;

	begin(&config);
	draw_some();
	CU_ASSERT(show(&all, NULL, 0));
	CU_ASSERT_EQUAL(count_wrong(format, &all), 0);
	for (i = 0; i < FRAME_KINDS; i++) {
		frame_draw(&frame, &odd, (enum frame_kind)i, &chance);
		CU_ASSERT(show(&odd, &copy, 1)); /* is overwritten: copies come before */
		CU_ASSERT_EQUAL(count_wrong(format, &odd), 0);
	}
	CU_ASSERT_EQUAL(count_wrong(format, &all), 0);
	end();
}

static void raw_is_exact(void)
{
	play(QRT_VNC_ENCODING_RAW, &formats[FORMAT_32]);
	play(QRT_VNC_ENCODING_RAW, &formats[FORMAT_16]);
}

static void hextile_is_exact(void)
{
	play(QRT_VNC_ENCODING_HEXTILE, &formats[FORMAT_32]);
	play(QRT_VNC_ENCODING_HEXTILE, &formats[FORMAT_16]);
	play(QRT_VNC_ENCODING_HEXTILE, &formats[FORMAT_8]);
}

static void zlib_is_exact(void)
{
	play(QRT_VNC_ENCODING_ZLIB, &formats[FORMAT_32]);
	play(QRT_VNC_ENCODING_ZLIB, &formats[FORMAT_8]);
}

static void tight_is_exact(void)
{
	play(QRT_VNC_ENCODING_TIGHT, &formats[FORMAT_32]);
	play(QRT_VNC_ENCODING_TIGHT, &formats[FORMAT_16]);
	play(QRT_VNC_ENCODING_TIGHT, &formats[FORMAT_8]);
}

static void zrle_is_exact(void)
{
	play(QRT_VNC_ENCODING_ZRLE, &formats[FORMAT_32]);
	play(QRT_VNC_ENCODING_ZRLE, &formats[FORMAT_16]);
	play(QRT_VNC_ENCODING_ZRLE, &formats[FORMAT_8]);
}

/* ---- lossy ---- */

static int distance(uint32_t a, uint32_t b)
{
	int sum = 0, shift;

	for (shift = 0; shift < 24; shift += 8)
		sum += abs((int)(a >> shift & 255) - (int)(b >> shift & 255));
	return sum;
}

/* Sum of the three colours, on average. */
static double mean_distance(void)
{
	double sum = 0;
	uint32_t x, y;

	for (y = 0; y < HEIGHT; y++)
		for (x = 0; x < WIDTH; x++)
			sum += distance(shown(x, y, &formats[FORMAT_32]), frame_get(&frame, x, y));
	return sum / (WIDTH * HEIGHT);
}

static void jpeg_is_near_where_it_is_allowed(void)
{
	struct qrt_vnc_client_config config = {
		.encoding = QRT_VNC_ENCODING_TIGHT, .quality = 90, .format = formats[FORMAT_32]};
	struct qrt_vnc_encoder_info info = {.size = sizeof(info)};
	double mean;

	begin(&config);
	CU_ASSERT_EQUAL(qrt_vnc_encoder_get_info(encoder, &info), 0);
	frame_draw(&frame, &all, FRAME_PHOTO, &chance);
	CU_ASSERT(show(&all, NULL, 0));
	mean = mean_distance();
	tap_note("mean distance %.2f", mean);
	CU_ASSERT(info.has_jpeg ? mean > 0 && mean < 16 : mean == 0);
	frame_draw(&frame, &all, FRAME_WINDOWS, &chance);
	CU_ASSERT(show(&all, NULL, 0));
	CU_ASSERT_EQUAL(count_wrong(&formats[FORMAT_32], &all), 0);
	end();
}

static const struct tap_test tests[] = {
	{"raw is exact", raw_is_exact},
	{"hextile is exact", hextile_is_exact},
	{"zlib is exact", zlib_is_exact},
	{"Tight is exact", tight_is_exact},
	{"ZRLE is exact", zrle_is_exact},
	{"JPEG is near where it is allowed", jpeg_is_near_where_it_is_allowed},
};

TAP_MAIN("vnc libvncclient", tests)
