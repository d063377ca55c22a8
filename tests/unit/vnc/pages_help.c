/* SPDX-License-Identifier: MIT */
#include "pages_help.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#define HUGE_PAGE (2u << 20)

struct qrt_vnc_tracker *pages_tracker;
struct qrt_vnc_error pages_error;
struct qrt_vnc_hint pages_hint;
uint32_t *pages_memory;

static char *region;

static int make_file(void)
{
	int fd = memfd_create("surface", MFD_CLOEXEC);

	CU_ASSERT_FATAL(fd >= 0 && ftruncate(fd, PAGES_BYTES) == 0);
	return fd;
}

bool pages_map(enum pages_kind kind)
{
	int fd = kind == PAGES_SHARED || kind == PAGES_FILE ? make_file() : -1;
	int flags = MAP_FIXED | (kind == PAGES_SHARED ? MAP_SHARED : MAP_PRIVATE);
	void *wanted;

	region = mmap(NULL, PAGES_BYTES + HUGE_PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CU_ASSERT_FATAL(region != MAP_FAILED);
	wanted = region + (HUGE_PAGE - (uintptr_t)region % HUGE_PAGE) % HUGE_PAGE;
	if (fd < 0)
		flags |= MAP_ANONYMOUS | (kind == PAGES_HUGE ? MAP_HUGETLB : 0);
	pages_memory = mmap(wanted, PAGES_BYTES, PROT_READ | PROT_WRITE, flags, fd, 0);
	if (fd >= 0)
		close(fd);
	if (pages_memory != MAP_FAILED)
		return true;
	munmap(region, PAGES_BYTES + HUGE_PAGE);
	return false;
}

void pages_unmap(void)
{
	munmap(region, PAGES_BYTES + HUGE_PAGE);
}

int pages_open(uint32_t way, uint32_t flags)
{
	const struct qrt_vnc_tracker_config config = {
		.size = sizeof(config),
		.way = way,
		.flags = flags,
		.surface = {pages_memory, PAGES_WIDTH * 4, PAGES_WIDTH, PAGES_HEIGHT, 32, 0}};

	return qrt_vnc_tracker_open(&config, &pages_tracker, &pages_error);
}

const char *pages_why_not(void)
{
	struct utsname name;
	long major, minor;
	char *rest;
	int fd;

	if (sysconf(_SC_PAGESIZE) != 4096)
		return "pages are of another size here";
	uname(&name);
	major = strtol(name.release, &rest, 10);
	minor = *rest == '.' ? strtol(rest + 1, NULL, 10) : 0;
	if (major < 6 || (major == 6 && minor < 7))
		return "this kernel does not note writes: Linux 6.7 does";
	fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | 1);
	if (fd < 0)
		return "userfaultfd is not allowed here";
	close(fd);
	return NULL;
}

bool pages_begin(enum pages_kind kind, uint32_t flags)
{
	const char *why = pages_why_not();

	if (why) {
		tap_skip(why);
		return false;
	}
	CU_ASSERT_FATAL(pages_map(kind));
	if (pages_open(QRT_VNC_TRACKER_PAGES, flags) < 0) {
		tap_note("%s", pages_error.message);
		CU_FAIL_FATAL("no tracker");
	}
	CU_ASSERT_EQUAL(pages_take(), 1);
	CU_ASSERT_EQUAL(pages_count_rows(), PAGES_HEIGHT);
	return true;
}

void pages_end(void)
{
	pages_tracker = qrt_vnc_tracker_close(pages_tracker);
	pages_unmap();
}

int pages_take(void)
{
	pages_hint.size = sizeof(pages_hint);
	return qrt_vnc_tracker_take(pages_tracker, &pages_hint);
}

bool pages_is_hinted(uint32_t x, uint32_t y)
{
	return pages_hint.cells[(size_t)y * pages_hint.words + x / 1024] >> x / 16 % 64 & 1;
}

uint32_t pages_count_rows(void)
{
	uint32_t row, count = 0;

	for (row = 0; row < PAGES_HEIGHT; row++)
		count += pages_hint.cells[(size_t)row * pages_hint.words] != 0;
	return count;
}

struct qrt_vnc_tracker_info pages_info(void)
{
	struct qrt_vnc_tracker_info info = {.size = sizeof(info)};

	CU_ASSERT_EQUAL(qrt_vnc_tracker_get_info(pages_tracker, &info), 0);
	return info;
}
