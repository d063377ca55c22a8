/* SPDX-License-Identifier: MIT */
/*
 * The guest's beat: a thread of its own, which alone writes what the guest is at. It is real-time where it
 * may be, its memory is locked, and after its start it allocates nothing, opens nothing and waits for no
 * other thread: a guest that is merely busy goes on beating.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "beat.h"

#define STACK_BYTES (128u << 10)

static struct {
	const struct device *device;
	uint32_t interval_ms;
	_Atomic uint32_t state;
	_Atomic int is_over;
	int wake;
	pthread_t thread;
} beat;

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Until then, or until there is something to be said at once. */
static void wait_until(uint64_t until_ns)
{
	struct pollfd fd = {.fd = beat.wake, .events = POLLIN};
	struct timespec left;
	uint64_t now = now_ns(), count;

	if (now >= until_ns)
		return;
	left.tv_sec = (time_t)((until_ns - now) / 1000000000u);
	left.tv_nsec = (long)((until_ns - now) % 1000000000u);
	if (ppoll(&fd, 1, &left, NULL) > 0 && read(beat.wake, &count, sizeof(count)) < 0)
		atomic_store(&beat.is_over, 1); /* it would spin from here on */
}

static void *run(void *unused)
{
	const uint64_t interval_ns = (uint64_t)beat.interval_ms * 1000000;
	uint64_t next = now_ns(), now;
	int is_over;

	do {
		is_over = atomic_load(&beat.is_over); /* before the state: the last one is said */
		state_say(beat.device, atomic_load(&beat.state));
		device_ring_host(beat.device);
		now = now_ns();
		if (now >= next)
			next = now - next < interval_ns ? next + interval_ns : now + interval_ns;
		if (!is_over)
			wait_until(next);
	} while (!is_over);
	return unused;
}

static int create(uint32_t priority)
{
	struct sched_param param = {.sched_priority = (int)priority};
	pthread_attr_t attr;
	int rc;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	pthread_attr_setinheritsched(&attr, PTHREAD_EXPLICIT_SCHED);
	pthread_attr_setschedpolicy(&attr, priority ? SCHED_FIFO : SCHED_OTHER);
	pthread_attr_setschedparam(&attr, &param);
	rc = pthread_create(&beat.thread, &attr, run, NULL);
	pthread_attr_destroy(&attr);
	return rc;
}

int beat_start(const struct device *device, uint32_t state, uint32_t interval_ms, uint32_t priority)
{
	int rc;

	beat.device = device;
	beat.interval_ms = interval_ms;
	beat.state = state;
	beat.is_over = 0;
	beat.wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (beat.wake < 0)
		return -errno;
	rc = create(priority);
	if (rc && priority) {
		complain("no real-time priority %u: %s; a guest that is busy may seem lost",
			 (unsigned int)priority, strerror(rc));
		rc = create(0);
	}
	if (rc)
		close(beat.wake);
	return -rc;
}

static void wake(void)
{
	const uint64_t one = 1;

	while (write(beat.wake, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

void beat_say(uint32_t state)
{
	atomic_store(&beat.state, state);
	wake();
}

uint32_t beat_get(void)
{
	return atomic_load(&beat.state);
}

void beat_end(uint32_t state)
{
	atomic_store(&beat.state, state);
	atomic_store(&beat.is_over, 1);
	wake();
	pthread_join(beat.thread, NULL);
	close(beat.wake);
}
