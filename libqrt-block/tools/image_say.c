/* SPDX-License-Identifier: MIT */
#include "image_say.h"

#include <stdio.h>

#include "json_put.h"
#include "priority.h"
#include "size_text.h"
#include "tool_table.h"

static JsonBuilder *begin(const char *command)
{
	JsonBuilder *builder = json_builder_begin_object(json_builder_new());

	json_put_string(builder, "command", command);
	return builder;
}

static void end(JsonBuilder *builder)
{
	g_autofree char *text = json_put_end(builder);

	fputs(text, stdout);
}

void image_say_length(const struct session *session)
{
	guint64 bytes = image_capacity(session->image);
	char size[SIZE_TEXT_BYTES];
	JsonBuilder *builder;

	if (!session->is_json) {
		size_text_format((double)bytes, size);
		puts(size);
		return;
	}
	builder = begin("length");
	json_put_int(builder, "bytes", (gint64)bytes);
	end(builder);
}

/* ---- info ---- */

static const char *lock_name(guint32 lock)
{
	static const char *const names[] = {
		[QRT_BLOCK_LOCK_NONE] = "none",
		[QRT_BLOCK_LOCK_READ] = "read",
		[QRT_BLOCK_LOCK_WRITE] = "write",
		[QRT_BLOCK_LOCK_SHARE] = "share",
	};

	return lock < G_N_ELEMENTS(names) ? names[lock] : "?";
}

static void put_info(const struct qrt_block_device_info *info)
{
	JsonBuilder *builder = begin("info");
	g_autofree char *reason = g_utf8_make_valid(info->reason, -1);

	json_put_string(builder, "format", image_format_name(info->format));
	json_put_int(builder, "layers", info->layers);
	json_put_int(builder, "bytes", (gint64)info->capacity);
	json_put_string(builder, "engine", image_engine_name(info->engine));
	json_put_string(builder, "reason", reason);
	json_put_int(builder, "workers", info->workers);
	json_put_bool(builder, "direct", (info->flags & QRT_BLOCK_DEVICE_DIRECT) != 0);
	json_put_bool(builder, "read_only", (info->flags & QRT_BLOCK_DEVICE_READ_ONLY) != 0);
	json_put_string(builder, "lock", lock_name(info->lock));
	json_put_bool(builder, "block_device", info->is_block_device != 0);
	json_put_int(builder, "alignment", info->alignment);
	json_put_int(builder, "memory_alignment", info->memory_alignment);
	json_put_int(builder, "length_max", (gint64)info->length_max);
	end(builder);
}

static void print_info(const struct qrt_block_device_info *info)
{
	char size[SIZE_TEXT_BYTES], most[SIZE_TEXT_BYTES];

	size_text_format((double)info->capacity, size);
	size_text_format((double)info->length_max, most);
	printf("format name: %s\nlength: %s\n", image_format_name(info->format), size);
	if (info->layers > 1)
		printf("files: %u, backing files among them\n", info->layers);
	printf("engine: %s", image_engine_name(info->engine));
	if (info->workers > 0)
		printf(", %u worker%s (%s)", info->workers, info->workers == 1 ? "" : "s", info->reason);
	putchar('\n');
	printf("page cache: %s\n", info->flags & QRT_BLOCK_DEVICE_DIRECT ? "not used" : "used");
	printf("access: %s, lock: %s\n",
	       info->flags & QRT_BLOCK_DEVICE_READ_ONLY ? "read only" : "read and write",
	       lock_name(info->lock));
	printf("alignment: %u, of memory: %u\nlongest request: %s\n", info->alignment, info->memory_alignment,
	       most);
}

void image_say_info(const struct session *session)
{
	struct qrt_block_device_info info = {.size = sizeof(info)};

	qrt_block_device_get_info(session->image->device, &info);
	if (session->is_json)
		put_info(&info);
	else
		print_info(&info);
}

/* ---- extents ---- */

void image_say_extent(const struct qrt_block_extent *extent, void *data)
{
	const struct session *session = data;
	char length[SIZE_TEXT_BYTES], offset[SIZE_TEXT_BYTES];
	JsonBuilder *builder;

	if (!session->is_json) {
		size_text_format((double)extent->length, length);
		size_text_format((double)extent->offset, offset);
		printf("%s (0x%" G_GINT64_MODIFIER "x) bytes %s allocated at offset %s (0x%" G_GINT64_MODIFIER
		       "x)\n",
		       length, (guint64)extent->length, extent->is_hole ? "not" : "   ", offset,
		       (guint64)extent->offset);
		return;
	}
	builder = begin("map");
	json_put_int(builder, "offset", (gint64)extent->offset);
	json_put_int(builder, "length", (gint64)extent->length);
	json_put_bool(builder, "allocated", !extent->is_hole);
	end(builder);
}

void image_say_alloc(const struct session *session, guint64 offset, guint64 length, guint64 data)
{
	char text[SIZE_TEXT_BYTES];
	JsonBuilder *builder;

	if (!session->is_json) {
		size_text_format((double)offset, text);
		printf("%" G_GUINT64_FORMAT "/%" G_GUINT64_FORMAT " bytes allocated at offset %s\n", data,
		       length, text);
		return;
	}
	builder = begin("alloc");
	json_put_int(builder, "offset", (gint64)offset);
	json_put_int(builder, "length", (gint64)length);
	json_put_int(builder, "allocated", (gint64)data);
	end(builder);
}

/* ---- statistics ---- */

static void put_statistics(const struct qrt_block_queue_statistics *statistics)
{
	JsonBuilder *builder = begin("statistics");
	guint32 i;

	json_put_int(builder, "bounces_max", statistics->bounces_max);
	for (i = 0; i < QRT_BLOCK_PRIORITIES; i++) {
		const struct qrt_block_priority_statistics *one = &statistics->priorities[i];

		json_builder_begin_object(json_builder_set_member_name(builder, priority_name(i)));
		json_put_int(builder, "done", (gint64)one->done);
		json_put_int(builder, "failed", (gint64)one->failed);
		json_put_int(builder, "late", (gint64)one->late);
		json_put_int(builder, "cancelled", (gint64)one->cancelled);
		json_put_int(builder, "refused", (gint64)one->refused);
		json_put_int(builder, "queued", (gint64)one->queued);
		json_put_int(builder, "in_flight", (gint64)one->in_flight);
		json_builder_end_object(builder);
	}
	end(builder);
}

static void print_statistics(const struct qrt_block_queue_statistics *statistics)
{
	static const char *const titles[] = {"PRIORITY",   ">DONE",    ">FAILED", ">LATE",
					     ">CANCELLED", ">REFUSED", NULL};
	struct table *table = table_new(titles);
	guint32 i;

	for (i = 0; i < QRT_BLOCK_PRIORITIES; i++) {
		const struct qrt_block_priority_statistics *one = &statistics->priorities[i];
		const guint64 figures[] = {one->done, one->failed, one->late, one->cancelled, one->refused};
		gsize k;

		table_add(table, g_strdup(priority_name(i)));
		for (k = 0; k < G_N_ELEMENTS(figures); k++)
			table_add(table, g_strdup_printf("%" G_GUINT64_FORMAT, figures[k]));
	}
	table_print(table);
}

void image_say_statistics(const struct session *session)
{
	struct qrt_block_queue_statistics statistics = {.size = sizeof(statistics)};

	qrt_block_queue_get_statistics(session->image->queue, &statistics);
	if (session->is_json)
		put_statistics(&statistics);
	else
		print_statistics(&statistics);
}
