/* SPDX-License-Identifier: MIT */
/* Threads of QEMU report themselves, and those that may not place themselves are placed. */
#include "proc.h"
#include "supervisor.h"

#include <errno.h>
#include <glib-unix.h>
#include <string.h>
#include <sys/socket.h>

#define INDEX_MAX 4096
#define BURST     64 /* messages taken before others have their turn */

/* Whatever QEMU says, only threads of its own are touched, and only as the plan says. */
static int check(const struct supervisor *supervisor, const struct qrt_sched_broker_message *message)
{
	if (message->role >= QRT_SCHED_ROLES || message->role == QRT_SCHED_ROLE_KIO)
		return -EINVAL;
	if (message->role == QRT_SCHED_ROLE_MAIN &&
	    (message->tid == supervisor->record.qemu_pid) != (message->index == 0))
		return -EINVAL;
	if (message->index >= INDEX_MAX || message->tid <= 0)
		return -EINVAL;
	return proc_has_thread(supervisor->record.qemu_pid, message->tid) ? 0 : -ESRCH;
}

/*
 * message->origin is not looked at: it is QEMU's word, and the supervisor knows itself how QEMU's
 * threads would run without a plan.
 */
static int enter(struct supervisor *supervisor, const struct qrt_sched_broker_message *message)
{
	struct watch_entry entry = {.tid = message->tid,
				    .role = (enum qrt_sched_role)message->role,
				    .index = (int32_t)message->index};
	char name[sizeof(message->name) + 1] = "";
	struct watched *watched;
	int r = check(supervisor, message);

	if (r < 0)
		return r;
	memcpy(name, message->name, sizeof(message->name));
	entry.name = name;
	entry.placed_by = message->op == QRT_SCHED_BROKER_PLACE ? PLACED_BY_BROKER : PLACED_BY_SELF;
	/* Its word: who does not end its slices keeps its own level waiting, which a budget bounds. */
	entry.own_slices = message->flags & QRT_SCHED_BROKER_QUANTUM;
	r = watch_enter(&supervisor->watch, &entry);
	watched = watch_find(&supervisor->watch, message->tid);
	if (watched)
		watched->generation = supervisor->generation;
	return r;
}

static void answer(int fd, struct qrt_sched_broker_message *message, int result)
{
	message->result = result;
	(void)send(fd, message, sizeof(*message), MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* Who asked learns what it has. */
static void place(struct supervisor *supervisor, struct qrt_sched_broker_message *message)
{
	int r = enter(supervisor, message);
	const struct watched *watched = watch_find(&supervisor->watch, message->tid);

	message->flags &= ~QRT_SCHED_BROKER_FALLBACK;
	if (watched && watched->fell_back)
		message->flags |= QRT_SCHED_BROKER_FALLBACK;
	answer(supervisor->broker_fd, message, r);
}

static void dispatch(struct supervisor *supervisor, struct qrt_sched_broker_message *message)
{
	switch (message->op) {
	case QRT_SCHED_BROKER_PLACE:
		place(supervisor, message);
		break;
	case QRT_SCHED_BROKER_PLACED:
		enter(supervisor, message);
		break;
	case QRT_SCHED_BROKER_ENDED:
		if (check(supervisor, message) == 0)
			watch_forget(&supervisor->watch, message->tid);
		break;
	}
}

/* False when the other side is gone. */
static bool receive(struct supervisor *supervisor)
{
	struct qrt_sched_broker_message message;
	ssize_t n;
	int i;

	for (i = 0; i < BURST; i++) {
		n = recv(supervisor->broker_fd, &message, sizeof(message), MSG_DONTWAIT | MSG_TRUNC);
		if (n < 0)
			return errno == EAGAIN || errno == EINTR;
		if (n == 0)
			return false;
		if (n == sizeof(message) && message.magic == QRT_SCHED_BROKER_MAGIC)
			dispatch(supervisor, &message);
	}
	return true;
}

static gboolean on_message(gint fd, GIOCondition condition, gpointer data)
{
	struct supervisor *supervisor = data;

	(void)fd;
	(void)condition;
	if (receive(supervisor))
		return G_SOURCE_CONTINUE;
	supervisor->broker_source = 0;
	return G_SOURCE_REMOVE;
}

void broker_drain(struct supervisor *supervisor)
{
	if (supervisor->broker_source)
		receive(supervisor);
}

void broker_open(struct supervisor *supervisor)
{
	if (supervisor->broker_fd >= 0)
		/* At the priority of all the rest: a QEMU that never stops talking keeps nobody else waiting.
		 */
		supervisor->broker_source = g_unix_fd_add(supervisor->broker_fd, G_IO_IN | G_IO_HUP,
							  on_message, supervisor);
}
