/* SPDX-License-Identifier: MIT */
/*
 * Interrupts, where a driver of the guest hands them on (UIO): a third-party uio_ivshmem does.
 * uio_pci_generic, which Linux has, knows INTx alone, and the devices of revision 1 have MSI-X: there it is
 * as without a driver.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent.h"

#define PATH_ROOM 256

/* A driver without interrupts says so (EIO), and that nothing came yet is no error. */
int uio_take(int fd)
{
	uint32_t count;
	ssize_t got = read(fd, &count, sizeof(count));

	return got == (ssize_t)sizeof(count) || (got < 0 && (errno == EAGAIN || errno == EINTR)) ? 0 : -1;
}

static int open_at(const char *path)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0 || uio_take(fd) >= 0)
		return fd;
	close(fd);
	return -1;
}

/* "uio0", ... in the device's folder. */
static int find(const char *folder, char *ret_path, size_t size)
{
	char path[PATH_ROOM];
	struct dirent *entry;
	DIR *uios;
	int rc = -1;

	snprintf(path, sizeof(path), "%.127s/uio", folder);
	uios = opendir(path);
	while (uios && rc < 0 && (entry = readdir(uios))) {
		if (strncmp(entry->d_name, "uio", 3) != 0)
			continue;
		snprintf(ret_path, size, "/dev/%.32s", entry->d_name);
		rc = 0;
	}
	if (uios)
		closedir(uios);
	return rc;
}

int uio_open(const struct device *device, const char *path)
{
	char found[PATH_ROOM];
	int fd;

	if (!path && (!*device->guest.device || find(device->guest.device, found, sizeof(found)) < 0))
		return -1;
	fd = open_at(path ? path : found);
	if (fd < 0 && path)
		complain("%s: no interrupts come there", path);
	return fd;
}
