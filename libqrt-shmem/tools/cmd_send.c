/* SPDX-License-Identifier: MIT */
/* send: messages, through the ring of the own slot. */
#include <errno.h>
#include <poll.h>
#include <qrt/shmem_ring.h>
#include <stdio.h>
#include <string.h>

#include "member.h"
#include "tool.h"
#include "tool_option.h"

#define LINGER_S 1.0
#define LOOK_MS  1
#define EVENTS   16

static const char help[] =
	"Usage: qrt-shmem send SOCKET [--to PEER] [--type N] [--wait SECONDS] TEXT|-\n\n"
	"Joins the server at SOCKET, whose memory must have a layout, and sends a message, or with - each\n"
	"line of standard input as one; then rings vector 0 of those whom it is for. Leaving makes the\n"
	"own slot empty: so it waits until they acknowledge that they took it, as 'qrt-shmem recv' does.\n\n"
	"  --to PEER       for that one, and no faster than it takes them (default: for all)\n"
	"  --type N        a number that the peers agree upon, 0 to 65535 (default 0)\n"
	"  --wait SECONDS  at most so long (default 1); for joining, too (default 10)\n\n"
	"Exit code: 0, 1 it failed, or the peer of --to did not take it in time, 2 usage.";

struct send {
	struct member member;
	struct qrt_shmem_writer writer;
	guint32 to; /* QRT_SHMEM_TO_ALL */
	guint16 type;
	double wait_s, join_s; /* the latter as asked for, 0: not */
	guint32 *ids;          /* whom it is for */
	guint count;
};

/* ---- whom it is for ---- */

static void list_all(struct send *send)
{
	int count = qrt_ivshmem_peer_list(send->member.peer, NULL, 0), i;
	guint32 *ids = g_new(guint32, (gsize)count + 1);

	qrt_ivshmem_peer_list(send->member.peer, ids, (size_t)count);
	for (i = 0; i < count; i++) {
		if (ids[i] < send->member.view.peers)
			ids[send->count++] = ids[i];
	}
	send->ids = ids;
}

static int list_receivers(struct send *send)
{
	if (send->to == QRT_SHMEM_TO_ALL) {
		list_all(send);
		return 0;
	}
	if (qrt_ivshmem_peer_get_vectors(send->member.peer, send->to) < 0 ||
	    send->to >= send->member.view.peers) {
		complain("%s: there is no peer %u with a slot; see qrt-shmem ls", send->member.path,
			 send->to);
		return -ENOENT;
	}
	send->ids = g_new(guint32, 1);
	send->ids[send->count++] = send->to;
	return 0;
}

static void ring_all(const struct send *send)
{
	guint i;

	for (i = 0; i < send->count; i++)
		qrt_ivshmem_peer_ring(send->member.peer, send->ids[i], 0);
}

/* ---- acknowledgements ---- */

/* Those that left take nothing any more. */
static guint count_waiting(const struct send *send)
{
	guint i, count = 0;

	for (i = 0; i < send->count; i++) {
		if (qrt_ivshmem_peer_get_vectors(send->member.peer, send->ids[i]) >= 0 &&
		    !qrt_shmem_is_acknowledged(&send->writer, send->ids[i]))
			count++;
	}
	return count;
}

static void look_around(struct send *send)
{
	struct qrt_ivshmem_event events[EVENTS];
	struct pollfd fd = {.fd = qrt_ivshmem_peer_get_fd(send->member.peer), .events = POLLIN};

	if (poll(&fd, 1, LOOK_MS) > 0)
		qrt_ivshmem_peer_harvest(send->member.peer, events, EVENTS);
}

static gint64 deadline(const struct send *send)
{
	return g_get_monotonic_time() + (gint64)(send->wait_s * G_USEC_PER_SEC);
}

