/* SPDX-License-Identifier: MIT */
#include "agent_link.h"

#include "command.h"

#include <errno.h>
#include <glib.h>
#include <qrt/ivshmem.h>
#include <stdbool.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#define MEMORY_BYTES (1u << 20)
#define PEERS        2
#define VALUES       256 /* those of the agent, and of other programs of the guest */
#define RING_BYTES   (256u << 10)
#define VECTORS      2
#define PATIENCE_MS  1000 /* with a server of this process */

struct agent_link {
	struct qrt_shmem_memory *memory;
	struct qrt_shmem_view view;
	struct qrt_ivshmem_server *server;
	struct qrt_ivshmem_peer *peer;
	int far_fd;
};

/* ---- the memory ---- */

/* The layout is what it is from here on: nothing of it is read again once QEMU is there. */
static int make_layout(struct agent_link *link, struct qrt_shmem_error *reterr)
{
	void *data = qrt_shmem_memory_get_data(link->memory);
	uint64_t nonce;
	int r;

	if (getrandom(&nonce, sizeof(nonce), 0) != sizeof(nonce))
		return -errno;
	r = qrt_shmem_make(data, MEMORY_BYTES, PEERS, VALUES, RING_BYTES, nonce);
	if (r >= 0)
		r = qrt_shmem_attach(&link->view, data, MEMORY_BYTES);
	if (r < 0)
		g_strlcpy(reterr->message, strerror(-r), sizeof(reterr->message));
	return r;
}

static int make_memory(struct agent_link *link, struct qrt_shmem_error *reterr)
{
	const struct qrt_shmem_memory_config config = {.size = sizeof(config),
						       .kind = QRT_SHMEM_MEMORY_MEMFD,
						       .flags = QRT_SHMEM_MEMORY_FIXED,
						       .length = MEMORY_BYTES,
						       .fd = -1};
	int r = qrt_shmem_memory_open(&config, &link->memory, reterr);

	return r < 0 ? r : make_layout(link, reterr);
}

/* ---- the server, and who is connected to it ---- */

static int make_server(struct agent_link *link, struct qrt_shmem_error *reterr)
{
	const struct qrt_ivshmem_server_config config = {.size = sizeof(config),
							 .flags = QRT_IVSHMEM_SERVER_CLEAN |
								  QRT_IVSHMEM_SERVER_LOWEST_IDS,
							 .memory_fd = qrt_shmem_memory_get_fd(link->memory),
							 .peers_max = PEERS,
							 .vectors_max = PEERS * VECTORS,
							 .ids = PEERS};

	return qrt_ivshmem_server_open(&config, &link->server, reterr);
}

/* Returns the far end of a connection that has this id. */
static int connect_as(struct agent_link *link, uint32_t id, const char *name, struct qrt_shmem_error *reterr)
{
	const struct qrt_ivshmem_listen_config config = {.size = sizeof(config),
							 .flags = QRT_IVSHMEM_LISTEN_ID,
							 .fd = -1,
							 .vectors = VECTORS,
							 .id = id,
							 .name = name};
	int pair[2], r = qrt_ivshmem_server_listen(link->server, &config, reterr);

	if (r < 0)
		return r;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
		r = -errno;
		g_strlcpy(reterr->message, strerror(errno), sizeof(reterr->message));
		return r;
	}
	r = qrt_ivshmem_server_add(link->server, (uint32_t)r, pair[0]);
	close(pair[0]);
	if (r >= 0)
		return pair[1];
	g_strlcpy(reterr->message, strerror(-r), sizeof(reterr->message));
	close(pair[1]);
	return r;
}

static bool is_greeted(const struct agent_link *link)
{
	return qrt_ivshmem_peer_get_memory(link->peer, NULL) &&
	       qrt_ivshmem_peer_get_vectors(link->peer, QRT_SHMEM_HOST) == VECTORS;
}

