/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "device_p.h"

static const char *name_of(const struct qrt_block_device_config *config)
{
	return config->path ? config->path : "the descriptor";
}

void qrt_block_p_device_note(struct qrt_block_device *device, const char *format, ...)
{
	size_t used = strlen(device->reason);
	va_list args;

	if (used && used + 2 < sizeof(device->reason))
		used += (size_t)snprintf(device->reason + used, sizeof(device->reason) - used, "; ");
	va_start(args, format);
	vsnprintf(device->reason + used, sizeof(device->reason) - used, format, args);
	va_end(args);
}

/* ---- opening ---- */

static int make(struct qrt_block_device *device, const struct qrt_block_device_config *config, int flags)
{
	mode_t mode = config->mode ? config->mode & 0777 : 0600;
	int fd, rc;

	device->made = strdup(config->path);
	if (!device->made)
		return -ENOMEM;
	fd = open(config->path, flags | O_CREAT | O_EXCL, mode);
	if (fd < 0) {
		rc = -errno;
		free(device->made);
		device->made = NULL;
		return rc;
	}
	if (fchmod(fd, mode) >= 0 && ftruncate(fd, (off_t)config->capacity) >= 0)
		return fd;
	rc = -errno;
	close(fd);
	return rc;
}

static int try_path(struct qrt_block_device *device, const struct qrt_block_device_config *config)
{
	int flags = O_CLOEXEC | (device->flags & QRT_BLOCK_DEVICE_READ_ONLY ? O_RDONLY : O_RDWR), fd;

	if (config->flags & QRT_BLOCK_DEVICE_CREATE)
		return make(device, config, flags);
	fd = open(config->path, flags | O_NONBLOCK); /* a pipe is not waited for */
	return fd < 0 ? -errno : fd;
}

static int is_same(int fd, int other)
{
	struct stat one, two;

	return fstat(fd, &one) >= 0 && fstat(other, &two) >= 0 && one.st_dev == two.st_dev &&
	       one.st_ino == two.st_ino;
}

/* The same file, opened once more: locks of an open file are those of all its descriptors. A negative errno:
 * that is not allowed here, or there is no /proc. */
static int open_again(int fd, int flags)
{
	char path[64];
	struct stat status;
	int own;

	if (fstat(fd, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode) && !S_ISBLK(status.st_mode))
		return -EINVAL;
	snprintf(path, sizeof(path), "/proc/thread-self/fd/%d", fd);
	own = open(path, O_CLOEXEC | (flags & (O_ACCMODE | O_DIRECT | O_DSYNC | O_SYNC | O_NOATIME)));
	if (own < 0)
		return -errno;
	if (is_same(fd, own))
		return own;
	close(own);
	return -ESTALE;
}

/* Who has locks of his own for it shares them with us. */
static int take_over(const struct qrt_block_device *device, int fd, int flags)
{
	int own = device->flags & QRT_BLOCK_DEVICE_NO_LOCKS ? -1 : open_again(fd, flags);

	if (own < 0)
		own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	return own < 0 ? -errno : own;
}

/* A descriptor of the caller's tells by itself what it is open for. */
static int try_fd(struct qrt_block_device *device, const struct qrt_block_device_config *config)
{
	int flags = fcntl(config->fd, F_GETFL);

	if (flags < 0)
		return -errno;
	if ((flags & O_ACCMODE) == O_WRONLY)
		return -EACCES;
	if ((flags & O_ACCMODE) == O_RDONLY)
		device->flags |= QRT_BLOCK_DEVICE_READ_ONLY;
	device->flags &= ~QRT_BLOCK_DEVICE_DIRECT;
	device->flags |= flags & O_DIRECT ? QRT_BLOCK_DEVICE_DIRECT : 0;
	return take_over(device, config->fd, flags);
}

/* Of what is written there each would go to the end. */
static int is_for_appending(const struct qrt_block_device_config *config)
{
	int flags = config->path ? 0 : fcntl(config->fd, F_GETFL);

	return flags >= 0 && flags & O_APPEND && !(config->flags & QRT_BLOCK_DEVICE_READ_ONLY);
}

