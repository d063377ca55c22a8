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
	int end_fd; /* -1: there is no thread */
};

struct slices *slices_open(const struct qrt_sched_setting *rank)
{
	struct slices *slices = g_new0(struct slices, 1);
	pthread_mutexattr_t attr;

	slices->rank = *rank;
	slices->end_fd = -1;
	/* Between a supervisor below the VM and a thread above it. */
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
	pthread_mutex_init(&slices->lock, &attr);
	pthread_mutexattr_destroy(&attr);
	return slices;
}

/* ---- the thread ---- */

static void harvest(struct slices *slices)
{
	pthread_mutex_lock(&slices->lock);
	qrt_sched_rotator_harvest(slices->rotator);
	pthread_mutex_unlock(&slices->lock);
}

static void *rotate(void *data)
{
	struct slices *slices = data;
	struct qrt_sched_error error = {.message = ""};
	struct pollfd fds[2] = {{.fd = slices->end_fd, .events = POLLIN},
				{.fd = qrt_sched_rotator_get_fd(slices->rotator), .events = POLLIN}};

	if (qrt_sched_setting_apply(0, &slices->rank, &error) < 0)
		complain("quanta are made from below the VM, and may be long: %s", error.message);
	while (poll(fds, G_N_ELEMENTS(fds), -1) >= 0 || errno == EINTR) {
		if (fds[0].revents)
			break;
		harvest(slices);
	}
	return NULL;
}

static int start_thread(struct slices *slices)
{
	int r;

	slices->end_fd = eventfd(0, EFD_CLOEXEC);
	if (slices->end_fd < 0)
		return -errno;
	r = -pthread_create(&slices->thread, NULL, rotate, slices);
	if (r < 0) {
		close(slices->end_fd);
		slices->end_fd = -1;
	}
	return r;
}

static int start(struct slices *slices)
{
	int r = slices->rotator ? 0 : qrt_sched_rotator_open(&slices->rotator);

	return r < 0 || slices->end_fd >= 0 ? r : start_thread(slices);
}

static void end_thread(struct slices *slices)
{
	const uint64_t one = 1;

	if (slices->end_fd < 0)
		return;
	(void)!write(slices->end_fd, &one, sizeof(one));
	pthread_join(slices->thread, NULL);
	close(slices->end_fd);
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
