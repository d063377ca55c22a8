/* SPDX-License-Identifier: MIT */
#include "blame_threads.h"

#include "blame_account.h"
#include "clean.h"
#include "proc.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct blame_threads {
	int32_t pid;
	const struct qrt_sched_plan *plan;
	GHashTable *table; /* tid -> struct blame_thread, ended ones too */
	size_t living;
};

/* A wait for a mutex is told after it, and may name a thread that ended meanwhile. */
#define SCANS_ENDED_MAX 100u

static void free_thread(gpointer data)
{
	struct blame_thread *thread = data;

	if (thread->fd >= 0)
		close(thread->fd);
	g_free(thread);
}

struct blame_threads *blame_threads_new(int32_t pid, const struct qrt_sched_plan *plan)
{
	struct blame_threads *threads = g_new0(struct blame_threads, 1);

	threads->pid = pid;
	threads->plan = plan;
	threads->table = g_hash_table_new_full(NULL, NULL, NULL, free_thread);
	return threads;
}

struct blame_threads *blame_threads_free(struct blame_threads *threads)
{
	if (threads)
		g_hash_table_unref(threads->table);
	g_free(threads);
	return NULL;
}

const struct blame_thread *blame_threads_find(const struct blame_threads *threads, int32_t tid)
{
	return g_hash_table_lookup(threads->table, GINT_TO_POINTER(tid));
}

static void set_name(struct blame_thread *thread, const char *name)
{
	g_strlcpy(thread->name, name, sizeof(thread->name));
	clean_text(thread->name);
}

/* The main thread of a VMM has the program's name, which says nothing: it is told by its number. */
static void classify(const struct blame_threads *threads, struct blame_thread *thread)
{
	char name[sizeof(thread->name)];
	int role;

	if (thread->told)
		return;
	proc_get_name(thread->tid, name, sizeof(name));
	if (!name[0])
		return;
	set_name(thread, name);
	role = thread->tid == threads->pid ? QRT_SCHED_ROLE_MAIN
					   : qrt_sched_plan_classify(threads->plan, name, &thread->index);
	thread->role = role < 0 ? QRT_SCHED_ROLE_OTHR : (enum qrt_sched_role)role;
	if (thread->tid == threads->pid)
		thread->index = 0;
}

/* A number that came back: the old thread with it has ended. */
static struct blame_thread *take_in(struct blame_threads *threads, struct blame_model *model, int32_t tid)
{
	struct blame_thread *thread = g_hash_table_lookup(threads->table, GINT_TO_POINTER(tid));
	char path[64];

	if (thread && thread->fd >= 0)
		return thread;
	thread = g_new0(struct blame_thread, 1);
	thread->tid = tid;
	thread->index = -1;
	thread->role = QRT_SCHED_ROLE_OTHR;
	snprintf(path, sizeof(path), "/proc/%d/schedstat", tid);
	thread->fd = open(path, O_RDONLY | O_CLOEXEC);
	g_hash_table_replace(threads->table, GINT_TO_POINTER(tid), thread);
	if (thread->fd >= 0)
		blame_model_watch(model, tid);
	return thread;
}

void blame_threads_add(struct blame_threads *threads, struct blame_model *model, int32_t tid)
{
	classify(threads, take_in(threads, model, tid));
}

void blame_threads_tell(struct blame_threads *threads, struct blame_model *model,
			const struct blame_thread *told)
{
	struct blame_thread *thread = take_in(threads, model, told->tid);

	thread->role = told->role;
	thread->index = told->index;
	thread->told = true;
	set_name(thread, told->name);
}

void blame_threads_recall(struct blame_threads *threads, const struct blame_thread *told)
{
	struct blame_thread *thread = g_new(struct blame_thread, 1);

	*thread = *told;
	thread->fd = -1;
	thread->told = true;
	set_name(thread, told->name);
	g_hash_table_replace(threads->table, GINT_TO_POINTER(told->tid), thread);
}

static void sample(struct blame_thread *thread)
{
	if (thread->fd >= 0)
		thread->fresh = blame_account_read(thread->fd, &thread->sample) == 0;
}

