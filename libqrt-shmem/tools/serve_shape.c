/* SPDX-License-Identifier: MIT */
/*
 * How long the memory is, and what its layout is like, for the next server: kept where no client can write.
 * In the memory each of them can say something else, and of a file they can change the length.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "serve.h"

#define NAME  "shape"
#define MAGIC G_GUINT64_CONSTANT(0x65706168732d7271)
#define SEALS (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

struct shape {
	guint64 magic, length, nonce;
	guint32 has_layout, peers, values, ring_bytes;
};

/* ---- keeping ---- */

static struct shape describe(const struct serve_memory *memory)
{
	const struct qrt_shmem_view *view = &memory->view;
	struct shape shape = {.magic = MAGIC, .length = qrt_shmem_memory_get_length(memory->memory)};

	if (memory->has_view) {
		shape.has_layout = 1;
		shape.nonce = view->nonce;
		shape.peers = view->peers;
		shape.values = view->values;
		shape.ring_bytes = view->ring_bytes;
	}
	return shape;
}

static int fill(int fd, const struct shape *shape)
{
	if (write(fd, shape, sizeof(*shape)) != sizeof(*shape))
		return -EIO;
	return fcntl(fd, F_ADD_SEALS, SEALS) < 0 ? -errno : 0;
}

int serve_shape_keep(const struct serve_keep *keep, const struct serve_memory *memory)
{
	const struct qrt_ivshmem_store *store;
	struct shape shape = describe(memory);
	int fd, rc;

	if (keep->kind == SERVE_KEEP_NONE)
		return 0;
	store = qrt_ivshmem_hold_get_store(keep->hold);
	fd = memfd_create("qrt-shmem-shape", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	rc = fd < 0 ? -errno : fill(fd, &shape);
	if (rc >= 0 && keep->shape_fd >= 0)
		store->drop(store->data, NAME); /* a service manager would have two */
	if (rc >= 0)
		rc = store->put(store->data, NAME, fd);
	if (fd >= 0)
		close(fd);
	if (rc < 0)
		complain("what the memory is like cannot be kept: %s", g_strerror(-rc));
	return rc;
}

void serve_shape_drop(const struct serve_keep *keep)
{
	const struct qrt_ivshmem_store *store = qrt_ivshmem_hold_get_store(keep->hold);

	store->drop(store->data, NAME);
}

/* The library would drop what is none of its names. */
void serve_shape_take(struct serve_keep *keep)
{
	guint32 i, count = 0;

	keep->own = g_new0(struct qrt_ivshmem_kept, (gsize)keep->kept_count + 1);
	for (i = 0; i < keep->kept_count; i++) {
		if (strcmp(keep->kept[i].name, NAME) != 0)
			keep->own[count++] = keep->kept[i];
		else if (keep->shape_fd < 0)
			keep->shape_fd = keep->kept[i].fd;
		else
			close(keep->kept[i].fd);
	}
	keep->kept = keep->own;
	keep->kept_count = count;
}

/* ---- taking over ---- */

static gboolean is_sound(const struct shape *shape)
{
	return shape->magic == MAGIC && shape->length >= QRT_SHMEM_PAGE && shape->length <= G_MAXINT64;
}

/* Who can write to a file can change its length: it has again the one that it had. */
static int restore_length(int fd, guint64 length)
{
	struct stat status;
	int rc;

	if (fstat(fd, &status) < 0)
		return -errno;
	if ((guint64)status.st_size == length)
		return 0;
	if (ftruncate(fd, (off_t)length) < 0)
		return -errno;
	rc = (guint64)status.st_size < length ? posix_fallocate(fd, 0, (off_t)length) : 0;
	return rc == EOPNOTSUPP || rc == EINVAL ? 0 : -rc;
}

static int read_shape(int fd, struct shape *shape)
{
	return pread(fd, shape, sizeof(*shape), 0) == sizeof(*shape) && is_sound(shape) ? 0 : -EBADMSG;
}

int serve_shape_restore_length(int shape_fd, int fd)
{
	struct shape shape;
	int rc = read_shape(shape_fd, &shape);

	if (rc >= 0)
		rc = restore_length(fd, shape.length);
	if (rc < 0)
		complain("the memory of the server before cannot have the length that it had: %s",
			 g_strerror(-rc));
	return rc;
}

int serve_shape_attach(int shape_fd, struct serve_memory *memory)
{
	struct shape shape;
	int rc = read_shape(shape_fd, &shape);

	if (rc < 0 || !shape.has_layout)
		return rc;
	rc = qrt_shmem_set_view(&memory->view, qrt_shmem_memory_get_data(memory->memory),
				qrt_shmem_memory_get_length(memory->memory), shape.peers, shape.values,
				shape.ring_bytes, shape.nonce);
	memory->has_view = rc >= 0;
	return rc;
}

gboolean serve_shape_mend(const struct serve_memory *memory)
{
	guint64 length = qrt_shmem_memory_get_length(memory->memory);
	int fd = qrt_shmem_memory_get_fd(memory->memory);
	struct stat status;

	if (fstat(fd, &status) < 0 || ((guint64)status.st_size < length && restore_length(fd, length) < 0))
		return FALSE;
	qrt_shmem_restore(&memory->view);
	return TRUE;
}
