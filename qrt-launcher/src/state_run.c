/* SPDX-License-Identifier: MIT */
/* The run directory: where it is, and whether it may be trusted. */
#include "command.h"
#include "config.h"
#include "state.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCK_PATIENCE_MS 5000 /* a launcher holds the lock for a fraction of that, unless it is stopped */

/* Where no directory was named by the user, its place is ours alone. */
static char *find_path(bool *ret_own)
{
	const char *named = getenv("QRT_RUN_DIR"), *runtime = getenv("XDG_RUNTIME_DIR");

	*ret_own = !(named && *named);
	if (!*ret_own)
		return g_strdup(named);
	if (geteuid() == 0)
		return g_strdup(QRT_RUN_DIR_DEFAULT);
	return runtime && *runtime ? g_build_filename(runtime, "qrt", NULL) : NULL;
}

const char *state_get_run_path(void)
{
	static _Thread_local char path[4096];
	bool own;
	char *found = find_path(&own);

	g_strlcpy(path, found ? found : "(no run directory)", sizeof(path));
	g_free(found);
	return path;
}

static bool is_ours(const struct stat *status)
{
	return status->st_uid == geteuid() && !(status->st_mode & 022);
}

static int check_folder(int fd, const char *path)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return -errno;
	if (is_ours(&status))
		return 0;
	complain("%s belongs to user %d with mode %04o: the run directory must be this user's, and nobody "
		 "else's to "
		 "write; correct it or set QRT_RUN_DIR",
		 path, (int)status.st_uid, status.st_mode & 07777);
	return -EPERM;
}

/* A launcher that ends may remove it between the two calls. */
static int make_path(const char *path)
{
	int fd, tries = 0;

	do {
		if (mkdir(path, 0755) < 0 && errno != EEXIST)
			return -1;
		fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	} while (fd < 0 && errno == ENOENT && ++tries < 10);
	return fd;
}

static int open_path(const char *path, bool create)
{
	int fd, r;

	fd = create ? make_path(path) : open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0) {
		r = -errno;
		if (create || r != -ENOENT)
			complain("the run directory %s cannot be %s: %s; set QRT_RUN_DIR", path,
				 create ? "made or opened" : "opened", strerror(-r));
		return r;
	}
	r = check_folder(fd, path);
	if (r < 0) {
		close(fd);
		return r;
	}
	return fd;
}

int state_open_run(bool create)
{
	bool own;
	char *path = find_path(&own);
	int fd;

	if (!path) {
		complain("no run directory: set XDG_RUNTIME_DIR or QRT_RUN_DIR, or run as root");
		return -ENXIO;
	}
	if (g_path_is_absolute(path)) {
		fd = open_path(path, create);
	} else {
		complain(
			"the run directory '%s' is relative, and would be another one in each folder; set %s "
			"to an absolute path",
			path, own ? "XDG_RUNTIME_DIR" : "QRT_RUN_DIR");
		fd = -EINVAL;
	}
	g_free(path);
	return fd;
}

int state_look_run(void)
{
	bool own;
	g_autofree char *path = find_path(&own);
	struct stat status;
	int fd;

	if (!path || !g_path_is_absolute(path))
		return -ENXIO;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) == 0 && is_ours(&status))
		return fd;
	close(fd);
	return -EPERM;
}

int state_lock_run(int run_fd)
{
	struct stat status;
	int waited = 0;

	while (flock(run_fd, LOCK_EX | LOCK_NB) < 0 && waited < LOCK_PATIENCE_MS) {
		g_usleep(10000);
		waited += 10;
	}
	if (waited >= LOCK_PATIENCE_MS)
		complain("another launcher holds %s for %d s; is it stopped? Its VM may get the same CPUs",
			 state_get_run_path(), LOCK_PATIENCE_MS / 1000);
	return fstat(run_fd, &status) == 0 && status.st_nlink == 0 ? -ENOENT : 0;
}

int state_try_lock_run(int run_fd)
{
	return flock(run_fd, LOCK_EX | LOCK_NB) < 0 ? -EBUSY : 0;
}

/* Another launcher that ends may remove the empty run directory while we open it. */
int state_enter_run(void)
{
	int tries, run_fd;

	for (tries = 0; tries < 10; tries++) {
		run_fd = state_open_run(true);
		if (run_fd < 0)
			return run_fd;
		if (state_lock_run(run_fd) == 0) {
			state_repair_all(run_fd, false);
			return run_fd;
		}
		close(run_fd);
	}
	complain("%s vanishes as soon as it is made; who removes it?", state_get_run_path());
	return -ENOENT;
}

void state_unlock_run(int run_fd)
{
	(void)flock(run_fd, LOCK_UN);
}

/* A launcher that just starts has locked it, and needs it. */
void state_close_run(int run_fd)
{
	bool own;
	char *path = find_path(&own);

	if (path && own && flock(run_fd, LOCK_EX | LOCK_NB) == 0)
		(void)rmdir(path);
	close(run_fd);
	g_free(path);
}