/* A filesystem without O_DIRECT is used without. */
static int set_direct(struct qrt_block_device *device, const struct qrt_block_device_config *config)
{
	int flags = fcntl(device->fd, F_GETFL);

	if (!config->path)
		return 0;
	flags &= ~O_NONBLOCK;
	if (device->flags & QRT_BLOCK_DEVICE_DIRECT) {
		if (fcntl(device->fd, F_SETFL, flags | O_DIRECT) >= 0)
			return 0;
		device->flags &= ~QRT_BLOCK_DEVICE_DIRECT;
		qrt_block_p_device_note(device, "this filesystem has no direct I/O");
	}
	return fcntl(device->fd, F_SETFL, flags) < 0 ? -errno : 0;
}

/* ---- what it is ---- */

int64_t qrt_block_p_file_length(const struct qrt_block_device *device)
{
	struct stat status;
	uint64_t bytes;

	if (fstat(device->fd, &status) < 0)
		return -errno;
	if (S_ISREG(status.st_mode))
		return status.st_size;
	if (!S_ISBLK(status.st_mode))
		return -ENOTBLK;
	return ioctl(device->fd, BLKGETSIZE64, &bytes) < 0 ? -errno : (int64_t)bytes;
}

/* Kernels since 6.1 say it; else a page is right everywhere. */
static void find_alignment(struct qrt_block_device *device)
{
	struct statx status;

	device->alignment = device->memory_alignment = 1;
	if (!(device->flags & QRT_BLOCK_DEVICE_DIRECT))
		return;
	device->alignment = device->memory_alignment = QRT_BLOCK_P_PAGE;
	if (statx(device->fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &status) < 0 ||
	    !(status.stx_mask & STATX_DIOALIGN) || !status.stx_dio_offset_align)
		return;
	device->alignment = status.stx_dio_offset_align;
	device->memory_alignment = status.stx_dio_mem_align;
}

static int look(struct qrt_block_device *device, const struct qrt_block_device_config *config,
		struct qrt_block_error *reterr)
{
	int64_t length = qrt_block_p_file_length(device);
	struct stat status;

	if (length == -ENOTBLK)
		return qrt_block_p_error(reterr, -EINVAL, "%s: it is neither a file nor a block device",
					 name_of(config));
	if (length < 0)
		return qrt_block_p_error(reterr, (int)length, "%s: its length: %s", name_of(config),
					 strerror((int)-length));
	device->is_block_device = fstat(device->fd, &status) >= 0 && S_ISBLK(status.st_mode);
	find_alignment(device);
	if (length % device->alignment)
		return qrt_block_p_error(
			reterr, -EINVAL,
			"%s: its length is no multiple of %u bytes: open it without DIRECT, or resize it",
			name_of(config), device->alignment);
	atomic_store(&device->capacity, (uint64_t)length);
	return 0;
}

int qrt_block_p_file_open(struct qrt_block_device *device, const struct qrt_block_device_config *config,
			  struct qrt_block_error *reterr)
{
	int rc;

	if (config->flags & QRT_BLOCK_DEVICE_CREATE &&
	    (!config->path || config->flags & QRT_BLOCK_DEVICE_READ_ONLY || config->capacity > INT64_MAX))
		return qrt_block_p_error(reterr, -EINVAL,
					 "what is made has a path and a capacity, and is written to");
	if (is_for_appending(config))
		return qrt_block_p_error(reterr, -EINVAL,
					 "the descriptor is open for appending (O_APPEND): open it without");
	device->fd = config->path ? try_path(device, config) : try_fd(device, config);
	rc = device->fd < 0 ? device->fd : set_direct(device, config);
	if (rc < 0)
		return qrt_block_p_error(reterr, rc, "%s: %s", name_of(config), strerror(-rc));
	return look(device, config, reterr);
}

int qrt_block_p_file_lock(struct qrt_block_device *device, const struct qrt_block_device_config *config,
			  struct qrt_block_error *reterr)
{
	return qrt_block_p_lock(device, name_of(config), reterr);
}

void qrt_block_p_file_close(struct qrt_block_device *device)
{
	if (device->made)
		unlink(device->made);
	free(device->made);
	if (device->fd < 0)
		return;
	qrt_block_p_unlock(device);
	close(device->fd);
}
