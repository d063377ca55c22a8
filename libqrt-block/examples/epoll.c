/* SPDX-License-Identifier: MIT */
/* A queue among other things that an epoll(7) loop waits for: reads with a deadline from a device that is
 * stuck, which the fault of libqrt-block plays, while a timer ticks. cc epoll.c $(pkg-config --cflags --libs
 * libqrt-block) && ./a.out */
#include <qrt/block.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define MS 1000000ul

static struct qrt_block_device *open_stuck(void)
{
	struct qrt_block_fault_config fault;
	struct qrt_block_device_config config;
	struct qrt_block_device *device;

	memset(&fault, 0, sizeof(fault));
	fault.size = sizeof(fault);
	fault.delay_rate = 1000;
	fault.delay_min_ns = fault.delay_max_ns = 100 * MS;
	memset(&config, 0, sizeof(config));
	config.size = sizeof(config);
	config.engine = QRT_BLOCK_ENGINE_MEMORY;
	config.capacity = 1u << 20;
	config.fault = &fault;
	return qrt_block_device_open(&config, &device, NULL) < 0 ? NULL : device;
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static int watch(int epoll, int fd)
{
	struct epoll_event event;

	memset(&event, 0, sizeof(event));
	event.events = EPOLLIN;
	event.data.fd = fd;
	return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

static int make_timer(void)
{
	struct itimerspec every;
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);

	memset(&every, 0, sizeof(every));
	every.it_value.tv_nsec = every.it_interval.tv_nsec = (long)(30 * MS);
	return fd >= 0 && timerfd_settime(fd, 0, &every, NULL) >= 0 ? fd : -1;
}

/* 1: the buffer is ours again. */
static int take(struct qrt_block_queue *queue)
{
	struct qrt_block_completion done[8];
	int i, is_over = 0, count = qrt_block_queue_harvest(queue, done, 8);

	for (i = 0; i < count; i++) {
		if (done[i].kind == QRT_BLOCK_RELEASED)
			printf("the device let go of the buffer\n");
		else
			printf("the request: %s\n", qrt_block_detail_text(done[i].detail));
		is_over |= !(done[i].flags & QRT_BLOCK_HELD);
	}
	return is_over;
}

static void loop(struct qrt_block_queue *queue, int epoll, int timer)
{
	struct epoll_event event;
	uint64_t ticks;
	int is_over = 0;

	while (!is_over && epoll_wait(epoll, &event, 1, 5000) == 1) {
		if (event.data.fd != timer)
			is_over = take(queue);
		else if (read(timer, &ticks, sizeof(ticks)) > 0)
			printf("tick\n");
	}
}

static int run(struct qrt_block_queue *queue)
{
	static char buffer[4096];
	struct qrt_block_request request;
	int epoll = epoll_create1(EPOLL_CLOEXEC), timer = make_timer();

	memset(&request, 0, sizeof(request));
	request.kind = QRT_BLOCK_READ;
	request.buffer = buffer;
	request.length = sizeof(buffer);
	request.deadline_ns = now_ns() + 20 * MS;
	if (timer < 0 || watch(epoll, timer) < 0 || watch(epoll, qrt_block_queue_get_fd(queue)) < 0 ||
	    qrt_block_queue_submit(queue, &request, 1) != 1)
		return 1;
	loop(queue, epoll, timer);
	close(timer);
	close(epoll);
	return 0;
}

int main(void)
{
	struct qrt_block_device *device = open_stuck();
	struct qrt_block_queue_config config;
	struct qrt_block_queue *queue;
	int code = 1;

	memset(&config, 0, sizeof(config));
	config.size = sizeof(config);
	if (device && qrt_block_queue_open(device, &config, &queue, NULL) >= 0) {
		code = run(queue);
		qrt_block_queue_close(queue);
	}
	qrt_block_device_close(device);
	return code;
}
