/* SPDX-License-Identifier: MIT */
#include "export.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "image.h"
#include "number.h"
#include "plain.h"
#include "priority.h"
#include "tool_say.h"

#define DEPTH        4          /* with a deadline: one request is on its way, and others may not be over */
#define BOUNCE_BYTES (1u << 20) /* the library's default */

struct export
{
	struct export_options options; /* of its strings nothing is used */
	struct image *image;
	int plain;          /* -1: all by queues */
	guint64 capacity;   /* when it was opened */
	struct seat *seats; /* of each queue */
	guint count;
	GMutex mutex; /* for those who wait for one */
	GCond is_free;
	_Atomic guint waiting;
};

/* Whether somebody uses a queue; in a cache line of its own. */
struct seat {
	_Atomic guint is_taken;
} __attribute__((aligned(64)));

/* ---- options ---- */

gboolean export_options_know(const char *key)
{
	return strcmp(key, "priority") == 0 || strcmp(key, "deadline") == 0 || strcmp(key, "queues") == 0;
}

static gboolean take_queues(struct export_options *options, const char *value)
{
	guint64 count;

	if (!g_ascii_string_to_unsigned(value, 10, 1, 1024, &count, NULL))
		return FALSE;
	options->queues = (guint32)count;
	return TRUE;
}

gboolean export_options_set(struct export_options *options, const char *key, const char *value)
{
	if (strcmp(key, "queues") == 0 && !take_queues(options, value))
		complain("qrt: queues=%s: give 1 to 1024", value);
	else if (strcmp(key, "priority") == 0 && !priority_find(value, &options->priority))
		complain("qrt: priority=%s: give urgent, normal or low", value);
	else if (strcmp(key, "deadline") == 0 && number_parse_time(value, 0, &options->deadline_ns) < 0)
		complain("qrt: deadline=%s: give a time, such as 500us, 20ms or 2s", value);
	else
		return TRUE;
	return FALSE;
}

/* ---- life ---- */

/* nbdkit's threads wait for their requests: so they do them themselves, which no engine is faster than. But a
 * deadline is kept only by who does not wait, and who asks for an engine or workers has them. */
static void choose_engine(const struct export_options *options, struct image_options *image)
{
	image->is_blocking = image->engine == QRT_BLOCK_ENGINE_AUTO && !image->workers &&
			     !options->deadline_ns;
	if (image->is_blocking)
		image->engine = QRT_BLOCK_ENGINE_THREADS;
}

/* What a queue would do about a read or a write, which is nothing, where it is not asked for more. */
static gboolean is_plain(const struct export_options *options, const struct image_options *image)
{
	return image->is_blocking && image->path && !image->create && !image->is_direct &&
	       !image->is_written_through && !image->has_fault && !image->throttle_requests &&
	       !image->throttle_bytes && options->priority == QRT_BLOCK_NORMAL;
}

static struct image *open_image(struct export *export, const struct image_options *options)
{
	struct image *image;

	if (is_plain(&export->options, options))
		export->plain = plain_open(options->path, options->is_read_only);
	image = image_open(options);
	/* It may have been replaced meanwhile. */
	if (!image || image->options.format != QRT_BLOCK_FORMAT_RAW ||
	    !plain_is(export->plain, options->path))
		export->plain = plain_close(export->plain);
	export->capacity = image ? image_capacity(image) : 0;
	return image;
}

struct export *export_open(const struct export_options *options)
{
	struct image_options image = options->image;
	struct export *export;

	choose_engine(options, &image);
	/* A device with faults has one. */
	image.queues = image.has_fault ? 1 : options->queues;
	image.depth = options->deadline_ns ? DEPTH : 1;
	export = g_new0(struct export, 1);
	export->options = *options;
	export->plain = -1;
	export->image = open_image(export, &image);
	if (!export->image) {
		g_free(export);
		return NULL;
	}
	g_mutex_init(&export->mutex);
	g_cond_init(&export->is_free);
	export->count = image.queues;
	export->seats = g_aligned_alloc0(image.queues, sizeof(struct seat), _Alignof(struct seat));
	return export;
}

struct export *export_close(struct export *export)
{
	if (!export)
		return NULL;
	image_close(export->image);
	plain_close(export->plain);
	g_mutex_clear(&export->mutex);
	g_cond_clear(&export->is_free);
	g_aligned_free(export->seats);
	g_free(export);
	return NULL;
}

guint64 export_capacity(const struct export *export)
{
	return image_capacity(export->image);
}

guint32 export_alignment(const struct export *export)
{
	return export->image->info.alignment;
}

int export_list_extents(const struct export *export, guint64 offset, guint64 length,
			struct qrt_block_extent *ret_extents, gsize max)
{
	return qrt_block_device_list_extents(export->image->device, offset, length, ret_extents, max);
}

/* ---- requests ---- */

/* TRUE: one was free. A thread takes the one that it had, as long as nobody else has that: nbdkit has no more
 * threads for a connection than there are queues. */
static gboolean try_queue(struct export *export, guint *ret_index)
{
	static _Thread_local guint last;
	guint i;

	for (i = 0; i < export->count; i++) {
		guint index = (last + i) % export->count;

		if (atomic_load(&export->seats[index].is_taken) ||
		    atomic_exchange(&export->seats[index].is_taken, 1))
			continue;
		*ret_index = last = index;
		return TRUE;
	}
	return FALSE;
}

