/* SPDX-License-Identifier: MIT */
/* serve: an ivshmem server, in the foreground. */
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>

#include "serve.h"
#include "tool.h"
#include "tool_option.h"

#define TURNS 5

/* A descriptor for each vector of each client, and its connection. */
static void raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

/* Of one that is just beginning a holder would be left: signals that end it wait until it is ready. */
static void hold_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static int have_memory(struct serve *serve)
{
	int fd = serve_keep_find_memory(&serve->keep), rc;

	if (fd >= 0)
		return serve_memory_take(&serve->options.memory, fd, serve->keep.shape_fd, &serve->memory);
	rc = serve_memory_make(&serve->options.memory, &serve->memory);
	return rc < 0 ? rc : serve_shape_keep(&serve->keep, &serve->memory);
}

static void fill(const struct serve *serve, struct qrt_ivshmem_server_config *config)
{
	const struct serve_options *options = &serve->options;

	config->flags = (options->is_lowest_ids ? QRT_IVSHMEM_SERVER_LOWEST_IDS : 0) |
			(serve->memory.has_view ? QRT_IVSHMEM_SERVER_CLEAN : 0);
	config->memory_fd = qrt_shmem_memory_get_fd(serve->memory.memory);
	config->claim_fd = qrt_shmem_memory_get_claim(serve->memory.memory);
	config->flags |= config->claim_fd >= 0 ? QRT_IVSHMEM_SERVER_CLAIM : 0;
	config->peers_max = (guint32)options->peers;
	config->vectors_max = (guint32)options->vectors_max;
	config->stall_ms = (guint32)(options->stall_s * 1000);
	config->layout = serve->memory.has_view ? &serve->memory.view : NULL;
	if (serve_keep_find_memory(&serve->keep) < 0)
		config->ids = serve->memory.has_view ? serve->memory.view.peers : 0;
	if (serve->keep.kind == SERVE_KEEP_NONE)
		return;
	config->store = qrt_ivshmem_hold_get_store(serve->keep.hold);
	config->kept = serve->keep.kept;
	config->kept_count = serve->keep.kept_count;
}

static int open_server(struct serve *serve)
{
	struct qrt_ivshmem_server_config config = {.size = sizeof(config)};
	struct qrt_shmem_error error;
	int rc;

	fill(serve, &config);
	rc = qrt_ivshmem_server_open(&config, &serve->server, &error);
	if (rc < 0 && rc != -ESTALE)
		complain("%s", error.message);
	return rc;
}

static int listen_all(struct serve *serve)
{
	const GPtrArray *sockets = serve->options.sockets;
	int rc = 0;
	guint i;

	for (i = 0; i < sockets->len && rc >= 0; i++)
		rc = serve_socket_listen(sockets->pdata[i], serve->server);
	return rc;
}

static int begin(struct serve *serve)
{
	int rc = serve_keep_open(&serve->keep, &serve->options);

	if (rc >= 0)
		rc = have_memory(serve);
	if (rc >= 0)
		rc = open_server(serve);
	if (rc >= 0)
		rc = listen_all(serve);
	if (rc >= 0) {
		serve->control = serve_control_open(serve);
		rc = serve->control ? 0 : -1;
	}
	return rc;
}

/* What a server before had stays where it is, and that server goes on. */
static void give_up(struct serve *serve, int rc)
{
	gboolean is_for_good = rc != -ESTALE && serve_keep_find_memory(&serve->keep) < 0;

	serve_control_close(serve->control);
	serve->control = NULL;
	serve->server = is_for_good ? qrt_ivshmem_server_close(serve->server)
				    : qrt_ivshmem_server_leave(serve->server);
	serve_keep_close(&serve->keep, is_for_good);
	if (!is_for_good && rc != -ESTALE)
		complain(
			"nothing was taken over: a server that is there goes on, and without one its clients "
			"wait for the next, for as long as --hold-seconds was then");
}

static int serve_once(struct serve *serve)
{
	int code = begin(serve);

	if (code >= 0)
		code = serve_run(serve);
	if (code < 0)
		give_up(serve, code);
	serve_memory_close(&serve->memory);
	return code;
}

/* A holder that ends with the server before, or turns to another one that has just come, has this one's
 * question already: it is asked anew. */
static int serve_by_turns(struct serve *serve)
{
	int code = -ESTALE, i;

	for (i = 0; i < TURNS && code == -ESTALE; i++)
		code = serve_once(serve);
	if (code == -ESTALE)
		complain("%s: it was not ready to take over before its turn was over, %d times: others begin "
			 "there, too, or this host has no time for it",
			 serve_first_path(serve), TURNS);
	return code;
}

static int serve_all(struct serve *serve)
{
	int code;

	if (serve->options.events) {
		serve->events = serve_events_open(serve->options.events);
		if (!serve->events)
			return EXIT_FAILED;
	}
	raise_limit();
	hold_signals();
	code = serve_by_turns(serve);
	serve_events_close(serve->events);
	return code < 0 ? EXIT_FAILED : code;
}

int command_serve(char **argv)
{
	struct serve serve = {.names = NULL};
	int code = serve_option_parse(argv, &serve.options);

	if (code == EXIT_OK) {
		serve.names = g_hash_table_new_full(NULL, NULL, NULL, g_free);
		code = serve_all(&serve);
		g_hash_table_unref(serve.names);
	}
	serve_option_clear(&serve.options);
	return code == OPTION_HELP ? EXIT_OK : code;
}
