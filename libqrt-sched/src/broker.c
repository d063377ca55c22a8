/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "placer_p.h"
#include "sys_p.h"

#define SILENCE_NS 1000000000ull /* how long a supervisor that did not answer is not asked again */

int qrt_sched_p_lock_init(pthread_mutex_t *lock)
{
	pthread_mutexattr_t attr;
	int rc;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
	rc = pthread_mutex_init(lock, &attr);
	pthread_mutexattr_destroy(&attr);
	return -rc;
}

int qrt_sched_p_broker_open(struct qrt_sched_p_broker *broker, int fd, uint32_t timeout_ms)
{
	int type = 0;
	socklen_t len = sizeof(type);
	struct stat st;
	int rc;

	*broker = (struct qrt_sched_p_broker){.fd = -1, .timeout_ms = timeout_ms};
	if (fd < 0)
		return qrt_sched_p_lock_init(&broker->asking);
	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) < 0 || type != SOCK_SEQPACKET ||
	    fstat(fd, &st) < 0)
		return -EINVAL;
	broker->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (broker->fd < 0)
		return -errno;
	rc = qrt_sched_p_lock_init(&broker->asking);
	if (rc < 0) {
		close(broker->fd);
		return rc;
	}
	broker->device = st.st_dev;
	broker->inode = st.st_ino;
	return 0;
}

/* A host program may close descriptors that it does not know and get the number anew for something
 * of its own: then the line is gone, and the number not ours to write to, nor to close. */
static int is_ours(struct qrt_sched_p_broker *broker)
{
	struct stat st;

	if (broker->fd < 0)
		return 0;
	if (fstat(broker->fd, &st) >= 0 && st.st_dev == broker->device && st.st_ino == broker->inode)
		return 1;
	broker->fd = -1;
	return 0;
}

void qrt_sched_p_broker_close(struct qrt_sched_p_broker *broker)
{
	if (is_ours(broker))
		close(broker->fd);
	broker->fd = -1;
}

/* An empty message looks like the end of the line. */
static int is_hung_up(const struct qrt_sched_p_broker *broker)
{
	struct pollfd p = {.fd = broker->fd, .events = POLLRDHUP};

	return poll(&p, 1, 0) < 0 || (p.revents & (POLLRDHUP | POLLHUP | POLLERR | POLLNVAL));
}

static int end_line(struct qrt_sched_p_broker *broker)
{
	qrt_sched_p_broker_close(broker);
	broker->is_gone = 1;
	return -EPIPE;
}

int qrt_sched_p_broker_is_gone(struct qrt_sched_p_broker *broker)
{
	if (is_ours(broker) && is_hung_up(broker))
		end_line(broker);
	return broker->is_gone;
}

static int send_message(struct qrt_sched_p_broker *broker, struct qrt_sched_broker_message *message)
{
	ssize_t sent;

	if (!is_ours(broker))
		return -EPIPE;
	message->magic = QRT_SCHED_BROKER_MAGIC;
	message->sequence = ++broker->sequence;
	do
		sent = send(broker->fd, message, sizeof(*message), MSG_DONTWAIT | MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	if (sent >= 0)
		return 0;
	if (errno == EAGAIN)
		return -EAGAIN;
	return end_line(broker);
}

void qrt_sched_p_broker_tell(struct qrt_sched_p_broker *broker, struct qrt_sched_broker_message *message)
{
	send_message(broker, message);
}

/* Waits until the socket is ready or the time is over, without the lock that it is called with. Where the
 * line ends meanwhile, who sends or takes next sees that. */
static int wait_for(const struct qrt_sched_p_broker *broker, pthread_mutex_t *lock, short events,
		    uint64_t until)
{
	struct pollfd p = {.fd = broker->fd, .events = events};
	uint64_t now = qrt_sched_p_sys->now();
	int left = now < until ? (int)((until - now + 999999) / 1000000) : 0;
	int rc;

	if (!left)
		return -ETIMEDOUT;
	pthread_mutex_unlock(lock);
	rc = poll(&p, 1, left) < 0 && errno != EINTR ? -errno : 0;
	pthread_mutex_lock(lock);
	return rc;
}

/* Takes one message. 1: it is the answer to `message`, 0: something else, or nothing. */
static int take_answer(struct qrt_sched_p_broker *broker, struct qrt_sched_broker_message *message,
		       int *ret_result)
{
	struct qrt_sched_broker_message answer;
	ssize_t got;

	if (!is_ours(broker))
		return -EPIPE;
	got = recv(broker->fd, &answer, sizeof(answer), MSG_DONTWAIT | MSG_TRUNC);
	if ((got == 0 && is_hung_up(broker)) || (got < 0 && errno != EAGAIN && errno != EINTR))
		return end_line(broker);
	if (got != sizeof(answer) || answer.magic != QRT_SCHED_BROKER_MAGIC ||
	    answer.sequence != message->sequence)
		return 0;
	/* A result is 0 or an errno; anything else is not worth believing. */
	message->flags = answer.flags;
	*ret_result = answer.result > 0 || answer.result < -4095 ? -EBADMSG : answer.result;
	return 1;
}

static int exchange(struct qrt_sched_p_broker *broker, pthread_mutex_t *lock,
		    struct qrt_sched_broker_message *message, uint64_t until)
{
	int rc, answer = 0;

	while ((rc = send_message(broker, message)) == -EAGAIN) {
		rc = wait_for(broker, lock, POLLOUT, until);
		if (rc < 0)
			return rc;
	}
	while (rc == 0) {
		rc = take_answer(broker, message, &answer);
		if (rc == 0)
			rc = wait_for(broker, lock, POLLIN, until);
	}
	return rc > 0 ? answer : rc;
}

/* One that is stopped would hold up every birth anew. What it sends shows that it goes on. */
static int is_silent(struct qrt_sched_p_broker *broker)
{
	struct pollfd p = {.fd = broker->fd, .events = POLLIN};

	return qrt_sched_p_sys->now() < broker->silent_until_ns && is_ours(broker) && poll(&p, 1, 0) == 0;
}

/* In this much time. pthread_mutex_clocklock() does not know every kernel's mutexes that inherit. */
static int take_turn(struct qrt_sched_p_broker *broker)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += broker->timeout_ms / 1000;
	until.tv_nsec += broker->timeout_ms % 1000 * 1000000L;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	return -pthread_mutex_timedlock(&broker->asking, &until);
}

int qrt_sched_p_broker_ask(struct qrt_sched_p_broker *broker, pthread_mutex_t *lock,
			   struct qrt_sched_broker_message *message)
{
	uint64_t until = qrt_sched_p_sys->now() + broker->timeout_ms * 1000000ull;
	int rc = take_turn(broker);

	if (rc < 0)
		return rc;
	pthread_mutex_lock(lock);
	rc = is_silent(broker) ? -ETIMEDOUT : exchange(broker, lock, message, until);
	if (rc != -ETIMEDOUT)
		broker->silent_until_ns = 0;
	else if (qrt_sched_p_sys->now() >= broker->silent_until_ns)
		broker->silent_until_ns = qrt_sched_p_sys->now() + SILENCE_NS;
	pthread_mutex_unlock(lock);
	pthread_mutex_unlock(&broker->asking);
	return rc;
}
