/* SPDX-License-Identifier: MIT */
#include "blame_model.h"

#include <glib.h>
#include <string.h>

/* The kernel counts an arrival a little before it writes the record of it. */
#define SLACK_NS 20000u

/* Without samples arrivals would be kept for ever. */
#define ARRIVALS_MAX 65536u

enum thread_state { STATE_UNKNOWN, STATE_RUNS, STATE_READY, STATE_SLEEPS };

/* The thread was switched in. */
struct arrival {
	uint64_t time_ns;
	uint64_t since_ns;  /* when it went out, 0: unknown */
	uint64_t ready_ns;  /* seen ready, at the first of these times; 0: never */
	uint64_t waited_ns; /* known, after a preemption */
	uint32_t cpu;
	bool woken; /* it slept, or what it did is unknown */
};

struct watched {
	int32_t tid;
	enum thread_state state;
	uint64_t since_ns, ready_ns;
	uint32_t cpu;
	bool anchored; /* base is a sample, and arrivals are exactly those after it */
	struct blame_sample base;
	GArray *arrivals;
};

struct blame_model {
	uint64_t over_ns;
	blame_delay_fn emit;
	void *context;
	struct blame_timeline *timeline;
	GHashTable *threads;
	struct blame_counts counts;
};

static void free_watched(gpointer data)
{
	struct watched *thread = data;

	g_array_unref(thread->arrivals);
	g_free(thread);
}

struct blame_model *blame_model_new(uint64_t over_ns, blame_delay_fn emit, void *context)
{
	struct blame_model *model = g_new0(struct blame_model, 1);

	model->over_ns = over_ns;
	model->emit = emit;
	model->context = context;
	model->timeline = blame_timeline_new();
	model->threads = g_hash_table_new_full(NULL, NULL, NULL, free_watched);
	return model;
}

struct blame_model *blame_model_free(struct blame_model *model)
{
	if (model) {
		blame_timeline_free(model->timeline);
		g_hash_table_unref(model->threads);
		g_free(model);
	}
	return NULL;
}

static struct watched *find(const struct blame_model *model, int32_t tid)
{
	return tid > 0 ? g_hash_table_lookup(model->threads, GINT_TO_POINTER(tid)) : NULL;
}

void blame_model_watch(struct blame_model *model, int32_t tid)
{
	struct watched *thread;

	if (tid <= 0 || find(model, tid))
		return;
	thread = g_new0(struct watched, 1);
	thread->tid = tid;
	thread->arrivals = g_array_new(FALSE, FALSE, sizeof(struct arrival));
	g_hash_table_insert(model->threads, GINT_TO_POINTER(tid), thread);
}

void blame_model_forget(struct blame_model *model, int32_t tid)
{
	g_hash_table_remove(model->threads, GINT_TO_POINTER(tid));
}

static void emit(struct blame_model *model, struct blame_delay *delay)
{
	if (delay->cpu >= 0)
		delay->culprits_count = blame_timeline_share(model->timeline, (uint32_t)delay->cpu,
							     delay->start_ns, delay->start_ns + delay->ns,
							     delay->culprits);
	model->emit(model->context, delay);
}

static void emit_preempted(struct blame_model *model, const struct watched *thread, uint64_t end_ns,
			   bool lasts)
{
	struct blame_delay delay = {.kind = BLAME_PREEMPTED, .tid = thread->tid, .cpu = (int32_t)thread->cpu};

	delay.start_ns = thread->since_ns;
	delay.ns = delay.least_ns = end_ns - thread->since_ns;
	delay.lasts = lasts;
	if (delay.ns >= model->over_ns)
		emit(model, &delay);
}

static void thread_goes_out(struct watched *thread, const struct blame_switch *record)
{
	thread->state = record->told_by_in ? STATE_UNKNOWN : record->still_ready ? STATE_READY : STATE_SLEEPS;
	thread->since_ns = record->time_ns;
	thread->ready_ns = 0;
	thread->cpu = record->cpu;
}

/* Nothing that hangs on an unbroken row of records may be used any more. */
static void lose_track(struct watched *thread)
{
	thread->state = STATE_UNKNOWN;
	thread->ready_ns = 0;
	thread->anchored = false;
	g_array_set_size(thread->arrivals, 0);
}

