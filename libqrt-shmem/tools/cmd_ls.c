/* SPDX-License-Identifier: MIT */
/* ls: who is at a server, by its control socket. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "json_text.h"
#include "tool.h"
#include "tool_option.h"
#include "tool_table.h"
#include "unix_socket.h"

#define PATIENCE_S 10
#define TEXT_MAX   (64u << 20)

static const char help[] =
	"Usage: qrt-shmem ls SOCKET [--json] [--watch SECONDS]\n\n"
	"Shows who is at a server, of which SOCKET is the first socket: for each client its id, name,\n"
	"vectors, process and user; its state, beat and number of values, where there is a layout and\n"
	"it says them; how many messages the server told it, and for how long it has taken none of\n"
	"those that wait. What the values are 'qrt-shmem dump' shows. Who left and has an id of its\n"
	"socket's is absent. Ids wait that left, until nobody knows that.\n\n"
	"  --json           all that the server knows, one object\n"
	"  --watch SECONDS  again and again\n\n"
	"Exit code: 0, 1 there is no such server, or it does not answer, 2 usage.";

struct ls {
	gboolean is_json;
	char *path; /* the control socket's */
};

/* ---- asking ---- */

static int read_all(int fd, GString *text)
{
	char part[65536];
	ssize_t got;

	while ((got = read(fd, part, sizeof(part))) > 0 && text->len < TEXT_MAX)
		g_string_append_len(text, part, got);
	return got < 0 ? -errno : 0;
}

static JsonObject *parse(const struct ls *ls, const GString *text)
{
	JsonObject *report = json_limit_parse(text->str, (gssize)text->len);

	if (!report)
		complain("%s: what answers is no control socket of 'qrt-shmem serve'", ls->path);
	return report;
}

