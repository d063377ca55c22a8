/* SPDX-License-Identifier: MIT */
/* What a server after this one has to know, in a memory that outlives a killed process. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server_p.h"

#define MAGIC       0x6d656873742d7271ull
#define VERSION     2u
#define HEAD_BYTES  4096u
#define ENTRY_BYTES 512u
#define ALIGN       64u

_Static_assert(sizeof(struct qrt_shmem_p_entry) <= ENTRY_BYTES, "an entry has its place");
_Static_assert(sizeof(struct qrt_shmem_p_head) <= HEAD_BYTES, "so has the head");

static uint64_t heard_bytes(uint32_t ids)
{
	return (ids / 8 + ALIGN) / ALIGN * ALIGN;
}

/* Pages that nobody wrote to take no memory: most of what clients are told of others. */
static uint64_t row_bytes(uint32_t peers_max, uint32_t ids)
{
	return ENTRY_BYTES + (uint64_t)peers_max * sizeof(struct qrt_shmem_p_told) + heard_bytes(ids);
}

static uint64_t length_for(uint32_t peers_max, uint32_t ids)
{
	return HEAD_BYTES + peers_max * row_bytes(peers_max, ids);
}

static int map(struct qrt_shmem_p_record *record)
{
	void *at = mmap(NULL, record->length, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, record->fd,
			0);

	if (at == MAP_FAILED)
		return -errno;
	record->head = at;
	return 0;
}

int qrt_shmem_p_record_new(struct qrt_shmem_p_record *record, uint32_t peers_max, uint32_t ids)
{
	int rc;

	record->length = length_for(peers_max, ids);
	record->fd = memfd_create("qrt-ivshmem", MFD_CLOEXEC);
	if (record->fd < 0)
		return -errno;
	rc = ftruncate(record->fd, (off_t)record->length) < 0 ? -errno : map(record);
	if (rc < 0) {
		close(record->fd);
		return rc;
	}
	record->head->magic = MAGIC;
	record->head->version = VERSION;
	record->head->peers_max = peers_max;
	record->head->ids = ids;
	record->head->entry_bytes = ENTRY_BYTES;
	return 0;
}

static int is_sound(const struct qrt_shmem_p_record *record)
{
	const struct qrt_shmem_p_head *head = record->head;

	return head->magic == MAGIC && head->version == VERSION && head->entry_bytes == ENTRY_BYTES &&
	       head->peers_max >= 1 && head->peers_max <= QRT_IVSHMEM_IDS && head->ids >= 1 &&
	       head->ids <= QRT_IVSHMEM_IDS && record->length == length_for(head->peers_max, head->ids);
}

int qrt_shmem_p_record_open(struct qrt_shmem_p_record *record, int fd)
{
	struct stat status;

	if (fstat(fd, &status) < 0 || status.st_size < HEAD_BYTES)
		return -EBADMSG;
	record->fd = fd;
	record->length = (uint64_t)status.st_size;
	if (map(record) < 0)
		return -EBADMSG;
	if (is_sound(record))
		return 0;
	munmap(record->head, record->length);
	record->head = NULL;
	return -EBADMSG;
}

void qrt_shmem_p_record_close(struct qrt_shmem_p_record *record)
{
	if (!record->head)
		return;
	munmap(record->head, record->length);
	close(record->fd);
	record->head = NULL;
}

int qrt_shmem_p_server_is_replaced(const struct qrt_ivshmem_server *server)
{
	return __atomic_load_n(&server->record.head->generation, __ATOMIC_ACQUIRE) != server->generation;
}

static unsigned char *row(const struct qrt_shmem_p_record *record, uint32_t slot)
{
	const struct qrt_shmem_p_head *head = record->head;

	return (unsigned char *)record->head + HEAD_BYTES + slot * row_bytes(head->peers_max, head->ids);
}

struct qrt_shmem_p_entry *qrt_shmem_p_record_entry(const struct qrt_shmem_p_record *record, uint32_t slot)
{
	return (struct qrt_shmem_p_entry *)(void *)row(record, slot);
}

struct qrt_shmem_p_told *qrt_shmem_p_record_told(const struct qrt_shmem_p_record *record, uint32_t slot)
{
	return (struct qrt_shmem_p_told *)(void *)(row(record, slot) + ENTRY_BYTES);
}

unsigned char *qrt_shmem_p_record_heard(const struct qrt_shmem_p_record *record, uint32_t slot)
{
	return row(record, slot) + ENTRY_BYTES +
	       (uint64_t)record->head->peers_max * sizeof(struct qrt_shmem_p_told);
}

/* What its client was told. */
void qrt_shmem_p_record_clear(const struct qrt_shmem_p_record *record, uint32_t slot)
{
	const struct qrt_shmem_p_head *head = record->head;

	memset(row(record, slot) + ENTRY_BYTES, 0, row_bytes(head->peers_max, head->ids) - ENTRY_BYTES);
}
