/* SPDX-License-Identifier: MIT */
/* What outlives a server: names of descriptors in the store. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "server_p.h"

int qrt_shmem_p_keep(struct qrt_ivshmem_server *server, const char *name, int fd)
{
	return server->store.put ? server->store.put(server->store.data, name, fd) : 0;
}

void qrt_shmem_p_unkeep(struct qrt_ivshmem_server *server, const char *name)
{
	if (server->store.drop)
		server->store.drop(server->store.data, name);
}

/* ---- names ---- */

void qrt_shmem_p_name_socket(char *name, size_t size, uint32_t slot, uint32_t serial)
{
	snprintf(name, size, "c.%u.%u", slot, serial);
}

void qrt_shmem_p_name_vector(char *name, size_t size, uint32_t slot, uint32_t serial, uint32_t vector)
{
	snprintf(name, size, "v.%u.%u.%u", slot, serial, vector);
}

/* FNV-1a: a path does not fit. */
uint64_t qrt_shmem_p_key_of(const char *path)
{
	uint64_t hash = 0xcbf29ce484222325ull;

	for (; *path; path++)
		hash = (hash ^ (unsigned char)*path) * 0x100000001b3ull;
	return hash;
}

void qrt_shmem_p_name_listener(char *name, size_t size, const char *path)
{
	snprintf(name, size, "l.%016llx", (unsigned long long)qrt_shmem_p_key_of(path));
}

/* ---- what there is of a slot ---- */

static void unkeep(struct qrt_ivshmem_server *server, const struct qrt_shmem_p_entry *entry, uint32_t slot)
{
	char name[65];
	uint32_t i;

	for (i = 0; i < entry->fds; i++) {
		qrt_shmem_p_name_vector(name, sizeof(name), slot, entry->origin, i);
		qrt_shmem_p_unkeep(server, name);
	}
	if (!entry->serial)
		return; /* an absent one has no connection */
	qrt_shmem_p_name_socket(name, sizeof(name), slot, entry->serial);
	qrt_shmem_p_unkeep(server, name);
}

/* The store is rid of it before the slot is free. */
void qrt_shmem_p_server_clear_slot(struct qrt_ivshmem_server *server, uint32_t slot)
{
	struct qrt_shmem_p_entry *entry = qrt_shmem_p_record_entry(&server->record, slot);

	__atomic_store_n(&entry->phase, QRT_SHMEM_P_LEAVING, __ATOMIC_RELEASE);
	unkeep(server, entry, slot);
	entry->partial = entry->sending = entry->serial = 0;
	__atomic_store_n(&entry->phase, QRT_SHMEM_P_FREE, __ATOMIC_RELEASE);
}

/* ---- what was kept ---- */

static int compare_kept(const void *a, const void *b)
{
	return strcmp(((const struct qrt_shmem_p_kept *)a)->name, ((const struct qrt_shmem_p_kept *)b)->name);
}

/* Sorted: there may be tens of thousands. */
int qrt_shmem_p_server_take_kept(struct qrt_ivshmem_server *server, const char *name)
{
	struct qrt_shmem_p_kept key = {.fd = -1}, *found;
	int fd;

	if (!server->kept_count)
		return -ENOENT;
	snprintf(key.name, sizeof(key.name), "%s", name);
	found = bsearch(&key, server->kept, server->kept_count, sizeof(key), compare_kept);
	if (!found || found->fd < 0)
		return -ENOENT;
	fd = found->fd;
	found->fd = -1;
	return fd;
}

int qrt_shmem_p_server_receive_kept(struct qrt_ivshmem_server *server, const struct qrt_ivshmem_kept *kept,
				    uint32_t count)
{
	uint32_t i;

	server->kept = calloc(count + 1ul, sizeof(*server->kept));
	for (i = 0; !server->kept && i < count; i++)
		close(kept[i].fd);
	if (!server->kept)
		return -ENOMEM;
	for (i = 0; i < count; i++) {
		snprintf(server->kept[i].name, sizeof(server->kept[i].name), "%s", kept[i].name);
		server->kept[i].fd = kept[i].fd;
	}
	server->kept_count = count;
	qsort(server->kept, count, sizeof(*server->kept), compare_kept);
	return 0;
}

/* A socket of the server before that is none of this one's. */
static void remove_path(int fd)
{
	struct sockaddr_un address = {.sun_family = AF_UNSPEC};
	char path[sizeof(address.sun_path) + 1] = "";
	socklen_t length = sizeof(address);
	struct stat status;

	if (getsockname(fd, (struct sockaddr *)&address, &length) < 0 || address.sun_family != AF_UNIX)
		return;
	memcpy(path, address.sun_path, sizeof(address.sun_path));
	if (path[0] && lstat(path, &status) >= 0 && S_ISSOCK(status.st_mode))
		unlink(path);
}

void qrt_shmem_p_server_drop_kept(struct qrt_ivshmem_server *server, int is_for_good)
{
	uint32_t i;

	for (i = 0; i < server->kept_count; i++) {
		if (server->kept[i].fd < 0)
			continue;
		if (is_for_good && strncmp(server->kept[i].name, "l.", 2) == 0)
			remove_path(server->kept[i].fd);
		if (is_for_good) {
			shutdown(server->kept[i].fd, SHUT_RDWR); /* where it is a client's */
			qrt_shmem_p_unkeep(server, server->kept[i].name);
		}
		close(server->kept[i].fd);
	}
	free(server->kept);
	server->kept = NULL;
	server->kept_count = 0;
}
