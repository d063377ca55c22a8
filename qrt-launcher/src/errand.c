/* SPDX-License-Identifier: MIT */
#include "errand.h"

#include "ordinary.h"

#include <errno.h>
#include <glib.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum state { IDLE, BUSY, DONE, LEFT };

/* Two words of an eventfd instead of a lock: a thread below the VM holds nothing that the loop wants. Freed
 * by the last of both. */
struct errand {
	atomic_int hands, state;
	bool has_thread;
	int begin_fd, done_fd;
	void (*work)(void *data);
	void (*forget)(void *data);
	void *data;
};

static void tell(int fd)
{
	const uint64_t one = 1;

	(void)!write(fd, &one, sizeof(one));
}

static void let_go(struct errand *errand)
{
	if (atomic_fetch_sub(&errand->hands, 1) > 1)
		return;
	if (errand->begin_fd >= 0)
		close(errand->begin_fd);
	if (errand->done_fd >= 0)
		close(errand->done_fd);
	g_free(errand);
}

/* ---- the thread ---- */

/* False: it was left meanwhile. */
static bool do_work(struct errand *errand)
{
	int busy = BUSY;

	if (atomic_load(&errand->state) == BUSY) {
		errand->work(errand->data);
		if (atomic_compare_exchange_strong(&errand->state, &busy, DONE)) {
			tell(errand->done_fd);
			return true;
		}
	}
	if (errand->data)
		errand->forget(errand->data);
	return false;
}

static void *run(void *data)
{
	struct errand *errand = data;
	uint64_t count;
	ssize_t n;

	do
		n = read(errand->begin_fd, &count, sizeof(count));
	while ((n < 0 && errno == EINTR) || (n > 0 && do_work(errand)));
	let_go(errand);
	return NULL;
}

/* ---- the loop ---- */

struct errand *errand_open(void)
{
	struct errand *errand = g_new0(struct errand, 1);

	errand->begin_fd = eventfd(0, EFD_CLOEXEC);
	errand->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	atomic_store(&errand->hands, 2);
	errand->has_thread = errand->begin_fd >= 0 && errand->done_fd >= 0 &&
			     ordinary_start(NULL, run, errand) == 0;
	if (!errand->has_thread)
		atomic_store(&errand->hands, 1);
	return errand;
}

struct errand *errand_close(struct errand *errand)
{
	if (!errand)
		return NULL;
	if (atomic_exchange(&errand->state, LEFT) == DONE)
		errand->forget(g_steal_pointer(&errand->data));
	if (errand->has_thread)
		tell(errand->begin_fd);
	let_go(errand);
	return NULL;
}

void errand_begin(struct errand *errand, void (*work)(void *data), void (*forget)(void *data), void *data)
{
	errand->work = work;
	errand->forget = forget;
	errand->data = data;
	if (errand->has_thread) {
		atomic_store(&errand->state, BUSY);
		tell(errand->begin_fd);
	} else {
		work(data);
		atomic_store(&errand->state, DONE);
	}
}

void *errand_fetch(struct errand *errand)
{
	uint64_t count;

	if (errand->has_thread)
		(void)!read(errand->done_fd, &count, sizeof(count));
	if (atomic_load(&errand->state) != DONE)
		return NULL;
	atomic_store(&errand->state, IDLE);
	return g_steal_pointer(&errand->data);
}

bool errand_is_busy(const struct errand *errand)
{
	return atomic_load(&errand->state) != IDLE;
}

int errand_get_fd(const struct errand *errand)
{
	return errand->has_thread ? errand->done_fd : -1;
}
