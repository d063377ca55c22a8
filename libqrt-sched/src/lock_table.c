/* SPDX-License-Identifier: MIT */
/* The table of holders, in a sealed memfd: nobody can take pages away under the other side. */
#include "error_p.h"
#include "lock_p.h"
#include "struct_p.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC           0x4c545251u
#define VERSION         1u
#define THREADS_DEFAULT 64u
#define MAX_NS_DEFAULT  1000000u
#define MAX_NS_MIN      1000u

static size_t size_of(uint32_t threads)
{
	return sizeof(struct qrt_sched_p_lock_shared) + threads * sizeof(struct qrt_sched_p_lock_slot);
}

static int check(const struct qrt_sched_lock_config *config, struct qrt_sched_error *reterr)
{
	if (config->threads < 1 || config->threads > QRT_SCHED_LOCK_THREADS_MAX)
		return qrt_sched_p_error(reterr, -EINVAL, "%u threads: a lock table has 1..%d",
					 config->threads, QRT_SCHED_LOCK_THREADS_MAX);
	if (config->priority < 1 || config->priority > 99)
		return qrt_sched_p_error(reterr, -EINVAL, "priority %d of a preempt lock is not within 1..99",
					 config->priority);
	if (config->flags & ~QRT_SCHED_LOCK_SHORT)
		return qrt_sched_p_error(reterr, -EINVAL, "unknown flags 0x%x of a preempt lock",
					 config->flags);
	if (config->max_ns < MAX_NS_MIN || config->max_ns > QRT_SCHED_LOCK_MAX_NS)
		return qrt_sched_p_error(reterr, -EINVAL,
					 "a longest hold of %llu ns is not within 1 us..100 ms",
					 (unsigned long long)config->max_ns);
	return 0;
}

static int take_config(struct qrt_sched_lock_config *own, const struct qrt_sched_lock_config *callers,
		       struct qrt_sched_error *reterr)
{
	int rc = qrt_p_struct_take(own, sizeof(*own), callers);

	if (rc < 0)
		return qrt_sched_p_error(reterr, rc,
					 rc == -E2BIG ? "the lock's configuration has members that this "
							"version does not know"
						      : "the lock's configuration has no size: set it to "
							"its sizeof");
	if (!own->threads)
		own->threads = THREADS_DEFAULT;
	if (!own->max_ns)
		own->max_ns = MAX_NS_DEFAULT;
	return check(own, reterr);
}

/* Takes the descriptor, on failure too. */
static int map(int fd, uint32_t threads, struct qrt_sched_lock_table **ret_table)
{
	struct qrt_sched_lock_table *table =
		calloc(1, sizeof(*table) + threads * sizeof(struct qrt_sched_p_lock_kept));
	void *at = MAP_FAILED;
	int rc;

	if (table)
		at = mmap(NULL, size_of(threads), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED) {
		rc = table ? -errno : -ENOMEM;
		free(table);
		close(fd);
		return rc;
	}
	table->shared = at;
	table->size = size_of(threads);
	table->threads = threads;
	table->fd = fd;
	*ret_table = table;
	return 0;
}

static void take_over(struct qrt_sched_lock_table *table, const struct qrt_sched_lock_config *config)
{
	table->priority = config->priority;
	table->flags = config->flags;
	table->max_ns = config->max_ns;
}

static int make_memory(size_t size)
{
	int fd = memfd_create("qrt-locks", MFD_CLOEXEC | MFD_ALLOW_SEALING), rc;

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, (off_t)size) == 0 &&
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0)
		return fd;
	rc = -errno;
	close(fd);
	return rc;
}

int qrt_sched_lock_table_new(const struct qrt_sched_lock_config *config,
			     struct qrt_sched_lock_table **ret_table, struct qrt_sched_error *reterr)
{
	struct qrt_sched_lock_table *table = NULL;
	struct qrt_sched_lock_config own;
	int rc = take_config(&own, config, reterr);

