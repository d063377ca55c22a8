/* SPDX-License-Identifier: MIT */
/* The shared memory's PCI device, by sysfs: no driver is needed. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent.h"

#define FOLDER_ROOM 128
#define PATH_ROOM   192
#define DEVICES     "/sys/bus/pci/devices"
#define VENDOR      0x1af4u
#define DEVICE      0x1110u
#define IV_POSITION 2 /* words of BAR 0 */
#define DOORBELL    3

static long read_number(const char *folder, const char *name)
{
	char path[PATH_ROOM], text[32] = "";
	FILE *file;

	snprintf(path, sizeof(path), "%.127s/%.32s", folder, name);
	file = fopen(path, "re");
	if (!file)
		return -1;
	if (!fgets(text, sizeof(text), file))
		text[0] = 0;
	fclose(file);
	return text[0] ? strtol(text, NULL, 0) : -1;
}

/* Without a driver nobody has switched the device's memory on. */
static void enable(const char *folder)
{
	char path[PATH_ROOM];
	FILE *file;

	if (read_number(folder, "enable") != 0)
		return;
	snprintf(path, sizeof(path), "%.127s/enable", folder);
	file = fopen(path, "we");
	if (!file)
		return;
	fputs("1", file);
	fclose(file);
}

static void *map_resource(const char *folder, const char *name, uint64_t *ret_length)
{
	char path[PATH_ROOM];
	struct stat status;
	void *at = MAP_FAILED;
	int fd;

	snprintf(path, sizeof(path), "%.127s/%.32s", folder, name);
	fd = open(path, O_RDWR | O_SYNC | O_CLOEXEC);
	if (fd >= 0 && fstat(fd, &status) >= 0 && status.st_size > 0) {
		*ret_length = (uint64_t)status.st_size;
		at = mmap(NULL, (size_t)status.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	}
	if (at == MAP_FAILED)
		complain("%s: %s; it takes root", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return at == MAP_FAILED ? NULL : at;
}

/* The registers are a doorbell's, or none: with ivshmem-plain there is nobody to ring, and no id. */
static int open_pci(const char *folder, struct device *ret_device)
{
	uint64_t unused;

	enable(folder);
	ret_device->memory = map_resource(folder, "resource2", &ret_device->length);
	ret_device->registers = map_resource(folder, "resource0", &unused);
	if (!ret_device->memory || !ret_device->registers)
		return -EACCES;
	ret_device->slot = ret_device->registers[IV_POSITION];
	return 0;
}

static int is_ivshmem(const char *folder)
{
	return read_number(folder, "vendor") == VENDOR && read_number(folder, "device") == DEVICE;
}

/* How many there are; the first one's folder. */
static int find(char *ret_folder, size_t size)
{
	DIR *devices = opendir(DEVICES);
	struct dirent *entry;
	char folder[FOLDER_ROOM];
	int count = 0;

	while (devices && (entry = readdir(devices))) {
		snprintf(folder, sizeof(folder), "%s/%.64s", DEVICES, entry->d_name);
		if (entry->d_name[0] != '.' && is_ivshmem(folder) && !count++)
			snprintf(ret_folder, size, "%.127s", folder);
	}
	if (devices)
		closedir(devices);
	return count;
}

static int open_found(const char *address, struct device *ret_device)
{
	char folder[FOLDER_ROOM];
	int count;

	if (address) {
		snprintf(folder, sizeof(folder), "%s/%.64s", DEVICES, address);
		if (is_ivshmem(folder))
			return open_pci(folder, ret_device);
		complain("%s is no ivshmem device", address);
		return -ENODEV;
	}
	count = find(folder, sizeof(folder));
	if (count == 1)
		return open_pci(folder, ret_device);
	if (count)
		complain("there are %d ivshmem devices: say which with --device", count);
	else
		complain("there is no ivshmem device; the host's part is qrt-launcher run --agent");
	return -ENODEV;
}

static int open_file(const struct device_choice *choice, struct device *ret_device)
{
	struct stat status;
	int fd = open(choice->file, O_RDWR | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &status) < 0 || status.st_size <= 0) {
		complain("%s: %s", choice->file, fd < 0 ? strerror(errno) : "is empty");
		if (fd >= 0)
			close(fd);
		return -EACCES;
	}
	ret_device->length = (uint64_t)status.st_size;
	ret_device->slot = choice->slot;
	ret_device->memory = mmap(NULL, ret_device->length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (ret_device->memory != MAP_FAILED)
		return 0;
	complain("%s: %s", choice->file, strerror(errno));
	return -errno;
}

int device_open(const struct device_choice *choice, struct device *ret_device)
{
	int rc;

	if (!ret_device->memory) {
		memset(ret_device, 0, sizeof(*ret_device));
		ret_device->uio = -1;
		rc = choice->file ? open_file(choice, ret_device) : open_found(choice->address, ret_device);
		if (rc < 0)
			return rc;
	}
	rc = qrt_shmem_attach(&ret_device->view, ret_device->memory, ret_device->length);
	if (rc == -EAGAIN)
		return rc;
	if (rc < 0)
		complain("what is in the shared memory is no layout of this version");
	else if (ret_device->slot >= ret_device->view.peers)
		complain("this guest has no slot: its id is %d, and there are %u", (int)ret_device->slot,
			 ret_device->view.peers);
	else
		return 0;
	return -EPROTO;
}

void device_ring(const struct device *device, uint32_t peer, uint32_t vector)
{
	qrt_shmem_fence_full();
	if (device->registers)
		device->registers[DOORBELL] = peer << 16 | vector;
}
