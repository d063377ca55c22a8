/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "placer_p.h"
#include "sys_p.h"

int qrt_sched_p_broker_open(struct qrt_sched_p_broker *broker, int fd, uint32_t timeout_ms)
{
	int type = 0;
	socklen_t len = sizeof(type);
	struct stat st;

	*broker = (struct qrt_sched_p_broker){.fd = -1, .timeout_ms = timeout_ms};
	if (fd < 0)
		return 0;
	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) < 0 || type != SOCK_SEQPACKET ||
	    fstat(fd, &st) < 0)
		return -EINVAL;
	broker->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (broker->fd < 0)
		return -errno;
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

/* Waits until the socket is ready or the time is over. */
static int wait_for(struct qrt_sched_p_broker *broker, short events, uint64_t until)
{
	struct pollfd p = {.fd = broker->fd, .events = events};
	uint64_t now = qrt_sched_p_sys->now();
	int left = now < until ? (int)((until - now + 999999) / 1000000) : 0;
	int rc;

	if (!left)
		return -ETIMEDOUT;
	rc = poll(&p, 1, left);
	if (rc < 0 && errno != EINTR)
		return -errno;
	return 0;
}

/* Takes one message. 1: it is the answer, 0: something else, or nothing. */
static int take_answer(struct qrt_sched_p_broker *broker, uint32_t sequence, int *ret_result)
{
	struct qrt_sched_broker_message answer;
	ssize_t got = recv(broker->fd, &answer, sizeof(answer), MSG_DONTWAIT | MSG_TRUNC);

	if ((got == 0 && is_hung_up(broker)) || (got < 0 && errno != EAGAIN && errno != EINTR))
		return end_line(broker);
	if (got != sizeof(answer) || answer.magic != QRT_SCHED_BROKER_MAGIC || answer.sequence != sequence)
		return 0;
	/* A result is 0 or an errno; anything else is not worth believing. */
	*ret_result = answer.result > 0 || answer.result < -4095 ? -EBADMSG : answer.result;
	return 1;
}

int qrt_sched_p_broker_ask(struct qrt_sched_p_broker *broker, struct qrt_sched_broker_message *message)
{
	uint64_t until = qrt_sched_p_sys->now() + broker->timeout_ms * 1000000ull;
	int rc, answer = 0;

	while ((rc = send_message(broker, message)) == -EAGAIN) {
		rc = wait_for(broker, POLLOUT, until);
		if (rc < 0)
			return rc;
	}
	while (rc == 0) {
		rc = take_answer(broker, broker->sequence, &answer);
		if (rc == 0)
			rc = wait_for(broker, POLLIN, until);
	}
	return rc > 0 ? answer : rc;
}
