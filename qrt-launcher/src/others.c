/* SPDX-License-Identifier: MIT */
#include "others.h"

#include "command.h"
#include "state.h"
#include "voice.h"

#include <errno.h>
#include <glib.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LOOK_MS 1000

struct others {
	int run_fd, end_fd;
	GHashTable *said, *rests;
	pthread_t thread;

	pthread_mutex_t lock; /* of all below */
	struct qrt_sched_setting rank;
	pid_t tid; /* 0: it has not begun */
};

static void begin(struct others *others)
{
	pthread_mutex_lock(&others->lock);
	others->tid = (pid_t)syscall(SYS_gettid);
	(void)qrt_sched_setting_apply(others->tid, &others->rank, NULL);
	pthread_mutex_unlock(&others->lock);
}

static void *look_after(void *data)
{
	struct others *others = data;
	struct pollfd end = {.fd = others->end_fd, .events = POLLIN};
	int r = 0;

	begin(others);
	voice_remember(others->said);
	while (r == 0 || (r < 0 && errno == EINTR)) {
		r = poll(&end, 1, LOOK_MS);
		if (r == 0 && state_repair_vms(others->run_fd, false, others->rests) == 0)
			g_hash_table_remove_all(others->said);
	}
	return NULL;
}

static struct others *discard(struct others *others)
{
	if (others->end_fd >= 0)
		close(others->end_fd);
	g_hash_table_destroy(others->said);
	g_hash_table_destroy(others->rests);
	pthread_mutex_destroy(&others->lock);
	g_free(others);
	return NULL;
}

struct others *others_open(int run_fd, const struct qrt_sched_setting *rank)
{
	struct others *others = g_new0(struct others, 1);
	int r;

	others->run_fd = run_fd;
	others->rank = *rank;
	pthread_mutex_init(&others->lock, NULL);
	others->said = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	others->rests = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	others->end_fd = eventfd(0, EFD_CLOEXEC);
	r = others->end_fd < 0 ? -errno : -pthread_create(&others->thread, NULL, look_after, others);
	if (r == 0)
		return others;
	complain("nobody puts back VMs whose launcher is killed while this one runs: %s", strerror(-r));
	return discard(others);
}

void others_move(struct others *others, const struct qrt_sched_setting *rank)
{
	pthread_mutex_lock(&others->lock);
	others->rank = *rank;
	if (others->tid)
		(void)qrt_sched_setting_apply(others->tid, rank, NULL);
	pthread_mutex_unlock(&others->lock);
}

struct others *others_close(struct others *others)
{
	const uint64_t one = 1;

	if (!others)
		return NULL;
	(void)!write(others->end_fd, &one, sizeof(one));
	pthread_join(others->thread, NULL);
	return discard(others);
}
