/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/memfd.h>
#include <linux/mempolicy.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "error_p.h"
#include "memory_p.h"

#define KNOWN_FLAGS                                                                                          \
	(QRT_SHMEM_MEMORY_LOCK | QRT_SHMEM_MEMORY_POPULATE | QRT_SHMEM_MEMORY_NEW | QRT_SHMEM_MEMORY_FIXED | \
	 QRT_SHMEM_MEMORY_CLAIM)

static int open_anonymous(const struct qrt_shmem_memory_config *config)
{
	unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;

	if (config->kind == QRT_SHMEM_MEMORY_HUGETLB)
		flags |= MFD_HUGETLB | config->page_shift << MFD_HUGE_SHIFT;
	return memfd_create("qrt-shmem", flags);
}

static int open_fd(struct qrt_shmem_memory *memory, const struct qrt_shmem_memory_config *config)
{
	switch (config->kind) {
	case QRT_SHMEM_MEMORY_FILE:
		return qrt_shmem_p_memory_open_file(memory, config);
	case QRT_SHMEM_MEMORY_FD:
		return fcntl(config->fd, F_DUPFD_CLOEXEC, 0);
	default:
		return open_anonymous(config);
	}
}

/* What is there keeps its length unless another one is asked for; nothing gets shorter. */
static int set_length(struct qrt_shmem_memory *memory, const struct qrt_shmem_memory_config *config)
{
	struct stat status;

	if (fstat(memory->fd, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode))
		return -EINVAL;
	memory->length = config->length ? config->length : (uint64_t)status.st_size;
	if (!memory->length || memory->length % (uint64_t)sysconf(_SC_PAGESIZE))
		return -EINVAL;
	if ((uint64_t)status.st_size > memory->length)
		return -EFBIG;
	if ((uint64_t)status.st_size == memory->length)
		return 0;
	if (ftruncate(memory->fd, (off_t)memory->length) < 0)
		return -errno;
	memory->length_before = (uint64_t)status.st_size;
	memory->is_grown = 1;
	return 0;
}

/* Where the kernel does not say it: any. */
static uint64_t read_available(void)
{
	static const char key[] = "MemAvailable:";
	FILE *file = fopen("/proc/meminfo", "re");
	uint64_t bytes = UINT64_MAX;
	char line[128];

	while (file && bytes == UINT64_MAX && fgets(line, sizeof(line), file)) {
		if (strncmp(line, key, sizeof(key) - 1) == 0)
			bytes = strtoull(line + sizeof(key) - 1, NULL, 10) * 1024;
	}
	if (file)
		fclose(file);
	return bytes;
}

/* Nothing but the host's RAM bounds these: instead of an error the kernel would kill somebody. */
static int is_ram(const struct qrt_shmem_memory *memory, const struct qrt_shmem_memory_config *config)
{
	struct statfs status;

	return config->kind == QRT_SHMEM_MEMORY_MEMFD ||
	       (fstatfs(memory->fd, &status) >= 0 && status.f_type == TMPFS_MAGIC);
}

/* Space is there from the start: a full disk, or too few huge pages, is an error now and no SIGBUS later. */
static int have_space(const struct qrt_shmem_memory *memory, const struct qrt_shmem_memory_config *config)
{
	int rc = 0;

	if ((config->flags & (QRT_SHMEM_MEMORY_POPULATE | QRT_SHMEM_MEMORY_LOCK) ||
	     config->kind == QRT_SHMEM_MEMORY_FILE) &&
	    is_ram(memory, config) && memory->length > read_available())
		return -ENOMEM;
	if (config->kind == QRT_SHMEM_MEMORY_FILE || config->kind == QRT_SHMEM_MEMORY_HUGETLB ||
	    (config->flags & QRT_SHMEM_MEMORY_POPULATE)) {
		do {
			rc = posix_fallocate(memory->fd, 0, (off_t)memory->length);
		} while (rc == EINTR);
	}
	return rc == EOPNOTSUPP || rc == EINVAL ? 0 : -rc;
}

static int bind_nodes(const struct qrt_shmem_memory *memory, uint64_t nodes)
{
	unsigned long mask[2] = {(unsigned long)nodes, 0};

	if (!nodes)
		return 0;
	return syscall(SYS_mbind, memory->data, memory->length, MPOL_BIND, mask, 64ul + 1, 0) < 0 ? -errno
												  : 0;
}

static int map(struct qrt_shmem_memory *memory)
{
	memory->data = mmap(NULL, memory->length, PROT_READ | PROT_WRITE, MAP_SHARED, memory->fd, 0);
	if (memory->data != MAP_FAILED)
		return 0;
	memory->data = NULL;
	return -errno;
}

