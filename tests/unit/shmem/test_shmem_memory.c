/* SPDX-License-Identifier: MIT */
/* Memory to share: what is made, what is found, and what is left where that fails. */
#include <errno.h>
#include <fcntl.h>
#include <qrt/shmem.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tap.h"

#define PAGE 4096u

static struct qrt_shmem_memory *memory;
static struct qrt_shmem_error error;
static char path[64];

static int open_file(uint32_t flags, uint64_t length, uint32_t mode, uint64_t nodes)
{
	struct qrt_shmem_memory_config config = {.size = sizeof(config), .kind = QRT_SHMEM_MEMORY_FILE};

	snprintf(path, sizeof(path), "/dev/shm/qrt-memory-%d", getpid());
	config.path = path;
	config.flags = flags;
	config.length = length;
	config.mode = mode;
	config.nodes = nodes;
	return qrt_shmem_memory_open(&config, &memory, &error);
}

static long long length_of(const char *name)
{
	struct stat status;

	return stat(name, &status) < 0 ? -1 : (long long)status.st_size;
}

static mode_t mode_of(const char *name)
{
	struct stat status;

	return stat(name, &status) < 0 ? 0 : status.st_mode & 0777;
}

static void end(void)
{
	memory = qrt_shmem_memory_close(memory);
	unlink(path);
}

static void a_memory_is_what_was_asked_for(void)
{
	struct qrt_shmem_memory_config config = {.size = sizeof(config),
						 .length = 4 * PAGE,
						 .flags = QRT_SHMEM_MEMORY_FIXED | QRT_SHMEM_MEMORY_POPULATE};

	CU_ASSERT_EQUAL_FATAL(qrt_shmem_memory_open(&config, &memory, &error), 0);
	CU_ASSERT_EQUAL(qrt_shmem_memory_get_length(memory), 4 * PAGE);
	((char *)qrt_shmem_memory_get_data(memory))[4 * PAGE - 1] = 1;
	CU_ASSERT_EQUAL(ftruncate(qrt_shmem_memory_get_fd(memory), PAGE), -1);
	CU_ASSERT_EQUAL(errno, EPERM);
	CU_ASSERT_EQUAL(fcntl(qrt_shmem_memory_get_fd(memory), F_GETFD), FD_CLOEXEC);
	memory = qrt_shmem_memory_close(memory);
}

static void the_umask_does_not_count(void)
{
	mode_t before = umask(0700);

	CU_ASSERT_EQUAL(open_file(0, PAGE, 0, 0), 0);
	CU_ASSERT_EQUAL(mode_of(path), 0600);
	end();
	umask(022);
	CU_ASSERT_EQUAL(open_file(0, PAGE, 0660, 0), 0);
	CU_ASSERT_EQUAL(mode_of(path), 0660);
	end();
	umask(before);
}

static void what_is_there_keeps_content_and_permissions(void)
{
	CU_ASSERT_EQUAL(open_file(0, 2 * PAGE, 0640, 0), 0);
	strcpy(qrt_shmem_memory_get_data(memory), "kept");
	qrt_shmem_memory_close(memory);
	CU_ASSERT_EQUAL(open_file(0, 0, 0600, 0), 0);
	CU_ASSERT_EQUAL(qrt_shmem_memory_get_length(memory), 2 * PAGE);
	CU_ASSERT_STRING_EQUAL((char *)qrt_shmem_memory_get_data(memory), "kept");
	CU_ASSERT_EQUAL(mode_of(path), 0640);
	qrt_shmem_memory_close(memory);
	CU_ASSERT_EQUAL(open_file(0, PAGE, 0, 0), -EFBIG);
	CU_ASSERT_EQUAL(open_file(QRT_SHMEM_MEMORY_NEW, 2 * PAGE, 0, 0), -EEXIST);
	CU_ASSERT_EQUAL(length_of(path), 2 * PAGE);
	memory = NULL;
	end();
}

