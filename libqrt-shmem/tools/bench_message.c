/* SPDX-License-Identifier: MIT */
/* Messages a second: a ring whose writer waits for its reader, against a pipe and a stream socket. */
#include <errno.h>
#include <fcntl.h>
#include <qrt/shmem_ring.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"

#define LAST      1    /* the type of the message that ends it */
#define A_LOOK    64   /* messages between looks at the clock */
#define AN_ANSWER 4    /* messages */
#define MESSAGE   4096 /* the longest */

static unsigned char message[MESSAGE];

/* The clock runs until the reader has them all. */
static double rate(struct bench *bench, guint64 count, gint64 begin)
{
	guint looks = 0;

	while (!__atomic_load_n(&bench->shared->is_done.value, __ATOMIC_ACQUIRE)) {
		if (!bench_look_again(&looks)) {
			complain("bench: the partner does not read to the end");
			return 0;
		}
	}
	return (double)count / ((double)(g_get_monotonic_time() - begin) / 1e6);
}

static void be_done(struct bench *bench)
{
	__atomic_store_n(&bench->shared->is_done.value, 1, __ATOMIC_RELEASE);
}

/* ---- the ring ---- */

static void acknowledge(const struct qrt_shmem_reader *reader, guint32 least, guint32 *at)
{
	if (reader->at - *at < least)
		return;
	qrt_shmem_acknowledge(reader);
	*at = reader->at;
}

/* Not each message by itself: the writer needs to know when it has no room, which it has for long. */
static void read_ring(struct bench *bench, void *data)
{
	const struct qrt_shmem_view *view = data;
	guint64 room[MESSAGE / 8 + 1];
	struct qrt_shmem_message head;
	struct qrt_shmem_reader reader;
	guint32 acknowledged;
	guint rests = 0;

	if (qrt_shmem_begin_reading(&reader, view, 0, 1, 1) < 0)
		return;
	acknowledged = reader.at;
	bench_be_ready(bench);
	while (!rests || bench_rest(&rests)) {
		if (qrt_shmem_receive(&reader, &head, room, sizeof(room)) <= 0) {
			acknowledge(&reader, 1, &acknowledged);
			rests++;
			continue;
		}
		rests = 0;
		acknowledge(&reader, reader.units / AN_ANSWER, &acknowledged);
		if (head.type == LAST)
			break;
	}
	if (!reader.lost)
		be_done(bench);
}

static int put(struct qrt_shmem_writer *writer, guint16 type, size_t bytes)
{
	guint rests = 0;
	int rc;

	while ((rc = qrt_shmem_send(writer, 1, type, message, (guint32)bytes)) == -EAGAIN) {
		if (!bench_rest(&rests))
			return -ETIMEDOUT;
	}
	return rc;
}

static double write_ring(struct bench *bench, struct qrt_shmem_writer *writer, size_t bytes)
{
	gint64 begin = g_get_monotonic_time(), until = begin + (gint64)(bench->seconds * 1e6);
	guint64 count = 0;
	int rc = 0;

	while (rc >= 0 && (count % A_LOOK || g_get_monotonic_time() < until)) {
		rc = put(writer, 0, bytes);
		count++;
	}
	if (rc >= 0 && put(writer, LAST, 0) >= 0)
		return rate(bench, count, begin);
	complain("bench: the ring does not go on");
	return 0;
}

static void wake_nobody(struct bench *bench, void *data)
{
	(void)bench;
	(void)data;
}

double bench_messages(struct bench *bench, size_t bytes)
{
	struct qrt_shmem_writer writer;
	struct qrt_shmem_view view;
	double result;

	qrt_shmem_make(bench->layout_memory, bench->layout_bytes, 2, 0, BENCH_RING_BYTES, 1);
	if (qrt_shmem_attach(&view, bench->layout_memory, bench->layout_bytes) < 0 ||
	    qrt_shmem_begin_writing(&writer, &view, 0, 1, 1) < 0 ||
	    bench_begin_partner(bench, read_ring, &view) < 0)
		return 0;
	result = write_ring(bench, &writer, bytes);
	bench_end_partner(bench, wake_nobody, NULL);
	return result;
}

/* ---- descriptors ---- */

struct line {
	int fds[2]; /* to read from, to write to */
	size_t bytes;
};

static gboolean read_whole(int fd, unsigned char *room, size_t bytes)
{
	size_t at = 0;
	ssize_t got;

	while (at < bytes) {
		got = read(fd, room + at, bytes - at);
		if (got <= 0)
			return FALSE;
		at += (size_t)got;
	}
	return TRUE;
}

static void read_line(struct bench *bench, void *data)
{
	const struct line *line = data;
	unsigned char room[MESSAGE];

	close(line->fds[1]);
	bench_be_ready(bench);
	while (read_whole(line->fds[0], room, line->bytes))
		;
	be_done(bench);
}

static double write_line(struct bench *bench, struct line *line)
{
	gint64 begin = g_get_monotonic_time(), until = begin + (gint64)(bench->seconds * 1e6);
	guint64 count = 0;

	while (count % A_LOOK || g_get_monotonic_time() < until) {
		if (write(line->fds[1], message, line->bytes) != (ssize_t)line->bytes) {
			complain("bench: the partner reads no more: %s", g_strerror(errno));
			return 0;
		}
		count++;
	}
	close(line->fds[1]);
	line->fds[1] = -1;
	return rate(bench, count, begin);
}

/* The reading end is the partner's alone: where it is gone, nobody waits for it. */
static double measure_line(struct bench *bench, struct line *line)
{
	double result = 0;

	if (bench_begin_partner(bench, read_line, line) >= 0) {
		close(line->fds[0]);
		line->fds[0] = -1;
		result = write_line(bench, line);
		bench_end_partner(bench, wake_nobody, NULL);
	}
	if (line->fds[0] >= 0)
		close(line->fds[0]);
	if (line->fds[1] >= 0)
		close(line->fds[1]);
	return result;
}

static double fail(void)
{
	complain("bench: no pipe or socket: %s", g_strerror(errno));
	return 0;
}

double bench_pipe(struct bench *bench, size_t bytes)
{
	struct line line = {.bytes = bytes};

	if (pipe2(line.fds, O_CLOEXEC) < 0)
		return fail();
	fcntl(line.fds[1], F_SETPIPE_SZ, BENCH_RING_BYTES);
	return measure_line(bench, &line);
}

double bench_stream(struct bench *bench, size_t bytes)
{
	struct line line = {.bytes = bytes};
	int size = BENCH_RING_BYTES;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, line.fds) < 0)
		return fail();
	setsockopt(line.fds[1], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	return measure_line(bench, &line);
}