void blame_threads_sample(struct blame_threads *threads)
{
	GHashTableIter iter;
	gpointer thread;

	g_hash_table_iter_init(&iter, threads->table);
	while (g_hash_table_iter_next(&iter, NULL, &thread))
		sample(thread);
}

void blame_threads_feed(struct blame_threads *threads, struct blame_model *model)
{
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, threads->table);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		struct blame_thread *thread = value;

		if (thread->fresh)
			blame_model_sample(model, thread->tid, &thread->sample);
		thread->fresh = false;
	}
}

/* R in the third field of its stat: it runs or is ready. */
static char read_state(int32_t tid)
{
	char path[64], text[512], *close;

	snprintf(path, sizeof(path), "/proc/%d/stat", tid);
	if (proc_read(path, text, sizeof(text)) <= 0)
		return 0;
	close = strrchr(text, ')');
	return close && close[1] == ' ' ? close[2] : 0;
}

/* A zombie stays in /proc until its parent takes note. */
static bool is_gone(char state)
{
	return state == 0 || state == 'Z' || state == 'X';
}

static void end(struct blame_model *model, struct blame_thread *thread)
{
	close(thread->fd);
	thread->fd = -1;
	thread->fresh = false;
	blame_model_forget(model, thread->tid);
}

void blame_threads_end(struct blame_threads *threads, struct blame_model *model, int32_t tid)
{
	struct blame_thread *thread = g_hash_table_lookup(threads->table, GINT_TO_POINTER(tid));

	if (thread && thread->fd >= 0)
		end(model, thread);
}

static void look_at(struct blame_threads *threads, struct blame_model *model, struct blame_thread *thread)
{
	char state = read_state(thread->tid);

	if (is_gone(state)) {
		end(model, thread);
		return;
	}
	classify(threads, thread);
	if (state == 'R')
		blame_model_ready(model, thread->tid, blame_now_ns());
}

static void look_for(struct blame_threads *threads, struct blame_model *model, int32_t tid)
{
	const struct blame_thread *known = blame_threads_find(threads, tid);

	if ((!known || known->fd < 0) && !is_gone(read_state(tid)))
		blame_threads_add(threads, model, tid);
}

static void find_new(struct blame_threads *threads, struct blame_model *model)
{
	char path[64];
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", threads->pid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		if (isdigit((unsigned char)entry->d_name[0]))
			look_for(threads, model, (int32_t)strtol(entry->d_name, NULL, 10));
	}
	if (dir)
		closedir(dir);
}

int blame_threads_scan(struct blame_threads *threads, struct blame_model *model)
{
	GHashTableIter iter;
	gpointer value;

	find_new(threads, model);
	threads->living = 0;
	g_hash_table_iter_init(&iter, threads->table);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		struct blame_thread *thread = value;

		if (thread->fd >= 0)
			look_at(threads, model, thread);
		if (thread->fd >= 0)
			threads->living++;
		else if (++thread->scans_ended > SCANS_ENDED_MAX)
			g_hash_table_iter_remove(&iter);
	}
	return threads->living > 0 ? 0 : -ESRCH;
}

size_t blame_threads_count(const struct blame_threads *threads)
{
	return threads->living;
}

void blame_threads_read_cpus(const struct blame_threads *threads, struct qrt_sched_cpus *ret_vcpus,
			     bool *ret_realtime)
{
	struct qrt_sched_setting setting;
	GHashTableIter iter;
	gpointer value;
	int cpu;

	memset(ret_vcpus, 0, sizeof(*ret_vcpus));
	*ret_realtime = false;
	g_hash_table_iter_init(&iter, threads->table);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		const struct blame_thread *thread = value;

		if (thread->fd < 0 || qrt_sched_setting_read(thread->tid, &setting) < 0 ||
		    setting.priority == 0)
			continue;
		*ret_realtime = true;
		if (thread->role != QRT_SCHED_ROLE_VCPU)
			continue;
		for (cpu = -1; (cpu = qrt_sched_cpus_next(&setting.cpus, cpu)) >= 0;)
			qrt_sched_cpus_add(ret_vcpus, cpu);
	}
}
