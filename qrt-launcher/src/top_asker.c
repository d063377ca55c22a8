/* SPDX-License-Identifier: MIT */
#include "top_asker.h"

#include "control.h"
#include "state.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>

/* Freed by the last of the three that have a hand on it: the terminal, who looks, who changes. */
struct top_asker {
	struct status_ask ask; /* of who looks */
	GAsyncQueue *orders;   /* to that: GINT_TO_POINTER(enum order) */
	GAsyncQueue *looks;    /* struct top_look */
	GAsyncQueue *changes;  /* struct top_change */
	/* The terminal's. */
	bool is_looking, is_again, is_changing;
	guint number; /* of the last look */
};

enum order { ORDER_LOOK = 1, ORDER_END };

/* What who changes has to know. */
struct question {
	struct top_asker *asker;
	char *vm, *option, *line;
};

struct top_look *top_look_new(struct status_ask *ask)
{
	struct top_look *look = g_new0(struct top_look, 1);
	guint i;

	look->vms = g_ptr_array_new_with_free_func((GDestroyNotify)json_object_unref);
	look->silent = g_ptr_array_new_with_free_func(g_free);
	look->ended = ask->ended;
	while (ask->vms->len > 0)
		g_ptr_array_add(look->vms, g_ptr_array_steal_index(ask->vms, 0));
	for (i = 0; i < ask->silent->len; i++)
		g_ptr_array_add(look->silent, g_strdup(status_ask_get_silent(ask, i)));
	return look;
}

void top_look_free(struct top_look *look)
{
	g_ptr_array_unref(look->vms);
	g_ptr_array_unref(look->silent);
	g_free(look);
}

void top_change_free(struct top_change *change)
{
	if (change->answer)
		json_object_unref(change->answer);
	g_free(change->vm);
	g_free(change->option);
	g_free(change);
}

static void clear(gpointer data)
{
	struct top_asker *asker = data;

	status_ask_close(&asker->ask);
	g_async_queue_unref(asker->orders);
	g_async_queue_unref(asker->looks);
	g_async_queue_unref(asker->changes);
}

/* A signal is for the one that waits for keys. */
static void start(GThreadFunc run, void *data)
{
	sigset_t all, had;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &had);
	g_thread_unref(g_thread_new("qrt-asker", run, data));
	pthread_sigmask(SIG_SETMASK, &had, NULL);
}

static void *look_on(void *data)
{
	struct top_asker *asker = data;

	while (GPOINTER_TO_INT(g_async_queue_pop(asker->orders)) == ORDER_LOOK) {
		status_ask_all(&asker->ask, false);
		g_async_queue_push(asker->looks, top_look_new(&asker->ask));
	}
	g_atomic_rc_box_release_full(asker, clear);
	return NULL;
}

struct top_asker *top_asker_open(const struct status_ask *ask)
{
	struct top_asker *asker = g_atomic_rc_box_new0(struct top_asker);

	asker->ask = *ask;
	asker->orders = g_async_queue_new();
	asker->looks = g_async_queue_new_full((GDestroyNotify)top_look_free);
	asker->changes = g_async_queue_new_full((GDestroyNotify)top_change_free);
	start(look_on, g_atomic_rc_box_acquire(asker));
	return asker;
}

struct top_asker *top_asker_close(struct top_asker *asker)
{
	g_async_queue_push(asker->orders, GINT_TO_POINTER(ORDER_END));
	g_atomic_rc_box_release_full(asker, clear);
	return NULL;
}

guint top_asker_look(struct top_asker *asker)
{
	asker->is_again = asker->is_looking;
	if (asker->is_looking)
		return asker->number + 1;
	asker->is_looking = true;
	g_async_queue_push(asker->orders, GINT_TO_POINTER(ORDER_LOOK));
	return ++asker->number;
}

struct top_look *top_asker_take_look(struct top_asker *asker)
{
	struct top_look *look = g_async_queue_try_pop(asker->looks);

	if (!look)
		return NULL;
	look->number = asker->number;
	asker->is_looking = false;
	if (asker->is_again)
		top_asker_look(asker);
	return look;
}

static int ask(const struct question *question, JsonObject **ret_answer)
{
	int run_fd = state_look_run(), r;

	if (run_fd < 0)
		return -ENOENT;
	r = control_ask_change(run_fd, question->vm, question->line, ret_answer);
	state_close_run(run_fd);
	return r;
}

static void *change(void *data)
{
	struct question *question = data;
	struct top_asker *asker = question->asker;
	struct top_change *change = g_new0(struct top_change, 1);

	change->error = ask(question, &change->answer);
	change->vm = question->vm;
	change->option = question->option;
	g_free(question->line);
	g_free(question);
	g_async_queue_push(asker->changes, change);
	g_atomic_rc_box_release_full(asker, clear);
	return NULL;
}

bool top_asker_change(struct top_asker *asker, const char *vm, const char *option, const char *line)
{
	struct question *question;

	if (asker->is_changing)
		return false;
	asker->is_changing = true;
	question = g_new0(struct question, 1);
	question->asker = g_atomic_rc_box_acquire(asker);
	question->vm = g_strdup(vm);
	question->option = g_strdup(option);
	question->line = g_strdup(line);
	start(change, question);
	return true;
}

struct top_change *top_asker_take_change(struct top_asker *asker)
{
	struct top_change *ended = g_async_queue_try_pop(asker->changes);

	if (ended)
		asker->is_changing = false;
	return ended;
}

bool top_asker_is_busy(const struct top_asker *asker)
{
	return asker->is_looking || asker->is_changing;
}
