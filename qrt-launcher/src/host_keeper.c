/* SPDX-License-Identifier: MIT */
/* Who does what has to be done for the host while VMs run. */
#include "host.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOOK_S 2

static void give_up(struct host_keeper *keeper)
{
	if (keeper->fd >= 0)
		close(keeper->fd);
	keeper->fd = -1;
}

bool host_keeper_is(struct host_keeper *keeper)
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

static gboolean on_look(gpointer data)
{
	struct host_keeper *keeper = data;
	struct host host;
	int r;

	if (!host_keeper_is(keeper) || host_look(keeper->run_fd, &host) < 0)
		return G_SOURCE_CONTINUE;
	r = host_settle(&host);
	host_close(&host);
	if (r >= 0)
		return G_SOURCE_CONTINUE;
	/* It was said, once is enough. */
	give_up(keeper);
	keeper->source = 0;
	return G_SOURCE_REMOVE;
}

void host_keeper_open(struct host_keeper *keeper, int run_fd)
{
	*keeper = (struct host_keeper){.run_fd = run_fd, .fd = -1};
	keeper->source = g_timeout_add_seconds(LOOK_S, on_look, keeper);
}

void host_keeper_close(struct host_keeper *keeper)
{
	if (keeper->source)
		g_source_remove(keeper->source);
	give_up(keeper);
}
