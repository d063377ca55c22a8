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
#include <sys/stat.h>
#include <unistd.h>

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
	static char path[4096];
	bool own;
	char *found = find_path(&own);

	g_strlcpy(path, found ? found : "(no run directory)", sizeof(path));
	g_free(found);
	return path;
}

static int check_folder(int fd, const char *path)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return -errno;
	if (status.st_uid == geteuid() && !(status.st_mode & 022))
		return 0;
	complain("%s belongs to user %d with mode %04o: the run directory must be this user's, and nobody "
		 "else's to "
		 "write; correct it or set QRT_RUN_DIR",
		 path, (int)status.st_uid, status.st_mode & 07777);
	return -EPERM;
}

static int open_path(const char *path, bool create)
{
	int fd, r;

	if (create && mkdir(path, 0755) < 0 && errno != EEXIST) {
		r = -errno;
		complain("the run directory %s cannot be made: %s; set QRT_RUN_DIR", path, strerror(-r));
		return r;
	}
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0) {
		r = -errno;
		if (r != -ENOENT)
			complain("the run directory %s cannot be opened: %s; set QRT_RUN_DIR", path,
				 strerror(-r));
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
	fd = open_path(path, create);
	g_free(path);
	return fd;
}

void state_close_run(int run_fd)
{
	bool own;
	char *path = find_path(&own);

	close(run_fd);
	if (path && own)
		(void)rmdir(path);
	g_free(path);
}
