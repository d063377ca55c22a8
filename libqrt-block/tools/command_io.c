/* SPDX-License-Identifier: MIT */
/* Commands that are requests. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "io.h"
#include "tool_say.h"

#define MANY 1024 /* lengths of one command */

#define OPTIONS_HELP                                                                                         \
	"  -C  numbers alone: bytes, operations, time, bytes/s, operations/s\n"                              \
	"  -q  nothing unless it fails\n"                                                                    \
	"  --priority urgent|normal|low\n"                                                                   \
	"  --deadline TIME  from now on, such as 500us or 20ms: then it ends\n"
#define BOUNCE_HELP "  --bounce  by a buffer of the library's\n"
#define PLACE_HELP  "Offset and lengths: bytes, 0x1000, 4k, 1.5M, with letters up to E.\n"
#define READ_HELP   PLACE_HELP "  -P BYTE  verify that all of it is that\n  -v  print what was read\n"
#define WRITE_HELP  PLACE_HELP "  -P BYTE  write that (default 0xcd)\n  -f  is safe when it is done\n"
#define ZERO_HELP   "  -z  write zeroes, without a buffer\n  -u  with -z: their space may be given back\n"
#define ASYNC_HELP                                                                                           \
	"Goes on at once. What came of it is printed when it is done; it is no failure of this command.\n"   \
	"Asynchronous requests are numbered from 1 on, for cancel.\n"

static gboolean run(struct session *session, const struct io_command *command, const char *letters,
		    guint many, int argc, char **argv)
{
	struct io_option option;
	gboolean is_good = io_option_parse(&option, letters, many, argc, argv);

	if (is_good)
		is_good = io_run(session, command, &option);
	io_option_clear(&option);
	return is_good;
}

static gboolean run_read(struct session *session, int argc, char **argv)
{
	static const struct io_command command = {"read", "read", "read", QRT_BLOCK_READ, FALSE, FALSE};

	return run(session, &command, "bCl:pP:qs:v", 1, argc, argv);
}

static gboolean run_readv(struct session *session, int argc, char **argv)
{
	static const struct io_command command = {"readv", "read", "readv", QRT_BLOCK_READ, TRUE, FALSE};

	return run(session, &command, "CP:qv", MANY, argc, argv);
}

static gboolean run_write(struct session *session, int argc, char **argv)
{
	static const struct io_command command = {"write", "wrote", "write", QRT_BLOCK_WRITE, FALSE, FALSE};

	return run(session, &command, "bcCfnpP:qs:uz", 1, argc, argv);
}

static gboolean run_writev(struct session *session, int argc, char **argv)
{
	static const struct io_command command = {"writev", "wrote", "writev", QRT_BLOCK_WRITE, TRUE, FALSE};

	return run(session, &command, "CfP:q", MANY, argc, argv);
}

static gboolean run_aio_read(struct session *session, int argc, char **argv)
{
	static const struct io_command command = {"aio_read", "read", "readv", QRT_BLOCK_READ, TRUE, TRUE};

	return run(session, &command, "CiP:qv", MANY, argc, argv);
}

static gboolean run_aio_write(struct session *session, int argc, char **argv)
{
	static const struct io_command command = {"aio_write",     "wrote", "aio_write",
						  QRT_BLOCK_WRITE, TRUE,    TRUE};

	return run(session, &command, "CfiP:quz", MANY, argc, argv);
}

static gboolean run_discard(struct session *session, int argc, char **argv)
{
	static const struct io_command command = {"discard",         "discard", "discard",
						  QRT_BLOCK_DISCARD, FALSE,     FALSE};

	return run(session, &command, "Cq", 1, argc, argv);
}

static gboolean run_flush(struct session *session, int argc, char **argv)
{
	static const struct io_command command = {"flush", "flush", "flush", QRT_BLOCK_FLUSH, FALSE, FALSE};
	struct io_option option;
	gboolean is_good = io_option_parse(&option, "", 0, argc, argv);

	if (is_good)
		is_good = io_run(session, &command, &option);
	io_option_clear(&option);
	return is_good;
}

