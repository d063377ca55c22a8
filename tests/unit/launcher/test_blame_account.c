/* SPDX-License-Identifier: MIT */
#include "blame_account.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int read_text(const char *text, struct blame_sample *ret_sample)
{
	int fd = memfd_create("schedstat", MFD_CLOEXEC), r;

	CU_ASSERT_EQUAL(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	r = blame_account_read(fd, ret_sample);
	close(fd);
	return r;
}

static void test_text(void)
{
	uint64_t start_ns = blame_now_ns();
	struct blame_sample sample;

	CU_ASSERT_EQUAL(read_text("11 222 3333\n", &sample), 0);
	CU_ASSERT_EQUAL(sample.run_delay_ns, 222);
	CU_ASSERT_EQUAL(sample.arrivals, 3333);
	CU_ASSERT_TRUE(start_ns <= sample.before_ns && sample.before_ns <= sample.after_ns);
	CU_ASSERT_TRUE(sample.after_ns <= blame_now_ns());
}

static void test_none(void)
{
	struct blame_sample sample = {.arrivals = 7};

	CU_ASSERT_EQUAL(read_text("", &sample), -EIO);
	CU_ASSERT_EQUAL(read_text("1 2", &sample), -EIO);
	CU_ASSERT_EQUAL(read_text("x", &sample), -EIO);
	CU_ASSERT_EQUAL(blame_account_read(-1, &sample), -EIO);
	CU_ASSERT_EQUAL(sample.arrivals, 7);
}

static void test_own(void)
{
	int fd = open("/proc/self/schedstat", O_RDONLY | O_CLOEXEC);
	struct blame_sample sample;

	if (fd < 0) {
		tap_skip("this kernel keeps no account (CONFIG_SCHED_INFO)");
		return;
	}
	CU_ASSERT_EQUAL(blame_account_read(fd, &sample), 0);
	CU_ASSERT_TRUE(sample.arrivals > 0);
	close(fd);
}

static const struct tap_test tests[] = {
	{"an account is read, and when", test_text},
	{"what is no account changes nothing", test_none},
	{"this thread's own", test_own},
};

TAP_MAIN("blame_account", tests)
