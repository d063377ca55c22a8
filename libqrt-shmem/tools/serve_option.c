/* SPDX-License-Identifier: MIT */
/* What `serve` is asked for. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "serve.h"
#include "tool_option.h"

#define SIZE_DEFAULT (G_GUINT64_CONSTANT(4) << 20)
#define HOLD_S       60
#define HOLD_S_MAX   (30.0 * 24 * 3600)
#define NODES_MAX    64

static const char help[] =
	"Usage: qrt-shmem serve SOCKET[,KEY=VALUE...]... [OPTIONS]\n\n"
	"An ivshmem server, in the foreground: gives all who connect to one of its sockets the same\n"
	"memory, an id each, and doorbells. One that is killed or replaced is followed by the next one\n"
	"without anybody noticing.\n\n"
	"  vectors=N, id=N, name=TEXT   what clients of a socket have; an id: one client at a time\n"
	"  mode=, owner=, group=        permissions of the socket (default 0600)\n"
	"  uid=, gid=                   who may connect, by the kernel's word; may be repeated\n\n"
	"  --size SIZE         of the memory: a power of two, such as 4M or 1G (default 4M)\n"
	"  --file PATH         a file instead of a memory without a name\n"
	"  --hugetlb[=2M|1G]   huge pages\n"
	"  --nodes LIST        NUMA nodes, such as 0,2-3\n"
	"  --lock, --populate  it stays in RAM; all pages are there from the start\n"
	"  --layout[=peers=16,values=64,ring=64K]\n"
	"                      states, values and messages in the memory; slots are cleaned\n"
	"  --new-layout        one that lies in the file already is not kept, but made anew\n\n"
	"  --peers N           at the same time (default 1024, with a layout its peers)\n"
	"  --vectors-max N     of all of them (default 65536)\n"
	"  --stall SECONDS     until one that takes nothing is dropped (default 10)\n"
	"  --lowest-ids        the lowest free id, not the next one\n\n"
	"  --no-keep           all ends with this server\n"
	"  --hold-seconds S    how long clients wait for the next server (default 60)\n"
	"  --events FILE|-     who joins, leaves and is refused: a JSON object a line\n"
	"  --ready-fd N        a newline is written there when it is ready\n\n"
	"Exit code: 0 it was ended or replaced, 1 failed, 2 usage.";

/* ---- options whose value may be left out ---- */

/* GOption would take the next argument for it. */
static char **give_values(char **argv)
{
	char **own = g_strdupv(argv), **word;

	for (word = own; *word && strcmp(*word, "--") != 0; word++) {
		if (strcmp(*word, "--layout") == 0 || strcmp(*word, "--hugetlb") == 0) {
			char *with = g_strconcat(*word, "=", NULL);

			g_free(*word);
			*word = with;
		}
	}
	return own;
}

static int take_layout_key(struct serve_memory_plan *plan, const char *word)
{
	if (g_str_has_prefix(word, "peers="))
		return option_take_number("--layout peers", word + 6, 1, QRT_SHMEM_PEERS_MAX, &plan->peers);
	if (g_str_has_prefix(word, "values="))
		return option_take_number("--layout values", word + 7, 0, QRT_SHMEM_VALUES_MAX,
					  &plan->values);
	if (g_str_has_prefix(word, "ring="))
		return option_take_size("--layout ring", word + 5, &plan->ring_bytes);
	complain("--layout %s: give peers=, values= and ring=, with commas between them", word);
	return EXIT_USAGE;
}

static int take_layout(struct serve_memory_plan *plan, const char *text)
{
	g_auto(GStrv) words = g_strsplit(text ? text : "", ",", -1);
	int code = EXIT_OK;
	guint i;

	plan->has_layout = text != NULL;
	plan->peers = 16;
	plan->values = 64;
	plan->ring_bytes = 65536;
	for (i = 0; words[i] && code == EXIT_OK; i++)
		code = take_layout_key(plan, words[i]);
	if (code != EXIT_OK || qrt_shmem_is_possible((guint32)plan->peers, (guint32)plan->values,
						     (guint32)MIN(plan->ring_bytes, G_MAXUINT32)))
		return code;
	complain("--layout ring=%" G_GUINT64_FORMAT ": give a power of two of 1K to 1G", plan->ring_bytes);
	return EXIT_USAGE;
}

