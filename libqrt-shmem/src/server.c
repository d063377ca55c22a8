/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "error_p.h"
#include "server_p.h"

#define PEERS_MAX 1024u
#define STALL_MS  10000u

uint64_t qrt_shmem_p_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void qrt_shmem_p_server_want_more(struct qrt_ivshmem_server *server)
{
	if (!server->is_more)
		eventfd_write(server->more, 1);
	server->is_more = 1;
}

/* ---- beginning ---- */

static int watch(struct qrt_ivshmem_server *server, int fd, uint64_t mark)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u64 = mark};

	return epoll_ctl(server->epoll, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

static int open_fds(struct qrt_ivshmem_server *server)
{
	int rc;

	server->epoll = epoll_create1(EPOLL_CLOEXEC);
	server->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	server->more = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	server->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (server->epoll < 0 || server->timer < 0 || server->more < 0)
		return -errno;
	rc = watch(server, server->timer, QRT_SHMEM_P_MARK_TIMER);
	return rc < 0 ? rc : watch(server, server->more, QRT_SHMEM_P_MARK_MORE);
}

static int have_memory(struct qrt_ivshmem_server *server, int fd)
{
	server->memory = qrt_shmem_p_server_take_kept(server, "memory");
	if (server->memory >= 0)
		return 0;
	server->memory = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	return server->memory < 0 ? -errno : qrt_shmem_p_keep(server, "memory", server->memory);
}

static int have_claim(struct qrt_ivshmem_server *server, int fd)
{
	server->claim = qrt_shmem_p_server_take_kept(server, "claim");
	/* One that was killed while it began may have left a record, and no claim yet. */
	if (server->claim >= 0 || !(server->flags & QRT_IVSHMEM_SERVER_CLAIM))
		return 0;
	server->claim = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	return server->claim < 0 ? -errno : qrt_shmem_p_keep(server, "claim", server->claim);
}

static int have_record(struct qrt_ivshmem_server *server)
{
	int fd = qrt_shmem_p_server_take_kept(server, "record"), rc;

	if (fd >= 0) {
		server->has_before = 1;
		rc = qrt_shmem_p_record_open(&server->record, fd);
		if (rc < 0)
			close(fd);
		return rc;
	}
	rc = qrt_shmem_p_record_new(&server->record, server->peers_max, server->ids);
	return rc < 0 ? rc : qrt_shmem_p_keep(server, "record", server->record.fd);
}

static int is_as_before(uint32_t asked, uint32_t before)
{
	return !asked || asked == before;
}

static int have_tables(struct qrt_ivshmem_server *server, const struct qrt_ivshmem_server_config *config)
{
	if (!is_as_before(config->peers_max, server->record.head->peers_max) ||
	    !is_as_before(config->ids, server->record.head->ids))
		return -EINVAL;
	server->peers_max = server->record.head->peers_max;
	server->ids = server->record.head->ids;
	server->generation = server->record.head->generation;
	server->slots = calloc(server->peers_max, sizeof(void *));
	server->by_id = calloc(QRT_IVSHMEM_IDS, sizeof(*server->by_id));
	server->heard_by = calloc(QRT_IVSHMEM_IDS, sizeof(*server->heard_by));
	return server->slots && server->by_id && server->heard_by ? 0 : -ENOMEM;
}

static int begin(struct qrt_ivshmem_server *server, const struct qrt_ivshmem_server_config *config)
{
	int rc = open_fds(server);

	if (rc >= 0)
		rc = have_record(server);
	if (rc >= 0)
		rc = have_memory(server, config->memory_fd);
	if (rc >= 0)
		rc = have_claim(server, config->claim_fd);
	if (rc >= 0)
		rc = have_tables(server, config);
	return rc >= 0 ? qrt_shmem_p_server_restore(server) : rc;
}

static void fill(struct qrt_ivshmem_server *server, const struct qrt_ivshmem_server_config *config)
{
	server->epoll = server->timer = server->more = server->spare = server->memory = server->claim = -1;
	server->flags = config->flags;
	server->peers_max = config->peers_max ? config->peers_max : PEERS_MAX;
	server->vectors_max = config->vectors_max ? config->vectors_max : QRT_IVSHMEM_IDS;
	server->ids = config->ids ? config->ids : QRT_IVSHMEM_IDS;
	server->stall_ns = (uint64_t)(config->stall_ms ? config->stall_ms : STALL_MS) * 1000000;
	server->sayings_end = &server->sayings;
	if (config->store)
		server->store = *config->store;
	server->is_view_given = config->layout != NULL;
	if (config->layout)
		server->view = *config->layout;
}

static int check(const struct qrt_ivshmem_server_config *config, struct qrt_shmem_error *reterr)
{
	if (config->flags &
	    ~(QRT_IVSHMEM_SERVER_LOWEST_IDS | QRT_IVSHMEM_SERVER_CLEAN | QRT_IVSHMEM_SERVER_CLAIM))
		return qrt_shmem_p_error(reterr, -EINVAL, "unknown flags of a server");
	if (config->peers_max > QRT_IVSHMEM_IDS || config->ids > QRT_IVSHMEM_IDS)
		return qrt_shmem_p_error(reterr, -EINVAL, "a server has at most %d peers and ids",
					 QRT_IVSHMEM_IDS);
	if (config->layout &&
	    !qrt_shmem_is_possible(config->layout->peers, config->layout->values, config->layout->ring_bytes))
		return qrt_shmem_p_error(reterr, -EINVAL, "no layout is like that");
	if (config->kept_count && !config->kept)
		return qrt_shmem_p_error(reterr, -EINVAL, "there is nothing of what was kept");
	return 0;
}

static const char *why(int rc)
{
	switch (rc) {
	case -EBADMSG:
		return "what the store has is no server's, or one's of another version of its record (this "
		       "one's is 2)";
	case -EMFILE:
	case -ENFILE:
		return "out of descriptors; raise the limit of open files";
	case -EINVAL:
		return "its clients are those of a server with another number of peers or ids, which stays";
	case -EBADF:
		return "there is no memory to share";
	case -ESTALE:
		return "its turn to take over was over, or the holder has ended; ask again";
	default:
		return strerror(-rc);
	}
}

static void end(struct qrt_ivshmem_server *server)
{
	struct qrt_shmem_p_saying *saying;

	while (server->first)
		qrt_shmem_p_server_forget(server, server->first);
	qrt_shmem_p_server_end_absent(server, 0);
	qrt_shmem_p_server_end_unread(server);
	while ((saying = server->sayings)) {
		server->sayings = saying->next;
		free(saying);
	}
	qrt_shmem_p_record_close(&server->record);
	if (server->map)
		munmap(server->map, server->map_length);
	for (int *fd = (int[]){server->epoll, server->timer, server->more, server->spare, server->memory,
			       server->claim, -2};
	     *fd != -2; fd++) {
		if (*fd >= 0)
			close(*fd);
	}
	free(server->slots);
	free(server->by_id);
	free(server->heard_by);
	free(server);
}

static int make(const struct qrt_ivshmem_server_config *config, struct qrt_ivshmem_server **ret_server)
{
	struct qrt_ivshmem_server *server = calloc(1, sizeof(*server));
	int rc;

	if (!server)
		return -ENOMEM;
	fill(server, config);
	rc = qrt_shmem_p_server_receive_kept(server, config->kept, config->kept_count);
	if (rc >= 0)
		rc = begin(server, config);
	if (rc >= 0) {
		*ret_server = server;
		return 0;
	}
	qrt_shmem_p_server_drop_kept(server, 0);
	end(server);
	return rc;
}

/* The caller's copies of what the store has are the server's in any case. */
static int give_up(const struct qrt_ivshmem_server_config *config, int rc)
{
	uint32_t i;

	for (i = 0; config->kept && i < config->kept_count; i++)
		close(config->kept[i].fd);
	return rc;
}

int qrt_ivshmem_server_open(const struct qrt_ivshmem_server_config *config,
			    struct qrt_ivshmem_server **ret_server, struct qrt_shmem_error *reterr)
{
	struct qrt_ivshmem_server_config own;
	int rc = qrt_p_struct_take(&own, sizeof(own), config);

	if (rc == -E2BIG)
		return give_up(config,
			       qrt_shmem_p_error(reterr, rc, "a server's config is of another version"));
	if (rc < 0)
		return qrt_shmem_p_error(reterr, rc, "a server's config has no size");
	rc = check(&own, reterr);
	if (rc < 0)
		return give_up(&own, rc);
	rc = make(&own, ret_server);
	return rc < 0 ? qrt_shmem_p_error(reterr, rc, "the server cannot begin: %s", why(rc)) : 0;
}

struct qrt_ivshmem_server *qrt_ivshmem_server_leave(struct qrt_ivshmem_server *server)
{
	if (!server)
		return NULL;
	qrt_shmem_p_server_drop_kept(server, 0);
	qrt_shmem_p_server_end_listeners(server, 0);
	end(server);
	return NULL;
}

struct qrt_ivshmem_server *qrt_ivshmem_server_close(struct qrt_ivshmem_server *server)
{
	if (!server || qrt_shmem_p_server_is_replaced(server))
		return qrt_ivshmem_server_leave(server);
	qrt_shmem_p_server_drop_kept(server, 1);
	while (server->first)
		qrt_shmem_p_server_part(server, server->first, QRT_IVSHMEM_DROPPED);
	qrt_shmem_p_server_end_absent(server, 1);
	qrt_shmem_p_server_end_listeners(server, 1);
	qrt_shmem_p_unkeep(server, "memory");
	if (server->claim >= 0)
		qrt_shmem_p_unkeep(server, "claim");
	qrt_shmem_p_unkeep(server, "record");
	end(server);
	return NULL;
}
