/* SPDX-License-Identifier: MIT */
/* What wake-ups between two samples of a thread's account waited. */
#include "blame_model_p.h"

#include <string.h>

static const struct arrival *arrival_at(const struct modelled *thread, guint i)
{
	return &g_array_index(thread->arrivals, struct arrival, i);
}

/* What was waited between two samples, and by how many wake-ups. */
struct window {
	uint64_t unexplained_ns; /* run delay that no preemption explains */
	uint32_t wakes;
	uint64_t most_sum_ns; /* of the longest waits that the wake-ups can have had */
	const struct arrival *longest;
	uint64_t longest_ns;
};

static uint64_t longest_wait(const struct arrival *arrival, uint64_t limit_ns)
{
	uint64_t slept_ns = arrival->time_ns - arrival->since_ns;

	return arrival->since_ns != 0 && slept_ns < limit_ns ? slept_ns : limit_ns;
}

/* How long its CPU was busy in the time in which the thread may have waited: a ready thread keeps a
 * CPU from being idle, but for the time that waking up takes. */
static uint64_t busy_before(const struct blame_model *model, const struct arrival *arrival, uint64_t wait_ns)
{
	struct blame_culprit culprits[BLAME_CULPRITS];
	size_t n = blame_timeline_share(model->timeline, arrival->cpu, arrival->time_ns - wait_ns,
					arrival->time_ns, culprits);
	uint64_t busy_ns = wait_ns;

	while (n-- > 0) {
		if (culprits[n].tid == BLAME_TID_IDLE)
			busy_ns -= culprits[n].ns;
	}
	return busy_ns;
}

/* The longest is the one that slept longest; of several that slept long enough for the whole, the one
 * with the busiest CPU. */
static void offer_longest(const struct blame_model *model, struct window *window,
			  const struct arrival *arrival, uint64_t most_ns)
{
	if (window->longest && (most_ns < window->longest_ns ||
				(most_ns == window->longest_ns &&
				 busy_before(model, arrival, most_ns) <
					 busy_before(model, window->longest, window->longest_ns))))
		return;
	window->longest_ns = most_ns;
	window->longest = arrival;
}

static void read_window(const struct blame_model *model, const struct modelled *thread, guint n,
			uint64_t grown_ns, struct window *window)
{
	uint64_t known_ns = 0, most_ns;
	guint i;

	memset(window, 0, sizeof(*window));
	for (i = 0; i < n; i++)
		known_ns += arrival_at(thread, i)->waited_ns;
	window->unexplained_ns = grown_ns > known_ns ? grown_ns - known_ns : 0;
	for (i = 0; i < n && window->unexplained_ns >= model->over_ns; i++) {
		if (!arrival_at(thread, i)->woken)
			continue;
		most_ns = longest_wait(arrival_at(thread, i), window->unexplained_ns);
		window->wakes++;
		window->most_sum_ns += most_ns;
		offer_longest(model, window, arrival_at(thread, i), most_ns);
	}
}

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* The longest wait of a window was at least: what the others cannot have taken; the mean; and the
 * time since the thread was seen ready. */
static uint64_t least_wait(const struct window *window)
{
	uint64_t others_ns = window->most_sum_ns - window->longest_ns,
		 least_ns = window->unexplained_ns / window->wakes;

	if (window->unexplained_ns > others_ns)
		least_ns = larger(least_ns, window->unexplained_ns - others_ns);
	if (window->longest->ready_ns != 0)
		least_ns = larger(least_ns, window->longest->time_ns - window->longest->ready_ns);
	return least_ns < window->longest_ns ? least_ns : window->longest_ns;
}

static void judge(struct blame_model *model, const struct modelled *thread, const struct window *window)
{
	struct blame_delay delay = {.kind = BLAME_WOKEN, .tid = thread->tid};

	if (window->wakes == 0 || window->longest_ns < model->over_ns)
		return;
	delay.least_ns = least_wait(window);
	if (delay.least_ns < model->over_ns) {
		model->counts.possible++;
		return;
	}
	delay.ns = window->longest_ns;
	delay.start_ns = window->longest->time_ns - delay.ns;
	delay.cpu = (int32_t)window->longest->cpu;
	delay.wakes = window->wakes;
	blame_model_emit(model, &delay);
}

void blame_window_judge(struct blame_model *model, const struct modelled *thread, guint n, uint64_t grown_ns)
{
	struct window window;

	read_window(model, thread, n, grown_ns, &window);
	judge(model, thread, &window);
}
