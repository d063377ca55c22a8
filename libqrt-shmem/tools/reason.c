/* SPDX-License-Identifier: MIT */
#include "reason.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "control.h"

#define ASK_MS     2000
#define SILENCE_MS 500 /* after it was waited for already */
#define ASKED_MAX  64  /* control sockets of one folder */
#define ID_NONE    (-1)

/* ---- whose socket it is ---- */

static gboolean is_same_file(const char *one, const char *other)
{
	struct stat a, b;

	return stat(one, &a) == 0 && stat(other, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* A server was told relative paths in a folder that may not be this one's. */
static JsonObject *find_socket(JsonObject *report, const char *folder, const char *path)
{
	JsonArray *sockets = json_limit_get_array(report, "sockets");
	guint i;

	for (i = 0; i < json_limit_get_length(sockets); i++) {
		JsonObject *one = json_limit_get_element(sockets, i);
		const char *its = one ? json_limit_get_string(one, "path") : "";
		g_autofree char *name = g_path_get_basename(its);
		g_autofree char *here = g_build_filename(folder, name, NULL);

		if (is_same_file(g_path_is_absolute(its) ? its : here, path))
			return one;
	}
	return NULL;
}

/* The report of the server that has this socket, asked at `first`. */
static JsonObject *ask_at(const char *first, const char *folder, const char *path, JsonObject **ret_socket)
{
	JsonObject *report;

	if (control_ask(first, ASK_MS, &report) < 0)
		return NULL;
	*ret_socket = find_socket(report, folder, path);
	if (*ret_socket)
		return report;
	json_object_unref(report);
	return NULL;
}

/* Of a server's sockets only the first has a control socket beside it. */
static JsonObject *ask(const char *path, JsonObject **ret_socket)
{
	g_autofree char *folder = g_path_get_dirname(path);
	JsonObject *report = ask_at(path, folder, path, ret_socket);
	g_autoptr(GDir) files = report ? NULL : g_dir_open(folder, 0, NULL);
	guint asked = 0;
	const char *name;

	while (files && !report && asked < ASKED_MAX && (name = g_dir_read_name(files))) {
		g_autofree char *first = NULL;

		if (!g_str_has_suffix(name, ".ctl"))
			continue;
		asked++;
		first = g_build_filename(folder, name, NULL);
		first[strlen(first) - strlen(".ctl")] = '\0';
		report = ask_at(first, folder, path, ret_socket);
	}
	return report;
}

/* ---- what it says ---- */

static gint64 get_id(JsonObject *socket)
{
	if (!json_object_has_member(socket, "id") || json_object_get_null_member(socket, "id"))
		return ID_NONE;
	return json_limit_get_int(socket, "id");
}

static char *tell_in_use(JsonObject *report, gint64 id)
{
	JsonArray *clients = json_limit_get_array(report, "clients");
	guint i;

	for (i = 0; i < json_limit_get_length(clients); i++) {
		JsonObject *client = json_limit_get_element(clients, i);

		if (client && json_limit_get_int(client, "id") == id)
			return g_strdup_printf(
				"its id %" G_GINT64_FORMAT " is in use, by pid %" G_GINT64_FORMAT
				"; one client at a time: give 'serve' another socket for commands",
				id, json_limit_get_int(client, "pid"));
	}
	return NULL;
}

static gboolean is_bound(JsonObject *report, gint64 id)
{
	JsonArray *sockets = json_limit_get_array(report, "sockets");
	guint i;

	for (i = 0; i < json_limit_get_length(sockets); i++) {
		JsonObject *one = json_limit_get_element(sockets, i);

		if (one && get_id(one) == id)
			return TRUE;
	}
	return FALSE;
}

/* Ids of the server's choice: those that no socket has. */
static gint64 count_free(JsonObject *report, gint64 ids)
{
	JsonArray *clients = json_limit_get_array(report, "clients"),
		  *sockets = json_limit_get_array(report, "sockets");
	guint i;

	for (i = 0; i < json_limit_get_length(sockets); i++) {
		JsonObject *one = json_limit_get_element(sockets, i);

		ids -= one && get_id(one) != ID_NONE;
	}
	for (i = 0; i < json_limit_get_length(clients); i++) {
		JsonObject *client = json_limit_get_element(clients, i);

		ids -= client && !is_bound(report, json_limit_get_int(client, "id"));
	}
	return ids;
}

static char *tell_no_id(JsonObject *report)
{
	JsonObject *layout = json_limit_get_object(report, "layout"),
		   *statistics = json_limit_get_object(report, "statistics");
	gint64 ids = layout ? json_limit_get_int(layout, "peers") : 0, waiting;

	if (!ids || !statistics)
		return NULL;
	waiting = json_limit_get_int(statistics, "ids_waiting");
	if (count_free(report, ids) - waiting > 0)
		return NULL;
	if (!waiting)
		return g_strdup("no id is free: clients have all that no socket has; have more ids "
				"(--layout=peers=)");
	return g_strdup_printf("no id is free: %" G_GINT64_FORMAT
			       " that left wait until the clients that know this are gone; have more ids "
			       "(--layout=peers=), or sockets with an id=",
			       waiting);
}

char *reason_of_refusal(const char *path)
{
	JsonObject *socket = NULL, *report = ask(path, &socket);
	char *reason;
	gint64 id;

	if (!report)
		return NULL;
	id = get_id(socket);
	reason = id == ID_NONE ? tell_no_id(report) : tell_in_use(report, id);
	json_object_unref(report);
	return reason;
}

/* A socket that somebody holds takes connections without a server, too. */
char *reason_of_silence(const char *path)
{
	JsonObject *report = NULL;
	int rc = control_ask(path, SILENCE_MS, &report);

	if (rc >= 0)
		json_object_unref(report);
	if (rc == -ECONNREFUSED)
		return g_strdup(
			"no server runs there now, and what it had is kept: start 'qrt-shmem serve' with "
			"the same options again");
	return g_strdup(
		"its server hangs, or none runs there now and what it had is kept: then start 'qrt-shmem "
		"serve' with the same options again");
}
