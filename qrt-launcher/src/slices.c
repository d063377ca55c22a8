/* SPDX-License-Identifier: MIT */
/* On a thread of its own: the supervisor stands below the VM, and would be late for every slice. */
#include "slices.h"

#include "command.h"

#include <errno.h>
#include <glib.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct slices {
	struct qrt_sched_setting rank;
	pthread_mutex_t lock; /* of the rotator, and of those that it rotates */
	struct qrt_sched_rotator *rotator;
	pthread_t thread;
	int wake_fd; /* -1: there is no thread */
	bool is_ending;
};

struct slices *slices_open(const struct qrt_sched_setting *rank)
{
	struct slices *slices = g_new0(struct slices, 1);
	pthread_mutexattr_t attr;

	slices->rank = *rank;
	slices->wake_fd = -1;
	/* Between a supervisor below the VM and a thread above it. */
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
	pthread_mutex_init(&slices->lock, &attr);
	pthread_mutexattr_destroy(&attr);
	return slices;
}

/* ---- the thread ---- */

/* False when it is to end; *ret_wait: ns until the next look, -1 for ever. */
static bool harvest(struct slices *slices, int64_t *ret_wait)
{
	bool goes_on;

	pthread_mutex_lock(&slices->lock);
	qrt_sched_rotator_harvest(slices->rotator);
	*ret_wait = qrt_sched_rotator_get_wait(slices->rotator);
	goes_on = !slices->is_ending;
	pthread_mutex_unlock(&slices->lock);
	return goes_on;
}

/* By a sleep of its own, not by the rotator's descriptor: on PREEMPT_RT that one's timer may wait for whose
 * slice it is to end. */
static void rest(int fd, int64_t wait)
{
	struct timespec limit = {(time_t)(wait / 1000000000), (long)(wait % 1000000000)};
	struct pollfd pollfd = {.fd = fd, .events = POLLIN};
	uint64_t count;

	if (ppoll(&pollfd, 1, wait < 0 ? NULL : &limit, NULL) > 0)
		(void)!read(fd, &count, sizeof(count));
}

static void *rotate(void *data)
{
	struct slices *slices = data;
	struct qrt_sched_error error = {.message = ""};
	int64_t wait;

	if (qrt_sched_setting_apply(0, &slices->rank, &error) < 0)
		complain("quanta are made from below the VM, and may be long: %s", error.message);
	while (harvest(slices, &wait))
		rest(slices->wake_fd, wait);
	return NULL;
}

static void wake(const struct slices *slices)
{
	const uint64_t one = 1;

	(void)!write(slices->wake_fd, &one, sizeof(one));
}

static int start_thread(struct slices *slices)
{
	int r;

	slices->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (slices->wake_fd < 0)
		return -errno;
	r = -pthread_create(&slices->thread, NULL, rotate, slices);
	if (r < 0) {
		close(slices->wake_fd);
		slices->wake_fd = -1;
	}
	return r;
}

static int start(struct slices *slices)
{
	int r = slices->rotator ? 0 : qrt_sched_rotator_open(&slices->rotator);

	return r < 0 || slices->wake_fd >= 0 ? r : start_thread(slices);
}

static void end_thread(struct slices *slices)
{
	if (slices->wake_fd < 0)
		return;
	pthread_mutex_lock(&slices->lock);
	slices->is_ending = true;
	pthread_mutex_unlock(&slices->lock);
	wake(slices);
	pthread_join(slices->thread, NULL);
	close(slices->wake_fd);
}

struct slices *slices_close(struct slices *slices)
{
	if (!slices)
		return NULL;
	end_thread(slices);
	qrt_sched_rotator_close(slices->rotator);
	pthread_mutex_destroy(&slices->lock);
	g_free(slices);
	return NULL;
}

/* ---- which threads ---- */

int slices_set(struct slices *slices, pid_t tid, uint64_t quantum_ns)
{
	int r;

	if (!slices)
		return quantum_ns ? -EOPNOTSUPP : 0;
	if (!quantum_ns && !slices->rotator)
		return 0;
	r = start(slices);
	if (r < 0)
		return r;
	pthread_mutex_lock(&slices->lock);
	r = qrt_sched_rotator_set(slices->rotator, tid, quantum_ns);
	pthread_mutex_unlock(&slices->lock);
	wake(slices);
	return r;
}

void slices_hold(struct slices *slices)
{
	if (slices)
		pthread_mutex_lock(&slices->lock);
}

bool slices_try_hold(struct slices *slices)
{
	return !slices || pthread_mutex_trylock(&slices->lock) == 0;
}

void slices_release(struct slices *slices)
{
	if (slices)
		pthread_mutex_unlock(&slices->lock);
}
