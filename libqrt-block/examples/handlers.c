/* SPDX-License-Identifier: MIT */
/* A queue in a loop of handlers, as QEMU has one: set_fd_handler(fd, read, write, data) says who is called
 * when a descriptor is ready. The handler of the queue calls each request's own function, and drain() waits
 * for all of them, as a VMM does before it stops. cc handlers.c $(pkg-config --cflags --libs libqrt-block) &&
 * ./a.out */
#include <poll.h>
#include <qrt/block.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HANDLERS 8

/* ---- the loop ---- */

typedef void io_handler(void *data);

static struct pollfd fds[HANDLERS];
static struct handler {
	io_handler *read, *write;
	void *data;
} handlers[HANDLERS];
static int handler_count;

/* Neither read nor write: that descriptor's handlers go. */
static int set_fd_handler(int fd, io_handler *read, io_handler *write, void *data)
{
	int i;

	for (i = 0; i < handler_count && fds[i].fd != fd; i++)
		;
	if (i == HANDLERS)
		return -1;
	if (!read && !write) {
		if (i < handler_count) {
			fds[i] = fds[--handler_count];
			handlers[i] = handlers[handler_count];
		}
		return 0;
	}
	handler_count += i == handler_count;
	fds[i].fd = fd;
	fds[i].events = (short)((read ? POLLIN : 0) | (write ? POLLOUT : 0));
	handlers[i].read = read;
	handlers[i].write = write;
	handlers[i].data = data;
	return 0;
}

/* One turn of it. */
static int main_loop_wait(int timeout_ms)
{
	int i, count = poll(fds, (nfds_t)handler_count, timeout_ms);

	for (i = 0; count > 0 && i < handler_count; i++) {
		if (fds[i].revents & POLLIN && handlers[i].read)
			handlers[i].read(handlers[i].data);
		else if (fds[i].revents & POLLOUT && handlers[i].write)
			handlers[i].write(handlers[i].data);
	}
	return count;
}

/* ---- a disk in it ---- */

struct disk {
	struct qrt_block_device *device;
	struct qrt_block_queue *queue;
	int out; /* requests whose memory is not ours; those that are HELD, too */
};

/* A request and who wants to know. */
struct call {
	void (*done)(struct call *call, int64_t result);
	char buffer[4096];
};

static void disk_ready(void *data)
{
	struct disk *disk = (struct disk *)data;
	struct qrt_block_completion done[16];
	int i, count = qrt_block_queue_harvest(disk->queue, done, 16);

	for (i = 0; i < count; i++) {
		struct call *call = (struct call *)done[i].user;

		if (done[i].kind == QRT_BLOCK_DONE)
			call->done(call, done[i].result);
		if (done[i].flags & QRT_BLOCK_HELD)
			continue;
		disk->out--;
		free(call);
	}
}

static int disk_read(struct disk *disk, uint64_t offset, void (*done)(struct call *call, int64_t result))
{
	struct call *call = (struct call *)calloc(1, sizeof(*call));
	struct qrt_block_request request;

	if (!call)
		return -1;
	call->done = done;
	memset(&request, 0, sizeof(request));
	request.kind = QRT_BLOCK_READ;
	request.buffer = call->buffer;
	request.offset = offset;
	request.length = sizeof(call->buffer);
	request.user = call;
	if (qrt_block_queue_submit(disk->queue, &request, 1) != 1) {
		free(call);
		return -1;
	}
	disk->out++;
	return 0;
}

static int drain(struct disk *disk)
{
	while (disk->out > 0) {
		if (main_loop_wait(10000) <= 0)
			return -1;
	}
	return 0;
}

static int disk_open(struct disk *disk)
{
	struct qrt_block_device_config device;
	struct qrt_block_queue_config queue;

	memset(&device, 0, sizeof(device));
	device.size = sizeof(device);
	device.engine = QRT_BLOCK_ENGINE_MEMORY;
	device.capacity = 1u << 20;
	memset(&queue, 0, sizeof(queue));
	queue.size = sizeof(queue);
	if (qrt_block_device_open(&device, &disk->device, NULL) < 0 ||
	    qrt_block_queue_open(disk->device, &queue, &disk->queue, NULL) < 0)
		return -1;
	return set_fd_handler(qrt_block_queue_get_fd(disk->queue), disk_ready, NULL, disk);
}

static void disk_close(struct disk *disk)
{
	if (disk->queue)
		set_fd_handler(qrt_block_queue_get_fd(disk->queue), NULL, NULL, NULL);
	qrt_block_queue_close(disk->queue);
	qrt_block_device_close(disk->device);
}

/* ---- what uses it ---- */

static int good;

static void tell(struct call *call, int64_t result)
{
	(void)call;
	printf("%lld bytes\n", (long long)result);
	good += result == (int64_t)sizeof(call->buffer);
}

int main(void)
{
	struct disk disk;
	int i, sent = 0;

	memset(&disk, 0, sizeof(disk));
	if (disk_open(&disk) >= 0) {
		for (i = 0; i < 4; i++)
			sent += disk_read(&disk, (uint64_t)i * 65536, tell) >= 0;
		if (drain(&disk) < 0)
			sent = -1;
	}
	disk_close(&disk);
	return sent != 4 || good != 4;
}
