/* SPDX-License-Identifier: MIT */
#include "vm_args_pair.h"

#include "vm_args.h"

#include <stdio.h>
#include <string.h>

static void append(char *buf, size_t size, char c)
{
	size_t len = strlen(buf);

	if (len + 1 < size) {
		buf[len] = c;
		buf[len + 1] = '\0';
	}
}

const char *vm_args_take_pair(const char *text, const char *implied, struct vm_args_pair *ret_pair)
{
	const char *end = text + strcspn(text, "=,");
	bool has_key = *end == '=';

	memset(ret_pair, 0, sizeof(*ret_pair));
	snprintf(ret_pair->key, sizeof(ret_pair->key), "%.*s", has_key ? (int)(end - text) : 63,
		 has_key ? text : implied);
	if (has_key)
		text = end + 1;
	for (; *text; text++) {
		if (*text == ',' && *++text != ',')
			break;
		append(ret_pair->value, sizeof(ret_pair->value), *text);
	}
	return text;
}

const char *vm_args_skip_pair(const char *text)
{
	for (; *text; text++) {
		if (*text == ',' && *++text != ',')
			break;
	}
	return text;
}
