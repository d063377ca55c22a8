/* SPDX-License-Identifier: MIT */
/* Writes to a device and reads it back, waiting by poll(2).
 * cc poll.c $(pkg-config --cflags --libs libqrt-block) && ./a.out [FILE] */
#include <poll.h>
#include <qrt/block.h>
#include <stdio.h>
#include <string.h>

#define MIB (1u << 20)

/* A file of 1 MiB that is made, or memory. */
static struct qrt_block_device *open_device(const char *path)
{
	struct qrt_block_device_config config;
	struct qrt_block_device *device;
	struct qrt_block_error error;

	memset(&config, 0, sizeof(config));
	config.size = sizeof(config);
	config.capacity = MIB;
	config.engine = path ? QRT_BLOCK_ENGINE_AUTO : QRT_BLOCK_ENGINE_MEMORY;
	config.flags = path ? QRT_BLOCK_DEVICE_CREATE : 0;
	config.path = path;
	if (qrt_block_device_open(&config, &device, &error) >= 0)
		return device;
	fprintf(stderr, "%s\n", error.message);
	return NULL;
}

/* Submits one request, and waits for it. */
static long long do_one(struct qrt_block_queue *queue, uint32_t kind, void *buffer, size_t length)
{
	struct qrt_block_request request;
	struct qrt_block_completion done;
	struct pollfd fd;
	int count = 0;

	memset(&request, 0, sizeof(request));
	request.kind = kind;
	request.priority = QRT_BLOCK_URGENT;
	request.buffer = buffer;
	request.length = length;
	if (qrt_block_queue_submit(queue, &request, 1) != 1)
		return -1;
	fd.fd = qrt_block_queue_get_fd(queue);
	fd.events = POLLIN;
	while (count == 0) {
		poll(&fd, 1, -1);
		count = qrt_block_queue_harvest(queue, &done, 1);
	}
	if (done.result < 0)
		fprintf(stderr, "%s\n", qrt_block_detail_text(done.detail));
	return (long long)done.result;
}

static int use(struct qrt_block_queue *queue)
{
	char out[512] = "hello", in[512];

	if (do_one(queue, QRT_BLOCK_WRITE, out, sizeof(out)) != (long long)sizeof(out) ||
	    do_one(queue, QRT_BLOCK_FLUSH, NULL, 0) != 0 ||
	    do_one(queue, QRT_BLOCK_READ, in, sizeof(in)) != (long long)sizeof(in))
		return 1;
	printf("%s\n", in);
	return strcmp(in, out) != 0;
}

int main(int argc, char **argv)
{
	struct qrt_block_device *device = open_device(argc > 1 ? argv[1] : NULL);
	struct qrt_block_queue_config config;
	struct qrt_block_queue *queue;
	int code = 1;

	memset(&config, 0, sizeof(config));
	config.size = sizeof(config);
	if (device && qrt_block_queue_open(device, &config, &queue, NULL) >= 0) {
		code = use(queue);
		qrt_block_queue_close(queue);
	}
	qrt_block_device_close(device);
	return code;
}
