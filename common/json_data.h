/* SPDX-License-Identifier: MIT */
/* Bytes and numbers of unknown origin, as JSON. */
#ifndef QRT_JSON_DATA_H
#define QRT_JSON_DATA_H

#include <json-glib/json-glib.h>

/* As "text" where they are UTF-8 without control characters but tabs and ends of lines, else as "base64". */
void json_data_set_bytes(JsonObject *object, const void *data, gsize length);

enum json_data_kind { JSON_DATA_U64, JSON_DATA_I64, JSON_DATA_DOUBLE };

/* As "numbers", of 8 bytes each. JSON has neither infinities nor what is no number: such a one is null. Of
 * unsigned ones those above 2^63 are strings. */
void json_data_set_numbers(JsonObject *object, enum json_data_kind kind, const void *data, gsize count);

#endif