static int wait_taken(struct send *send)
{
	gint64 until = deadline(send);

	while (count_waiting(send) > 0 && g_get_monotonic_time() < until)
		look_around(send);
	if (send->to == QRT_SHMEM_TO_ALL || qrt_shmem_is_acknowledged(&send->writer, send->to))
		return 0;
	if (qrt_ivshmem_peer_get_vectors(send->member.peer, send->to) < 0)
		complain("%s: peer %u left before it acknowledged all", send->member.path, send->to);
	else
		complain("%s: peer %u did not acknowledge it in %g s; it may not read messages",
			 send->member.path, send->to, send->wait_s);
	return -ETIMEDOUT;
}

/* ---- messages ---- */

static int send_one(struct send *send, const char *text, size_t length)
{
	gint64 until = deadline(send);
	int rc;

	while ((rc = qrt_shmem_send(&send->writer, (guint16)send->to, send->type, text, (guint32)length)) ==
		       -EAGAIN &&
	       g_get_monotonic_time() < until) {
		ring_all(send);
		look_around(send);
	}
	if (rc == -EMSGSIZE)
		complain("%s: a message of %zu bytes: %u fit into this layout's ring", send->member.path,
			 length, qrt_shmem_length_max(&send->member.view));
	else if (rc < 0)
		complain("%s: peer %u takes no messages any more", send->member.path, send->to);
	else
		ring_all(send);
	return rc;
}

static int send_lines(struct send *send)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t length;
	int rc = 0;

	while (rc >= 0 && (length = getline(&line, &room, stdin)) >= 0) {
		if (length > 0 && line[length - 1] == '\n')
			length--;
		rc = send_one(send, line, (size_t)length);
		member_beat(&send->member);
	}
	free(line);
	return rc;
}

static int send_all(struct send *send, const char *text)
{
	int rc = member_need_layout(&send->member);

	if (rc >= 0)
		rc = list_receivers(send);
	if (rc < 0)
		return rc;
	qrt_shmem_begin_writing(&send->writer, &send->member.view, send->member.id, member_draw(), send->to);
	member_beat(&send->member);
	rc = strcmp(text, "-") == 0 ? send_lines(send) : send_one(send, text, strlen(text));
	if (rc >= 0 && send->writer.number > 0)
		rc = wait_taken(send);
	g_free(send->ids);
	return rc;
}

static int run(struct send *send, char **rest)
{
	int rc = member_join(&send->member, rest[0], send->join_s);

	if (rc < 0)
		return EXIT_FAILED;
	rc = send_all(send, rest[1]);
	member_leave(&send->member);
	return rc < 0 ? EXIT_FAILED : EXIT_OK;
}

int command_send(char **argv)
{
	struct send send = {.to = QRT_SHMEM_TO_ALL, .wait_s = LINGER_S};
	g_autofree char *to = NULL, *type_text = NULL, *wait = NULL;
	g_auto(GStrv) rest = NULL;
	const GOptionEntry entries[] = {{"to", 0, 0, G_OPTION_ARG_FILENAME, &to, NULL, NULL},
					{"type", 0, 0, G_OPTION_ARG_FILENAME, &type_text, NULL, NULL},
					{"wait", 0, 0, G_OPTION_ARG_FILENAME, &wait, NULL, NULL},
					{NULL}};
	const struct option_usage usage = {.command = "send", .help = help, .entries = entries};
	guint64 type = 0;
	int code = option_parse(&usage, argv, &rest);

	if (code == EXIT_OK && g_strv_length(rest) != 2) {
		complain("send: give a server's socket and one text, or -; try 'qrt-shmem send --help'");
		code = EXIT_USAGE;
	}
	if (code == EXIT_OK)
		code = member_take_id("--to", to, &send.to);
	if (code == EXIT_OK)
		code = option_take_number("--type", type_text, 0, G_MAXUINT16, &type);
	if (code == EXIT_OK)
		code = option_take_seconds("--wait", wait, 86400, &send.wait_s);
	if (wait)
		send.join_s = send.wait_s;
	send.type = (guint16)type;
	if (code == EXIT_OK)
		code = run(&send, rest);
	return code == OPTION_HELP ? EXIT_OK : code;
}
