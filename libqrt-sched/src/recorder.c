/* SPDX-License-Identifier: MIT */
/*
 * A ring in a sealed memfd. A writer takes the next position, then the slot under it: an odd sequence
 * says "being written", an even one 2 * position + 2 says whose record it holds. A slot that another
 * writer is still busy with is given up: writers never wait, and no record is ever mixed of two.
 */
#include <errno.h>
#include <fcntl.h>
#include <qrt/sched_record.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC       0x52545152u
#define VERSION     1u
#define RECORDS_MIN 64u
#define RECORDS_MAX 65536u
#define WORDS       (sizeof(struct qrt_sched_record) / sizeof(uint64_t))

_Static_assert(sizeof(struct qrt_sched_record) % sizeof(uint64_t) == 0, "copied by words");

struct slot {
	_Atomic uint64_t sequence;
	_Atomic uint64_t words[WORDS];
};

struct shared {
	uint32_t magic;
	uint32_t version;
	uint32_t records;
	uint32_t reserved;
	_Atomic uint64_t threshold;
	_Atomic uint64_t head; /* positions given out */
	uint64_t padding[4];
	struct slot slots[];
};

struct qrt_sched_recorder {
	struct shared *shared;
	size_t size;
	uint32_t records; /* our own copy: the other side can write into the shared one */
	int fd;
	uint64_t next;   /* position to be read next */
	uint64_t waited; /* position + 1 that was found unfinished last time */
};

static size_t size_of(uint32_t records)
{
	return sizeof(struct shared) + records * sizeof(struct slot);
}

static int is_size(uint32_t records)
{
	return records >= RECORDS_MIN && records <= RECORDS_MAX && !(records & (records - 1));
}

/* Takes the descriptor, on failure too. */
static int map(int fd, uint32_t records, struct qrt_sched_recorder **ret_recorder)
{
	struct qrt_sched_recorder *recorder = calloc(1, sizeof(*recorder));
	void *at = MAP_FAILED;
	int rc;

	if (recorder)
		at = mmap(NULL, size_of(records), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED) {
		rc = recorder ? -errno : -ENOMEM;
		free(recorder);
		close(fd);
		return rc;
	}
	recorder->shared = at;
	recorder->size = size_of(records);
	recorder->records = records;
	recorder->fd = fd;
	*ret_recorder = recorder;
	return 0;
}

