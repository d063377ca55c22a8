/* SPDX-License-Identifier: MIT */
/* Who joins, leaves and is refused, as JSON lines. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "json_text.h"
#include "serve.h"

struct serve_events {
	int fd;
	gboolean is_own, is_broken;
	guint64 lost; /* lines */
};

struct serve_events *serve_events_open(const char *path)
{
	gboolean is_output = strcmp(path, "-") == 0;
	int fd = is_output ? STDOUT_FILENO
			   : open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0600);
	struct serve_events *events;

	if (fd < 0) {
		complain("--events %s: it cannot be written: %s", path, strerror(errno));
		return NULL;
	}
	events = g_new0(struct serve_events, 1);
	events->fd = fd;
	events->is_own = !is_output;
	return events;
}

void serve_events_close(struct serve_events *events)
{
	if (events && events->is_own)
		close(events->fd);
	g_free(events);
}

static const char *name_kind(guint32 kind)
{
	return kind == QRT_IVSHMEM_JOINED ? "joined" : kind == QRT_IVSHMEM_LEFT ? "left" : "refused";
}

static const char *name_reason(guint32 reason)
{
	static const char *const names[] = {"by-itself",  "stalled", "talked", "dropped",
					    "not-listed", "in-use",  "full",   "no-id"};

	return reason < G_N_ELEMENTS(names) ? names[reason] : "unknown";
}

static JsonObject *describe(const struct qrt_ivshmem_event *event, const char *name, const char *where)
{
	JsonObject *object = json_object_new();

	json_object_set_double_member(object, "time", (double)g_get_real_time() / 1e6);
	json_object_set_string_member(object, "event", name_kind(event->kind));
	if (event->kind != QRT_IVSHMEM_REFUSED) {
		json_object_set_int_member(object, "id", event->id);
		json_object_set_int_member(object, "vectors", event->vectors);
	}
	json_text_set_string(object, "name", name);
	if (where)
		json_text_set_string(object, "socket", where);
	json_object_set_int_member(object, "pid", event->pid);
	json_object_set_int_member(object, "uid", event->uid);
	if (event->kind != QRT_IVSHMEM_JOINED)
		json_object_set_string_member(object, "reason", name_reason(event->reason));
	return object;
}

/* Clients do not wait for whoever reads this. A pipe that says that there is room takes a line at once. */
static gboolean has_room(int fd)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLOUT};

	return poll(&poll_fd, 1, 0) > 0;
}

static void write_line(struct serve_events *events, const char *text)
{
	g_autofree char *line = g_strconcat(text, "\n", NULL);

	if (write(events->fd, line, strlen(line)) >= 0)
		return;
	complain("events cannot be written any more: %s", strerror(errno));
	events->is_broken = TRUE;
}

void serve_events_tell(struct serve_events *events, const struct qrt_ivshmem_event *event, const char *name,
		       const char *where)
{
	g_autofree char *text = NULL;
	JsonObject *object;

	if (!events || events->is_broken)
		return;
	if (!has_room(events->fd)) {
		events->lost++;
		return;
	}
	object = describe(event, name, where);
	if (events->lost)
		json_object_set_int_member(object, "lost", (gint64)events->lost);
	events->lost = 0;
	text = json_text_take(object);
	write_line(events, text);
}
