/* SPDX-License-Identifier: MIT */
/* recv: messages of peers, as lines. */
#include <errno.h>
#include <poll.h>
#include <qrt/shmem_ring.h>
#include <stdio.h>
#include <string.h>

#include "json_data.h"
#include "json_text.h"
#include "layout_json.h"
#include "member.h"
#include "tool.h"
#include "tool_option.h"

#define LOOK_MS   50 /* who writes may ring nobody */
#define LINGER_MS 100
#define EVENTS    16

static const char help[] =
	"Usage: qrt-shmem recv SOCKET [--from PEER] [--old] [--all] [--count N] [--timeout SECONDS] "
	"[--json]\n\n"
	"Joins the server at SOCKET, whose memory must have a layout, and prints the messages that are for\n"
	"it or for all: who sent it, its type, and its content. Messages that it was too slow for are\n"
	"counted on standard error.\n\n"
	"  --from PEER        of that one alone\n"
	"  --old              those, too, that were sent before and are still there\n"
	"  --all              those for others, too\n"
	"  --count N          ends after so many\n"
	"  --timeout SECONDS  ends then, whatever came; joining counts\n"
	"  --json             an object for each, with its number; likewise for those that were lost\n\n"
	"Exit code: 0, 1 it failed, the server ended, or fewer than --count came in time, 2 usage.";

#define FROM_ALL G_MAXUINT32

struct recv {
	struct member member;
	gboolean is_json, is_old, is_all;
	guint32 from;
	guint64 count; /* 0: without end */
	double timeout_s;
	struct qrt_shmem_reader *readers;
	guint64 *reported; /* of each: how many lost ones were said */
	guint reader_count;
	char *data;
	guint32 size;
	guint64 printed;
};

/* ---- printing ---- */

static void print_json(guint32 from, const struct qrt_shmem_message *message, const char *data)
{
	JsonObject *object = json_object_new();

	json_object_set_int_member(object, "from", from);
	if (message->to == QRT_SHMEM_TO_ALL)
		json_object_set_null_member(object, "to");
	else
		json_object_set_int_member(object, "to", message->to);
	json_object_set_int_member(object, "type", message->type);
	json_text_set_u64(object, "number", message->number);
	json_data_set_bytes(object, data, message->length);
	json_text_print(object);
}

static void print_text(guint32 from, const struct qrt_shmem_message *message, const char *data)
{
	guint32 i;

	printf("%u %u ", from, message->type);
	for (i = 0; i < message->length; i++) {
		if (g_ascii_iscntrl(data[i]) || data[i] == '\\')
			printf("\\x%02x", (unsigned char)data[i]);
		else
			putchar(data[i]);
	}
	putchar('\n');
	fflush(stdout);
}

static void print_lost(const struct recv *recv, guint32 from, guint64 lost)
{
	JsonObject *object;

	if (!recv->is_json) {
		complain("%" G_GUINT64_FORMAT
			 " message%s of peer %u %s lost: it writes faster than this reads",
			 lost, plural(lost), from, lost == 1 ? "was" : "were");
		return;
	}
	object = json_object_new();
	json_object_set_int_member(object, "from", from);
	json_text_set_u64(object, "lost", lost);
	json_text_print(object);
}

static void report_lost(struct recv *recv, guint index)
{
	const struct qrt_shmem_reader *reader = &recv->readers[index];

	if (reader->lost != recv->reported[index])
		print_lost(recv, reader->from, reader->lost - recv->reported[index]);
	recv->reported[index] = reader->lost;
}

/* ---- taking ---- */

static gboolean is_for_us(const struct recv *recv, const struct qrt_shmem_message *message)
{
	return recv->is_all || message->to == QRT_SHMEM_TO_ALL || message->to == recv->member.id;
}

static gboolean is_done(const struct recv *recv)
{
	return (recv->count && recv->printed >= recv->count) || ferror(stdout);
}

/* As many as a ring can have, then it is others' turn. */
static void take_from(struct recv *recv, guint index)
{
	guint most = recv->readers[index].units / (sizeof(struct qrt_shmem_message) / 8), i;
	struct qrt_shmem_reader *reader = &recv->readers[index];
	struct qrt_shmem_message message;
	int rc = 1;

	for (i = 0; i < most && rc > 0 && !is_done(recv); i++) {
		rc = qrt_shmem_receive(reader, &message, recv->data, recv->size);
		if (rc == -EBADMSG)
			complain("what peer %u writes is damaged; it goes on behind that", reader->from);
		if (rc <= 0)
			break;
		qrt_shmem_acknowledge(reader);
		report_lost(recv, index);
		if (!is_for_us(recv, &message))
			continue;
		recv->printed++;
		if (recv->is_json)
			print_json(reader->from, &message, recv->data);
		else
			print_text(reader->from, &message, recv->data);
	}
}