static int take_hugetlb(struct serve_memory_plan *plan, const char *text)
{
	guint64 size = 0;
	int code = option_take_size("--hugetlb", text && *text ? text : NULL, &size);

	plan->is_huge = text != NULL;
	if (code != EXIT_OK || !size)
		return code;
	if (size & (size - 1)) {
		complain("--hugetlb=%s: give the size of a huge page, such as 2M or 1G", text);
		return EXIT_USAGE;
	}
	plan->page_shift = (guint32)__builtin_ctzll(size);
	return EXIT_OK;
}

/* ---- nodes ---- */

static int take_range(const char *word, guint64 *nodes)
{
	g_auto(GStrv) ends = g_strsplit(word, "-", 2);
	guint64 first, last, node;

	if (!ends[0] || !g_ascii_string_to_unsigned(ends[0], 10, 0, NODES_MAX - 1, &first, NULL))
		return -EINVAL;
	last = first;
	if (ends[1] && !g_ascii_string_to_unsigned(ends[1], 10, first, NODES_MAX - 1, &last, NULL))
		return -EINVAL;
	for (node = first; node <= last; node++)
		*nodes |= G_GUINT64_CONSTANT(1) << node;
	return 0;
}

static int take_nodes(struct serve_memory_plan *plan, const char *text)
{
	g_auto(GStrv) words = g_strsplit(text ? text : "", ",", -1);
	guint i;

	for (i = 0; words[i]; i++) {
		if (take_range(words[i], &plan->nodes) == 0)
			continue;
		complain("--nodes %s: give NUMA nodes of 0 to %d, such as 0,2-3", text, NODES_MAX - 1);
		return EXIT_USAGE;
	}
	return EXIT_OK;
}

/* ---- all of them ---- */

struct words {
	char *size, *hugetlb, *nodes, *layout, *peers, *vectors_max, *stall, *hold, *ready_fd;
	gboolean is_not_kept;
};

static int take_memory(const struct words *words, struct serve_memory_plan *plan)
{
	int code = take_layout(plan, words->layout);

	plan->size = SIZE_DEFAULT;
	plan->has_size = words->size != NULL;
	if (code == EXIT_OK)
		code = option_take_size("--size", words->size, &plan->size);
	if (code == EXIT_OK)
		code = take_hugetlb(plan, words->hugetlb);
	if (code == EXIT_OK)
		code = take_nodes(plan, words->nodes);
	if (code == EXIT_OK && plan->is_new_layout && !plan->has_layout) {
		complain("--new-layout: give --layout, too");
		code = EXIT_USAGE;
	}
	return code == EXIT_OK ? serve_memory_check(plan) : code;
}

/* A peer's id is its slot: more of them than slots would have none. */
static int take_peers(const struct words *words, struct serve_options *options)
{
	guint64 most = options->memory.has_layout ? options->memory.peers : QRT_IVSHMEM_IDS;

	options->peers = options->memory.has_layout ? most : 0;
	return option_take_number("--peers", words->peers, 1, most, &options->peers);
}

static int take_limits(const struct words *words, struct serve_options *options)
{
	guint64 ready_fd = 0;
	int code = take_peers(words, options);

	options->stall_s = 0;
	options->hold_s = HOLD_S;
	if (code == EXIT_OK)
		code = option_take_number("--vectors-max", words->vectors_max, 1, G_MAXUINT32,
					  &options->vectors_max);
	if (code == EXIT_OK)
		code = option_take_seconds("--stall", words->stall, 86400, &options->stall_s);
	if (code == EXIT_OK)
		code = option_take_seconds("--hold-seconds", words->hold, HOLD_S_MAX, &options->hold_s);
	if (code == EXIT_OK)
		code = option_take_number("--ready-fd", words->ready_fd, 1, G_MAXINT32, &ready_fd);
	options->ready_fd = words->ready_fd ? (int)ready_fd : -1;
	return code;
}

