/* SPDX-License-Identifier: MIT */
/* ls: who is at a server, by its control socket. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "control.h"
#include "json_text.h"
#include "tool.h"
#include "tool_option.h"
#include "tool_table.h"

#define PATIENCE_MS 10000

static const char help[] =
	"Usage: qrt-shmem ls SOCKET [--json] [--watch SECONDS]\n\n"
	"Shows who is at a server, of which SOCKET is the first socket: for each client its id, name,\n"
	"vectors, process and user; its state, beat and number of values, where there is a layout and\n"
	"it says them; how many messages the server told it, and for how long it has taken none of\n"
	"those that wait. What the values are 'qrt-shmem dump' shows. Who left and has an id of its\n"
	"socket's is absent. Ids wait that left, until nobody knows that.\n\n"
	"  --json           all that the server knows, one object\n"
	"  --watch SECONDS  again and again, over the gap between two servers as well\n\n"
	"Exit code: 0, 1 there is no such server, or it does not answer, 2 usage.";

struct ls {
	gboolean is_json;
	const char *path; /* the server's first socket */
	/* while watching */
	gboolean is_seen, is_systemd; /* it answered, and who kept its clients then */
	gboolean is_gap;              /* no server is there, which was said */
};

/* ---- asking ---- */

static const char *why_refused(const struct ls *ls)
{
	if (control_has_holder(ls->path))
		return "no server runs there now; its holder keeps its clients: start 'qrt-shmem serve' with "
		       "the "
		       "same options again";
	return "no server runs there now: start 'qrt-shmem serve' with the same options again";
}

static void say_why(const struct ls *ls, int rc)
{
	if (rc == -ENOENT)
		complain("%s.ctl: no server answers there: %s; give the first of its sockets", ls->path,
			 g_strerror(-rc));
	else if (rc == -EACCES || rc == -EPERM)
		complain("%s.ctl: not for this user: %s", ls->path, g_strerror(-rc));
	else if (rc == -ECONNREFUSED)
		complain("%s: %s", ls->path, why_refused(ls));
	else if (rc == -EBADMSG)
		complain("%s.ctl: what answers is no control socket of 'qrt-shmem serve'", ls->path);
	else if (rc == -ECONNRESET)
		complain("%s: the server ended before it answered", ls->path);
	else
		complain("%s: the server does not answer: %s", ls->path, g_strerror(-rc));
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

static void print_report(const struct ls *ls, JsonObject *report)
{
	if (ls->is_json) {
		json_text_print(report);
		return;
	}
	print_clients(report);
	print_sum(report);
	json_object_unref(report);
}

static int show(const struct ls *ls)
{
	JsonObject *report = NULL;
	int rc = control_ask(ls->path, PATIENCE_MS, &report);

	if (rc < 0) {
		say_why(ls, rc);
		return EXIT_FAILED;
	}
	print_report(ls, report);
	return EXIT_OK;
}

/* ---- again and again ---- */

static gboolean is_kept(const struct ls *ls)
{
	return ls->is_systemd || control_has_holder(ls->path);
}

/* A server that is killed leaves its socket, at which the next one answers. */
static gboolean goes_on(struct ls *ls, int rc)
{
	gboolean is_gap = (rc == -ECONNREFUSED || rc == -ECONNRESET) && ls->is_seen && is_kept(ls);

	if (rc == -ENOENT && ls->is_seen)
		complain("%s: the server ended", ls->path);
	else if (!is_gap || !ls->is_gap)
		say_why(ls, rc);
	ls->is_gap = is_gap;
	return is_gap;
}

static void show_next(struct ls *ls, JsonObject *report)
{
	ls->is_seen = TRUE;
	ls->is_gap = FALSE;
	ls->is_systemd = g_str_equal(json_limit_get_string(report, "kept_by"), "systemd");
	if (!ls->is_json && isatty(STDOUT_FILENO))
		fputs("\033[H\033[J", stdout);
	print_report(ls, report);
	fflush(stdout);
}

static int watch(struct ls *ls, double seconds)
{
	JsonObject *report;
	int rc;

	while (!ferror(stdout)) {
		rc = control_ask(ls->path, PATIENCE_MS, &report);
		if (rc >= 0)
			show_next(ls, report);
		else if (!goes_on(ls, rc))
			return EXIT_FAILED;
		g_usleep((gulong)(seconds * G_USEC_PER_SEC));
	}
	return EXIT_OK;
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
	ls.path = rest[0];
	return seconds > 0 ? watch(&ls, seconds) : show(&ls);
}
