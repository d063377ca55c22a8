/* SPDX-License-Identifier: MIT */
#include "io.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "pattern.h"
#include "size_text.h"
#include "tool_say.h"

#define HARVEST  32
#define MISALIGN 16

static guint64 now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (guint64)now.tv_sec * 1000000000 + (guint64)now.tv_nsec;
}

static void free_io(struct io *io)
{
	io_option_clear(&io->option);
	free(io->memory);
	g_free(io->iov);
	g_free(io);
}

static void drop_io(struct session *session, struct io *io)
{
	g_ptr_array_remove_fast(session->ios, io);
	free_io(io);
}

struct io *io_find(const struct session *session, guint64 number)
{
	guint i;

	for (i = 0; i < session->ios->len; i++) {
		struct io *io = session->ios->pdata[i];

		if (io->number == number && !io->is_done)
			return io;
	}
	return NULL;
}

/* ---- preparing ---- */

static gboolean has_buffer(const struct io *io)
{
	return io->request.kind <= QRT_BLOCK_WRITEV;
}

static gboolean is_write(const struct io *io)
{
	return io->request.kind == QRT_BLOCK_WRITE || io->request.kind == QRT_BLOCK_WRITEV ||
	       io->request.kind == QRT_BLOCK_WRITE_ZEROES;
}

static gboolean have_buffer(const struct image *image, struct io *io)
{
	gsize alignment = MAX(image->info.memory_alignment, sizeof(void *));
	gsize shift = image->options.is_misaligned ? MISALIGN : 0;
	char limit[SIZE_TEXT_BYTES];

	if (io->option.length > image->info.length_max) {
		size_text_format((double)image->info.length_max, limit);
		complain("%s: that is too long for one request; give %s at most", io->command->name, limit);
		return FALSE;
	}
	if (posix_memalign((void **)&io->memory, alignment, io->option.length + shift + 1) != 0) {
		io->memory = NULL;
		complain("%s: there is no memory for a buffer; give a shorter length", io->command->name);
		return FALSE;
	}
	io->buffer = io->memory + shift;
	if (!is_write(io))
		return TRUE;
	if (io->option.source)
		return pattern_fill_from(io->buffer, io->option.length, io->option.source);
	memset(io->buffer, io->option.pattern, io->option.length);
	return TRUE;
}

/* Parts without bytes are none. */
static void set_parts(struct io *io)
{
	const GArray *lengths = io->option.lengths;
	guint8 *at = io->buffer;
	guint i;

	io->iov = g_new0(struct iovec, lengths->len);
	for (i = 0; i < lengths->len; i++) {
		guint64 length = g_array_index(lengths, guint64, i);

		if (length > 0)
			io->iov[io->request.iov_count++] = (struct iovec){at, length};
		at += length;
	}
	io->request.iov = io->iov;
}

static void set_request(const struct session *session, struct io *io)
{
	const struct image_options *options = &session->image->options;
	struct qrt_block_request *request = &io->request;

	request->offset = io->option.offset;
	request->length = io->option.length;
	request->priority = io->option.priority;
	request->user = io;
	request->buffer = io->buffer;
	if (is_write(io) && (io->option.is_fua || options->is_written_through))
		request->flags |= QRT_BLOCK_FUA;
	if (io->option.is_unmapped)
		request->flags |= QRT_BLOCK_UNMAP;
	if (io->option.is_bounced)
		request->flags |= QRT_BLOCK_BOUNCE;
	if (has_buffer(io) && (io->command->is_vector || io->option.lengths->len > 1)) {
		request->kind = request->kind == QRT_BLOCK_READ ? QRT_BLOCK_READV : QRT_BLOCK_WRITEV;
		request->buffer = NULL;
		set_parts(io);
	}
}

/* The options become the request's. */
static struct io *new_io(struct session *session, const struct io_command *command, struct io_option *option)
{
	struct io *io = g_new0(struct io, 1);

	io->command = command;
	io->option = *option;
	memset(option, 0, sizeof(*option));
	io->other = G_MAXSIZE;
	io->request.kind = io->option.is_zeroes ? QRT_BLOCK_WRITE_ZEROES : command->kind;
	if (has_buffer(io) && !have_buffer(session->image, io)) {
		free_io(io);
		return NULL;
	}
	set_request(session, io);
	if (command->is_async)
		io->number = ++session->number;
	g_ptr_array_add(session->ios, io);
	return io;
}

/* ---- the way of a request ---- */

