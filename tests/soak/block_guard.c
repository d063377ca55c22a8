/* SPDX-License-Identifier: MIT */
/*
 * Requests of all kinds, a rest, and the same again: the library as it is shipped allocates nothing, and no
 * thread comes or goes. Usage: block_guard ENGINE COUNT SECONDS; prints TAP. For who traces its system calls,
 * the name of its first thread says what counts: "qrt-begin" to "qrt-end".
 */
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "blockrun.h"

#define DEPTH    64u
#define SIZE     4096u
#define CAPACITY (4u << 20)
#define TASKS    256

/* ---- the guard: all of the process, libraries beneath included ---- */

static _Atomic int is_guarded;
static _Atomic unsigned long allocations, frees;

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *memory);

static void count_one(void)
{
	if (atomic_load(&is_guarded))
		atomic_fetch_add(&allocations, 1);
}

void *malloc(size_t size)
{
	count_one();
	return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	count_one();
	return __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size)
{
	count_one();
	return __libc_realloc(memory, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
	count_one();
	return __libc_memalign(alignment, size);
}

int posix_memalign(void **ret_memory, size_t alignment, size_t size)
{
	void *memory = aligned_alloc(alignment, size);

	if (!memory)
		return ENOMEM;
	*ret_memory = memory;
	return 0;
}

void free(void *memory)
{
	if (memory && atomic_load(&is_guarded))
		atomic_fetch_add(&frees, 1);
	__libc_free(memory);
}

static void begin_guard(void)
{
	prctl(PR_SET_NAME, "qrt-begin");
	atomic_store(&is_guarded, 1);
}

static void end_guard(void)
{
	atomic_store(&is_guarded, 0);
	prctl(PR_SET_NAME, "qrt-end");
}

/* ---- threads ---- */

struct tasks {
	long ids[TASKS];
	unsigned count;
};

/* The kernel's own, of an io_uring, come and go as it likes. */
static int is_kernels(const char *id)
{
	char path[64], name[32] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%.16s/comm", id);
	file = fopen(path, "re");
	if (!file)
		return 1; /* it has gone meanwhile: ours do not, which the other list shows */
	if (!fgets(name, sizeof(name), file))
		name[0] = 0;
	fclose(file);
	return strncmp(name, "iou-", 4) == 0;
}

static void list_tasks(struct tasks *tasks)
{
	DIR *folder = opendir("/proc/self/task");
	const struct dirent *entry;

	tasks->count = 0;
	while (folder && (entry = readdir(folder))) {
		if (entry->d_name[0] != '.' && tasks->count < TASKS && !is_kernels(entry->d_name))
			tasks->ids[tasks->count++] = strtol(entry->d_name, NULL, 10);
	}
	if (folder)
		closedir(folder);
}

static int are_same(const struct tasks *a, const struct tasks *b)
{
	return a->count == b->count && memcmp(a->ids, b->ids, a->count * sizeof(a->ids[0])) == 0;
}

/* ---- requests ---- */

static struct blockrun run;
static struct qrt_block_queue *queue;
static char *memory;
static struct iovec parts[DEPTH][3];
static unsigned long submitted, out, wrong, by_result[3]; /* good, late, cancelled */

static void complain(const char *what, long long is)
{
	if (wrong++ < 10)
		fprintf(stderr, "block_guard: %s: %lld\n", what, is);
}

static uint32_t kind_of(unsigned long n)
{
	if (n % 1024 < 3)
		return QRT_BLOCK_FLUSH + (uint32_t)(n % 1024);
	return (uint32_t)(n / 3 % 4);
}

/* Every eighth one with memory that direct I/O does not take, some late before they begin. */
static void prepare(struct qrt_block_request *request, unsigned long n)
{
	char *at = memory + n % DEPTH * 2 * SIZE;

	memset(request, 0, sizeof(*request));
	request->kind = kind_of(n);
	request->priority = (uint32_t)(n % QRT_BLOCK_PRIORITIES);
	if (request->kind == QRT_BLOCK_FLUSH)
		return;
	request->offset = n * 7 % (CAPACITY / SIZE) * SIZE;
	request->length = SIZE;
	request->buffer = at + (n % 8 == 0 ? 8 : 0);
	request->deadline_ns = n % 64 == 5 ? 1 : n % 16 == 6 ? blockrun_now() + 60000000000u : 0;
	if (request->kind == QRT_BLOCK_READV || request->kind == QRT_BLOCK_WRITEV) {
		parts[n % DEPTH][0] = (struct iovec){request->buffer, 512};
		parts[n % DEPTH][1] = (struct iovec){(char *)request->buffer + 512, 1024};
		parts[n % DEPTH][2] = (struct iovec){(char *)request->buffer + 1536, SIZE - 1536};
		request->iov = parts[n % DEPTH];
		request->iov_count = 3;
	}
}

/* 0: there is no room. */
static int submit(void)
{
	struct qrt_block_request request;
	int rc;

	prepare(&request, submitted);
	rc = qrt_block_queue_submit(queue, &request, 1);
	if (rc == -EAGAIN)
		return 0;
	if (rc != 1)
		complain("a request is not taken", rc);
	if (submitted % 128 == 9) /* it may be done */
		qrt_block_queue_cancel(queue, request.id);
	submitted++;
	out++;
	return 1;
}

static void take(const struct qrt_block_completion *done)
{
	if (done->kind == QRT_BLOCK_RELEASED) {
		out--;
		return;
	}
	if (done->result >= 0)
		by_result[0]++;
	else if (done->result == -ETIME)
		by_result[1]++;
	else if (done->result == -ECANCELED)
		by_result[2]++;
	else
		complain("a request failed", done->result);
	out -= !(done->flags & QRT_BLOCK_HELD);
}

static void harvest(int timeout_ms)
{
	struct pollfd fd = {.fd = qrt_block_queue_get_fd(queue), .events = POLLIN};
	struct qrt_block_completion done[DEPTH];
	int i, count;

	if (poll(&fd, 1, timeout_ms) == 0 && out)
		complain("nobody wakes for what is out", (long long)out);
	count = qrt_block_queue_harvest(queue, done, DEPTH);
	for (i = 0; i < count; i++)
		take(&done[i]);
}

static void go(unsigned long count)
{
	unsigned long end = submitted + count;

	while (submitted < end && wrong < 100) {
		while (submitted < end && submit())
			;
		harvest(30000);
	}
	while (out && wrong < 100)
		harvest(30000);
}

static void rest(uint64_t seconds)
{
	uint64_t end = blockrun_now() + seconds * 1000000000u;

	while (blockrun_now() < end)
		harvest((int)((end - blockrun_now()) / 1000000u) + 1);
}

/* ---- all of it ---- */

static void check(unsigned long count, uint64_t seconds)
{
	static struct tasks before, after;
	int fd = qrt_block_queue_get_fd(queue);
	unsigned fds = blockrun_count_fds();

	list_tasks(&before);
	begin_guard();
	go(count);
	rest(seconds);
	go(count);
	end_guard();
	list_tasks(&after);
	if (!are_same(&before, &after))
		complain("threads came or went", after.count);
	if (allocations || frees)
		complain("memory was allocated or freed", (long long)allocations + (long long)frees);
	if (qrt_block_queue_get_fd(queue) != fd || blockrun_count_fds() != fds)
		complain("descriptors are other ones", fd);
	printf("# %lu requests: %lu good, %lu late, %lu cancelled; %u threads stayed; %lu allocations, "
	       "%lu frees\n",
	       submitted, by_result[0], by_result[1], by_result[2], after.count, allocations, frees);
}

/* That it counts is seen once. */
static void try_guard(void)
{
	void *volatile something;

	atomic_store(&is_guarded, 1);
	something = malloc(1);
	free(something);
	atomic_store(&is_guarded, 0);
	if (allocations != 1 || frees != 1)
		complain("the guard does not see what is allocated", (long long)allocations);
	allocations = frees = 0;
}

int main(int argc, char **argv)
{
	unsigned long count = argc == 4 ? strtoul(argv[2], NULL, 10) : 0;

	if (!count || blockrun_prepare(&run, argv[1], CAPACITY) < 0) {
		fprintf(stderr, "usage: block_guard ENGINE COUNT SECONDS\n");
		return 2;
	}
	printf("1..1\n");
	fflush(stdout);
	try_guard();
	run.queue_config.depth = DEPTH;
	if (!blockrun_open(&run)) {
		printf("ok 1 - guard, %s # SKIP there is no such engine here\n", argv[1]);
		return 0;
	}
	queue = blockrun_open_queue(&run);
	memory = blockrun_memory((size_t)DEPTH * 2 * SIZE);
	memset(memory, 1, (size_t)DEPTH * 2 * SIZE);
	check(count, strtoull(argv[3], NULL, 10));
	qrt_block_queue_close(queue);
	blockrun_close(&run);
	free(memory);
	printf("%sok 1 - guard, %s\n", wrong ? "not " : "", argv[1]);
	return wrong ? 1 : 0;
}