static guint take_queue(struct export *export)
{
	guint index;

	if (try_queue(export, &index))
		return index;
	g_mutex_lock(&export->mutex);
	atomic_fetch_add(&export->waiting, 1);
	while (!try_queue(export, &index))
		g_cond_wait(&export->is_free, &export->mutex);
	atomic_fetch_sub(&export->waiting, 1);
	g_mutex_unlock(&export->mutex);
	return index;
}

/* Who comes to wait either finds it free, or was seen here. */
static void give_queue(struct export *export, guint index)
{
	atomic_store(&export->seats[index].is_taken, 0);
	if (!atomic_load(&export->waiting))
		return;
	g_mutex_lock(&export->mutex);
	g_cond_signal(&export->is_free);
	g_mutex_unlock(&export->mutex);
}

static guint64 now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (guint64)now.tv_sec * 1000000000 + (guint64)now.tv_nsec;
}

/* FALSE: the deadline passed; 0 is none. */
static gboolean wait_until(struct qrt_block_queue *queue, guint64 deadline_ns)
{
	struct pollfd wait = {.fd = qrt_block_queue_get_fd(queue), .events = POLLIN};
	guint64 now = deadline_ns ? now_ns() : 0;

	if (deadline_ns && now >= deadline_ns)
		return FALSE;
	poll(&wait, 1, deadline_ns ? (int)MIN((deadline_ns - now) / 1000000 + 1, G_MAXINT) : -1);
	return TRUE;
}

/* What is DONE is the answer; what is RELEASED is of one before. */
static gboolean harvest(struct qrt_block_queue *queue, struct qrt_block_completion *done)
{
	while (qrt_block_queue_harvest(queue, done, 1) > 0) {
		if (done->kind == QRT_BLOCK_DONE)
			return TRUE;
	}
	return FALSE;
}

/* The room may be taken by requests that ended by their deadlines, and which a stuck device still has. */
static int submit(struct qrt_block_queue *queue, struct qrt_block_request *request,
		  struct qrt_block_completion *done)
{
	int rc;

	while ((rc = qrt_block_queue_submit(queue, request, 1)) == -EAGAIN) {
		if (!wait_until(queue, request->deadline_ns))
			return -ETIME;
		harvest(queue, done);
	}
	return rc;
}

static int run_part(struct qrt_block_queue *queue, struct qrt_block_request *request, guint32 *ret_detail)
{
	struct qrt_block_completion done;
	int rc = submit(queue, request, &done);

	*ret_detail = rc == -ETIME ? QRT_BLOCK_DETAIL_DEADLINE : 0;
	if (rc < 0)
		return rc;
	/* The library looks after its deadline. */
	while (!harvest(queue, &done))
		wait_until(queue, 0);
	*ret_detail = done.detail;
	return done.result < 0 ? (int)done.result : 0;
}

/* nbdkit has its buffer back when we return: with a deadline reads are by buffers of the library's. It
 * aligns no buffers either, as direct I/O wants them. Such requests have parts that fit in the library's. */
static int run_parts(const struct export *export, struct qrt_block_queue *queue,
		     struct qrt_block_request *request, guint32 *ret_detail)
{
	gboolean is_aligned = (guintptr)request->buffer % export->image->info.memory_alignment == 0;
	guint64 left = request->length, most = request->deadline_ns || !is_aligned ? BOUNCE_BYTES : left;
	int rc = 0;

	while (left > 0 && rc >= 0) {
		request->length = MIN(left, most);
		rc = run_part(queue, request, ret_detail);
		request->offset += request->length;
		request->buffer = (guint8 *)request->buffer + request->length;
		left -= request->length;
	}
	return rc;
}

/* What the options make of it. */
static void adapt(const struct image_options *options, struct qrt_block_request *request)
{
	if (options->is_written_through &&
	    (request->kind == QRT_BLOCK_WRITE || request->kind == QRT_BLOCK_WRITE_ZEROES))
		request->flags |= QRT_BLOCK_FUA;
}

static gboolean is_for_plain(const struct export *export, const struct qrt_block_request *request)
{
	return export->plain >= 0 && request->buffer && request->length <= export->capacity &&
	       request->offset <= export->capacity - request->length;
}

/* A change that ended early would land later, over what its client wrote there after the error: so it is
 * waited for. A read or a flush that ended so is nobody's any more. */
static void set_deadline(const struct export_options *options, struct qrt_block_request *request)
{
	gboolean is_read = request->kind == QRT_BLOCK_READ;

	if (!options->deadline_ns || (!is_read && request->kind != QRT_BLOCK_FLUSH))
		return;
	request->deadline_ns = now_ns() + options->deadline_ns;
	request->flags |= is_read ? QRT_BLOCK_BOUNCE : 0;
}

int export_run(struct export *export, const struct qrt_block_request *wanted, guint32 *ret_detail)
{
	struct qrt_block_request request = *wanted;
	struct qrt_block_queue *queue;
	guint index;
	int rc;

	if (request.kind == QRT_BLOCK_FLUSH && export->options.image.is_flush_ignored)
		return 0;
	if (is_for_plain(export, &request) && plain_run(export->plain, &request))
		return 0;
	adapt(&export->options.image, &request);
	index = take_queue(export);
	queue = export->image->queues[index];
	request.priority = export->options.priority;
	set_deadline(&export->options, &request);
	rc = request.buffer ? run_parts(export, queue, &request, ret_detail)
			    : run_part(queue, &request, ret_detail);
	give_queue(export, index);
	return rc;
}
