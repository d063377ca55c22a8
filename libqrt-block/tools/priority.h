/* SPDX-License-Identifier: MIT */
/* Priorities by name: "normal", "urgent", "low". */
#ifndef QRT_IO_PRIORITY_H
#define QRT_IO_PRIORITY_H

#include <glib.h>

const char *priority_name(guint32 priority);
/* FALSE: there is none of that name. */
gboolean priority_find(const char *name, guint32 *ret_priority);

#endif
