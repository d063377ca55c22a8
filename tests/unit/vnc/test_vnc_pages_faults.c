/* SPDX-License-Identifier: MIT */
/* Kernels that do not note writes, or cease to: each call fails in its turn. */
#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "pages_help.h"

/* The linker leads the library's calls here. */
static int calls_left; /* before one fails; -1: none does */
static int failure;

int __real_ioctl(int fd, unsigned long request, void *argument); // NOLINT: the linker's names
int __wrap_ioctl(int fd, unsigned long request, ...);            // NOLINT

int __wrap_ioctl(int fd, unsigned long request, ...) // NOLINT
{
	void *argument;
	va_list list;

	va_start(list, request);
	argument = va_arg(list, void *);
	va_end(list);
	if (calls_left >= 0 && calls_left-- == 0) {
		errno = failure;
		return -1;
	}
	return __real_ioctl(fd, request, argument);
}

static int count_fds(void)
{
	DIR *folder = opendir("/proc/self/fd");
	int count = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(folder);
	while (readdir(folder))
		count++;
	closedir(folder);
	return count;
}

/* The handshake, the first page, all of them, a scan. */
static void each_step_may_be_refused(void)
{
	const char *why = pages_why_not();
	int step, fds;

	if (why) {
		tap_skip(why);
		return;
	}
	CU_ASSERT_FATAL(pages_map(PAGES_ANONYMOUS));
	fds = count_fds();
	for (step = 0; step < 4; step++) {
		failure = ENOTTY;
		calls_left = step;
		CU_ASSERT_EQUAL(pages_open(QRT_VNC_TRACKER_PAGES, 0), -ENOTTY);
		CU_ASSERT(strlen(pages_error.message) > 0);
		CU_ASSERT_EQUAL(count_fds(), fds);
		calls_left = step;
		CU_ASSERT_EQUAL_FATAL(pages_open(QRT_VNC_TRACKER_AUTO, 0), 0);
		CU_ASSERT_EQUAL(pages_info().way, QRT_VNC_TRACKER_ALL);
		CU_ASSERT_EQUAL(pages_take(), 1);
		pages_tracker = qrt_vnc_tracker_close(pages_tracker);
		CU_ASSERT_EQUAL(count_fds(), fds);
	}
	calls_left = -1;
	pages_unmap();
}

static void a_kernel_that_ceases_is_all(void)
{
	int fds = count_fds();

	calls_left = -1;
	if (!pages_begin(PAGES_ANONYMOUS, QRT_VNC_TRACKER_NO_PAUSE))
		return;
	failure = ENOMEM;
	calls_left = 0;
	CU_ASSERT_EQUAL(pages_take(), 1);
	CU_ASSERT_EQUAL(pages_count_rows(), PAGES_HEIGHT);
	CU_ASSERT_EQUAL(pages_info().way, QRT_VNC_TRACKER_ALL);
	CU_ASSERT_EQUAL(pages_take(), 1);
	CU_ASSERT_EQUAL(count_fds(), fds);
	pages_end();
}

/* Nothing but the descriptors says that it works. */
static void the_old_surface_may_have_ended_to_be_noted(void)
{
	struct qrt_vnc_surface none = {NULL, 0, 1, 2, 32, 0};

	calls_left = -1;
	if (!pages_begin(PAGES_ANONYMOUS, QRT_VNC_TRACKER_NO_PAUSE))
		return;
	failure = EINVAL;
	calls_left = 0;
	CU_ASSERT_EQUAL(qrt_vnc_tracker_set_surface(pages_tracker, &none, &pages_error), -EINVAL);
	CU_ASSERT_EQUAL(pages_info().way, QRT_VNC_TRACKER_ALL);
	CU_ASSERT_EQUAL(pages_take(), 1);
	CU_ASSERT_EQUAL(pages_take(), 1);
	calls_left = -1;
	pages_end();
}

static const struct tap_test tests[] = {
	{"each step may be refused", each_step_may_be_refused},
	{"a kernel that ceases is all", a_kernel_that_ceases_is_all},
	{"the old surface may have ended to be noted", the_old_surface_may_have_ended_to_be_noted},
};

TAP_MAIN("vnc_pages_faults", tests)
