/* SPDX-License-Identifier: MIT */
#include "state.h"

#include "command.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const files[] = {"state.json", "state.json.new", "threads",  "threads.new", "places",
				    "places.new", "plan",           "plan.new", "control"};

bool state_is_name(const char *name)
{
	size_t len = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-");

	return len >= 1 && len <= STATE_NAME_MAX && name[len] == '\0' && g_ascii_isalnum(name[0]);
}

static int lock_folder(int fd, int create)
{
	int lock_fd = openat(fd, "lock", O_RDWR | create | O_NOFOLLOW | O_CLOEXEC, 0600);
	struct stat status;
	int r;

	if (lock_fd < 0)
		return -errno;
	if (flock(lock_fd, LOCK_EX | LOCK_NB) < 0)
		r = errno == EWOULDBLOCK ? -EBUSY : -errno;
	else if (fstat(lock_fd, &status) < 0 || !S_ISREG(status.st_mode))
		r = -EINVAL;
	else /* its owner may have removed it between our open and our lock */
		r = status.st_nlink > 0 ? lock_fd : -ENOENT;
	if (r < 0)
		close(lock_fd);
	return r;
}

int state_open_folder(int run_fd, const char *name)
{
	int fd = openat(run_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat status;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) < 0 || status.st_uid != geteuid() || (status.st_mode & 077)) {
		close(fd);
		return -EPERM;
	}
	return fd;
}

/* A folder without a lock is about to get one, or is about to be removed. */
static int open_locked(int run_fd, const char *name, bool create, struct state *ret_state)
{
	struct state state = {.run_fd = run_fd};

	state.fd = state_open_folder(run_fd, name);
	if (state.fd < 0)
		return state.fd;
	state.lock_fd = lock_folder(state.fd, create ? O_CREAT : 0);
	if (state.lock_fd < 0) {
		close(state.fd);
		return state.lock_fd;
	}
	g_strlcpy(state.name, name, sizeof(state.name));
	*ret_state = state;
	return 0;
}

/* Whoever makes a folder, or removes it, finds his way where an empty one is gone. */
int state_open_left(int run_fd, const char *name, struct state *ret_state)
{
	int r = open_locked(run_fd, name, false, ret_state);

	if (r != -ENOENT || unlinkat(run_fd, name, AT_REMOVEDIR) == 0 || errno != ENOTEMPTY)
		return r;
	return open_locked(run_fd, name, true, ret_state);
}

static void say_busy(int run_fd, const char *name)
{
	struct state_record record;
	int fd = state_open_folder(run_fd, name);

	if (fd >= 0 && state_read_record(fd, &record) == 0)
		complain("a VM named '%s' is running (launcher pid %d, QEMU pid %d); choose another --name",
			 name, record.launcher_pid, record.qemu_pid);
	else
		complain("a VM named '%s' is just being started or repaired; choose another --name", name);
	if (fd >= 0)
		close(fd);
}

static int say_unusable(const char *name, int code)
{
	complain("%s/%s cannot be used: %s; it must be a folder of this user with mode 0700: remove it",
		 state_get_run_path(), name, strerror(-code));
	return code;
}

/* One try: -ENOENT when another launcher removed the folder under our hands. */
static int try_open(int run_fd, const char *name, struct state *ret_state)
{
	int r;

	if (mkdirat(run_fd, name, 0700) < 0 && errno != EEXIST)
		return -errno;
	r = open_locked(run_fd, name, true, ret_state);
	if (r < 0)
		return r;
	if (faccessat(ret_state->fd, "state.json", F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	r = state_repair(ret_state, false);
	return r < 0 ? -ECANCELED : -ENOENT;
}

/* A repair by another call holds the lock for a moment only. */
int state_open(int run_fd, const char *name, struct state *ret_state)
{
	int r = -EBUSY, tries;

	for (tries = 0; (r == -ENOENT || r == -EBUSY) && tries < 20; tries++) {
		r = try_open(run_fd, name, ret_state);
		if (r == -EBUSY)
			g_usleep(10000);
	}
	if (r == -EBUSY)
		say_busy(run_fd, name);
	else if (r < 0 && r != -ENOENT && r != -ECANCELED) /* repair has spoken */
		say_unusable(name, r);
	return r;
}

void state_close(struct state *state)
{
	close(state->fd);
	close(state->lock_fd);
}

void state_remove(struct state *state)
{
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(files); i++)
		unlinkat(state->fd, files[i], 0);
	unlinkat(state->fd, "lock", 0);
	if (unlinkat(state->run_fd, state->name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		complain("%s/%s could not be removed: %s", state_get_run_path(), state->name,
			 strerror(errno));
	state_close(state);
}

void state_end(struct state *state, bool is_back)
{
	if (is_back)
		state_remove(state);
	else
		state_close(state);
}

static int write_all(int fd, const char *text, size_t len)
{
	ssize_t n;

	while (len > 0) {
		n = write(fd, text, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		text += n;
		len -= n;
	}
	return 0;
}

int state_write(const struct state *state, const char *file, const char *text, size_t len)
{
	char fresh[32];
	int fd, r;

	snprintf(fresh, sizeof(fresh), "%s.new", file);
	fd = openat(state->fd, fresh, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	r = fd < 0 ? -errno : write_all(fd, text, len);
	if (fd >= 0 && close(fd) < 0 && r == 0)
		r = -errno;
	if (r == 0 && renameat(state->fd, fresh, state->fd, file) < 0)
		r = -errno;
	if (r < 0)
		complain("%s/%s/%s cannot be written: %s", state_get_run_path(), state->name, file,
			 strerror(-r));
	return r;
}

static int read_fd(int fd, size_t max, char **ret_text, size_t *ret_len)
{
	struct stat status;
	size_t len = 0;
	ssize_t n = 0;
	char *text;

	if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode) || status.st_uid != geteuid())
		return -EINVAL;
	if (status.st_size > (off_t)max)
		return -EFBIG;
	text = g_malloc(max + 1);
	while (len < max && (n = read(fd, text + len, max - len)) > 0)
		len += n;
	if (n < 0) {
		g_free(text);
		return -EIO;
	}
	text[len] = '\0';
	*ret_text = text;
	*ret_len = len;
	return 0;
}

int state_read(int fd, const char *file, size_t max, char **ret_text, size_t *ret_len)
{
	int file_fd = openat(fd, file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	int r;

	if (file_fd < 0)
		return errno == ENOENT ? -ENOENT : -EINVAL;
	r = read_fd(file_fd, max, ret_text, ret_len);
	close(file_fd);
	return r;
}

void state_for_each(int run_fd, void (*found)(const char *name, void *data), void *data)
{
	int fd = openat(run_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!dir) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((entry = readdir(dir))) {
		if (state_is_name(entry->d_name))
			found(entry->d_name, data);
	}
	closedir(dir);
}
