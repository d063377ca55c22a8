/* SPDX-License-Identifier: MIT */
/* What lies in a layout, as JSON: for `ls`, `dump` and the server's own report. */
#ifndef QRT_SHMEM_LAYOUT_JSON_H
#define QRT_SHMEM_LAYOUT_JSON_H

#include <json-glib/json-glib.h>
#include <qrt/shmem_layout.h>

/* Sizes; without slots. */
JsonObject *layout_json_describe(const struct qrt_shmem_view *view);
/* Adds "life", "state" and "ring" of a slot: what its peer says of itself, and how far its ring is. */
void layout_json_add_slot(JsonObject *object, const struct qrt_shmem_view *view, guint32 slot);
/* Adds "values", how many there are. */
void layout_json_add_count(JsonObject *object, const struct qrt_shmem_view *view, guint32 slot);
/* The slot's values: name, type, turn and what they are. */
JsonArray *layout_json_list_values(const struct qrt_shmem_view *view, guint32 slot);
/* The messages that are still in the slot's ring. `own`: the reader's slot, any. */
JsonArray *layout_json_list_messages(const struct qrt_shmem_view *view, guint32 slot, guint32 own);

/* A name of enum qrt_shmem_state_number, or a number. The caller's. */
char *layout_json_name_state(guint32 state);

#endif