static void end_io(struct session *session, struct io *io)
{
	const struct io_option *option = &io->option;
	gsize other;

	io->is_done = TRUE;
	io->end_ns = now_ns();
	io->is_good = io->completion.result >= 0;
	if (io->is_good && io->buffer && !is_write(io) && option->has_pattern) {
		other = pattern_find_other(io->buffer + option->part_offset, option->part_length,
					   option->pattern);
		if (other < option->part_length)
			io->other = other;
		io->is_good = io->other == G_MAXSIZE;
	}
	io_report(session, io);
}

/* What is empty, or ignored, the library does not see. */
static gboolean is_nothing(const struct session *session, const struct io *io)
{
	const struct image_options *options = &session->image->options;

	switch (io->request.kind) {
	case QRT_BLOCK_FLUSH:
		return options->is_flush_ignored;
	case QRT_BLOCK_DISCARD:
		return io->option.length == 0 || options->is_discard_ignored;
	default:
		return io->option.length == 0;
	}
}

static void end_nothing(struct session *session, struct io *io)
{
	if (io->request.kind != QRT_BLOCK_FLUSH && io->option.offset > image_capacity(session->image)) {
		io->completion.result = -EINVAL;
		io->completion.detail = QRT_BLOCK_DETAIL_END;
	}
	end_io(session, io);
}

static void submit(struct session *session, struct io *io)
{
	io->begin_ns = now_ns();
	if (is_nothing(session, io)) {
		end_nothing(session, io);
		return;
	}
	if (io->option.deadline_ns)
		io->request.deadline_ns = io->begin_ns + io->option.deadline_ns;
	while (qrt_block_queue_submit(session->image->queue, &io->request, 1) == -EAGAIN) {
		if (session->is_interrupted) {
			io->completion.result = -ECANCELED;
			end_io(session, io);
			return;
		}
		io_wait(session, -1);
	}
}

/* By ^C it is cancelled, which is soon done, also where the kernel keeps it. A part is short, and what is
 * done about it next wants it to be over. */
static void wait_for(struct session *session, struct io *io)
{
	gboolean is_cancelled = FALSE;

	while (!io->is_done) {
		if (session->is_interrupted && !is_cancelled && !io->command->is_part) {
			qrt_block_queue_cancel(session->image->queue, io->request.id);
			is_cancelled = TRUE;
			io_harvest(session);
		} else {
			io_wait(session, -1);
		}
	}
}

static void take_completion(struct session *session, const struct qrt_block_completion *completion)
{
	struct io *io = completion->user;

	if (completion->kind == QRT_BLOCK_DONE) {
		io->completion = *completion;
		io->is_held = completion->flags & QRT_BLOCK_HELD;
		end_io(session, io);
	} else {
		io->is_held = FALSE;
	}
	/* One that is waited for is dropped by who waits. */
	if (!io->is_held && !io->is_awaited)
		drop_io(session, io);
}

void io_harvest(struct session *session)
{
	struct qrt_block_completion completions[HARVEST];
	int count, i;

	while (session->image) {
		count = qrt_block_queue_harvest(session->image->queue, completions, HARVEST);
		for (i = 0; i < count; i++)
			take_completion(session, &completions[i]);
		if (count < HARVEST)
			return;
	}
}

void io_wait(struct session *session, int timeout_ms)
{
	struct pollfd waits[2] = {{.fd = -1, .events = POLLIN},
				  {.fd = session->interrupt_fd, .events = POLLIN}};

	if (session->image)
		waits[0].fd = qrt_block_queue_get_fd(session->image->queue);
	fflush(stdout);
	poll(waits, G_N_ELEMENTS(waits), timeout_ms);
	session_is_interrupted(session);
	io_harvest(session);
}

static gboolean is_one_on_its_way(const struct session *session)
{
	guint i;

	for (i = 0; i < session->ios->len; i++) {
		if (!((const struct io *)session->ios->pdata[i])->is_done)
			return TRUE;
	}
	return FALSE;
}

gboolean io_wait_all(struct session *session)
{
	while (is_one_on_its_way(session)) {
		if (session->is_interrupted) {
			complain("interrupted: requests are on their way still; 'cancel all' ends them");
			return FALSE;
		}
		io_wait(session, -1);
	}
	return TRUE;
}

void io_forget(struct session *session)
{
	while (session->ios->len > 0)
		drop_io(session, session->ios->pdata[0]);
}

gboolean io_run(struct session *session, const struct io_command *command, struct io_option *option)
{
	struct io *io = new_io(session, command, option);
	gboolean is_good = TRUE;

	if (!io)
		return FALSE;
	io->is_awaited = TRUE;
	submit(session, io);
	if (!command->is_async) {
		wait_for(session, io);
		is_good = io->is_good;
	}
	io->is_awaited = FALSE;
	if (io->is_done && !io->is_held)
		drop_io(session, io);
	return is_good;
}
