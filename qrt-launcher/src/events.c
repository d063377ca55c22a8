/* SPDX-License-Identifier: MIT */
#include "events.h"

#include "command.h"
#include "json_put.h"
#include "voice.h"

#include <errno.h>
#include <fcntl.h>
#include <json-glib/json-glib.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

/* Not to wait for the reader of a FIFO, whom the thread that writes waits for later. */
static int open_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0644);

	if (fd >= 0)
		fcntl(fd, F_SETFL, O_APPEND);
	return fd;
}

int events_open(const char *path)
{
	bool is_output = strcmp(path, "-") == 0;
	int fd = is_output ? fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0) : open_file(path);

	if (fd >= 0)
		return fd;
	fd = -errno;
	complain("--events %s: it cannot be written to: %s", is_output ? "(standard output)" : path,
		 fd == -ENXIO ? "nobody reads from it; start the reader first" : strerror(-fd));
	return fd;
}

/* To the millisecond: two that follow each other are not the same. */
static void add_time(JsonBuilder *builder)
{
	g_autoptr(GDateTime) now = g_date_time_new_now_utc();
	g_autofree char *seconds = g_date_time_format(now, "%Y-%m-%dT%H:%M:%S");
	g_autofree char *text = g_strdup_printf("%s.%03dZ", seconds, g_date_time_get_microsecond(now) / 1000);

	json_put_string(builder, "time", text);
}

void events_tell(const char *vm, const char *event, const char *from, const char *to, const char *why)
{
	JsonBuilder *builder = json_builder_new();
	g_autofree char *line = NULL;

	json_builder_begin_object(builder);
	add_time(builder);
	json_put_string(builder, "vm", vm);
	json_put_string(builder, "event", event);
	json_put_string(builder, "from", from);
	json_put_string(builder, "to", to);
	json_put_string(builder, "why", why);
	line = json_put_end(builder);
	voice_tell(line);
}
