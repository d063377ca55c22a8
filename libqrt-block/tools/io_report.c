/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "io.h"
#include "io_text.h"
#include "json_put.h"
#include "pattern.h"
#include "priority.h"
#include "size_text.h"

#define PIECE 65536 /* whole lines */

static gboolean is_flush(const struct io *io)
{
	return io->request.kind == QRT_BLOCK_FLUSH;
}

/* Reads and writes say how many bytes, others 0. */
static guint64 bytes_of(const struct io *io)
{
	if (io->completion.result < 0)
		return 0;
	return io->buffer ? (guint64)io->completion.result : io->option.length;
}

static const char *detail_of(const struct io *io)
{
	return io->completion.detail ? qrt_block_detail_text(io->completion.detail) : NULL;
}

/* ---- in words ---- */

static void print_figures(const struct io *io)
{
	g_autofree char *figures = NULL;
	guint64 bytes = bytes_of(io), ns = io->end_ns - io->begin_ns;

	if (io->option.is_machine) {
		figures = io_text_machine(bytes, 1, ns);
	} else {
		printf("%s %" G_GUINT64_FORMAT "/%" G_GUINT64_FORMAT " bytes at offset %" G_GUINT64_FORMAT
		       "\n",
		       io->command->done, bytes, io->option.length, io->option.offset);
		figures = io_text_figures(bytes, 1, ns);
	}
	puts(figures);
}

static void print_failure(const struct io *io)
{
	const char *detail = detail_of(io);

	printf("%s failed: %s%s%s\n", io->command->failed, g_strerror((int)-io->completion.result),
	       detail ? ": " : "", detail ? detail : "");
}

/* In pieces, as there may be a lot to print that nobody wants to see. */
static void dump(struct session *session, const struct io *io)
{
	guint64 at, length = io->option.length;

	for (at = 0; at < length && !session_is_interrupted(session); at += PIECE)
		pattern_dump(stdout, io->buffer + at, MIN(PIECE, length - at), io->option.offset + at);
}

static void print_text(struct session *session, const struct io *io)
{
	const struct io_option *option = &io->option;

	if (io->completion.result < 0) {
		print_failure(io);
		return;
	}
	if (io->other != G_MAXSIZE)
		printf("Pattern verification failed at offset %" G_GUINT64_FORMAT ", %" G_GUINT64_FORMAT
		       " bytes\n",
		       option->offset + option->part_offset, option->part_length);
	if (option->is_quiet || is_flush(io))
		return;
	if (option->is_dumped)
		dump(session, io);
	print_figures(io);
}

/* ---- as JSON ---- */

static void put_failure(JsonBuilder *builder, const struct io *io)
{
	if (io->completion.result < 0) {
		json_put_int(builder, "errno", -io->completion.result);
		json_put_string(builder, "error", g_strerror((int)-io->completion.result));
		json_put_string(builder, "detail", detail_of(io));
	}
	if (io->other != G_MAXSIZE)
		json_put_int(builder, "other_at",
			     (gint64)(io->option.offset + io->option.part_offset + io->other));
}

/* Times are of the library where it saw the request. */
static void put_times(JsonBuilder *builder, const struct io *io)
{
	const struct qrt_block_completion *done = &io->completion;

	json_put_int(builder, "ns", (gint64)(io->end_ns - io->begin_ns));
	json_put_known(builder, "queued_ns", done->started_ns != 0,
		       (gint64)(done->started_ns - done->submitted_ns));
	json_put_known(builder, "engine_ns", done->started_ns != 0,
		       (gint64)(done->done_ns - done->started_ns));
}

static void print_json(const struct io *io)
{
	JsonBuilder *builder = json_builder_begin_object(json_builder_new());
	g_autofree char *text = NULL, *data = NULL;

	json_put_string(builder, "command", io->command->name);
	json_put_known(builder, "number", io->number != 0, (gint64)io->number);
	json_put_bool(builder, "good", io->is_good);
	if (!is_flush(io)) {
		json_put_int(builder, "offset", (gint64)io->option.offset);
		json_put_int(builder, "length", (gint64)io->option.length);
		json_put_int(builder, "bytes", (gint64)bytes_of(io));
	}
	json_put_string(builder, "priority", priority_name(io->option.priority));
	put_times(builder, io);
	put_failure(builder, io);
	if (io->option.is_dumped && io->completion.result >= 0) {
		data = g_base64_encode(io->buffer, io->option.length);
		json_put_string(builder, "base64", data);
	}
	text = json_put_end(builder);
	fputs(text, stdout);
}

void io_report(struct session *session, struct io *io)
{
	if (io->command->is_part && io->is_good)
		return;
	if (session->is_json)
		print_json(io);
	else
		print_text(session, io);
	fflush(stdout);
}
