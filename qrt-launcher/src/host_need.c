/* SPDX-License-Identifier: MIT */
/* Who needs what of the host. First line: "qrt-need 1 BOOT", then "THING VALUE". */
#include "command.h"
#include "host.h"
#include "proc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define PREFIX   "need."
#define NEED_MAX 16384

void host_need_clear(struct host_need *need)
{
	int thing;

	for (thing = 0; thing < HOST_THINGS; thing++)
		g_clear_pointer(&need->values[thing], g_free);
}

bool host_need_is_empty(const struct host_need *need)
{
	int thing;

	for (thing = 0; thing < HOST_THINGS; thing++) {
		if (need->values[thing])
			return false;
	}
	return true;
}

static char *make_head(void)
{
	char boot[40];

	proc_get_boot(boot, sizeof(boot));
	return g_strdup_printf("qrt-need 1 %s\n", boot);
}

static char *format(const struct host_need *need)
{
	g_autofree char *head = make_head();
	GString *text = g_string_new(head);
	int thing;

	for (thing = 0; thing < HOST_THINGS; thing++) {
		if (need->values[thing])
			g_string_append_printf(text, "%s %s\n", host_thing_name(thing), need->values[thing]);
	}
	return g_string_free(text, FALSE);
}

static void parse_line(const char *line, struct host_need *need)
{
	int thing;
	size_t len;

	for (thing = 0; thing < HOST_THINGS; thing++) {
		len = strlen(host_thing_name(thing));
		if (strncmp(line, host_thing_name(thing), len) == 0 && line[len] == ' ' &&
		    !need->values[thing])
			need->values[thing] = g_strdup(line + len + 1);
	}
}

/* False for another boot's: what it needed is gone. */
static bool parse(const char *text, struct host_need *need)
{
	g_autofree char *head = make_head();
	char **lines;
	int i;

	if (!g_str_has_prefix(text, head))
		return false;
	lines = g_strsplit(text + strlen(head), "\n", -1);
	for (i = 0; lines[i]; i++)
		parse_line(lines[i], need);
	g_strfreev(lines);
	return !host_need_is_empty(need);
}

static int write_need(int fd, const char *text)
{
	size_t len = strlen(text);

	/* Locked before it has its name: nobody ever sees it without. */
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return -errno;
	if (write(fd, text, len) != (ssize_t)len)
		return errno ? -errno : -EIO;
	return fsync(fd) < 0 ? -errno : 0;
}

int host_need_hold(const struct host *host, const char *name, const struct host_need *need)
{
	g_autofree char *file = g_strconcat(PREFIX, name, NULL), *text = format(need);
	int fd, r;

	unlinkat(host->fd, "need.new", 0);
	fd = openat(host->fd, "need.new", O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	r = fd < 0 ? -errno : write_need(fd, text);
	if (r == 0 && renameat(host->fd, "need.new", host->fd, file) < 0)
		r = -errno;
	if (r == 0)
		return fd;
	complain("%s/.host/%s cannot be written: %s", state_get_run_path(), file, strerror(-r));
	if (fd >= 0)
		close(fd);
	return r;
}

int host_need_settle_user(const struct host *host)
{
	if (renameat(host->fd, PREFIX "pending", host->fd, PREFIX "user") == 0)
		return 0;
	complain("%s/.host/%s cannot be written: %s", state_get_run_path(), PREFIX "user", strerror(errno));
	return -EIO;
}

void host_need_drop(const struct host *host, const char *name)
{
	g_autofree char *file = g_strconcat(PREFIX, name, NULL);

	unlinkat(host->fd, file, 0);
}

static bool is_held(const struct host *host, const char *file)
{
	int fd = openat(host->fd, file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	bool held = fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;

	if (fd >= 0)
		close(fd);
	return held;
}

static bool counts(const struct host *host, const char *file, struct host_need *ret_need)
{
	size_t len;
	char *text;
	bool good;

	if (strcmp(file, PREFIX "user") != 0 && !is_held(host, file))
		return false;
	if (state_read(host->fd, file, NEED_MAX, &text, &len) < 0)
		return false;
	good = parse(text, ret_need);
	g_free(text);
	return good;
}

static void free_need(gpointer data)
{
	host_need_clear(data);
	g_free(data);
}

GHashTable *host_need_list(const struct host *host)
{
	GHashTable *needs = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_need);
	int fd = openat(host->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		struct host_need need = {0};

		if (!g_str_has_prefix(entry->d_name, PREFIX) || g_str_has_suffix(entry->d_name, ".new"))
			continue;
		if (counts(host, entry->d_name, &need)) {
			g_hash_table_insert(needs, g_strdup(entry->d_name + strlen(PREFIX)),
					    g_memdup2(&need, sizeof(need)));
		} else {
			host_need_clear(&need);
			unlinkat(host->fd, entry->d_name, 0);
		}
	}
	if (dir)
		closedir(dir);
	/* What is being told replaces what was told before. */
	if (g_hash_table_contains(needs, "pending"))
		g_hash_table_remove(needs, "user");
	return needs;
}