static gboolean run_aio_flush(struct session *session, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return io_wait_all(session);
}

/* Negative: there is none of that number, which was said. */
static int cancel_one(struct session *session, guint64 number)
{
	const struct io *io = io_find(session, number);
	int rc = io ? qrt_block_queue_cancel(session->image->queue, io->request.id) : -ENOENT;

	if (rc < 0)
		complain("cancel: number %" G_GUINT64_FORMAT " is not on its way: it is done, or never was",
			 number);
	return rc;
}

static gboolean cancel_all(struct session *session)
{
	guint i;

	for (i = 0; i < session->ios->len; i++) {
		const struct io *io = session->ios->pdata[i];

		if (!io->is_done)
			qrt_block_queue_cancel(session->image->queue, io->request.id);
	}
	return TRUE;
}

static gboolean run_cancel(struct session *session, int argc, char **argv)
{
	guint64 number = session->number;
	gboolean is_good;

	if (argc > 1 && strcmp(argv[1], "all") == 0) {
		is_good = cancel_all(session);
	} else if (argc > 1 && !g_ascii_string_to_unsigned(argv[1], 10, 1, G_MAXUINT64, &number, NULL)) {
		complain("cancel: '%s' is no number of a request; give 1 for the first one, or all", argv[1]);
		return FALSE;
	} else {
		is_good = cancel_one(session, number) >= 0;
	}
	io_harvest(session);
	return is_good;
}

const struct command command_ios[] = {
	{"read", "r",
	 "[-Cqv] [-P pattern [-s off] [-l len]] [--priority P] [--deadline T] [--bounce] off len",
	 "read, verify, print", READ_HELP "  -s, -l  what of it is verified\n" OPTIONS_HELP BOUNCE_HELP, TRUE,
	 -1, run_read},
	{"readv", "rv", "[-Cqv] [-P pattern] [--priority P] [--deadline T] [--bounce] off len [len..]",
	 "read into several buffers", READ_HELP OPTIONS_HELP BOUNCE_HELP, TRUE, -1, run_readv},
	{"write", "w", "[-Cfquz] [-P pattern | -s file] [--priority P] [--deadline T] [--bounce] off len",
	 "write a pattern, a file or zeroes",
	 WRITE_HELP "  -s FILE  write what it has, over and over\n" ZERO_HELP OPTIONS_HELP BOUNCE_HELP, TRUE,
	 -1, run_write},
	{"writev", "wv", "[-Cfq] [-P pattern] [--priority P] [--deadline T] [--bounce] off len [len..]",
	 "write from several buffers", WRITE_HELP OPTIONS_HELP BOUNCE_HELP, TRUE, -1, run_writev},
	{"aio_read", NULL, "[-Cqv] [-P pattern] [--priority P] [--deadline T] [--bounce] off len [len..]",
	 "read, and go on at once", ASYNC_HELP READ_HELP OPTIONS_HELP BOUNCE_HELP, TRUE, -1, run_aio_read},
	{"aio_write", NULL, "[-Cfquz] [-P pattern] [--priority P] [--deadline T] [--bounce] off len [len..]",
	 "write, and go on at once", ASYNC_HELP WRITE_HELP ZERO_HELP OPTIONS_HELP BOUNCE_HELP, TRUE, -1,
	 run_aio_write},
	{"aio_flush", NULL, "", "wait until all asynchronous requests are done", NULL, TRUE, 0,
	 run_aio_flush},
	{"cancel", NULL, "[number | all]", "end an asynchronous request",
	 "The last one, or that of a number: the first one is 1.\n", TRUE, 1, run_cancel},
	{"discard", "d", "[-Cq] [--priority P] [--deadline T] off len", "give up what is there",
	 PLACE_HELP OPTIONS_HELP, TRUE, -1, run_discard},
	{"flush", "f", "[--priority P] [--deadline T]", "make safe what was written", OPTIONS_HELP, TRUE, -1,
	 run_flush},
	{NULL},
};
