/* SPDX-License-Identifier: MIT */
/* A layout as JSON; the text is made of that. */
#include <stdio.h>

#include "dump.h"
#include "json_text.h"
#include "json_write.h"
#include "layout_json.h"

/* ---- what there is ---- */

/* Without a life: where the server begins none, or the peer left. */
static gboolean has_anything(JsonObject *slot)
{
	return json_limit_get_int(slot, "life") || json_limit_get_object(slot, "state") ||
	       json_limit_get_int(json_limit_get_object(slot, "ring"), "epoch") ||
	       json_limit_get_length(json_limit_get_array(slot, "values"));
}

static JsonObject *describe_slot(const struct member *member, guint32 number)
{
	const struct qrt_shmem_view *view = &member->view;
	JsonObject *slot = json_object_new();

	json_object_set_int_member(slot, "slot", number);
	layout_json_add_slot(slot, view, number);
	json_object_set_array_member(slot, "values", layout_json_list_values(view, number));
	json_object_set_array_member(
		slot, "messages", layout_json_list_messages(view, number, MIN(member->id, view->peers - 1)));
	return slot;
}

static JsonObject *describe(const struct member *member)
{
	JsonObject *dump = json_object_new(), *slot;
	JsonArray *slots = json_array_new();
	guint32 number;

	json_object_set_int_member(dump, "bytes", (gint64)member->length);
	json_object_set_int_member(dump, "own", member->id);
	json_object_set_object_member(dump, "layout", layout_json_describe(&member->view));
	for (number = 0; number < member->view.peers; number++) {
		slot = describe_slot(member, number);
		if (has_anything(slot))
			json_array_add_object_element(slots, slot);
		else
			json_object_unref(slot);
	}
	json_object_set_array_member(dump, "slots", slots);
	return dump;
}

/* ---- as text ---- */

static void print_clean(const char *format, const char *text)
{
	g_autofree char *own = clean_text(g_strdup(text));

	printf("%s%s", format, own);
}

static void print_bytes(JsonObject *object)
{
	if (json_object_has_member(object, "text"))
		print_clean(" ", json_limit_get_string(object, "text"));
	else
		print_clean(" base64 ", json_limit_get_string(object, "base64"));
}

static void print_numbers(JsonObject *value)
{
	g_autofree char *text = NULL;
	JsonArray *numbers = json_object_get_array_member(value, "numbers");
	guint i;

	for (i = 0; i < json_array_get_length(numbers); i++) {
		text = json_write(json_array_get_element(numbers, i));
		print_clean(" ", text);
		g_clear_pointer(&text, g_free);
	}
}

static void print_value(JsonObject *value)
{
	printf("  value %" G_GINT64_FORMAT, json_limit_get_int(value, "index"));
	if (json_limit_get_bool(value, "is_damaged")) {
		puts(": damaged");
		return;
	}
	print_clean(" ", json_limit_get_string(value, "name"));
	printf(": %s", json_limit_get_string(value, "type"));
	if (json_object_has_member(value, "numbers"))
		print_numbers(value);
	else
		print_bytes(value);
	printf(" (change %" G_GINT64_FORMAT ")\n", json_limit_get_int(value, "turn"));
}

static void print_message(JsonObject *message)
{
	printf("  message %" G_GUINT64_FORMAT " to ", json_text_get_u64(message, "number"));
	if (json_object_get_null_member(message, "to"))
		fputs("all", stdout);
	else
		printf("%" G_GINT64_FORMAT, json_limit_get_int(message, "to"));
	printf(", type %" G_GINT64_FORMAT ", %" G_GINT64_FORMAT " bytes:",
	       json_limit_get_int(message, "type"), json_limit_get_int(message, "length"));
	print_bytes(message);
	putchar('\n');
}

static void print_state(JsonObject *state)
{
	if (!state)
		fputs(", no state", stdout);
	else if (json_limit_get_bool(state, "is_damaged"))
		fputs(", state damaged", stdout);
	else
		printf(", state %s, beat %" G_GINT64_FORMAT "%s", json_limit_get_string(state, "name"),
		       json_limit_get_int(state, "beat"),
		       json_limit_get_bool(state, "polls") ? ", polls" : "");
}

static void print_slot(JsonObject *slot)
{
	JsonObject *ring = json_limit_get_object(slot, "ring");
	guint i;

	printf("slot %" G_GINT64_FORMAT ": life %06" G_GINT64_MODIFIER "x", json_limit_get_int(slot, "slot"),
	       json_limit_get_int(slot, "life"));
	print_state(json_limit_get_object(slot, "state"));
	printf("; ring: next message %" G_GUINT64_FORMAT ", head %" G_GINT64_FORMAT ", low %" G_GINT64_FORMAT
	       ", epoch %08" G_GINT64_MODIFIER "x\n",
	       json_text_get_u64(ring, "next"), json_limit_get_int(ring, "head"),
	       json_limit_get_int(ring, "low"), json_limit_get_int(ring, "epoch"));
	for (i = 0; i < json_limit_get_length(json_limit_get_array(slot, "values")); i++)
		print_value(json_limit_get_element(json_limit_get_array(slot, "values"), i));
	for (i = 0; i < json_limit_get_length(json_limit_get_array(slot, "messages")); i++)
		print_message(json_limit_get_element(json_limit_get_array(slot, "messages"), i));
}

static void print(JsonObject *dump)
{
	JsonObject *layout = json_limit_get_object(dump, "layout");
	guint i;

	printf("layout %" G_GINT64_FORMAT " in %" G_GINT64_FORMAT " bytes: %" G_GINT64_FORMAT
	       " slots of %" G_GINT64_FORMAT " bytes, each %" G_GINT64_FORMAT
	       " values and a ring of %" G_GINT64_FORMAT " bytes\n",
	       json_limit_get_int(layout, "version"), json_limit_get_int(dump, "bytes"),
	       json_limit_get_int(layout, "peers"), json_limit_get_int(layout, "section_bytes"),
	       json_limit_get_int(layout, "values"), json_limit_get_int(layout, "ring_bytes"));
	for (i = 0; i < json_limit_get_length(json_limit_get_array(dump, "slots")); i++)
		print_slot(json_limit_get_element(json_limit_get_array(dump, "slots"), i));
}

void dump_layout(const struct member *member, gboolean is_json)
{
	JsonObject *dump = describe(member);

	if (is_json) {
		json_text_print(dump);
		return;
	}
	print(dump);
	json_object_unref(dump);
}
