/* SPDX-License-Identifier: MIT */
/* Locks in QEMU's way: bytes of the file stand for permissions. Who has a permission holds a read lock on
 * byte 100 + its number, who does not let others have one holds one on byte 200 + its number; who comes looks
 * whether anybody holds what stands against it. The locks belong to the open file, not to the process (OFD).
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "device_p.h"

#define HAS_BASE    100
#define DENIES_BASE 200
#define BITS        4

enum permission { CONSISTENT_READ = 1, WRITE = 2, WRITE_UNCHANGED = 4, RESIZE = 8 };

static const char *const names[BITS] = {"reading", "writing", "rewriting", "resizing"};

struct permissions {
	unsigned has, denies;
};

static struct permissions permissions_of(uint32_t flags)
{
	struct permissions own = {CONSISTENT_READ, WRITE | RESIZE};

	if (!(flags & QRT_BLOCK_DEVICE_READ_ONLY))
		own.has |= WRITE | RESIZE;
	if (flags & QRT_BLOCK_DEVICE_SHARE)
		own.denies = 0;
	return own;
}

static int set(const struct qrt_block_device *device, int byte, short kind)
{
	struct flock lock = {.l_type = kind, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};

	return fcntl(device->fd, F_OFD_SETLK, &lock) < 0 ? -errno : 0;
}

/* 1: somebody holds it. */
static int is_held(const struct qrt_block_device *device, int byte)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};

	if (fcntl(device->fd, F_OFD_GETLK, &lock) < 0)
		return -errno;
	return lock.l_type != F_UNLCK;
}

static int take(const struct qrt_block_device *device, struct permissions own)
{
	int bit, rc = 0;

	for (bit = 0; bit < BITS && rc >= 0; bit++) {
		if (own.has & 1u << bit)
			rc = set(device, HAS_BASE + bit, F_RDLCK);
		if (rc >= 0 && own.denies & 1u << bit)
			rc = set(device, DENIES_BASE + bit, F_RDLCK);
	}
	return rc;
}

/* The number of a permission that stands against it, -ENOENT: none does. */
static int find_conflict(const struct qrt_block_device *device, struct permissions own)
{
	int bit;

	for (bit = 0; bit < BITS; bit++) {
		if (own.has & 1u << bit && is_held(device, DENIES_BASE + bit) > 0)
			return bit;
		if (own.denies & 1u << bit && is_held(device, HAS_BASE + bit) > 0)
			return bit;
	}
	return -ENOENT;
}

static uint32_t kind_of(uint32_t flags)
{
	if (flags & QRT_BLOCK_DEVICE_SHARE)
		return QRT_BLOCK_LOCK_SHARE;
	return flags & QRT_BLOCK_DEVICE_READ_ONLY ? QRT_BLOCK_LOCK_READ : QRT_BLOCK_LOCK_WRITE;
}

/* Locks first, then the look: of two who come at the same time at least one sees the other. */
int qrt_block_p_lock(struct qrt_block_device *device, const char *name, struct qrt_block_error *reterr)
{
	struct permissions own = permissions_of(device->flags);
	int rc;

	if (device->flags & QRT_BLOCK_DEVICE_NO_LOCKS ||
	    (device->flags & QRT_BLOCK_DEVICE_SHARE && device->flags & QRT_BLOCK_DEVICE_READ_ONLY))
		return 0;
	rc = take(device, own);
	if (rc == -EINVAL || rc == -EOPNOTSUPP || rc == -ENOLCK) {
		qrt_block_p_device_note(device, "this filesystem has no locks");
		return 0;
	}
	if (rc < 0)
		return qrt_block_p_error(reterr, rc, "%s: its locks: %s", name, strerror(-rc));
	device->lock = kind_of(device->flags);
	rc = find_conflict(device, own);
	if (rc == -ENOENT)
		return 0;
	return qrt_block_p_error(
		reterr, -EAGAIN, "%s: another process has it open, and %s does not go with that%s", name,
		names[rc],
		device->flags & QRT_BLOCK_DEVICE_READ_ONLY ? ": end that one, or read it with SHARE"
							   : ": end that one first");
}

/* One by one: a caller's descriptor of the same open file may stay, and would keep them. */
void qrt_block_p_unlock(struct qrt_block_device *device)
{
	int bit;

	if (device->lock == QRT_BLOCK_LOCK_NONE)
		return;
	for (bit = 0; bit < BITS; bit++) {
		set(device, HAS_BASE + bit, F_UNLCK);
		set(device, DENIES_BASE + bit, F_UNLCK);
	}
	device->lock = QRT_BLOCK_LOCK_NONE;
}
