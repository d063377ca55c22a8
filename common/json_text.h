/* SPDX-License-Identifier: MIT */
/* JSON objects as text and back. What is read may be anybody's: members of another type are as if missing. */
#ifndef QRT_JSON_TEXT_H
#define QRT_JSON_TEXT_H

#include "json_limit.h"

/* One line without its newline; control characters are escaped. Takes the object. */
char *json_text_take(JsonObject *object);
/* Prints that, and a newline, at once. Takes the object. */
void json_text_print(JsonObject *object);

/* A string of unknown origin: what is no UTF-8 in it is replaced. */
void json_text_set_string(JsonObject *object, const char *name, const char *text);

/* JSON has signed numbers for sure: what is above 2^63 - 1 is a string. */
void json_text_set_u64(JsonObject *object, const char *name, guint64 value);

guint64 json_text_get_u64(JsonObject *object, const char *name);

#endif
