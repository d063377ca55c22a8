/* SPDX-License-Identifier: MIT */
/* Members of the object that a builder is at, each by one call. */
#ifndef QRT_JSON_PUT_H
#define QRT_JSON_PUT_H

#include <json-glib/json-glib.h>

void json_put_string(JsonBuilder *builder, const char *name, const char *value); /* NULL: null */
void json_put_int(JsonBuilder *builder, const char *name, gint64 value);
void json_put_known(JsonBuilder *builder, const char *name, gboolean is_known, gint64 value); /* else null */
void json_put_real(JsonBuilder *builder, const char *name, double value); /* not a finite number: null */
void json_put_bool(JsonBuilder *builder, const char *name, gboolean value);
void json_put_null(JsonBuilder *builder, const char *name);

/* Ends the object that is the whole of it: its text on one line, with the newline. The builder goes. */
char *json_put_end(JsonBuilder *builder);

#endif
