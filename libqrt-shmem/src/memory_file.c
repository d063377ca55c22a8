/* SPDX-License-Identifier: MIT */
/* Memory that is a file, and whose. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "memory_p.h"

static int make_file(struct qrt_shmem_memory *memory, const struct qrt_shmem_memory_config *config)
{
	char *path = strdup(config->path);
	int fd;

	if (!path)
		return -1;
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd >= 0)
		memory->made = path;
	else
		free(path);
	return fd;
}

int qrt_shmem_p_memory_open_file(struct qrt_shmem_memory *memory,
				 const struct qrt_shmem_memory_config *config)
{
	int fd = make_file(memory, config);

	if (fd >= 0 || errno != EEXIST || (config->flags & QRT_SHMEM_MEMORY_NEW))
		return fd;
	return open(config->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
}

static int is_same(int a, int b)
{
	struct stat one, other;

	return fstat(a, &one) >= 0 && fstat(b, &other) >= 0 && one.st_dev == other.st_dev &&
	       one.st_ino == other.st_ino;
}

/* The lock is that of an open file, and goes wherever its descriptor does: so it is none that anybody gets.
 * One that was just made, and is somebody else's already, is not this memory's to remove. */
int qrt_shmem_p_memory_claim(struct qrt_shmem_memory *memory, const struct qrt_shmem_memory_config *config)
{
	int rc = 0;

	if (!(config->flags & QRT_SHMEM_MEMORY_CLAIM) || config->kind != QRT_SHMEM_MEMORY_FILE)
		return 0;
	memory->claim = open(config->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (memory->claim < 0)
		return -errno;
	if (!is_same(memory->claim, memory->fd))
		rc = -EBUSY;
	else if (flock(memory->claim, LOCK_EX | LOCK_NB) < 0)
		rc = errno == EWOULDBLOCK ? -EBUSY : -errno;
	if (rc == -EBUSY) {
		free(memory->made);
		memory->made = NULL;
	}
	return rc;
}
