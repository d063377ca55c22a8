/* SPDX-License-Identifier: MIT */
#include "command.h"
#include "host.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER     ".host"
#define FILE_MAX   (16u << 20)
#define PATIENCE_S 30 /* for another launcher that works here */

static int open_folder(int run_fd, bool create)
{
	struct stat status;
	int fd;

	if (create && mkdirat(run_fd, FOLDER, 0700) < 0 && errno != EEXIST)
		return -errno;
	fd = openat(run_fd, FOLDER, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) < 0 || status.st_uid != geteuid() || (status.st_mode & 077)) {
		close(fd);
		return -EPERM;
	}
	return fd;
}

int host_open_folder(int run_fd)
{
	return open_folder(run_fd, false);
}

static int lock_folder(int fd, int patience_s)
{
	gint64 until = g_get_monotonic_time() + patience_s * G_USEC_PER_SEC;
	int lock_fd = openat(fd, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	struct stat status;
	int r = 0;

	if (lock_fd < 0)
		return -errno;
	while (flock(lock_fd, LOCK_EX | LOCK_NB) < 0 && r == 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			r = -errno;
		else if (g_get_monotonic_time() > until)
			r = -EBUSY;
		else
			g_usleep(5000);
	}
	/* Who had it may have removed it when it was done. */
	if (r == 0 && (fstat(lock_fd, &status) < 0 || status.st_nlink == 0))
		r = -ESTALE;
	if (r < 0)
		close(lock_fd);
	return r < 0 ? r : lock_fd;
}

static int try_open(int run_fd, bool create, int patience_s, struct host *ret_host)
{
	struct host host = {.run_fd = run_fd, .fd = open_folder(run_fd, create)};

	if (host.fd < 0)
		return host.fd;
	host.lock_fd = lock_folder(host.fd, patience_s);
	if (host.lock_fd < 0) {
		close(host.fd);
		/* The folder was removed while we opened it. */
		return host.lock_fd == -ENOENT ? -ESTALE : host.lock_fd;
	}
	*ret_host = host;
	return 0;
}

int host_open(int run_fd, bool create, struct host *ret_host)
{
	int tries, r = -ESTALE;

	for (tries = 0; tries < 100 && (r == -ESTALE || (create && r == -ENOENT)); tries++)
		r = try_open(run_fd, create, PATIENCE_S, ret_host);
	if (r == -EBUSY)
		complain("%s/%s/lock is held for more than %d s: another launcher is stuck; see who holds it "
			 "by lslocks",
			 state_get_run_path(), FOLDER, PATIENCE_S);
	else if (r < 0 && (r != -ENOENT || create))
		complain("%s/%s cannot be used: %s; it must be a folder of this user with mode 0700: remove "
			 "it",
			 state_get_run_path(), FOLDER, strerror(-r));
	return r;
}

int host_look(int run_fd, struct host *ret_host)
{
	return try_open(run_fd, false, 0, ret_host);
}

/* What a crash left half-written is nothing. */
static bool is_empty(const struct host *host)
{
	int fd = openat(host->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	bool empty = dir != NULL;

	while (empty && (entry = readdir(dir))) {
		if (g_str_has_suffix(entry->d_name, ".new"))
			unlinkat(host->fd, entry->d_name, 0);
		else
			empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
				strcmp(entry->d_name, "lock") == 0;
	}
	if (dir)
		closedir(dir);
	return empty;
}

void host_close(struct host *host)
{
	if (is_empty(host)) {
		unlinkat(host->fd, "lock", 0);
		unlinkat(host->run_fd, FOLDER, AT_REMOVEDIR);
	}
	close(host->fd);
	close(host->lock_fd);
}

static int write_all(int fd, const char *text)
{
	size_t len = strlen(text);
	ssize_t n;

	while (len > 0) {
		n = write(fd, text, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		text += n;
		len -= (size_t)n;
	}
	return fsync(fd) < 0 ? -errno : 0;
}

int host_write(const struct host *host, const char *file, const char *text)
{
	g_autofree char *fresh = g_strconcat(file, ".new", NULL);
	int fd = openat(host->fd, fresh, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	int r = fd < 0 ? -errno : write_all(fd, text);

	if (fd >= 0 && close(fd) < 0 && r == 0)
		r = -errno;
	if (r == 0 && renameat(host->fd, fresh, host->fd, file) < 0)
		r = -errno;
	if (r == 0 && fsync(host->fd) < 0)
		r = -errno;
	if (r < 0)
		complain("%s/%s/%s cannot be written: %s", state_get_run_path(), FOLDER, file, strerror(-r));
	return r;
}

char *host_read(const struct host *host, const char *file)
{
	size_t len;
	char *text;

	return state_read(host->fd, file, FILE_MAX, &text, &len) < 0 ? NULL : text;
}

void host_remove(const struct host *host, const char *file)
{
	unlinkat(host->fd, file, 0);
}