static int take_sockets(char **rest, struct serve_options *options)
{
	struct serve_socket *serve_socket;

	for (; *rest; rest++) {
		serve_socket = serve_socket_parse(*rest);
		if (!serve_socket)
			return EXIT_USAGE;
		g_ptr_array_add(options->sockets, serve_socket);
	}
	/* The service manager may have some. */
	if (!options->sockets->len && !g_getenv("LISTEN_FDS")) {
		complain("serve: give a socket's path; try 'qrt-shmem serve --help'");
		return EXIT_USAGE;
	}
	return serve_socket_check_all(options->sockets, options->memory.has_layout
								? (guint32)options->memory.peers
								: QRT_IVSHMEM_IDS);
}

static void free_words(const struct words *words)
{
	char *const all[] = {words->size,        words->hugetlb, words->nodes, words->layout,  words->peers,
			     words->vectors_max, words->stall,   words->hold,  words->ready_fd};
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(all); i++)
		g_free(all[i]);
}

static int parse(char **argv, struct serve_options *options, struct words *words, char ***ret_rest)
{
	g_auto(GStrv) own = give_values(argv);
	const GOptionEntry entries[] = {
		{"size", 0, 0, G_OPTION_ARG_FILENAME, &words->size, NULL, NULL},
		{"file", 0, 0, G_OPTION_ARG_FILENAME, &options->memory.file, NULL, NULL},
		{"hugetlb", 0, 0, G_OPTION_ARG_FILENAME, &words->hugetlb, NULL, NULL},
		{"nodes", 0, 0, G_OPTION_ARG_FILENAME, &words->nodes, NULL, NULL},
		{"lock", 0, 0, G_OPTION_ARG_NONE, &options->memory.is_locked, NULL, NULL},
		{"populate", 0, 0, G_OPTION_ARG_NONE, &options->memory.is_populated, NULL, NULL},
		{"layout", 0, 0, G_OPTION_ARG_FILENAME, &words->layout, NULL, NULL},
		{"new-layout", 0, 0, G_OPTION_ARG_NONE, &options->memory.is_new_layout, NULL, NULL},
		{"peers", 0, 0, G_OPTION_ARG_FILENAME, &words->peers, NULL, NULL},
		{"vectors-max", 0, 0, G_OPTION_ARG_FILENAME, &words->vectors_max, NULL, NULL},
		{"stall", 0, 0, G_OPTION_ARG_FILENAME, &words->stall, NULL, NULL},
		{"lowest-ids", 0, 0, G_OPTION_ARG_NONE, &options->is_lowest_ids, NULL, NULL},
		{"no-keep", 0, 0, G_OPTION_ARG_NONE, &words->is_not_kept, NULL, NULL},
		{"hold-seconds", 0, 0, G_OPTION_ARG_FILENAME, &words->hold, NULL, NULL},
		{"events", 0, 0, G_OPTION_ARG_FILENAME, &options->events, NULL, NULL},
		{"ready-fd", 0, 0, G_OPTION_ARG_FILENAME, &words->ready_fd, NULL, NULL},
		{NULL}};
	const struct option_usage usage = {.command = "serve", .help = help, .entries = entries};

	return option_parse(&usage, own, ret_rest);
}

int serve_option_parse(char **argv, struct serve_options *options)
{
	g_auto(GStrv) rest = NULL;
	struct words words = {.size = NULL};
	int code;

	memset(options, 0, sizeof(*options));
	options->sockets = g_ptr_array_new_with_free_func((GDestroyNotify)serve_socket_free);
	code = parse(argv, options, &words, &rest);
	options->is_kept = !words.is_not_kept;
	if (code == EXIT_OK)
		code = take_memory(&words, &options->memory);
	if (code == EXIT_OK)
		code = take_limits(&words, options);
	if (code == EXIT_OK)
		code = take_sockets(rest, options);
	free_words(&words);
	return code;
}

void serve_option_clear(struct serve_options *options)
{
	g_ptr_array_free(options->sockets, TRUE);
	g_free(options->memory.file);
	g_free(options->events);
}
