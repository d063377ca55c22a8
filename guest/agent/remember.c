/* SPDX-License-Identifier: MIT */
/* What the guest was last said to be at, for an agent that is started anew while the guest runs on. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent.h"

#define BOOT_ID   "/proc/sys/kernel/random/boot_id"
#define ID_ROOM   40
#define PATH_ROOM 256

static int read_line(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? -1 : read(fd, text, size - 1);

	if (fd >= 0)
		close(fd);
	if (got <= 0)
		return -ENOENT;
	text[got] = 0;
	text[strcspn(text, "\n")] = 0;
	return 0;
}

/* A folder that outlives the boot, or another kernel in the same VM (kexec), is seen by the boot's id. */
int remember_recall(const char *path)
{
	char id[ID_ROOM], line[ID_ROOM + 32];
	size_t length;
	int state;

	if (read_line(BOOT_ID, id, sizeof(id)) < 0 || read_line(path, line, sizeof(line)) < 0)
		return -ENOENT;
	length = strlen(id);
	if (strncmp(line, id, length) != 0 || line[length] != ' ')
		return -ENOENT;
	state = state_parse(line + length + 1);
	return state < 0 ? -ENOENT : state;
}

static int write_line(const char *path, const char *line)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600), rc = 0;
	size_t length = strlen(line);

	if (fd < 0)
		return -errno;
	if (write(fd, line, length) != (ssize_t)length)
		rc = -EIO;
	close(fd);
	return rc;
}

/* Beside the old one, then in its place: who is killed meanwhile leaves one that is whole. */
int remember_state(const char *path, uint32_t state)
{
	char id[ID_ROOM], line[ID_ROOM + 32], next[PATH_ROOM];
	int rc = read_line(BOOT_ID, id, sizeof(id));

	if (rc >= 0 && (size_t)snprintf(next, sizeof(next), "%s.new", path) >= sizeof(next))
		rc = -ENAMETOOLONG;
	if (rc < 0)
		return rc;
	snprintf(line, sizeof(line), "%s %s\n", id, state_name(state));
	rc = write_line(next, line);
	if (rc >= 0 && rename(next, path) < 0)
		rc = -errno;
	return rc;
}
