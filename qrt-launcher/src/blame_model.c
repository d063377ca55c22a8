/* SPDX-License-Identifier: MIT */
#include "blame_model_p.h"

/* The kernel counts an arrival a little before it writes the record of it. */
#define SLACK_NS 20000u

/* Without samples arrivals would be kept for ever. */
#define ARRIVALS_MAX 65536u

static void free_modelled(gpointer data)
{
	struct modelled *thread = data;

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
	model->threads = g_hash_table_new_full(NULL, NULL, NULL, free_modelled);
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

static struct modelled *find(const struct blame_model *model, int32_t tid)
{
	return tid > 0 ? g_hash_table_lookup(model->threads, GINT_TO_POINTER(tid)) : NULL;
}

void blame_model_watch(struct blame_model *model, int32_t tid)
{
	struct modelled *thread;

	if (tid <= 0 || find(model, tid))
		return;
	thread = g_new0(struct modelled, 1);
	thread->tid = tid;
	thread->arrivals = g_array_new(FALSE, FALSE, sizeof(struct arrival));
	g_hash_table_insert(model->threads, GINT_TO_POINTER(tid), thread);
}

void blame_model_forget(struct blame_model *model, int32_t tid)
{
	g_hash_table_remove(model->threads, GINT_TO_POINTER(tid));
}

void blame_model_emit(struct blame_model *model, struct blame_delay *delay)
{
	if (delay->cpu >= 0)
		delay->culprits_count = blame_timeline_share(model->timeline, (uint32_t)delay->cpu,
							     delay->start_ns, delay->start_ns + delay->ns,
							     delay->culprits);
	model->emit(model->context, delay);
}

static void emit_preempted(struct blame_model *model, const struct modelled *thread, uint64_t end_ns,
			   bool lasts)
{
	struct blame_delay delay = {.kind = BLAME_PREEMPTED, .tid = thread->tid, .cpu = (int32_t)thread->cpu};

	delay.start_ns = thread->since_ns;
	delay.ns = delay.least_ns = end_ns - thread->since_ns;
	delay.lasts = lasts;
	if (delay.ns >= model->over_ns)
		blame_model_emit(model, &delay);
}

static void thread_goes_out(struct modelled *thread, const struct blame_switch *record)
{
	thread->state = record->told_by_in ? STATE_UNKNOWN : record->still_ready ? STATE_READY : STATE_SLEEPS;
	thread->since_ns = record->time_ns;
	thread->ready_ns = 0;
	thread->cpu = record->cpu;
}

/* Nothing that hangs on an unbroken row of records may be used any more. */
static void lose_track(struct modelled *thread)
{
	thread->state = STATE_UNKNOWN;
	thread->ready_ns = 0;
	thread->anchored = false;
	g_array_set_size(thread->arrivals, 0);
}

static void thread_comes_in(struct blame_model *model, struct modelled *thread,
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
	struct modelled *out = find(model, record->out), *in = find(model, record->in);

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

static const struct arrival *arrival_at(const struct modelled *thread, guint i)
{
	return &g_array_index(thread->arrivals, struct arrival, i);
}

static guint count_before(const struct modelled *thread, uint64_t time_ns)
{
	guint n = 0;

	while (n < thread->arrivals->len && arrival_at(thread, n)->time_ns < time_ns)
		n++;
	return n;
}

/* A sample can be the base for later ones where no arrival is so near that it may or may not be in it. */
static void anchor(struct modelled *thread, const struct blame_sample *sample)
{
	guint before = count_before(thread, sample->before_ns - SLACK_NS);

	thread->anchored = before == count_before(thread, sample->after_ns + SLACK_NS);
	if (thread->anchored) {
		g_array_remove_range(thread->arrivals, 0, before);
		thread->base = *sample;
	}
}

bool blame_model_sample(struct blame_model *model, int32_t tid, const struct blame_sample *sample)
{
	struct modelled *thread = find(model, tid);
	uint64_t n;

	if (!thread)
		return false;
	if (!thread->anchored) {
		anchor(thread, sample);
		return false;
	}
	n = sample->arrivals - thread->base.arrivals;
	if (n > count_before(thread, sample->after_ns + SLACK_NS) ||
	    n < count_before(thread, sample->before_ns - SLACK_NS)) {
		model->counts.broken++;
		lose_track(thread);
		return false;
	}
	blame_window_judge(model, thread, (guint)n, sample->run_delay_ns - thread->base.run_delay_ns);
	g_array_remove_range(thread->arrivals, 0, (guint)n);
	thread->base = *sample;
	return true;
}

void blame_model_ready(struct blame_model *model, int32_t tid, uint64_t time_ns)
{
	struct modelled *thread = find(model, tid);

	if (thread && thread->state == STATE_SLEEPS && thread->since_ns < time_ns && thread->ready_ns == 0)
		thread->ready_ns = time_ns;
}

/* It was woken at some time after it went to sleep, and before it was seen ready. */
static void emit_starved(struct blame_model *model, const struct modelled *thread, uint64_t time_ns)
{
	struct blame_delay delay = {
		.kind = BLAME_WOKEN, .tid = thread->tid, .cpu = (int32_t)thread->cpu, .wakes = 1};

	delay.start_ns = thread->since_ns;
	delay.ns = time_ns - thread->since_ns;
	delay.least_ns = time_ns - thread->ready_ns;
	delay.lasts = true;
	if (delay.least_ns >= model->over_ns)
		blame_model_emit(model, &delay);
}

void blame_model_finish(struct blame_model *model, uint64_t time_ns)
{
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, model->threads);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		const struct modelled *thread = value;

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
