/* SPDX-License-Identifier: MIT */
/* What the server says. */
#include "serve.h"

const char *serve_first_path(const struct serve *serve)
{
	return ((const struct serve_socket *)serve->options.sockets->pdata[0])->path;
}

static const struct serve_socket *find_socket(const struct serve *serve,
					      const struct qrt_ivshmem_event *event)
{
	const GPtrArray *sockets = serve->options.sockets;

	return event->kind == QRT_IVSHMEM_REFUSED && event->id < sockets->len ? sockets->pdata[event->id]
									      : NULL;
}

static void tell(struct serve *serve, const struct qrt_ivshmem_event *event)
{
	const struct serve_socket *one = find_socket(serve, event);
	const char *name = one ? one->name : g_hash_table_lookup(serve->names, GUINT_TO_POINTER(event->id));

	serve_events_tell(serve->events, event, name ? name : "", one ? one->path : NULL);
}

/* One that left is in no list any more, but its event wants a name. */
void serve_learn_names(struct serve *serve)
{
	int count = qrt_ivshmem_server_list(serve->server, NULL, 0), i;
	g_autofree struct qrt_ivshmem_client *clients = g_new0(struct qrt_ivshmem_client, (gsize)count + 1);

	qrt_ivshmem_server_list(serve->server, clients, (size_t)count);
	for (i = 0; i < count; i++)
		g_hash_table_insert(serve->names, GUINT_TO_POINTER(clients[i].id), g_strdup(clients[i].name));
}

/* Once, until somebody joins again. */
static void say_no_id(struct serve *serve, const struct qrt_ivshmem_event *event)
{
	struct qrt_ivshmem_statistics statistics = {.size = sizeof(statistics)};

	if (event->kind == QRT_IVSHMEM_JOINED)
		serve->is_no_id_said = FALSE;
	if (event->kind != QRT_IVSHMEM_REFUSED || event->reason != QRT_IVSHMEM_NO_ID || serve->is_no_id_said)
		return;
	serve->is_no_id_said = TRUE;
	qrt_ivshmem_server_get_statistics(serve->server, &statistics);
	complain("%s: no id is free for who connects: %u that left wait until the clients that know this are "
		 "gone; have more ids (--layout=peers=), or sockets with an id=",
		 serve_first_path(serve), statistics.ids_waiting);
}

void serve_hear(struct serve *serve, const struct qrt_ivshmem_event *events, int count)
{
	int i;

	for (i = 0; i < count; i++)
		say_no_id(serve, &events[i]);
	for (i = 0; i < count && serve->events; i++) {
		if (events[i].kind == QRT_IVSHMEM_JOINED)
			serve_learn_names(serve);
		tell(serve, &events[i]);
	}
}

/* Clients keep what they have until they leave. */
static gboolean is_as_asked(const struct serve *serve, const struct qrt_ivshmem_client *client)
{
	const struct serve_socket *one;

	if (client->listener >= serve->options.sockets->len)
		return FALSE;
	one = serve->options.sockets->pdata[client->listener];
	return client->vectors == one->vectors &&
	       (!(one->flags & QRT_IVSHMEM_LISTEN_ID) || client->id == one->id);
}

void serve_say_kept(const struct serve *serve)
{
	int count = qrt_ivshmem_server_list(serve->server, NULL, 0), i;
	g_autofree struct qrt_ivshmem_client *clients = g_new0(struct qrt_ivshmem_client, (gsize)count + 1);
	guint kept = 0;

	qrt_ivshmem_server_list(serve->server, clients, (size_t)count);
	for (i = 0; i < count; i++)
		kept += !is_as_asked(serve, &clients[i]);
	if (kept)
		complain(
			"%s: %u client%s of the server before, whose socket, id or vectors are not asked for "
			"like that now, stay%s as they are until they leave",
			serve_first_path(serve), kept, kept == 1 ? "" : "s", kept == 1 ? "s" : "");
}
