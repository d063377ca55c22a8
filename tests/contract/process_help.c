/* SPDX-License-Identifier: MIT */
#include "process_help.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "apart.h"
#include "tap.h"

#define LINES 16

static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;
static char lines[LINES][600];
static int line_count;

static void keep(void *unused, const char *line)
{
	(void)unused;
	pthread_mutex_lock(&guard);
	if (line_count < LINES)
		strncpy(lines[line_count++], line, sizeof(lines[0]) - 1);
	pthread_mutex_unlock(&guard);
}

int said_count(const char *part)
{
	int i, count = 0;

	pthread_mutex_lock(&guard);
	for (i = 0; i < line_count; i++)
		count += strstr(lines[i], part) != NULL;
	pthread_mutex_unlock(&guard);
	return count;
}

struct qrt_sched_process_config process_config(const struct qrt_sched_plan *plan)
{
	struct qrt_sched_process_config config = {
		.size = sizeof(config), .broker_fd = -1, .recorder_fd = -1, .locks_fd = -1};

	config.plan = plan;
	config.say = keep;
	return config;
}

struct qrt_sched_process *process_open(const char *options)
{
	struct qrt_sched_process_config config = process_config(apart_plan(options));
	struct qrt_sched_process *process = NULL;
	struct qrt_sched_error error;

	if (qrt_sched_process_open(&config, &process, &error) < 0) {
		tap_note("%s: %s", options, error.message);
		abort();
	}
	return process;
}

static void *stay_a_while(void *arg)
{
	struct worker *w = arg;

	w->tid = gettid();
	qrt_sched_process_begin_thread(w->name);
	sem_post(&w->is_in);
	sem_wait(&w->may_go);
	return NULL;
}

void worker_come(struct worker *worker, const char *name)
{
	*worker = (struct worker){.name = name};
	sem_init(&worker->is_in, 0, 0);
	sem_init(&worker->may_go, 0, 0);
	if (pthread_create(&worker->thread, NULL, stay_a_while, worker))
		abort();
	sem_wait(&worker->is_in);
}

void worker_go(struct worker *worker)
{
	sem_post(&worker->may_go);
	pthread_join(worker->thread, NULL);
	sem_destroy(&worker->is_in);
	sem_destroy(&worker->may_go);
}
