/* SPDX-License-Identifier: MIT */
/* Who does what has to be done for the host while VMs run. */
#include "command.h"
#include "host.h"
#include "ordinary.h"
#include "voice.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOOK_MS 1000
#define REST    10 /* looks that are left out after a failure */

struct host_keeper {
	int run_fd, fd; /* fd -1: another one is */
	int end_fd;
	unsigned rest;
	GHashTable *said;
	pthread_t thread;
};

static void give_up(struct host_keeper *keeper)
{
	if (keeper->fd >= 0)
		close(keeper->fd);
	keeper->fd = -1;
}

/* True when this process is the keeper, after it has tried to become it. */
static bool is_keeper(struct host_keeper *keeper)
{
	struct stat status;

	/* Removed, and maybe made anew since. */
	if (keeper->fd >= 0 && (fstat(keeper->fd, &status) < 0 || status.st_nlink == 0))
		give_up(keeper);
	if (keeper->fd >= 0)
		return true;
	keeper->fd = host_open_folder(keeper->run_fd);
	if (keeper->fd >= 0 && flock(keeper->fd, LOCK_EX | LOCK_NB) < 0)
		give_up(keeper);
	return keeper->fd >= 0;
}

static void look(struct host_keeper *keeper)
{
	struct host host;

	if (keeper->rest > 0) {
		keeper->rest--;
		return;
	}
	if (!is_keeper(keeper) || host_look(keeper->run_fd, &host) < 0)
		return;
	if (host_settle(&host, NULL) < 0)
		keeper->rest = REST;
	else
		g_hash_table_remove_all(keeper->said);
	host_close(&host);
}

static void *keep(void *data)
{
	struct host_keeper *keeper = data;
	struct pollfd end = {.fd = keeper->end_fd, .events = POLLIN};
	int r = 0;

	voice_remember(keeper->said);
	while (r == 0 || (r < 0 && errno == EINTR)) {
		r = poll(&end, 1, LOOK_MS);
		if (r == 0)
			look(keeper);
	}
	return NULL;
}

static struct host_keeper *discard(struct host_keeper *keeper)
{
	give_up(keeper);
	if (keeper->end_fd >= 0)
		close(keeper->end_fd);
	g_hash_table_destroy(keeper->said);
	g_free(keeper);
	return NULL;
}

struct host_keeper *host_keeper_open(int run_fd)
{
	struct host_keeper *keeper = g_new0(struct host_keeper, 1);
	int r;

	keeper->run_fd = run_fd;
	keeper->fd = -1;
	keeper->said = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	keeper->end_fd = eventfd(0, EFD_CLOEXEC);
	r = keeper->end_fd < 0 ? -errno : ordinary_start(&keeper->thread, keep, keeper);
	if (r == 0)
		return keeper;
	complain("nobody looks after the host while this VM runs: %s", strerror(-r));
	return discard(keeper);
}

struct host_keeper *host_keeper_close(struct host_keeper *keeper)
{
	const uint64_t one = 1;

	if (!keeper)
		return NULL;
	(void)!write(keeper->end_fd, &one, sizeof(one));
	pthread_join(keeper->thread, NULL);
	return discard(keeper);
}
