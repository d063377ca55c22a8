/* SPDX-License-Identifier: MIT */
#include "struct_p.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

static uint32_t read_size(const void *callers)
{
	uint32_t size;

	memcpy(&size, callers, sizeof(size));
	return size;
}

static int is_zero(const unsigned char *bytes, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (bytes[i])
			return 0;
	}
	return 1;
}

int qrt_p_struct_take(void *own, size_t own_size, const void *callers)
{
	uint32_t size = read_size(callers);

	if (size < sizeof(uint32_t))
		return -EINVAL;
	if (size > own_size && !is_zero((const unsigned char *)callers + own_size, size - own_size))
		return -E2BIG;
	memset(own, 0, own_size);
	memcpy(own, callers, size < own_size ? size : own_size);
	return 0;
}

int qrt_p_struct_give(void *callers, const void *own, size_t own_size)
{
	uint32_t size = read_size(callers);

	if (size < sizeof(uint32_t))
		return -EINVAL;
	memset(callers, 0, size);
	memcpy(callers, own, size < own_size ? size : own_size);
	memcpy(callers, &size, sizeof(size));
	return 0;
}
