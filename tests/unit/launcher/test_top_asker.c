/* SPDX-License-Identifier: MIT */
#include "control.h"
#include "state.h"
#include "tap.h"
#include "top_asker.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

/* Supervisors that answer when the test lets them. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool is_held;
	int asked, closed;
} host = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static void hold(bool is_held)
{
	pthread_mutex_lock(&host.lock);
	host.is_held = is_held;
	pthread_cond_broadcast(&host.changed);
	pthread_mutex_unlock(&host.lock);
}

static void answer(void)
{
	pthread_mutex_lock(&host.lock);
	host.asked++;
	pthread_cond_broadcast(&host.changed);
	while (host.is_held)
		pthread_cond_wait(&host.changed, &host.lock);
	pthread_mutex_unlock(&host.lock);
}

static void wait_for(const int *number, int wanted)
{
	pthread_mutex_lock(&host.lock);
	while (*number < wanted)
		pthread_cond_wait(&host.changed, &host.lock);
	pthread_mutex_unlock(&host.lock);
}

/* The rest of the launcher is not linked in. */
void status_ask_all(struct status_ask *ask, bool repair)
{
	CU_ASSERT_FALSE(repair);
	answer();
	g_ptr_array_add(ask->vms, json_object_new());
}

void status_ask_close(struct status_ask *ask)
{
	g_ptr_array_unref(ask->vms);
	g_array_unref(ask->silent);
	pthread_mutex_lock(&host.lock);
	host.closed++;
	pthread_cond_broadcast(&host.changed);
	pthread_mutex_unlock(&host.lock);
}

const char *status_ask_get_silent(const struct status_ask *ask, guint place)
{
	return g_array_index(ask->silent, const char *, place);
}

int control_ask_change(int run_fd, const char *name, const char *line, JsonObject **ret_answer)
{
	CU_ASSERT_TRUE(run_fd >= 0);
	CU_ASSERT_STRING_EQUAL(line, "{}\n");
	answer();
	if (strcmp(name, "gone") == 0)
		return -ENOENT;
	*ret_answer = json_object_new();
	return 0;
}

int state_look_run(void)
{
	return open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

void state_close_run(int run_fd)
{
	close(run_fd);
}

static struct top_asker *open_asker(void)
{
	struct status_ask ask = {.name = NULL};
	static const char silent[] = "mute";
	const char *name = silent;

	ask.vms = g_ptr_array_new_with_free_func((GDestroyNotify)json_object_unref);
	ask.silent = g_array_new(FALSE, FALSE, sizeof(const char *));
	g_array_append_val(ask.silent, name);
	host.asked = host.closed = 0;
	return top_asker_open(&ask);
}

static bool is_instrumented(void)
{
#ifdef __SANITIZE_THREAD__
	tap_skip("GLib's queues are not instrumented: what they hand over looks like a race");
	return true;
#else
	return false;
#endif
}

static struct top_look *wait_look(struct top_asker *asker)
{
	struct top_look *look;

	while (!(look = top_asker_take_look(asker)))
		g_usleep(1000);
	return look;
}

static void check_look(struct top_asker *asker, guint number)
{
	struct top_look *look = wait_look(asker);

	CU_ASSERT_EQUAL(look->number, number);
	CU_ASSERT_EQUAL(look->vms->len, 1);
	CU_ASSERT_EQUAL_FATAL(look->silent->len, 1);
	CU_ASSERT_STRING_EQUAL(look->silent->pdata[0], "mute");
	top_look_free(look);
}

/* One that is asked for meanwhile comes after the one that is under way, and only one. */
static void test_looks(void)
{
	struct top_asker *asker;

	if (is_instrumented())
		return;
	asker = open_asker();
	CU_ASSERT_FALSE(top_asker_is_busy(asker));
	hold(true);
	CU_ASSERT_EQUAL(top_asker_look(asker), 1);
	CU_ASSERT_TRUE(top_asker_is_busy(asker));
	wait_for(&host.asked, 1);
	CU_ASSERT_PTR_NULL(top_asker_take_look(asker));
	CU_ASSERT_EQUAL(top_asker_look(asker), 2);
	CU_ASSERT_EQUAL(top_asker_look(asker), 2);
	hold(false);
	check_look(asker, 1);
	check_look(asker, 2);
	CU_ASSERT_FALSE(top_asker_is_busy(asker));
	top_asker_close(asker);
	wait_for(&host.closed, 1);
}

static struct top_change *wait_change(struct top_asker *asker)
{
	struct top_change *change;

	while (!(change = top_asker_take_change(asker)))
		g_usleep(1000);
	return change;
}

static void test_changes(void)
{
	struct top_asker *asker;
	struct top_change *change;

	if (is_instrumented())
		return;
	asker = open_asker();
	hold(true);
	CU_ASSERT_TRUE(top_asker_change(asker, "vm", "vcpu_prio=3", "{}\n"));
	CU_ASSERT_FALSE(top_asker_change(asker, "vm", "vcpu_prio=4", "{}\n"));
	CU_ASSERT_PTR_NULL(top_asker_take_change(asker));
	CU_ASSERT_TRUE(top_asker_is_busy(asker));
	hold(false);
	change = wait_change(asker);
	CU_ASSERT_EQUAL(change->error, 0);
	CU_ASSERT_PTR_NOT_NULL(change->answer);
	CU_ASSERT_STRING_EQUAL(change->vm, "vm");
	CU_ASSERT_STRING_EQUAL(change->option, "vcpu_prio=3");
	top_change_free(change);
	CU_ASSERT_TRUE(top_asker_change(asker, "gone", "vcpu_prio=4", "{}\n"));
	change = wait_change(asker);
	CU_ASSERT_EQUAL(change->error, -ENOENT);
	CU_ASSERT_PTR_NULL(change->answer);
	top_change_free(change);
	top_asker_close(asker);
	wait_for(&host.closed, 1);
}

/* The terminal does not wait for who does not answer; what is left goes with the last of them. */
static void test_close(void)
{
	struct top_asker *asker;

	if (is_instrumented())
		return;
	asker = open_asker();
	hold(true);
	top_asker_look(asker);
	CU_ASSERT_TRUE(top_asker_change(asker, "vm", "vcpu_prio=3", "{}\n"));
	wait_for(&host.asked, 2);
	top_asker_close(asker);
	CU_ASSERT_EQUAL(host.closed, 0);
	hold(false);
	wait_for(&host.closed, 1);
}

static const struct tap_test tests[] = {
	{"looks, one after the other", test_looks},
	{"one change at a time", test_changes},
	{"an end without waiting", test_close},
};

TAP_MAIN("top_asker", tests)
