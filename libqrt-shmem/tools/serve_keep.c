/* SPDX-License-Identifier: MIT */
/* Where descriptors outlive a server, and what was there before. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "serve.h"
#include "unix_socket.h"

#define ANSWER_MS 5000 /* longer than a holder waits for the server before */
#define PAUSE_US  100000
#define TRIES     30
#define END_MS    2000
#define FILE_US   2000

/* ---- a holder ---- */

/* Two that begin at the same time: the second one takes over from the first. One that is just ending hangs
 * up. */
static int try_holder(struct serve_keep *keep, const char *path, const struct serve_options *options,
		      struct qrt_shmem_error *error)
{
	int rc = qrt_ivshmem_hold_open(path, ANSWER_MS, &keep->hold, error);

	if (rc != -ENOENT && rc != -ECONNREFUSED)
		return rc;
	rc = serve_holder_start(path, (guint32)(options->hold_s * 1000), options->sockets);
	if (rc >= 0 || rc == -EADDRINUSE)
		return qrt_ivshmem_hold_open(path, ANSWER_MS, &keep->hold, error);
	g_snprintf(error->message, sizeof(error->message), "%s: no holder can be started: %s", path,
		   g_strerror(-rc));
	return rc;
}

static int open_holder(struct serve_keep *keep, const struct serve_options *options)
{
	const struct serve_socket *first = options->sockets->pdata[0];
	g_autofree char *path = g_strconcat(first->path, ".hold", NULL);
	struct qrt_shmem_error error;
	int rc = -EPIPE, i;

	for (i = 0; i < TRIES && (rc == -EPIPE || rc == -ENOENT); i++) {
		if (i > 0)
			g_usleep(PAUSE_US);
		rc = try_holder(keep, path, options, &error);
		if (rc == -ENOENT && i > 0)
			break; /* there is no such folder */
	}
	if (rc < 0) {
		complain("%s; --no-keep does without", error.message);
		return rc;
	}
	keep->kind = SERVE_KEEP_HOLDER;
	keep->path = g_steal_pointer(&path);
	return 0;
}

/* ---- the service manager ---- */

static gboolean is_same(const char *a, const char *b)
{
	g_autofree char *whole_a = g_canonicalize_filename(a, NULL),
			*whole_b = g_canonicalize_filename(b, NULL);

	return strcmp(whole_a, whole_b) == 0;
}

static struct serve_socket *find_socket(const GPtrArray *sockets, const char *path)
{
	struct serve_socket *one;
	guint i;

	for (i = 0; i < sockets->len; i++) {
		one = sockets->pdata[i];
		if (is_same(one->path, path))
			return one;
	}
	return NULL;
}

static void adopt(GPtrArray *sockets, int fd)
{
	struct sockaddr_un address = {.sun_family = AF_UNSPEC};
	socklen_t length = sizeof(address);
	struct serve_socket *one;
	char path[sizeof(address.sun_path) + 1] = "";

	if (getsockname(fd, (struct sockaddr *)&address, &length) < 0 || address.sun_family != AF_UNIX)
		return;
	memcpy(path, address.sun_path, sizeof(address.sun_path));
	one = find_socket(sockets, path);
	if (!one && path[0]) {
		one = serve_socket_new(path);
		g_ptr_array_add(sockets, one);
	}
	if (one)
		one->fd = fd;
}

static int open_systemd(struct serve_keep *keep, const struct serve_options *options)
{
	struct qrt_shmem_error error;
	g_autofree int *fds = NULL;
	int count, i, rc = qrt_ivshmem_hold_open_systemd(&keep->hold, &error);

	if (rc < 0) {
		complain("%s", error.message);
		return rc;
	}
	count = qrt_ivshmem_hold_get_activated(keep->hold, NULL, 0);
	fds = g_new(int, count + 1);
	qrt_ivshmem_hold_get_activated(keep->hold, fds, (size_t)count);
	for (i = 0; i < count; i++)
		adopt(options->sockets, fds[i]);
	keep->kind = options->is_kept ? SERVE_KEEP_SYSTEMD : SERVE_KEEP_NONE;
	return 0;
}

/* ---- both ---- */

static int open_any(struct serve_keep *keep, const struct serve_options *options)
{
	if (g_getenv("NOTIFY_SOCKET"))
		return open_systemd(keep, options);
	if (!options->sockets->len) {
		complain("serve: give a socket's path; what LISTEN_FDS brings counts for a service with "
			 "NOTIFY_SOCKET");
		return -EINVAL;
	}
	return options->is_kept ? open_holder(keep, options) : 0;
}

int serve_keep_open(struct serve_keep *keep, struct serve_options *options)
{
	int rc = open_any(keep, options);

	keep->shape_fd = -1;
	if (rc >= 0 && keep->kind != SERVE_KEEP_NONE) {
		keep->kept = qrt_ivshmem_hold_take_kept(keep->hold, &keep->kept_count);
		serve_shape_take(keep);
	}
	if (rc >= 0 && !options->sockets->len) {
		complain("serve: the service has no socket: give one, or a socket unit");
		rc = -EINVAL;
	}
	return rc;
}

int serve_keep_find_memory(const struct serve_keep *keep)
{
	guint32 i;

	for (i = 0; i < keep->kept_count; i++) {
		if (strcmp(keep->kept[i].name, "memory") == 0)
			return keep->kept[i].fd;
	}
	return -1;
}

/* Its socket says when it is gone. */
static void wait_for_end(const struct serve_keep *keep)
{
	struct qrt_ivshmem_hold *hold = keep->hold;
	struct pollfd fd = {.fd = qrt_ivshmem_hold_get_fd(hold), .events = POLLIN};
	gint64 until = g_get_monotonic_time() + END_MS * 1000;

	while (fd.fd >= 0 && qrt_ivshmem_hold_check(hold) != -EPIPE && g_get_monotonic_time() < until)
		poll(&fd, 1, END_MS);
	/* It removes what it listened at a moment later. */
	while (keep->path && g_file_test(keep->path, G_FILE_TEST_EXISTS) && g_get_monotonic_time() < until)
		g_usleep(FILE_US);
}

void serve_keep_close(struct serve_keep *keep, gboolean is_for_good)
{
	if (is_for_good && keep->kind != SERVE_KEEP_NONE)
		serve_shape_drop(keep);
	if (is_for_good && keep->kind == SERVE_KEEP_HOLDER && qrt_ivshmem_hold_end(keep->hold) >= 0)
		wait_for_end(keep);
	g_clear_pointer(&keep->path, g_free);
	if (keep->shape_fd >= 0)
		close(keep->shape_fd);
	keep->shape_fd = -1;
	keep->hold = qrt_ivshmem_hold_close(keep->hold);
	keep->kind = SERVE_KEEP_NONE;
	g_free(keep->own);
	keep->own = NULL;
	keep->kept = NULL;
	keep->kept_count = 0;
}
