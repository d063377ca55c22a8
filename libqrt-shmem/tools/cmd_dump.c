/* SPDX-License-Identifier: MIT */
/* dump: what lies in the memory. */
#include "dump.h"
#include "tool.h"
#include "tool_option.h"

#define JSON_MAX (64u << 20)

static const char help[] =
	"Usage: qrt-shmem dump SOCKET [--raw] [--offset N] [--length N] [--timeout SECONDS]\n"
	"                       [--json]\n\n"
	"Joins the server at SOCKET and prints what lies in the memory: of a layout its sizes, and for each\n"
	"slot that has a peer, or had one, life, state, values and the messages in its ring; of a memory\n"
	"without a layout its bytes.\n\n"
	"  --raw              the bytes in any case\n"
	"  --offset N         from there on, --length N: so many; both mean --raw. 4096, 4K, 1M\n"
	"  --timeout SECONDS  joins in so long (default 10)\n"
	"  --json             one object; bytes as base64\n\n"
	"Exit code: 0, 1 there is no such server, or the layout is damaged, 2 usage.";

struct dump {
	gboolean is_raw, is_json;
	char *offset_text, *length_text;
	double timeout_s;
	guint64 offset, length;
};

/* Where a range begins that a memory has, and how much of it there is. */
static int cut(const struct member *member, struct dump *dump)
{
	if (dump->offset >= member->length) {
		complain("%s: --offset %s: the memory has %" G_GUINT64_FORMAT " bytes", member->path,
			 dump->offset_text, member->length);
		return EXIT_FAILED;
	}
	dump->length = MIN(dump->length, member->length - dump->offset);
	if (!dump->is_json || dump->length <= JSON_MAX)
		return EXIT_OK;
	complain("%s: with --json, give a --length of %u bytes or less", member->path, JSON_MAX);
	return EXIT_FAILED;
}

static int show(const struct member *member, struct dump *dump)
{
	int code;

	if (!dump->is_raw && member->layout == 0) {
		dump_layout(member, dump->is_json);
		return EXIT_OK;
	}
	code = cut(member, dump);
	if (code == EXIT_OK)
		dump_raw(member, dump->offset, dump->length, dump->is_json);
	if (dump->is_raw || member->layout == -EAGAIN || code != EXIT_OK)
		return code;
	complain("%s: the layout in this memory is %s", member->path,
		 member->layout == -EBADMSG ? "damaged" : "another version's, or does not fit");
	return EXIT_FAILED;
}

/* Offset 0 is fine, and "0" no size. */
static int take_range(struct dump *dump)
{
	int code = EXIT_OK;

	if (dump->offset_text &&
	    !g_ascii_string_to_unsigned(dump->offset_text, 10, 0, 0, &dump->offset, NULL))
		code = option_take_size("--offset", dump->offset_text, &dump->offset);
	dump->length = G_MAXUINT64;
	if (code == EXIT_OK)
		code = option_take_size("--length", dump->length_text, &dump->length);
	dump->is_raw = dump->is_raw || dump->offset_text || dump->length_text;
	return code;
}

static int run(struct dump *dump, const char *path)
{
	struct member member;
	int code;

	if (member_join(&member, path, dump->timeout_s) < 0)
		return EXIT_FAILED;
	code = show(&member, dump);
	member_leave(&member);
	return code;
}

int command_dump(char **argv)
{
	struct dump dump = {.offset = 0};
	g_autofree char *timeout = NULL;
	g_auto(GStrv) rest = NULL;
	const GOptionEntry entries[] = {
		{"raw", 0, 0, G_OPTION_ARG_NONE, &dump.is_raw, NULL, NULL},
		{"offset", 0, 0, G_OPTION_ARG_FILENAME, &dump.offset_text, NULL, NULL},
		{"length", 0, 0, G_OPTION_ARG_FILENAME, &dump.length_text, NULL, NULL},
		{"timeout", 0, 0, G_OPTION_ARG_FILENAME, &timeout, NULL, NULL},
		{"json", 0, 0, G_OPTION_ARG_NONE, &dump.is_json, NULL, NULL},
		{NULL}};
	const struct option_usage usage = {.command = "dump", .help = help, .entries = entries};
	int code = option_parse(&usage, argv, &rest);

	if (code == EXIT_OK)
		code = option_need_one(&usage, rest, "a server's socket");
	if (code == EXIT_OK)
		code = take_range(&dump);
	if (code == EXIT_OK)
		code = option_take_seconds("--timeout", timeout, 1e6, &dump.timeout_s);
	if (code == EXIT_OK)
		code = run(&dump, rest[0]);
	g_free(dump.offset_text);
	g_free(dump.length_text);
	return code == OPTION_HELP ? EXIT_OK : code;
}
