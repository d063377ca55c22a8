/* SPDX-License-Identifier: MIT */
#include "recorder.h"

#include "blame_account.h"
#include "blame_observer.h"
#include "recorder_p.h"
#include "supervisor.h"

#include <string.h>
#include <time.h>

#define ENTRIES   16384u /* one a look of each thread that runs: 32 of them fill it in 10 s */
#define MUTEX_NS  200000u
#define LATE_NS   50000000u /* between two looks: more than two of them */
#define SILENT_NS 50000000u /* QEMU's monitor: a shorter wait for its answer is usual */
#define SWEEP_NS  1000000000u
#define RECORDS   256u
#define ROUNDS    16 /* of reading records: who writes them may never stop */

static bool is_urgent(const struct watched *watched)
{
	struct qrt_sched_setting planned;

	watch_get_planned(watched, &planned);
	return recorder_trace_is_urgent(&planned);
}

static uint64_t find_traced(const struct recorder *recorder, const struct watched *watched)
{
	const struct recorder_thread *before = recorder_accounts_find(recorder->accounts, watched->tid);

	if (!recorder_trace_sees(recorder->trace, watched))
		return 0;
	return before && before->traced_ns > 0 ? before->traced_ns : blame_now_ns();
}

static void describe(const struct recorder *recorder, const struct watched *watched,
		     struct recorder_thread *ret_thread)
{
	*ret_thread = (struct recorder_thread){.tid = watched->tid, .role = watched->role};
	ret_thread->index = watched->placed_by ? (int32_t)watched->index : -1;
	ret_thread->traced_ns = find_traced(recorder, watched);
	g_strlcpy(ret_thread->name, watched->name, sizeof(ret_thread->name));
}

/* The longest delay of a look. */
struct longest {
	struct recorder_thread thread;
	struct recorder_entry entry;
	uint64_t ns;
};

uint64_t recorder_length_of(const struct recorder_entry *entry)
{
	return entry->kind == RECORDER_SAMPLE ? entry->sample.delay_ns : entry->took_ns;
}

/* Threads that the plan makes real-time may not wait; that others do is what it means, and so is that a guest
 * does that is not ready. */
static void judge(const struct supervisor *supervisor, const struct watched *watched,
		  const struct recorder_entry *entry, struct longest *longest)
{
	uint64_t ns = recorder_length_of(entry), least_ns = supervisor->flight->least_ns;

	if (least_ns == 0 || ns < least_ns || ns <= longest->ns || !is_urgent(watched) ||
	    watch_is_patient(&supervisor->watch))
		return;
	longest->ns = ns;
	longest->entry = *entry;
	describe(supervisor->flight, watched, &longest->thread);
}

static void look_at_threads(struct supervisor *supervisor, struct longest *longest)
{
	struct recorder *recorder = supervisor->flight;
	struct recorder_thread thread;
	struct recorder_entry entry;
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, supervisor->watch.threads);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		describe(recorder, value, &thread);
		if (!recorder_accounts_look(recorder->accounts, &thread, &entry))
			continue;
		recorder_ring_push(recorder->ring, &entry);
		judge(supervisor, value, &entry, longest);
	}
}

/* QEMU wrote it, and may have been taken over by its guest. */
static bool is_possible(const struct qrt_sched_record *record, uint64_t time_ns)
{
	return record->start_ns <= time_ns && record->wait_ns <= time_ns - record->start_ns;
}

static void take_mutex(struct supervisor *supervisor, const struct qrt_sched_record *record,
		       struct longest *longest)
{
	const struct watched *watched = watch_find(&supervisor->watch, record->tid);
	struct recorder_entry entry = {.kind = RECORDER_MUTEX, .tid = record->tid};

	if (!watched || !is_possible(record, blame_now_ns())) {
		supervisor->flight->lost_mutexes++;
		return;
	}
	entry.time_ns = record->start_ns + record->wait_ns;
	entry.took_ns = record->wait_ns;
	entry.mutex.mutex = record->mutex;
	entry.mutex.caller = record->caller;
	entry.mutex.owner = record->owner;
	recorder_ring_push(supervisor->flight->ring, &entry);
	judge(supervisor, watched, &entry, longest);
}

static void look_at_mutexes(struct supervisor *supervisor, struct longest *longest)
{
	struct qrt_sched_record records[RECORDS];
	uint64_t lost = 0;
	int round, n = 1, i;

	for (round = 0; supervisor->recorder && n > 0 && round < ROUNDS; round++) {
		n = qrt_sched_recorder_read(supervisor->recorder, records, RECORDS, &lost);
		supervisor->flight->lost_mutexes += lost;
		for (i = 0; i < n; i++)
			take_mutex(supervisor, &records[i], longest);
	}
}

/* What is late here is what the rest of the ring is worth. */
static void look_at_clock(struct recorder *recorder)
{
	struct recorder_entry entry = {.kind = RECORDER_LOOK, .time_ns = blame_now_ns()};

	entry.took_ns = recorder->look_ns ? entry.time_ns - recorder->look_ns : 0;
	if (entry.took_ns >= LATE_NS)
		recorder_ring_push(recorder->ring, &entry);
	recorder->look_ns = entry.time_ns;
}

