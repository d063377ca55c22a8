/* SPDX-License-Identifier: MIT */
/* A queue as a source of GLib's main loop: what it has done is dispatched like any other event, at the
 * priority that the source has. cc glib.c $(pkg-config --cflags --libs libqrt-block glib-2.0) && ./a.out */
#include <glib.h>
#include <qrt/block.h>
#include <stdio.h>
#include <string.h>

#define REQUESTS 8

typedef void (*completion_function)(const struct qrt_block_completion *completion, void *data);

struct queue_source {
	GSource source;
	struct qrt_block_queue *queue;
	void *tag;
};

/* Called when the descriptor is readable; what is harvested goes to the source's callback. */
static gboolean dispatch(GSource *source, GSourceFunc callback, gpointer data)
{
	struct queue_source *own = (struct queue_source *)source;
	completion_function take = (completion_function)(void (*)(void))callback;
	struct qrt_block_completion done[16];
	int i, count;

	if (!g_source_query_unix_fd(source, own->tag))
		return G_SOURCE_CONTINUE;
	count = qrt_block_queue_harvest(own->queue, done, 16);
	for (i = 0; i < count; i++)
		take(&done[i], data);
	return G_SOURCE_CONTINUE;
}

/* Neither prepare nor check: GLib looks at the descriptor by itself. */
static GSourceFuncs functions;

static GSource *make_source(struct qrt_block_queue *queue, completion_function take, void *data)
{
	GSource *source;
	struct queue_source *own;

	functions.dispatch = dispatch;
	source = g_source_new(&functions, sizeof(struct queue_source));
	own = (struct queue_source *)source;
	own->queue = queue;
	own->tag = g_source_add_unix_fd(source, qrt_block_queue_get_fd(queue), G_IO_IN);
	g_source_set_callback(source, (GSourceFunc)(void (*)(void))take, data, NULL);
	g_source_set_priority(source, G_PRIORITY_HIGH);
	g_source_attach(source, NULL);
	return source;
}

/* ---- what uses it ---- */

struct work {
	GMainLoop *loop;
	char buffer[REQUESTS][4096];
	int left, failed;
};

static void take(const struct qrt_block_completion *completion, void *data)
{
	struct work *work = (struct work *)data;

	printf("request %d: %s\n", (int)(gintptr)completion->user, qrt_block_detail_text(completion->detail));
	work->failed |= completion->result < 0;
	if (--work->left == 0)
		g_main_loop_quit(work->loop);
}

static gboolean give_up(gpointer data)
{
	struct work *work = (struct work *)data;

	work->failed = 1;
	g_main_loop_quit(work->loop);
	return G_SOURCE_REMOVE;
}

static int run(struct qrt_block_queue *queue)
{
	static struct work work;
	struct qrt_block_request request;
	GSource *source;
	int i;

	work.loop = g_main_loop_new(NULL, FALSE);
	source = make_source(queue, take, &work);
	for (i = 0; i < REQUESTS; i++) {
		memset(&request, 0, sizeof(request));
		request.kind = i < REQUESTS / 2 ? QRT_BLOCK_WRITE : QRT_BLOCK_READ;
		request.buffer = work.buffer[i];
		request.offset = (uint64_t)i * sizeof(work.buffer[i]);
		request.length = sizeof(work.buffer[i]);
		request.user = (void *)(gintptr)i;
		work.left += qrt_block_queue_submit(queue, &request, 1) == 1;
	}
	g_timeout_add_seconds(60, give_up, &work);
	g_main_loop_run(work.loop);
	g_source_destroy(source);
	g_source_unref(source);
	g_main_loop_unref(work.loop);
	return work.failed || work.left;
}

int main(void)
{
	struct qrt_block_device_config device_config;
	struct qrt_block_queue_config config;
	struct qrt_block_device *device;
	struct qrt_block_queue *queue;
	int code = 1;

	memset(&device_config, 0, sizeof(device_config));
	device_config.size = sizeof(device_config);
	device_config.engine = QRT_BLOCK_ENGINE_MEMORY;
	device_config.capacity = 1u << 20;
	if (qrt_block_device_open(&device_config, &device, NULL) < 0)
		return 1;
	memset(&config, 0, sizeof(config));
	config.size = sizeof(config);
	if (qrt_block_queue_open(device, &config, &queue, NULL) >= 0) {
		code = run(queue);
		qrt_block_queue_close(queue);
	}
	qrt_block_device_close(device);
	return code;
}
