/* SPDX-License-Identifier: MIT */
/* Values to bytes; each call returns where the next one goes. */
#ifndef QRT_VNC_PUT_P_H
#define QRT_VNC_PUT_P_H

#include <stdint.h>
#include <string.h>

static inline uint8_t *qrt_vnc_p_put_u8(uint8_t *at, uint32_t value)
{
	*at = (uint8_t)value;
	return at + 1;
}

static inline uint8_t *qrt_vnc_p_put_u16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
	return at + 2;
}

static inline uint8_t *qrt_vnc_p_put_u32(uint8_t *at, uint32_t value)
{
	return qrt_vnc_p_put_u16(qrt_vnc_p_put_u16(at, value >> 16), value);
}

/* A pixel in the client's form. */
static inline uint8_t *qrt_vnc_p_put_pixel(uint8_t *at, uint32_t pixel, uint32_t bytes)
{
	uint16_t half = (uint16_t)pixel;

	if (bytes == 4)
		memcpy(at, &pixel, 4);
	else if (bytes == 2)
		memcpy(at, &half, 2);
	else
		*at = (uint8_t)pixel;
	return at + bytes;
}

/* Tight's form of a length: at most 22 bits, in 1 to 3 bytes. */
static inline uint8_t *qrt_vnc_p_put_compact(uint8_t *at, uint32_t value)
{
	if (value > 127) {
		at = qrt_vnc_p_put_u8(at, value | 128);
		value >>= 7;
		if (value > 127) {
			at = qrt_vnc_p_put_u8(at, value | 128);
			value >>= 7;
		}
	}
	return qrt_vnc_p_put_u8(at, value);
}

/* Many pixels in the client's form. */
uint8_t *qrt_vnc_p_put_pixels(uint8_t *at, const uint32_t *pixels, size_t count, uint32_t bytes);

#endif