/* Node 63 is nowhere. */
static void what_fails_leaves_things_as_they_were(void)
{
	CU_ASSERT_EQUAL(open_file(0, PAGE, 0, 1ull << 63), -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "node"));
	CU_ASSERT_EQUAL(length_of(path), -1);
	CU_ASSERT_EQUAL(open_file(0, PAGE, 0, 0), 0);
	memory = qrt_shmem_memory_close(memory);
	CU_ASSERT_EQUAL(open_file(0, 4 * PAGE, 0, 1ull << 63), -EINVAL);
	CU_ASSERT_EQUAL(length_of(path), PAGE);
	end();
}

static void what_cannot_be_says_why(void)
{
	struct qrt_shmem_memory_config config = {.size = sizeof(config)};

	CU_ASSERT_EQUAL(qrt_shmem_memory_open(&config, &memory, &error), -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "length"));
	config.kind = QRT_SHMEM_MEMORY_HUGETLB;
	config.page_shift = 23;
	config.length = 1u << 23;
	CU_ASSERT(qrt_shmem_memory_open(&config, &memory, &error) < 0);
	CU_ASSERT_PTR_NULL(strstr(error.message, "must be a file"));
	CU_ASSERT_EQUAL(open_file(0, 0, 0, 0), -EINVAL);
	CU_ASSERT_EQUAL(length_of(path), -1);
	CU_ASSERT_EQUAL(symlink("/dev/shm/qrt-elsewhere", path), 0);
	CU_ASSERT_EQUAL(open_file(0, PAGE, 0, 0), -ELOOP);
	CU_ASSERT_PTR_NOT_NULL(strstr(error.message, path));
	memory = NULL;
	end();
}

static void one_that_is_claimed_is_nobody_elses(void)
{
	struct qrt_shmem_memory_config config = {.size = sizeof(config), .kind = QRT_SHMEM_MEMORY_FILE};
	struct qrt_shmem_memory *other = NULL, *shared = NULL;
	struct stat status;
	int claim;

	snprintf(path, sizeof(path), "/tmp/qrt-claim-%d", getpid());
	config.path = path;
	config.length = 8192;
	config.flags = QRT_SHMEM_MEMORY_CLAIM;
	CU_ASSERT_EQUAL_FATAL(qrt_shmem_memory_open(&config, &memory, &error), 0);
	config.length = 65536;
	CU_ASSERT_EQUAL(qrt_shmem_memory_open(&config, &other, &error), -EBUSY);
	CU_ASSERT_PTR_NOT_NULL(strstr(error.message, path));
	CU_ASSERT(stat(path, &status) == 0 && status.st_size == 8192);
	/* Who does not ask for it alone may have it. */
	config.length = config.flags = 0;
	CU_ASSERT_EQUAL_FATAL(qrt_shmem_memory_open(&config, &shared, NULL), 0);
	CU_ASSERT_EQUAL(qrt_shmem_memory_get_claim(shared), -1);
	/* It lives as long as what was dup'ed of it, not as long as what clients get. */
	claim = dup(qrt_shmem_memory_get_claim(memory));
	qrt_shmem_memory_close(memory);
	config.flags = QRT_SHMEM_MEMORY_CLAIM;
	CU_ASSERT_EQUAL(qrt_shmem_memory_open(&config, &other, NULL), -EBUSY);
	close(claim);
	CU_ASSERT_EQUAL_FATAL(qrt_shmem_memory_open(&config, &other, NULL), 0);
	qrt_shmem_memory_close(other);
	qrt_shmem_memory_close(shared);
	unlink(path);
}

static const struct tap_test tests[] = {
	{"one that is claimed is nobody else's", one_that_is_claimed_is_nobody_elses},
	{"a memory is what was asked for", a_memory_is_what_was_asked_for},
	{"the umask does not count", the_umask_does_not_count},
	{"what is there keeps content and permissions", what_is_there_keeps_content_and_permissions},
	{"what fails leaves things as they were", what_fails_leaves_things_as_they_were},
	{"what cannot be says why", what_cannot_be_says_why},
};

TAP_MAIN("shmem memory", tests)
