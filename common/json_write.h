/* SPDX-License-Identifier: MIT */
#ifndef QRT_JSON_WRITE_H
#define QRT_JSON_WRITE_H

#include <json-glib/json-glib.h>

/* One line without its newline. json-glib alone writes 1e300 as "1e+300.0", which is no JSON. */
char *json_write(JsonNode *node);

#endif
