/* SPDX-License-Identifier: MIT */
#include "plain.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

int plain_open(const char *path, gboolean is_read_only)
{
	struct stat found;
	int fd = open(path, (is_read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd >= 0 && (fstat(fd, &found) < 0 || !S_ISREG(found.st_mode)))
		return plain_close(fd);
	return fd;
}

int plain_close(int fd)
{
	if (fd >= 0)
		close(fd);
	return -1;
}

gboolean plain_is(int fd, const char *path)
{
	struct stat ours, named;

	return fd >= 0 && fstat(fd, &ours) >= 0 && stat(path, &named) >= 0 && ours.st_dev == named.st_dev &&
	       ours.st_ino == named.st_ino;
}

gboolean plain_run(int fd, const struct qrt_block_request *request)
{
	ssize_t bytes = -1;

	if (request->kind == QRT_BLOCK_READ)
		bytes = pread(fd, request->buffer, request->length, (off_t)request->offset);
	else if (request->kind == QRT_BLOCK_WRITE && !(request->flags & QRT_BLOCK_FUA))
		bytes = pwrite(fd, request->buffer, request->length, (off_t)request->offset);
	return bytes >= 0 && (guint64)bytes == request->length;
}
