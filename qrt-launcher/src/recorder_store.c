/* SPDX-License-Identifier: MIT */
#include "recorder_store.h"

#include "command.h"
#include "state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define FOLDER ".records" /* no VM's name */
#define SUFFIX ".record"
#define FRESH  ".new" /* until it is whole; one that was left behind is old some day */

struct file {
	char *name;
	struct timespec time;
	off_t size;
};

const char *recorder_store_describe(const char *path, char *buf, size_t size)
{
	if (path)
		g_strlcpy(buf, path, size);
	else
		snprintf(buf, size, "%s/%s", state_get_run_path(), FOLDER);
	return buf;
}

/* Who could write there could make root overwrite files of others. */
static int check(int fd)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return -errno;
	return status.st_uid == geteuid() && !(status.st_mode & 022) ? 0 : -EPERM;
}

static int open_folder(const char *path, int run_fd)
{
	const char *name = path ? path : FOLDER;
	int at = path ? AT_FDCWD : run_fd, fd, r;

	if (mkdirat(at, name, 0700) < 0 && errno != EEXIST)
		return -errno;
	fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | (path ? 0 : O_NOFOLLOW));
	if (fd < 0)
		return -errno;
	r = check(fd);
	if (r == 0)
		return fd;
	close(fd);
	return r;
}

int recorder_store_open(const char *path, int run_fd)
{
	int fd = open_folder(path, run_fd);
	char words[4096];

	if (fd >= 0)
		return fd;
	recorder_store_describe(path, words, sizeof(words));
	complain("recordings cannot be kept in %s: %s%s", words, strerror(-fd),
		 fd == -EPERM ? "; it must be this user's, and nobody else's to write" : "");
	return fd;
}

static int write_all(int fd, const char *text, size_t len)
{
	ssize_t n;

	while (len > 0) {
		n = write(fd, text, len);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			text += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

static void free_file(gpointer data)
{
	g_free(((struct file *)data)->name);
}

static gint compare_age(gconstpointer a, gconstpointer b)
{
	const struct file *x = a, *y = b;

	if (x->time.tv_sec != y->time.tv_sec)
		return x->time.tv_sec < y->time.tv_sec ? -1 : 1;
	if (x->time.tv_nsec != y->time.tv_nsec)
		return x->time.tv_nsec < y->time.tv_nsec ? -1 : 1;
	return strcmp(x->name, y->name);
}

/* The oldest first. */
static GArray *list_files(int folder_fd)
{
	GArray *files = g_array_new(FALSE, FALSE, sizeof(struct file));
	int fd = openat(folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	struct stat status;

	g_array_set_clear_func(files, free_file);
	while (dir && (entry = readdir(dir))) {
		struct file file = {0};

		if (!(g_str_has_suffix(entry->d_name, SUFFIX) ||
		      g_str_has_suffix(entry->d_name, SUFFIX FRESH)) ||
		    fstatat(folder_fd, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) < 0 ||
		    !S_ISREG(status.st_mode))
			continue;
		file.name = g_strdup(entry->d_name);
		file.time = status.st_mtim;
		file.size = status.st_size;
		g_array_append_val(files, file);
		/* cppcheck-suppress memleak ; the array has it */
	}
	if (dir)
		closedir(dir);
	else if (fd >= 0)
		close(fd);
	g_array_sort(files, compare_age);
	return files;
}

/* The newest stays, however large it is. */
static void prune(int folder_fd)
{
	GArray *files = list_files(folder_fd);
	off_t bytes = 0;
	guint i;

	for (i = 0; i < files->len; i++)
		bytes += g_array_index(files, struct file, i).size;
	for (i = 0; i + 1 < files->len; i++) {
		const struct file *file = &g_array_index(files, struct file, i);

		if (files->len - i <= RECORDER_STORE_FILES && bytes <= (off_t)RECORDER_STORE_BYTES)
			break;
		if (unlinkat(folder_fd, file->name, 0) == 0)
			bytes -= file->size;
	}
	g_array_unref(files);
}

static char *make_name(const char *name)
{
	struct timespec now;
	struct tm tm;
	char when[32];

	clock_gettime(CLOCK_REALTIME, &now);
	localtime_r(&now.tv_sec, &tm);
	strftime(when, sizeof(when), "%Y%m%d-%H%M%S", &tm);
	return g_strdup_printf("%s-%s-%03ld%s", name, when, now.tv_nsec / 1000000, SUFFIX);
}

int recorder_store_write(int folder_fd, const char *name, const char *text, size_t len, char **ret_file)
{
	char *file = make_name(name);
	g_autofree char *fresh = g_strconcat(file, FRESH, NULL);
	int fd = openat(folder_fd, fresh, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	int r = fd < 0 ? -errno : write_all(fd, text, len);

	if (fd >= 0 && close(fd) < 0 && r == 0)
		r = -errno;
	if (r == 0 && renameat(folder_fd, fresh, folder_fd, file) < 0)
		r = -errno;
	if (r < 0) {
		unlinkat(folder_fd, fresh, 0);
		g_free(file);
		return r;
	}
	prune(folder_fd);
	*ret_file = file;
	return 0;
}