int qrt_sched_recorder_new(uint32_t records, struct qrt_sched_recorder **ret_recorder)
{
	int fd, rc;

	if (!is_size(records))
		return -EINVAL;
	fd = memfd_create("qrt-recorder", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -errno;
	/* Sealed, so that nobody can take pages away under a reader. */
	if (ftruncate(fd, (off_t)size_of(records)) < 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0) {
		rc = -errno;
		close(fd);
		return rc;
	}
	rc = map(fd, records, ret_recorder);
	if (rc < 0)
		return rc;
	(*ret_recorder)->shared->records = records;
	(*ret_recorder)->shared->version = VERSION;
	(*ret_recorder)->shared->magic = MAGIC;
	return 0;
}

/* How many records the descriptor's memory has, by its size: what stands in it is not trusted. */
static int find_records(int fd)
{
	int seals = fcntl(fd, F_GET_SEALS);
	struct stat st;
	uint32_t n;

	if (seals < 0 || !(seals & F_SEAL_SHRINK) || fstat(fd, &st) < 0)
		return -EINVAL;
	for (n = RECORDS_MIN; n <= RECORDS_MAX; n *= 2) {
		if (st.st_size == (off_t)size_of(n))
			return (int)n;
	}
	return -EINVAL;
}

int qrt_sched_recorder_open(int fd, struct qrt_sched_recorder **ret_recorder)
{
	struct qrt_sched_recorder *recorder = NULL;
	int records = find_records(fd);
	int copy, rc;

	if (records < 0)
		return records;
	copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (copy < 0)
		return -errno;
	rc = map(copy, (uint32_t)records, &recorder);
	if (rc < 0)
		return rc;
	if (recorder->shared->magic != MAGIC || recorder->shared->version != VERSION) {
		qrt_sched_recorder_close(recorder);
		return -EINVAL;
	}
	*ret_recorder = recorder;
	return 0;
}

struct qrt_sched_recorder *qrt_sched_recorder_close(struct qrt_sched_recorder *recorder)
{
	if (!recorder)
		return NULL;
	munmap(recorder->shared, recorder->size);
	close(recorder->fd);
	free(recorder);
	return NULL;
}

int qrt_sched_recorder_get_fd(const struct qrt_sched_recorder *recorder)
{
	return recorder->fd;
}

int qrt_sched_recorder_set_threshold(struct qrt_sched_recorder *recorder, uint64_t wait_ns)
{
	atomic_store_explicit(&recorder->shared->threshold, wait_ns, memory_order_relaxed);
	return 0;
}

uint64_t qrt_sched_recorder_get_threshold(const struct qrt_sched_recorder *recorder)
{
	return atomic_load_explicit(&recorder->shared->threshold, memory_order_relaxed);
}

void qrt_sched_recorder_write(struct qrt_sched_recorder *recorder, const struct qrt_sched_record *record)
{
	uint64_t threshold = qrt_sched_recorder_get_threshold(recorder);
	uint64_t position, held, words[WORDS];
	struct slot *slot;
	size_t i;

	if (!threshold || record->wait_ns < threshold)
		return;
	memcpy(words, record, sizeof(words));
	position = atomic_fetch_add_explicit(&recorder->shared->head, 1, memory_order_relaxed);
	slot = &recorder->shared->slots[position & (recorder->records - 1)];
	held = atomic_load_explicit(&slot->sequence, memory_order_relaxed);
	if ((held & 1) ||
	    !atomic_compare_exchange_strong_explicit(&slot->sequence, &held, 2 * position + 1,
						     memory_order_acquire, memory_order_relaxed))
		return;
	/* Each released, so that none is seen before the odd sequence is. */
	for (i = 0; i < WORDS; i++)
		atomic_store_explicit(&slot->words[i], words[i], memory_order_release);
	atomic_store_explicit(&slot->sequence, 2 * position + 2, memory_order_release);
}

/* 1: copied, 0: overwritten or given up, -EAGAIN: not finished yet. */
static int copy_slot(const struct qrt_sched_recorder *recorder, uint64_t position,
		     struct qrt_sched_record *ret_record)
{
	struct slot *slot = &recorder->shared->slots[position & (recorder->records - 1)];
	uint64_t done = 2 * position + 2, words[WORDS];
	uint64_t sequence = atomic_load_explicit(&slot->sequence, memory_order_acquire);
	size_t i;

	if (sequence < done)
		return -EAGAIN;
	if (sequence != done)
		return 0;
	for (i = 0; i < WORDS; i++)
		words[i] = atomic_load_explicit(&slot->words[i], memory_order_acquire);
	if (atomic_load_explicit(&slot->sequence, memory_order_relaxed) != done)
		return 0;
	memcpy(ret_record, words, sizeof(*ret_record));
	return 1;
}

/* Moves to what can still be there. Returns how many were overwritten. */
static uint64_t skip_overwritten(struct qrt_sched_recorder *recorder, uint64_t head)
{
	uint64_t behind = head - recorder->next, lost = 0;

	if (behind > UINT64_MAX / 2) {
		recorder->next = head; /* only a hostile writer takes positions back */
	} else if (behind > recorder->records) {
		lost = behind - recorder->records;
		recorder->next = head - recorder->records;
	}
	return lost;
}

int qrt_sched_recorder_read(struct qrt_sched_recorder *recorder, struct qrt_sched_record *ret_records,
			    size_t max, uint64_t *ret_lost)
{
	uint64_t head = atomic_load_explicit(&recorder->shared->head, memory_order_acquire);
	uint64_t lost = skip_overwritten(recorder, head);
	size_t count = 0;
	int rc;

	for (; recorder->next != head && count < max; recorder->next++) {
		rc = copy_slot(recorder, recorder->next, &ret_records[count]);
		/* One that is being written is left for the next call; a second time it is lost: its
		 * writer gave it up, or died. */
		if (rc == -EAGAIN && recorder->waited != recorder->next + 1) {
			recorder->waited = recorder->next + 1;
			break;
		}
		count += rc == 1;
		lost += rc != 1;
	}
	if (ret_lost)
		*ret_lost = lost;
	return (int)count;
}