/* NULL: it was said why not. */
static JsonObject *ask(const struct ls *ls)
{
	const struct timeval patience = {.tv_sec = PATIENCE_S};
	g_autoptr(GString) text = g_string_new(NULL);
	int fd = unix_socket_connect(ls->path, SOCK_STREAM), rc;

	if (fd < 0) {
		complain("%s: no server answers there: %s; give the first of its sockets", ls->path,
			 g_strerror(-fd));
		return NULL;
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	rc = read_all(fd, text);
	close(fd);
	if (rc >= 0)
		return parse(ls, text);
	complain("%s: the server does not answer: %s", ls->path, g_strerror(-rc));
	return NULL;
}

/* ---- printing ---- */

static void add_number(struct table *table, JsonObject *object, const char *name)
{
	table_add(table, g_strdup_printf("%" G_GINT64_FORMAT, json_limit_get_int(object, name)));
}

static double get_seconds(JsonObject *object, const char *name)
{
	return json_object_get_double_member_with_default(object, name, 0);
}

static void add_state(struct table *table, JsonObject *client)
{
	JsonObject *state = json_limit_get_object(client, "state");

	if (!state) {
		table_add(table, g_strdup("-"));
		table_add(table, g_strdup("-"));
		return;
	}
	table_add(table,
		  g_strdup(json_limit_get_bool(state, "is_damaged") ? "damaged"
								    : json_limit_get_string(state, "name")));
	add_number(table, state, "beat");
}

static void add_client(struct table *table, JsonObject *client)
{
	double slow_s = get_seconds(client, "slow_s");

	add_number(table, client, "id");
	table_add(table, g_strdup(json_limit_get_string(client, "name")));
	add_number(table, client, "vectors");
	add_number(table, client, "pid");
	add_number(table, client, "uid");
	add_state(table, client);
	if (json_object_has_member(client, "values"))
		add_number(table, client, "values");
	else
		table_add(table, g_strdup("-"));
	add_number(table, client, "told");
	table_add(table, slow_s > 0 ? g_strdup_printf("%.1f s", slow_s) : g_strdup("-"));
}

static void add_absent(struct table *table, JsonObject *client)
{
	static const char *const columns[] = {"-", "-", "absent", "-", "-", "-", "-"};
	guint i;

	add_number(table, client, "id");
	table_add(table, g_strdup(json_limit_get_string(client, "name")));
	add_number(table, client, "vectors");
	for (i = 0; i < G_N_ELEMENTS(columns); i++)
		table_add(table, g_strdup(columns[i]));
}

static void print_clients(JsonObject *report)
{
	static const char *const titles[] = {">ID",   "NAME",    ">VECTORS", ">PID",  ">UID", "STATE",
					     ">BEAT", ">VALUES", ">TOLD",    ">SLOW", NULL};
	JsonArray *absent = json_limit_get_array(report, "absent");
	struct table *table = table_new(titles);
	guint i;

	for (i = 0; i < json_limit_get_length(json_limit_get_array(report, "clients")); i++)
		add_client(table, json_limit_get_element(json_limit_get_array(report, "clients"), i));
	for (i = 0; i < json_limit_get_length(absent); i++)
		add_absent(table, json_limit_get_element(absent, i));
	table_print(table);
}

static void print_waiting(JsonObject *statistics)
{
	gint64 waiting = json_limit_get_int(statistics, "ids_waiting");

	if (waiting)
		printf("%" G_GINT64_FORMAT " id%s wait%s; ", waiting, plural((unsigned long long)waiting),
		       waiting == 1 ? "s" : "");
}

static void print_sum(JsonObject *report)
{
	JsonObject *statistics = json_limit_get_object(report, "statistics");
	gint64 clients = json_limit_get_int(statistics, "clients"),
	       vectors = json_limit_get_int(statistics, "vectors");

	printf("%" G_GINT64_FORMAT " client%s with %" G_GINT64_FORMAT " vector%s; ", clients,
	       plural((unsigned long long)clients), vectors, plural((unsigned long long)vectors));
	printf("joined %" G_GINT64_FORMAT ", left %" G_GINT64_FORMAT " (stalled %" G_GINT64_FORMAT
	       ", talked %" G_GINT64_FORMAT "), refused %" G_GINT64_FORMAT "; ",
	       json_limit_get_int(statistics, "joined"), json_limit_get_int(statistics, "left"),
	       json_limit_get_int(statistics, "stalled"), json_limit_get_int(statistics, "talked"),
	       json_limit_get_int(statistics, "refused"));
	print_waiting(statistics);
	printf("%" G_GINT64_FORMAT " messages; server %" G_GINT64_FORMAT " of these, pid %" G_GINT64_FORMAT
	       "\n",
	       json_limit_get_int(statistics, "messages"), json_limit_get_int(statistics, "generation"),
	       json_limit_get_int(report, "pid"));
}

static int show(const struct ls *ls)
{
	JsonObject *report = ask(ls);

	if (!report)
		return EXIT_FAILED;
	if (ls->is_json) {
		json_text_print(report);
		return EXIT_OK;
	}
	print_clients(report);
	print_sum(report);
	json_object_unref(report);
	return EXIT_OK;
}

static int watch(const struct ls *ls, double seconds)
{
	int code = EXIT_OK;

	while (code == EXIT_OK && !ferror(stdout)) {
		if (!ls->is_json && isatty(STDOUT_FILENO))
			fputs("\033[H\033[J", stdout);
		code = show(ls);
		fflush(stdout);
		if (code == EXIT_OK)
			g_usleep((gulong)(seconds * G_USEC_PER_SEC));
	}
	return code;
}

int command_ls(char **argv)
{
	struct ls ls = {.path = NULL};
	g_autofree char *seconds_text = NULL;
	g_auto(GStrv) rest = NULL;
	double seconds = 0;
	const GOptionEntry entries[] = {{"json", 0, 0, G_OPTION_ARG_NONE, &ls.is_json, NULL, NULL},
					{"watch", 0, 0, G_OPTION_ARG_FILENAME, &seconds_text, NULL, NULL},
					{NULL}};
	const struct option_usage usage = {.command = "ls", .help = help, .entries = entries};
	int code = option_parse(&usage, argv, &rest);

	if (code == EXIT_OK)
		code = option_need_one(&usage, rest, "a server's first socket");
	if (code == EXIT_OK)
		code = option_take_seconds("--watch", seconds_text, 3600, &seconds);
	if (code != EXIT_OK)
		return code == OPTION_HELP ? EXIT_OK : code;
	ls.path = g_strconcat(rest[0], ".ctl", NULL);
	code = seconds > 0 ? watch(&ls, seconds) : show(&ls);
	g_free(ls.path);
	return code;
}