static int seal(const struct qrt_shmem_memory *memory, const struct qrt_shmem_memory_config *config)
{
	if (!(config->flags & QRT_SHMEM_MEMORY_FIXED) || config->kind == QRT_SHMEM_MEMORY_FILE ||
	    config->kind == QRT_SHMEM_MEMORY_FD)
		return 0;
	return fcntl(memory->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0 ? -errno : 0;
}

#define LENGTH "its length"
#define NODES  "its NUMA nodes"

struct step {
	const char *what;
	int rc;
};

/* The umask does not count. */
static int set_mode(const struct qrt_shmem_memory *memory, const struct qrt_shmem_memory_config *config)
{
	if (!memory->made)
		return 0;
	return fchmod(memory->fd, config->mode ? config->mode & 0777 : 0600) < 0 ? -errno : 0;
}

static int lock(const struct qrt_shmem_memory *memory, const struct qrt_shmem_memory_config *config)
{
	if (!(config->flags & QRT_SHMEM_MEMORY_LOCK))
		return 0;
	return mlock(memory->data, memory->length) < 0 ? -errno : 0;
}

static struct step fill(struct qrt_shmem_memory *memory, const struct qrt_shmem_memory_config *config)
{
	struct step step = {.what = "opening it"};

	memory->fd = open_fd(memory, config);
	if (memory->fd < 0)
		step.rc = -errno;
	if (step.rc >= 0)
		step = (struct step){"claiming it", qrt_shmem_p_memory_claim(memory, config)};
	if (step.rc >= 0)
		step = (struct step){"its permissions", set_mode(memory, config)};
	if (step.rc >= 0)
		step = (struct step){LENGTH, set_length(memory, config)};
	if (step.rc >= 0)
		step = (struct step){"mapping it", map(memory)};
	if (step.rc >= 0)
		step = (struct step){NODES, bind_nodes(memory, config->nodes)};
	if (step.rc >= 0)
		step = (struct step){"its space", have_space(memory, config)};
	if (step.rc >= 0)
		step = (struct step){"locking it", lock(memory, config)};
	if (step.rc >= 0)
		step = (struct step){"sealing it", seal(memory, config)};
	return step;
}

/* What was made is gone again, and what was made longer is as long as before, unless somebody else changed
 * that. */
static void undo(const struct qrt_shmem_memory *memory)
{
	struct stat status;

	if (memory->made)
		unlink(memory->made);
	else if (memory->is_grown && fstat(memory->fd, &status) >= 0 &&
		 (uint64_t)status.st_size == memory->length &&
		 ftruncate(memory->fd, (off_t)memory->length_before) < 0)
		return; /* it stays longer, and its content is what it was */
}

static const char *why(const struct step *step)
{
	if (step->rc == -EINVAL && !strcmp(step->what, LENGTH))
		return "it must be a file with a length that is a multiple of its page";
	if (step->rc == -EINVAL && !strcmp(step->what, NODES))
		return "there is no such node, or this process may not use it";
	if (step->rc == -EINVAL || step->rc == -ENODEV)
		return "the kernel has no such memory, or no pages of that size";
	if (step->rc == -EFBIG)
		return "it is longer than that, and nothing is cut off; remove it, or give its length";
	if (step->rc == -EBUSY)
		return "it is the memory of another server, or of who waits for the next one";
	if (step->rc == -ELOOP)
		return "it is a symbolic link";
	return step->rc == -EEXIST ? "it exists already" : strerror(-step->rc);
}

int qrt_shmem_memory_open(const struct qrt_shmem_memory_config *config, struct qrt_shmem_memory **ret_memory,
			  struct qrt_shmem_error *reterr)
{
	struct qrt_shmem_memory_config own;
	struct qrt_shmem_memory *memory;
	struct step step;
	int rc = qrt_p_struct_take(&own, sizeof(own), config);

	if (rc >= 0 && (own.flags & ~KNOWN_FLAGS || own.kind > QRT_SHMEM_MEMORY_FD || own.page_shift > 63 ||
			(own.kind == QRT_SHMEM_MEMORY_FILE && !own.path)))
		rc = -EINVAL;
	if (rc < 0)
		return qrt_shmem_p_error(reterr, rc, "a memory of unknown kind, or with unknown flags");
	memory = calloc(1, sizeof(*memory));
	if (!memory)
		return qrt_shmem_p_error(reterr, -ENOMEM, "out of memory");
	memory->fd = memory->claim = -1;
	step = fill(memory, &own);
	if (step.rc < 0) {
		undo(memory);
		qrt_shmem_memory_close(memory);
		return qrt_shmem_p_error(reterr, step.rc, "%s: %s: %s", own.path ? own.path : "shared memory",
					 step.what, why(&step));
	}
	*ret_memory = memory;
	return 0;
}

struct qrt_shmem_memory *qrt_shmem_memory_close(struct qrt_shmem_memory *memory)
{
	if (!memory)
		return NULL;
	if (memory->data)
		munmap(memory->data, memory->length);
	if (memory->fd >= 0)
		close(memory->fd);
	if (memory->claim >= 0)
		close(memory->claim);
	free(memory->made);
	free(memory);
	return NULL;
}

void *qrt_shmem_memory_get_data(const struct qrt_shmem_memory *memory)
{
	return memory->data;
}

uint64_t qrt_shmem_memory_get_length(const struct qrt_shmem_memory *memory)
{
	return memory->length;
}

int qrt_shmem_memory_get_fd(const struct qrt_shmem_memory *memory)
{
	return memory->fd;
}

int qrt_shmem_memory_get_claim(const struct qrt_shmem_memory *memory)
{
	return memory->claim;
}