void recorder_look(struct supervisor *supervisor)
{
	struct recorder *recorder = supervisor->flight;
	struct longest longest = {.ns = 0};

	if (!recorder)
		return;
	look_at_clock(recorder);
	recorder_trace_take(recorder->trace);
	look_at_threads(supervisor, &longest);
	look_at_mutexes(supervisor, &longest);
	if (recorder->look_ns - recorder->sweep_ns >= SWEEP_NS) {
		recorder_accounts_sweep(recorder->accounts, RECORDER_LAST_NS);
		recorder_trace_follow(recorder->trace, &supervisor->watch);
		recorder->sweep_ns = recorder->look_ns;
	}
	recorder_check_stop(supervisor);
	if (recorder->keeper)
		recorder_keeper_tidy(recorder->keeper);
	if (longest.ns)
		recorder_react(supervisor, &longest.thread, &longest.entry);
}

void recorder_note_answer(struct supervisor *supervisor, uint64_t took_ns)
{
	struct recorder_entry entry = {
		.kind = RECORDER_MONITOR, .time_ns = blame_now_ns(), .took_ns = took_ns};

	if (supervisor->flight)
		recorder_ring_push(supervisor->flight->ring, &entry);
}

/* ---- what it holds ---- */

static void take_thread(const struct recorder_thread *thread, void *data)
{
	g_array_append_vals(data, thread, 1);
}

/* Who hangs gives no answer that could be noted. */
static void take_silence(const struct supervisor *supervisor, struct recording *recording)
{
	struct recorder_entry entry = {.kind = RECORDER_SILENT, .time_ns = recording->end_ns};

	entry.took_ns = qmp_get_silence(supervisor);
	if (entry.took_ns >= SILENT_NS && entry.took_ns <= entry.time_ns)
		g_array_append_val(recording->entries, entry);
}

/* A VM of many threads fills the ring in less, and a young one has no more. */
static uint64_t find_start(const struct recorder_ring *ring, uint64_t end_ns)
{
	uint64_t start_ns = end_ns - MIN(end_ns - 1, RECORDER_LAST_NS);

	return MIN(MAX(start_ns, recorder_ring_get_since(ring)), end_ns);
}

void recorder_take(struct supervisor *supervisor, const char *trigger, struct recording *ret_recording)
{
	const struct recorder *recorder = supervisor->flight;
	size_t i, count = recorder_ring_count(recorder->ring);
	struct timespec wall;

	recording_init(ret_recording);
	g_strlcpy(ret_recording->name, supervisor->state->name, sizeof(ret_recording->name));
	g_strlcpy(ret_recording->trigger, trigger, sizeof(ret_recording->trigger));
	ret_recording->pid = supervisor->record.qemu_pid;
	ret_recording->end_ns = blame_now_ns();
	ret_recording->start_ns = find_start(recorder->ring, ret_recording->end_ns);
	ret_recording->mutexes = supervisor->recorder && supervisor->library != LIBRARY_NONE;
	ret_recording->lost_mutexes = recorder->lost_mutexes;
	ret_recording->trace_error = -recorder_trace_get_error(recorder->trace);
	ret_recording->switches = recorder_trace_copy(recorder->trace);
	clock_gettime(CLOCK_REALTIME, &wall);
	ret_recording->wall_s = wall.tv_sec;
	recorder_accounts_for_each(recorder->accounts, take_thread, ret_recording->threads);
	i = recorder_ring_find(recorder->ring, ret_recording->start_ns);
	for (; i < count; i++)
		g_array_append_vals(ret_recording->entries, recorder_ring_get(recorder->ring, i), 1);
	take_silence(supervisor, ret_recording);
}

/* ---- its life ---- */

static void open_actions(struct supervisor *supervisor, struct recorder_options *options)
{
	struct recorder *recorder = supervisor->flight;

	recorder->actions = &options->actions;
	recorder->least_ns = action_get_least(&options->actions);
	if (recorder->least_ns == 0)
		return;
	recorder->keeper = recorder_keeper_open(supervisor->state->name, options->to_log);
	recorder_keeper_use_folder(recorder->keeper, options->folder, supervisor->state->run_fd);
}

void recorder_open(struct supervisor *supervisor)
{
	struct recorder_options *options = supervisor->record_options;
	struct recorder *recorder;

	if (options && options->off)
		return;
	recorder = g_new0(struct recorder, 1);
	recorder->ring = recorder_ring_new(ENTRIES, blame_now_ns());
	recorder->accounts = recorder_accounts_new();
	recorder->trace = recorder_trace_new();
	recorder->reports = recorder_reports_new();
	supervisor->flight = recorder;
	if (options)
		open_actions(supervisor, options);
	blame_observer_open_files();
	if (supervisor->recorder)
		qrt_sched_recorder_set_threshold(supervisor->recorder, MUTEX_NS);
}

void recorder_close(struct supervisor *supervisor)
{
	struct recorder *recorder = supervisor->flight;

	if (!recorder)
		return;
	if (recorder->keeper)
		recorder_keeper_close(recorder->keeper);
	recorder_reports_free(recorder->reports);
	recorder_trace_free(recorder->trace);
	recorder_accounts_free(recorder->accounts);
	recorder_ring_free(recorder->ring);
	g_free(recorder);
	supervisor->flight = NULL;
}
