/* SPDX-License-Identifier: MIT */
/* ring: a peer's doorbell. */
#include <errno.h>
#include <string.h>

#include "member.h"
#include "tool.h"
#include "tool_option.h"

static const char help[] =
	"Usage: qrt-shmem ring SOCKET PEER[:VECTOR] [--count N]\n\n"
	"Joins the server at SOCKET and rings a vector of a peer (default 0). Rings that come faster than\n"
	"they are looked at count as one.\n\n"
	"  --count N  times (default 1)\n\n"
	"Exit code: 0, 1 there is no such server, peer or vector, 2 usage.";

static int take_target(const char *text, guint32 *peer, guint32 *vector)
{
	g_auto(GStrv) parts = g_strsplit(text, ":", 2);
	guint64 number = 0;
	int code = member_take_id("ring", parts[0] ? parts[0] : "", peer);

	if (code == EXIT_OK)
		code = option_take_number("ring: vector", parts[0] ? parts[1] : NULL, 0,
					  QRT_IVSHMEM_VECTORS_MAX - 1, &number);
	*vector = (guint32)number;
	return code;
}

static int explain(const struct member *member, guint32 peer, guint32 vector, int rc)
{
	int vectors = qrt_ivshmem_peer_get_vectors(member->peer, peer);

	if (vectors < 0)
		complain("%s: there is no peer %u; see qrt-shmem ls", member->path, peer);
	else if (rc == -ENOENT)
		complain("%s: peer %u has vectors 0 to %d, and no %u", member->path, peer, vectors - 1,
			 vector);
	else
		complain("%s: peer %u cannot be rung: %s", member->path, peer, g_strerror(-rc));
	return EXIT_FAILED;
}

static int ring(const char *path, guint32 peer, guint32 vector, guint64 count)
{
	struct member member;
	int code = EXIT_OK, rc = 0;

	if (member_join(&member, path, 0) < 0)
		return EXIT_FAILED;
	for (; count > 0 && rc >= 0; count--)
		rc = qrt_ivshmem_peer_ring(member.peer, peer, vector);
	if (rc < 0)
		code = explain(&member, peer, vector, rc);
	member_leave(&member);
	return code;
}

int command_ring(char **argv)
{
	g_autofree char *count_text = NULL;
	g_auto(GStrv) rest = NULL;
	const GOptionEntry entries[] = {{"count", 0, 0, G_OPTION_ARG_FILENAME, &count_text, NULL, NULL},
					{NULL}};
	const struct option_usage usage = {.command = "ring", .help = help, .entries = entries};
	guint32 peer = 0, vector = 0;
	guint64 count = 1;
	int code = option_parse(&usage, argv, &rest);

	if (code == EXIT_OK && g_strv_length(rest) != 2) {
		complain("ring: give a server's socket and a peer; try 'qrt-shmem ring --help'");
		code = EXIT_USAGE;
	}
	if (code == EXIT_OK)
		code = take_target(rest[1], &peer, &vector);
	if (code == EXIT_OK)
		code = option_take_number("--count", count_text, 1, 1000000000, &count);
	if (code == EXIT_OK)
		code = ring(rest[0], peer, vector, count);
	return code == OPTION_HELP ? EXIT_OK : code;
}
