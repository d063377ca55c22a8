/* SPDX-License-Identifier: MIT */
#include "library.h"

#include <string.h>

const char *library_get_name(enum library library)
{
	static const char *const names[] = {
		[LIBRARY_NONE] = "none", [LIBRARY_PRELOADED] = "preloaded", [LIBRARY_BUILT_IN] = "built-in"};

	return names[library];
}

const char *library_describe(const char *name)
{
	if (strcmp(name, library_get_name(LIBRARY_NONE)) == 0)
		return ", without preload";
	return strcmp(name, library_get_name(LIBRARY_BUILT_IN)) == 0 ? ", by QEMU's own -rt" : "";
}
