/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <qrt/vnc_encoder.h>

#include "encodings_p.h"

/* Of RFC 6143, 7.7 and 7.8, and of the community's rfbproto. */
#define COPY_RECT   1
#define LAST_RECT   (-224)
#define LEVEL_LEAST (-32) /* of JPEG, 0 to 9 */
#define LEVEL_MOST  (-23)
#define FINE_LEAST  (-512) /* 0 to 100 */
#define FINE_MOST   (-412)

int qrt_vnc_p_encoding_is_known(uint32_t encoding)
{
	switch (encoding) {
	case QRT_VNC_ENCODING_RAW:
	case QRT_VNC_ENCODING_HEXTILE:
	case QRT_VNC_ENCODING_ZLIB:
	case QRT_VNC_ENCODING_TIGHT:
	case QRT_VNC_ENCODING_ZRLE:
		return 1;
	default:
		return 0;
	}
}

static int32_t read_s32(const uint8_t *bytes)
{
	return (int32_t)((uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
			 bytes[3]);
}

/* 0: it says nothing of that. */
static uint32_t quality_of(int32_t number)
{
	if (number >= LEVEL_LEAST && number <= LEVEL_MOST)
		return 15 + 9 * (uint32_t)(number - LEVEL_LEAST);
	if (number >= FINE_LEAST && number <= FINE_MOST)
		return number == FINE_LEAST ? 1 : (uint32_t)(number - FINE_LEAST);
	return 0;
}

static uint32_t flag_of(int32_t number)
{
	switch (number) {
	case COPY_RECT:
		return QRT_VNC_CLIENT_COPY_RECT;
	case LAST_RECT:
		return QRT_VNC_CLIENT_LAST_RECT;
	default:
		return 0;
	}
}

/* Who names nothing that is known gets RAW, which every client has: RFC 6143, 7.7.1. */
int qrt_vnc_client_read_encodings(const uint8_t *bytes, size_t length, struct qrt_vnc_client_config *config)
{
	uint32_t encoding = QRT_VNC_ENCODING_RAW, flags = 0, quality = 0, is_found = 0;
	size_t i;

	if (length % 4)
		return -EINVAL;
	for (i = 0; i < length; i += 4) {
		int32_t number = read_s32(bytes + i);

		if (!is_found && qrt_vnc_p_encoding_is_known((uint32_t)number)) {
			encoding = (uint32_t)number;
			is_found = 1;
		}
		flags |= flag_of(number);
		if (quality_of(number))
			quality = quality_of(number);
	}
	config->encoding = encoding;
	config->flags = flags;
	config->quality = quality;
	return 0;
}
