/* SPDX-License-Identifier: MIT */
#include "hostfs_p.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "sys_p.h"

#define LONG_MAX_BYTES (16u << 20)

static int full_path(const char *path, char *buf, size_t size)
{
	int n = snprintf(buf, size, "%s%s", qrt_sched_p_sys->root, path);

	return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : 0;
}

/* A tree of a test lies in a common file system. */
static int is_test(void)
{
	return qrt_sched_p_sys->root[0] != '\0';
}

static int is_kernels(const struct statfs *st)
{
	static const unsigned long magics[] = {PROC_SUPER_MAGIC, SYSFS_MAGIC, CGROUP_SUPER_MAGIC,
					       CGROUP2_SUPER_MAGIC, RDTGROUP_SUPER_MAGIC};
	size_t i;

	for (i = 0; i < sizeof(magics) / sizeof(magics[0]); i++) {
		if ((unsigned long)st->f_type == magics[i])
			return 1;
	}
	return is_test();
}

static int write_to(int fd, const char *text)
{
	size_t len = strlen(text);
	struct statfs st;
	ssize_t written;

	if (fstatfs(fd, &st) < 0)
		return -errno;
	if (!is_kernels(&st))
		return -EXDEV;
	do
		written = write(fd, text, len);
	while (written < 0 && errno == EINTR);
	if (written < 0)
		return -errno;
	return (size_t)written == len ? 0 : -EIO;
}

static int write_file(const char *path, const char *text)
{
	char full[512];
	int fd, rc = full_path(path, full, sizeof(full));

	if (rc < 0)
		return rc;
	fd = open(full, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | (is_test() ? O_TRUNC : 0));
	if (fd < 0)
		return -errno;
	rc = write_to(fd, text);
	if (close(fd) < 0 && rc == 0)
		rc = -errno;
	return rc;
}

static int check_parent(const char *full)
{
	char parent[512];
	struct statfs st;
	char *slash;

	snprintf(parent, sizeof(parent), "%s", full);
	slash = strrchr(parent, '/');
	if (!slash || slash == parent)
		return -EXDEV;
	*slash = '\0';
	if (statfs(parent, &st) < 0)
		return -errno;
	return is_kernels(&st) ? 0 : -EXDEV;
}

static int make_folder(const char *path)
{
	char full[512];
	int rc = full_path(path, full, sizeof(full));

	if (rc >= 0)
		rc = check_parent(full);
	if (rc < 0)
		return rc;
	return mkdir(full, 0755) < 0 ? -errno : 0;
}

static int remove_folder(const char *path)
{
	char full[512];
	int rc = full_path(path, full, sizeof(full));

	if (rc >= 0)
		rc = check_parent(full);
	if (rc < 0)
		return rc;
	return rmdir(full) < 0 ? -errno : 0;
}

const struct qrt_sched_p_hostfs qrt_sched_p_hostfs_kernel = {write_file, make_folder, remove_folder};

const struct qrt_sched_p_hostfs *qrt_sched_p_hostfs = &qrt_sched_p_hostfs_kernel;

int qrt_sched_p_read_trimmed(const char *path, char *buf, size_t size)
{
	int len = qrt_sched_p_read(path, buf, size);

	while (len > 0 && strchr(" \t\n", buf[len - 1]))
		buf[--len] = '\0';
	return len;
}

int qrt_sched_p_read_long(const char *path, char **ret_text)
{
	size_t size;
	char *text;
	int rc = -EFBIG;

	for (size = 16384; rc == -EFBIG && size <= LONG_MAX_BYTES; size *= 4) {
		text = malloc(size);
		if (!text)
			return -ENOMEM;
		rc = qrt_sched_p_read(path, text, size);
		if (rc >= 0)
			*ret_text = text;
		else
			free(text);
	}
	return rc;
}

int qrt_sched_p_exists(const char *path)
{
	char full[512];

	return full_path(path, full, sizeof(full)) >= 0 && access(full, F_OK) == 0;
}

int qrt_sched_p_list(const char *path, int (*found)(const char *name, void *data), void *data)
{
	const struct dirent *entry;
	char full[512];
	int rc = full_path(path, full, sizeof(full));
	DIR *folder;

	if (rc < 0)
		return rc;
	folder = opendir(full);
	if (!folder)
		return -errno;
	while (rc == 0 && (entry = readdir(folder))) {
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			rc = found(entry->d_name, data);
	}
	closedir(folder);
	return rc;
}

int qrt_sched_p_join(char path[QRT_SCHED_P_PATH], const char *folder, const char *name)
{
	int n = snprintf(path, QRT_SCHED_P_PATH, "%s/%s", folder, name);

	return n < 0 || n >= QRT_SCHED_P_PATH ? -ENAMETOOLONG : 0;
}

int qrt_sched_p_has_word(const char *text, const char *word)
{
	size_t len = strlen(word), n;

	for (;;) {
		text += strspn(text, " ,\t\n");
		n = strcspn(text, " ,\t\n");
		if (!n)
			return 0;
		if (n == len && strncmp(text, word, n) == 0)
			return 1;
		text += n;
	}
}
