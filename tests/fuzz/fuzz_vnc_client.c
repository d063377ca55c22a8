/* SPDX-License-Identifier: MIT */
/*
 * What a client says of itself, SetPixelFormat and SetEncodings: it is refused with a reason, or a frame is
 * encoded for it.
 */
#include "fuzz.h"

#include <errno.h>
#include <string.h>

#include <qrt/vnc_encoder.h>

#define SIDE 21u

static void draw(uint32_t pixels[SIDE * SIDE], const uint8_t *data, size_t size)
{
	uint32_t i;

	for (i = 0; i < SIDE * SIDE; i++)
		pixels[i] = i < 2 * SIDE ? i * 2654435761u : data[i / 7 % size] * 0x010203u;
}

static void encode(struct qrt_vnc_encoder *encoder, struct qrt_vnc_client *client, const uint32_t *pixels)
{
	static const struct qrt_vnc_rectangle areas[] = {{0, 0, SIDE, SIDE}, {1, 2, 20, 17}};
	const struct qrt_vnc_order order = {.client = client, .rectangles = areas, .rectangle_count = 2};
	const struct qrt_vnc_update update = {
		.size = sizeof(update),
		.order_count = 1,
		.orders = &order,
		.surface = {(void *)(uintptr_t)pixels, SIDE * 4, SIDE, SIDE, 32, 0},
		.format = {32, 24, __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__, 1, 255, 255, 255, 16, 8, 0, {0}}};

	PROMISE(qrt_vnc_encoder_post(encoder, &update) == 0);
	PROMISE(qrt_vnc_encoder_collect(encoder) == 0);
	PROMISE(qrt_vnc_client_get_backlog(client) > 4 + 2 * 12);
	PROMISE(qrt_vnc_client_get_backlog(client) < 4 * (SIDE * SIDE + 20 * 17) + 4096);
	PROMISE(qrt_vnc_client_consume(client, qrt_vnc_client_get_backlog(client)) == 0);
}

static struct qrt_vnc_encoder *encoder_of_all(void)
{
	static const struct qrt_vnc_encoder_config config = {.size = sizeof(config), .chunks = 8};
	static struct qrt_vnc_encoder *encoder;

	if (!encoder)
		PROMISE(qrt_vnc_encoder_open(&config, &encoder, NULL) == 0);
	return encoder;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct qrt_vnc_client_config config = {.size = sizeof(config)};
	struct qrt_vnc_error error = {0};
	struct qrt_vnc_client *client;
	uint32_t pixels[SIDE * SIDE];
	uint8_t written[QRT_VNC_PIXEL_FORMAT_BYTES];
	int rc;

	if (size < QRT_VNC_PIXEL_FORMAT_BYTES)
		return 0;
	rc = qrt_vnc_client_read_encodings(data + QRT_VNC_PIXEL_FORMAT_BYTES,
					   size - QRT_VNC_PIXEL_FORMAT_BYTES, &config);
	PROMISE(rc == (size % 4 ? -EINVAL : 0));
	rc = qrt_vnc_pixel_format_read(data, &config.format, &error);
	PROMISE(rc == 0 || (rc == -EINVAL && error.code == rc && error.message[0]));
	if (rc < 0)
		return 0;
	qrt_vnc_pixel_format_write(&config.format, written);
	PROMISE(!memcmp(written, data, 2) && !memcmp(written + 4, data + 4, 9));
	PROMISE(qrt_vnc_client_open(encoder_of_all(), &config, &client, &error) == 0);
	draw(pixels, data, size);
	encode(encoder_of_all(), client, pixels);
	qrt_vnc_client_close(client);
	return 0;
}
