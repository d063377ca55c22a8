/* SPDX-License-Identifier: MIT */
#include "priority.h"

#include <qrt/block.h>
#include <string.h>

static const char *const names[QRT_BLOCK_PRIORITIES] = {
	[QRT_BLOCK_NORMAL] = "normal",
	[QRT_BLOCK_URGENT] = "urgent",
	[QRT_BLOCK_LOW] = "low",
};

const char *priority_name(guint32 priority)
{
	return priority < QRT_BLOCK_PRIORITIES ? names[priority] : "?";
}

gboolean priority_find(const char *name, guint32 *ret_priority)
{
	guint32 i;

	for (i = 0; i < QRT_BLOCK_PRIORITIES; i++) {
		if (strcmp(name, names[i]) == 0) {
			*ret_priority = i;
			return TRUE;
		}
	}
	return FALSE;
}