/* Both ends of it are ours: they have their turns one after the other. */
static int join_as_host(struct agent_link *link, struct qrt_shmem_error *reterr)
{
	struct qrt_ivshmem_peer_config config = {.size = sizeof(config), .flags = QRT_IVSHMEM_PEER_SEALED};
	gint64 until = g_get_monotonic_time() + PATIENCE_MS * 1000;
	int r;

	config.fd = connect_as(link, QRT_SHMEM_HOST, "host", reterr);
	if (config.fd < 0)
		return config.fd;
	r = qrt_ivshmem_peer_open(&config, &link->peer, reterr);
	close(config.fd);
	if (r < 0)
		return r;
	while (!is_greeted(link) && g_get_monotonic_time() < until)
		agent_link_serve(link);
	if (is_greeted(link))
		return 0;
	g_strlcpy(reterr->message, "its own server does not answer", sizeof(reterr->message));
	return -ETIMEDOUT;
}

static int open_parts(struct agent_link *link, const char *vm, struct qrt_shmem_error *reterr)
{
	int r = make_memory(link, reterr);

	if (r >= 0)
		r = make_server(link, reterr);
	if (r >= 0)
		r = join_as_host(link, reterr);
	if (r < 0)
		return r;
	link->far_fd = connect_as(link, AGENT_LINK_GUEST, vm, reterr);
	return link->far_fd < 0 ? link->far_fd : 0;
}

int agent_link_open(const char *vm, struct agent_link **ret_link)
{
	struct qrt_shmem_error error = {.message = ""};
	struct agent_link *link = g_new0(struct agent_link, 1);
	g_autofree char *name = g_strndup(vm, QRT_IVSHMEM_NAME_MAX);
	int r;

	link->far_fd = -1;
	r = open_parts(link, name, &error);
	if (r < 0) {
		complain("--agent: no shared memory for the guest: %s", error.message);
		agent_link_close(link);
		return r;
	}
	*ret_link = link;
	return 0;
}

struct agent_link *agent_link_close(struct agent_link *link)
{
	if (!link)
		return NULL;
	agent_link_close_far_fd(link);
	qrt_ivshmem_peer_close(link->peer);
	qrt_ivshmem_server_close(link->server);
	qrt_shmem_memory_close(link->memory);
	g_free(link);
	return NULL;
}

int agent_link_get_far_fd(const struct agent_link *link)
{
	return link ? link->far_fd : -1;
}

void agent_link_close_far_fd(struct agent_link *link)
{
	if (link && link->far_fd >= 0)
		close(link->far_fd);
	if (link)
		link->far_fd = -1;
}

/* ---- while it is there ---- */

void agent_link_get_fds(const struct agent_link *link, int ret_fds[AGENT_LINK_FDS])
{
	ret_fds[0] = qrt_ivshmem_server_get_fd(link->server);
	ret_fds[1] = qrt_ivshmem_peer_get_fd(link->peer);
}

/* What is left stays readable: a guest that rings without end does not keep the supervisor here. */
void agent_link_serve(struct agent_link *link)
{
	struct qrt_ivshmem_event events[8];

	qrt_ivshmem_server_harvest(link->server, events, G_N_ELEMENTS(events));
	qrt_ivshmem_peer_harvest(link->peer, events, G_N_ELEMENTS(events));
}

void agent_link_ring(const struct agent_link *link)
{
	qrt_shmem_fence_full();
	qrt_ivshmem_peer_ring(link->peer, AGENT_LINK_GUEST, 0);
}

int agent_link_read(const struct agent_link *link, struct qrt_shmem_state *ret_said)
{
	return qrt_shmem_read_state(&link->view, AGENT_LINK_GUEST, ret_said);
}

/* One that has left has no life any more. */
void agent_link_renew(struct agent_link *link)
{
	qrt_ivshmem_server_renew(link->server, AGENT_LINK_GUEST);
}

const struct qrt_shmem_view *agent_link_get_view(const struct agent_link *link)
{
	return &link->view;
}
