/* SPDX-License-Identifier: MIT */
/* All that there is to know of a server, as JSON. */
#include <unistd.h>

#include "json_text.h"
#include "layout_json.h"
#include "serve.h"

static const char *name_keep(enum serve_keep_kind kind)
{
	static const char *const names[] = {"none", "holder", "systemd"};

	return names[kind];
}

static JsonObject *describe_socket(const struct serve_socket *one)
{
	g_autofree char *mode = g_strdup_printf("%04o", one->mode ? one->mode : 0600);
	JsonObject *object = json_object_new();

	json_text_set_string(object, "path", one->path);
	json_object_set_string_member(object, "name", one->name);
	json_object_set_int_member(object, "vectors", one->vectors);
	if (one->flags & QRT_IVSHMEM_LISTEN_ID)
		json_object_set_int_member(object, "id", one->id);
	else
		json_object_set_null_member(object, "id");
	json_object_set_string_member(object, "mode", mode);
	json_object_set_boolean_member(object, "is_activated", one->fd >= 0);
	return object;
}

static JsonArray *list_sockets(const struct serve *serve)
{
	JsonArray *sockets = json_array_new();
	guint i;

	for (i = 0; i < serve->options.sockets->len; i++)
		json_array_add_object_element(sockets, describe_socket(serve->options.sockets->pdata[i]));
	return sockets;
}

static double up_seconds(const struct qrt_ivshmem_client *client)
{
	return (double)(g_get_monotonic_time() - (gint64)(client->joined_ns / 1000)) / 1e6;
}

static JsonObject *describe_any(const struct qrt_ivshmem_client *client)
{
	JsonObject *object = json_object_new();

	json_object_set_int_member(object, "id", client->id);
	json_text_set_string(object, "name", client->name);
	json_object_set_int_member(object, "vectors", client->vectors);
	json_object_set_int_member(object, "socket", client->listener);
	return object;
}

static JsonObject *describe_client(const struct serve *serve, const struct qrt_ivshmem_client *client,
				   gboolean is_whole)
{
	JsonObject *object = describe_any(client);

	json_object_set_boolean_member(object, "is_greeted", client->is_greeted);
	json_object_set_int_member(object, "waiting", client->waiting);
	json_object_set_int_member(object, "pid", client->pid);
	json_object_set_int_member(object, "uid", client->uid);
	json_object_set_int_member(object, "gid", client->gid);
	json_object_set_double_member(object, "up_s", up_seconds(client));
	json_object_set_int_member(object, "told", (gint64)client->told);
	json_object_set_double_member(object, "slow_s", (double)client->slow_ns / 1e9);
	if (is_whole && client->id < serve->memory.view.peers) {
		layout_json_add_slot(object, &serve->memory.view, client->id);
		layout_json_add_count(object, &serve->memory.view, client->id);
	}
	return object;
}

static JsonArray *list_clients(const struct serve *serve)
{
	int count = qrt_ivshmem_server_list(serve->server, NULL, 0), i;
	g_autofree struct qrt_ivshmem_client *clients = g_new0(struct qrt_ivshmem_client, (gsize)count + 1);
	JsonArray *array = json_array_new();
	gboolean is_whole = serve->memory.has_view && serve_shape_mend(&serve->memory);

	qrt_ivshmem_server_list(serve->server, clients, (size_t)count);
	for (i = 0; i < count; i++)
		json_array_add_object_element(array, describe_client(serve, &clients[i], is_whole));
	return array;
}

/* Clients of a bound id that left. */
static JsonArray *list_absent(const struct serve *serve)
{
	int count = qrt_ivshmem_server_list_absent(serve->server, NULL, 0), i;
	g_autofree struct qrt_ivshmem_client *absent = g_new0(struct qrt_ivshmem_client, (gsize)count + 1);
	JsonArray *array = json_array_new();

	qrt_ivshmem_server_list_absent(serve->server, absent, (size_t)count);
	for (i = 0; i < count; i++)
		json_array_add_object_element(array, describe_any(&absent[i]));
	return array;
}

static JsonObject *describe_statistics(const struct serve *serve)
{
	struct qrt_ivshmem_statistics statistics = {.size = sizeof(statistics)};
	JsonObject *object = json_object_new();

	if (qrt_ivshmem_server_get_statistics(serve->server, &statistics) < 0)
		return object;
	json_object_set_int_member(object, "clients", statistics.clients);
	json_object_set_int_member(object, "vectors", statistics.vectors);
	json_object_set_int_member(object, "generation", statistics.generation);
	json_object_set_int_member(object, "joined", (gint64)statistics.joined);
	json_object_set_int_member(object, "left", (gint64)statistics.left);
	json_object_set_int_member(object, "stalled", (gint64)statistics.stalled);
	json_object_set_int_member(object, "talked", (gint64)statistics.talked);
	json_object_set_int_member(object, "refused", (gint64)statistics.refused);
	json_object_set_int_member(object, "messages", (gint64)statistics.messages);
	json_object_set_int_member(object, "in_doubt", (gint64)statistics.in_doubt);
	json_object_set_int_member(object, "absent", statistics.absent);
	json_object_set_int_member(object, "ids_waiting", statistics.ids_waiting);
	json_object_set_int_member(object, "no_id", (gint64)statistics.no_id);
	return object;
}

static JsonObject *describe_memory(const struct serve *serve)
{
	JsonObject *object = json_object_new();

	json_object_set_int_member(object, "bytes",
				   (gint64)qrt_shmem_memory_get_length(serve->memory.memory));
	if (serve->options.memory.file)
		json_text_set_string(object, "file", serve->options.memory.file);
	else
		json_object_set_null_member(object, "file");
	return object;
}

char *serve_report_make(const struct serve *serve)
{
	JsonObject *report = json_object_new();
	g_autofree char *text = NULL;

	json_object_set_string_member(report, "version", QRT_SHMEM_TOOL_VERSION);
	json_object_set_int_member(report, "pid", getpid());
	json_object_set_string_member(report, "kept_by", name_keep(serve->keep.kind));
	json_object_set_object_member(report, "memory", describe_memory(serve));
	if (serve->memory.has_view)
		json_object_set_object_member(report, "layout", layout_json_describe(&serve->memory.view));
	else
		json_object_set_null_member(report, "layout");
	json_object_set_array_member(report, "sockets", list_sockets(serve));
	json_object_set_array_member(report, "clients", list_clients(serve));
	json_object_set_array_member(report, "absent", list_absent(serve));
	json_object_set_object_member(report, "statistics", describe_statistics(serve));
	text = json_text_take(report);
	return g_strconcat(text, "\n", NULL);
}
