/* SPDX-License-Identifier: MIT */
#include "command.h"
#include "recorder_store.h"
#include "tap.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64], said[512];

void complain(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(said, sizeof(said), format, args);
	va_end(args);
}

const char *state_get_run_path(void);
const char *state_get_run_path(void)
{
	return "/run/test";
}

static int open_folder(void)
{
	strcpy(folder, "/tmp/qrt-store-XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
	return recorder_store_open(folder, -1);
}

static unsigned int count_files(int fd, bool remove_them)
{
	DIR *dir = fdopendir(openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	struct dirent *entry;
	unsigned int count = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(dir);
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		count++;
		if (remove_them)
			unlinkat(fd, entry->d_name, 0);
	}
	closedir(dir);
	return count;
}

static void close_folder(int fd)
{
	count_files(fd, true);
	close(fd);
	CU_ASSERT_EQUAL(rmdir(folder), 0);
}

static void test_write(void)
{
	g_autofree char *file = NULL;
	struct stat status;
	char text[8] = "";
	int fd = open_folder(), file_fd;

	CU_ASSERT_TRUE_FATAL(fd >= 0);
	CU_ASSERT_EQUAL_FATAL(recorder_store_write(fd, "vm", "hello", 5, &file), 0);
	CU_ASSERT_TRUE(g_str_has_prefix(file, "vm-2"));
	file_fd = openat(fd, file, O_RDONLY | O_CLOEXEC);
	CU_ASSERT_EQUAL(read(file_fd, text, sizeof(text)), 5);
	CU_ASSERT_EQUAL(fstat(file_fd, &status), 0);
	CU_ASSERT_EQUAL(status.st_mode & 0777, 0600);
	close(file_fd);
	CU_ASSERT_EQUAL(count_files(fd, false), 1);
	close_folder(fd);
}

/* Ages a file that somebody wrote before. */
static void make_old(int fd, const char *name, size_t size, time_t age)
{
	struct timespec times[2] = {{.tv_sec = 1000000 - age}, {.tv_sec = 1000000 - age}};
	int file_fd = openat(fd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	CU_ASSERT_TRUE(file_fd >= 0);
	CU_ASSERT_EQUAL(ftruncate(file_fd, (off_t)size), 0);
	CU_ASSERT_EQUAL(futimens(file_fd, times), 0);
	close(file_fd);
}

static void test_count(void)
{
	g_autofree char *file = NULL;
	char name[64];
	int fd = open_folder(), i;

	make_old(fd, "notes.txt", 1, 10000);
	for (i = 0; i < RECORDER_STORE_FILES + 5; i++) {
		snprintf(name, sizeof(name), "vm-%02d.record", i);
		make_old(fd, name, 1, 1000 - i);
	}
	CU_ASSERT_EQUAL(recorder_store_write(fd, "vm", "x", 1, &file), 0);
	CU_ASSERT_EQUAL(count_files(fd, false), RECORDER_STORE_FILES + 1);
	CU_ASSERT_EQUAL(faccessat(fd, "notes.txt", F_OK, 0), 0);
	CU_ASSERT_EQUAL(faccessat(fd, "vm-05.record", F_OK, 0), -1);
	CU_ASSERT_EQUAL(faccessat(fd, "vm-06.record", F_OK, 0), 0);
	CU_ASSERT_EQUAL(faccessat(fd, file, F_OK, 0), 0);
	close_folder(fd);
}

static void test_size(void)
{
	g_autofree char *file = NULL;
	int fd = open_folder();

	make_old(fd, "a.record", RECORDER_STORE_BYTES / 2, 3);
	make_old(fd, "b.record.new", RECORDER_STORE_BYTES / 2, 2);
	make_old(fd, "c.record", RECORDER_STORE_BYTES / 2, 1);
	CU_ASSERT_EQUAL(recorder_store_write(fd, "vm", "x", 1, &file), 0);
	CU_ASSERT_EQUAL(faccessat(fd, "a.record", F_OK, 0), -1);
	CU_ASSERT_EQUAL(faccessat(fd, "b.record.new", F_OK, 0), -1);
	CU_ASSERT_EQUAL(faccessat(fd, "c.record", F_OK, 0), 0);
	CU_ASSERT_EQUAL(faccessat(fd, file, F_OK, 0), 0);
	close_folder(fd);
}

static void test_refused(void)
{
	int fd = open_folder();

	CU_ASSERT_TRUE(fd >= 0);
	CU_ASSERT_EQUAL(fchmod(fd, 0777), 0);
	CU_ASSERT_EQUAL(recorder_store_open(folder, -1), -EPERM);
	CU_ASSERT_PTR_NOT_NULL(strstr(said, folder));
	CU_ASSERT_EQUAL(recorder_store_open("/nonexistent/folder", -1), -ENOENT);
	close_folder(fd);
}

static const struct tap_test tests[] = {
	{"a recording is a file of this user's alone", test_write},
	{"the oldest of too many go, and nothing else", test_count},
	{"the oldest of too much go", test_size},
	{"a folder that others may write is refused", test_refused},
};

TAP_MAIN("recorder_store", tests)