static void take_all(struct recv *recv)
{
	guint i;

	for (i = 0; i < recv->reader_count && !is_done(recv); i++)
		take_from(recv, i);
}

/* ---- waiting ---- */

/* Negative: the server ended, and with it whoever could be told anything. */
static int look_around(struct recv *recv)
{
	struct pollfd fd = {.fd = qrt_ivshmem_peer_get_fd(recv->member.peer), .events = POLLIN};
	struct qrt_ivshmem_event events[EVENTS];
	int count, i;

	if (poll(&fd, 1, LOOK_MS) <= 0)
		return 0;
	count = qrt_ivshmem_peer_harvest(recv->member.peer, events, EVENTS);
	for (i = 0; i < count; i++) {
		if (events[i].kind == QRT_IVSHMEM_GONE)
			return -EPIPE;
	}
	return count < 0 ? count : 0;
}

static int loop(struct recv *recv, gint64 begin)
{
	gint64 after = (gint64)(recv->timeout_s * G_USEC_PER_SEC);
	int rc = 0;

	for (;;) {
		take_all(recv);
		if (is_done(recv))
			return EXIT_OK;
		if (rc < 0) {
			complain("%s: the server ended", recv->member.path);
			return EXIT_FAILED;
		}
		if (after && g_get_monotonic_time() - begin >= after)
			break;
		member_beat(&recv->member);
		rc = look_around(recv);
	}
	if (!recv->count)
		return EXIT_OK;
	complain("%s: %" G_GUINT64_FORMAT " message%s of %" G_GUINT64_FORMAT " came in %g s",
		 recv->member.path, recv->printed, plural(recv->printed), recv->count, recv->timeout_s);
	return EXIT_FAILED;
}

/* ---- beginning ---- */

static int open_readers(struct recv *recv)
{
	const struct qrt_shmem_view *view = &recv->member.view;
	guint32 slot;

	if (recv->from != FROM_ALL && recv->from >= view->peers) {
		complain("%s: --from %u: the layout has slots 0 to %u", recv->member.path, recv->from,
			 view->peers - 1);
		return -EINVAL;
	}
	recv->readers = g_new0(struct qrt_shmem_reader, view->peers);
	recv->reported = g_new0(guint64, view->peers);
	recv->size = qrt_shmem_length_max(view) + 8;
	recv->data = g_malloc(recv->size);
	for (slot = 0; slot < view->peers; slot++) {
		if (slot != recv->member.id && (recv->from == FROM_ALL || recv->from == slot))
			qrt_shmem_begin_reading(&recv->readers[recv->reader_count++], view, slot,
						recv->member.id, recv->is_old);
	}
	return 0;
}

static int run(struct recv *recv, const char *path)
{
	gint64 begin = g_get_monotonic_time();
	int rc = member_join(&recv->member, path, recv->timeout_s), code = EXIT_FAILED;

	if (rc < 0)
		return EXIT_FAILED;
	rc = member_need_layout(&recv->member);
	if (rc >= 0)
		rc = open_readers(recv);
	if (rc >= 0)
		code = loop(recv, begin);
	if (recv->printed)
		g_usleep(LINGER_MS *
			 1000); /* leaving empties the slot: who waits for the last acknowledgement sees it */
	member_leave(&recv->member);
	g_free(recv->readers);
	g_free(recv->reported);
	g_free(recv->data);
	return code;
}

int command_recv(char **argv)
{
	struct recv recv = {.from = FROM_ALL};
	g_autofree char *from = NULL, *count = NULL, *timeout = NULL;
	g_auto(GStrv) rest = NULL;
	const GOptionEntry entries[] = {{"from", 0, 0, G_OPTION_ARG_FILENAME, &from, NULL, NULL},
					{"old", 0, 0, G_OPTION_ARG_NONE, &recv.is_old, NULL, NULL},
					{"all", 0, 0, G_OPTION_ARG_NONE, &recv.is_all, NULL, NULL},
					{"count", 0, 0, G_OPTION_ARG_FILENAME, &count, NULL, NULL},
					{"timeout", 0, 0, G_OPTION_ARG_FILENAME, &timeout, NULL, NULL},
					{"json", 0, 0, G_OPTION_ARG_NONE, &recv.is_json, NULL, NULL},
					{NULL}};
	const struct option_usage usage = {.command = "recv", .help = help, .entries = entries};
	int code = option_parse(&usage, argv, &rest);

	if (code == EXIT_OK)
		code = option_need_one(&usage, rest, "a server's socket");
	if (code == EXIT_OK)
		code = member_take_id("--from", from, &recv.from);
	if (code == EXIT_OK)
		code = option_take_number("--count", count, 1, G_MAXINT64, &recv.count);
	if (code == EXIT_OK)
		code = option_take_seconds("--timeout", timeout, 1e6, &recv.timeout_s);
	if (code == EXIT_OK)
		code = run(&recv, rest[0]);
	return code == OPTION_HELP ? EXIT_OK : code;
}
