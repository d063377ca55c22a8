/* SPDX-License-Identifier: MIT */
/* The status of a VM as a table for people. */
#ifndef QRT_LAUNCHER_STATUS_PRINT_H
#define QRT_LAUNCHER_STATUS_PRINT_H

#include <json-glib/json-glib.h>

/* vm is the supervisor's answer. Columns that do not fit into `width` are left out; 0: all fit. */
void status_print(JsonObject *vm, int width);

#endif