	if (rc < 0)
		return rc;
	rc = make_memory(size_of(own.threads));
	if (rc >= 0)
		rc = map(rc, own.threads, &table);
	if (rc < 0)
		return qrt_sched_p_error(reterr, rc, "no memory for a lock table of %u threads", own.threads);
	take_over(table, &own);
	table->shared->priority = own.priority;
	table->shared->flags = own.flags;
	table->shared->max_ns = own.max_ns;
	table->shared->version = VERSION;
	table->shared->magic = MAGIC;
	*ret_table = table;
	return 0;
}

/* How many slots the descriptor's memory has, by its size: what stands in it may be anything. */
static int find_threads(int fd)
{
	int seals = fcntl(fd, F_GET_SEALS);
	struct stat st;
	uint64_t left;

	if (seals < 0 || !(seals & F_SEAL_SHRINK) || fstat(fd, &st) < 0 || st.st_size <= (off_t)size_of(0) ||
	    st.st_size > (off_t)size_of(QRT_SCHED_LOCK_THREADS_MAX))
		return -EINVAL;
	left = (uint64_t)st.st_size - size_of(0);
	if (left % sizeof(struct qrt_sched_p_lock_slot))
		return -EINVAL;
	return (int)(left / sizeof(struct qrt_sched_p_lock_slot));
}

/* Read once, then looked at: the other side may write meanwhile. */
static int read_header(struct qrt_sched_lock_table *table)
{
	const volatile struct qrt_sched_p_lock_shared *shared = table->shared;
	struct qrt_sched_lock_config config = {.threads = table->threads,
					       .priority = shared->priority,
					       .flags = shared->flags,
					       .max_ns = shared->max_ns};

	if (shared->magic != MAGIC || shared->version != VERSION || check(&config, NULL) < 0)
		return -EINVAL;
	take_over(table, &config);
	return 0;
}

int qrt_sched_lock_table_open(int fd, struct qrt_sched_lock_table **ret_table)
{
	struct qrt_sched_lock_table *table = NULL;
	int threads = find_threads(fd), copy, rc;

	if (threads < 0)
		return threads;
	copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (copy < 0)
		return -errno;
	rc = map(copy, (uint32_t)threads, &table);
	if (rc < 0)
		return rc;
	rc = read_header(table);
	if (rc < 0) {
		qrt_sched_lock_table_close(table);
		return rc;
	}
	*ret_table = table;
	return 0;
}

struct qrt_sched_lock_table *qrt_sched_lock_table_close(struct qrt_sched_lock_table *table)
{
	if (!table)
		return NULL;
	munmap(table->shared, table->size);
	close(table->fd);
	free(table);
	return NULL;
}

int qrt_sched_lock_table_get_fd(const struct qrt_sched_lock_table *table)
{
	return table->fd;
}

uint64_t qrt_sched_lock_table_get_count(const struct qrt_sched_lock_table *table)
{
	uint64_t count = 0;
	uint32_t i;

	for (i = 0; i < table->threads; i++)
		count += atomic_load_explicit(&table->shared->slots[i].count, memory_order_relaxed);
	return count;
}

uint64_t qrt_sched_lock_table_get_ended(const struct qrt_sched_lock_table *table)
{
	uint64_t ended = 0;
	uint32_t i;

	for (i = 0; i < table->threads; i++)
		ended += atomic_load_explicit(&table->kept[i].ended, memory_order_relaxed);
	return ended;
}

struct qrt_sched_p_lock_slot *qrt_sched_p_lock_find(const struct qrt_sched_lock_table *table, pid_t tid)
{
	uint32_t i;

	for (i = 0; i < table->threads; i++) {
		if (atomic_load_explicit(&table->shared->slots[i].tid, memory_order_acquire) == tid)
			return &table->shared->slots[i];
	}
	return NULL;
}