static void thread_comes_in(struct blame_model *model, struct watched *thread,
			    const struct blame_switch *record)
{
	struct arrival arrival = {.time_ns = record->time_ns, .cpu = record->cpu};

	if (thread->state == STATE_READY) {
		emit_preempted(model, thread, record->time_ns, false);
		arrival.waited_ns = record->time_ns - thread->since_ns;
	} else {
		arrival.woken = true;
		/* Seen ready later than that: it was seen running. */
		arrival.ready_ns = thread->ready_ns < record->time_ns ? thread->ready_ns : 0;
		arrival.since_ns = thread->state == STATE_SLEEPS ? thread->since_ns : 0;
	}
	thread->state = STATE_RUNS;
	thread->since_ns = record->time_ns;
	thread->ready_ns = 0;
	thread->cpu = record->cpu;
	if (thread->arrivals->len >= ARRIVALS_MAX)
		lose_track(thread);
	g_array_append_val(thread->arrivals, arrival);
}

void blame_model_switch(struct blame_model *model, const struct blame_switch *record)
{
	struct watched *out = find(model, record->out), *in = find(model, record->in);

	if (record->told_by_in && blame_timeline_now(model->timeline, record->cpu) == record->in)
		return;
	blame_timeline_run(model->timeline, record->cpu, record->time_ns, record->in);
	if (out)
		thread_goes_out(out, record);
	if (in)
		thread_comes_in(model, in, record);
}

void blame_model_lost(struct blame_model *model, uint32_t cpu, uint64_t time_ns, uint64_t count)
{
	GHashTableIter iter;
	gpointer thread;

	model->counts.lost += count;
	blame_timeline_run(model->timeline, cpu, time_ns, BLAME_TID_UNKNOWN);
	g_hash_table_iter_init(&iter, model->threads);
	while (g_hash_table_iter_next(&iter, NULL, &thread))
		lose_track(thread);
}

static const struct arrival *arrival_at(const struct watched *thread, guint i)
{
	return &g_array_index(thread->arrivals, struct arrival, i);
}

static guint count_before(const struct watched *thread, uint64_t time_ns)
{
	guint n = 0;

	while (n < thread->arrivals->len && arrival_at(thread, n)->time_ns < time_ns)
		n++;
	return n;
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

static void read_window(const struct blame_model *model, const struct watched *thread, guint n,
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

static void judge_window(struct blame_model *model, const struct watched *thread, const struct window *window)
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
	emit(model, &delay);
}

/* A sample can be the base for later ones where no arrival is so near that it may or may not be in it. */
static void anchor(struct watched *thread, const struct blame_sample *sample)
{
	guint before = count_before(thread, sample->before_ns - SLACK_NS);

	thread->anchored = before == count_before(thread, sample->after_ns + SLACK_NS);
	if (thread->anchored) {
		g_array_remove_range(thread->arrivals, 0, before);
		thread->base = *sample;
	}
}

void blame_model_sample(struct blame_model *model, int32_t tid, const struct blame_sample *sample)
{
	struct watched *thread = find(model, tid);
	struct window window;
	uint64_t n;

	if (!thread)
		return;
	if (!thread->anchored) {
		anchor(thread, sample);
		return;
	}
	n = sample->arrivals - thread->base.arrivals;
	if (n > count_before(thread, sample->after_ns + SLACK_NS) ||
	    n < count_before(thread, sample->before_ns - SLACK_NS)) {
		model->counts.broken++;
		lose_track(thread);
		return;
	}
	read_window(model, thread, (guint)n, sample->run_delay_ns - thread->base.run_delay_ns, &window);
	judge_window(model, thread, &window);
	g_array_remove_range(thread->arrivals, 0, (guint)n);
	thread->base = *sample;
}

void blame_model_ready(struct blame_model *model, int32_t tid, uint64_t time_ns)
{
	struct watched *thread = find(model, tid);

	if (thread && thread->state == STATE_SLEEPS && thread->since_ns < time_ns && thread->ready_ns == 0)
		thread->ready_ns = time_ns;
}

/* It was woken at some time after it went to sleep, and before it was seen ready. */
static void emit_starved(struct blame_model *model, const struct watched *thread, uint64_t time_ns)
{
	struct blame_delay delay = {
		.kind = BLAME_WOKEN, .tid = thread->tid, .cpu = (int32_t)thread->cpu, .wakes = 1};

	delay.start_ns = thread->since_ns;
	delay.ns = time_ns - thread->since_ns;
	delay.least_ns = time_ns - thread->ready_ns;
	delay.lasts = true;
	if (delay.least_ns >= model->over_ns)
		emit(model, &delay);
}

void blame_model_finish(struct blame_model *model, uint64_t time_ns)
{
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, model->threads);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		const struct watched *thread = value;

		if (thread->since_ns > time_ns)
			continue;
		if (thread->state == STATE_READY)
			emit_preempted(model, thread, time_ns, true);
		else if (thread->state == STATE_SLEEPS && thread->ready_ns != 0)
			emit_starved(model, thread, time_ns);
	}
}

void blame_model_get_counts(const struct blame_model *model, struct blame_counts *ret_counts)
{
	*ret_counts = model->counts;
}
