/* SPDX-License-Identifier: MIT */
/* JSON of unknown origin. */
#ifndef QRT_JSON_LIMIT_H
#define QRT_JSON_LIMIT_H

#include <json-glib/json-glib.h>

/* The object that the text holds; NULL where it is not JSON, is no object or more than one, or is
 * nested so deep that a recursive parser would run out of stack. The caller unrefs it. */
JsonObject *json_limit_parse(const char *text, gssize len);

/* Members of the right type, else the default; never NULL for strings. */
gint64 json_limit_get_int(JsonObject *object, const char *name);
gboolean json_limit_get_bool(JsonObject *object, const char *name);
const char *json_limit_get_string(JsonObject *object, const char *name);
JsonObject *json_limit_get_object(JsonObject *object, const char *name);
JsonArray *json_limit_get_array(JsonObject *object, const char *name);
guint json_limit_get_length(JsonArray *array); /* 0 for NULL */
/* The object at a place of an array, NULL where it is something else. */
JsonObject *json_limit_get_element(JsonArray *array, guint index);

#endif
