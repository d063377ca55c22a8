/* SPDX-License-Identifier: MIT */
#include "blame_holds.h"

#include <glib.h>

/* Each wait is two. What comes after is left out: a VM that waits so often is in other trouble. */
#define EVENTS_MAX (2u * 65536u)

struct event {
	uint64_t mutex, time_ns;
	int32_t tid; /* who held it as the wait began, who has it as it ends */
	bool begins, counts;
};

struct blame_holds {
	GArray *events; /* struct event */
};

/* The way through the events of a mutex. */
struct sweep {
	uint64_t over_ns;
	blame_hold_fn emit;
	void *context;
	uint32_t waiting, counted; /* of those that wait, those that count */
	struct blame_hold hold;
};

struct blame_holds *blame_holds_new(void)
{
	struct blame_holds *holds = g_new0(struct blame_holds, 1);

	holds->events = g_array_new(FALSE, FALSE, sizeof(struct event));
	return holds;
}

struct blame_holds *blame_holds_free(struct blame_holds *holds)
{
	if (holds)
		g_array_unref(holds->events);
	g_free(holds);
	return NULL;
}

void blame_holds_add(struct blame_holds *holds, const struct blame_delay *wait, bool counts)
{
	struct event event = {.mutex = wait->mutex, .counts = counts};

	if (wait->ns == 0 || holds->events->len >= EVENTS_MAX)
		return;
	event.begins = true;
	event.tid = wait->owner;
	event.time_ns = wait->start_ns;
	g_array_append_val(holds->events, event);
	event.begins = false;
	event.tid = wait->tid;
	event.time_ns = wait->start_ns + wait->ns;
	g_array_append_val(holds->events, event);
}

/* Who got the mutex at the very moment when another began to wait is the one that other saw. */
static gint compare(gconstpointer a, gconstpointer b)
{
	const struct event *x = a, *y = b;

	if (x->mutex != y->mutex)
		return x->mutex < y->mutex ? -1 : 1;
	if (x->time_ns != y->time_ns)
		return x->time_ns < y->time_ns ? -1 : 1;
	return (int)x->begins - (int)y->begins;
}

static void end_hold(struct sweep *sweep, uint64_t time_ns)
{
	struct blame_hold *hold = &sweep->hold;

	hold->ns = time_ns - hold->start_ns;
	if (sweep->counted > 0 && hold->ns > 0 && hold->ns >= sweep->over_ns)
		sweep->emit(sweep->context, hold);
}

static void start_hold(struct sweep *sweep, uint64_t time_ns, int32_t tid)
{
	sweep->hold.tid = tid;
	sweep->hold.start_ns = time_ns;
	sweep->hold.waiters = sweep->counted;
}

/* That the owner is not known says nothing against who is known to have it. */
static void take_begin(struct sweep *sweep, const struct event *event)
{
	if (event->tid > 0 ? event->tid != sweep->hold.tid : sweep->waiting == 0) {
		end_hold(sweep, event->time_ns);
		start_hold(sweep, event->time_ns, event->tid);
	}
	sweep->waiting++;
	if (!event->counts)
		return;
	if (sweep->counted == 0)
		start_hold(sweep, event->time_ns, sweep->hold.tid);
	sweep->counted++;
	sweep->hold.waiters = MAX(sweep->hold.waiters, sweep->counted);
}

static void take_end(struct sweep *sweep, const struct event *event)
{
	end_hold(sweep, event->time_ns);
	sweep->waiting--;
	if (event->counts)
		sweep->counted--;
	start_hold(sweep, event->time_ns, event->tid);
}

void blame_holds_find(struct blame_holds *holds, uint64_t over_ns, blame_hold_fn emit, void *context)
{
	struct sweep sweep = {.over_ns = over_ns, .emit = emit, .context = context};
	guint i;

	g_array_sort(holds->events, compare);
	for (i = 0; i < holds->events->len; i++) {
		const struct event *event = &g_array_index(holds->events, struct event, i);

		if (i == 0 || event->mutex != sweep.hold.mutex) {
			sweep.waiting = sweep.counted = 0;
			sweep.hold = (struct blame_hold){.mutex = event->mutex};
		}
		if (event->begins)
			take_begin(&sweep, event);
		else
			take_end(&sweep, event);
	}
}
