/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "preload_p.h"
#include "process_p.h"

#define THREAD_STACK 65536

struct preload_process preload_process;

static void say_line(void *unused, const char *line)
{
	(void)unused;
	preload_say("%s", line);
}

/* Not by our own pthread_create(): it would be placed. */
static int start_thread(void *unused, void *(*run)(void *), void *arg)
{
	pthread_attr_t attr;
	pthread_t thread;
	int rc = pthread_attr_init(&attr);

	(void)unused;
	if (rc)
		return -rc;
	pthread_attr_setstacksize(&attr, THREAD_STACK);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	rc = -preload_real()->pthread_create(&thread, &attr, run, arg);
	pthread_attr_destroy(&attr);
	return rc;
}

static int prepare(const struct qrt_sched_process_config *config)
{
	struct qrt_sched_error error = {0};
	struct qrt_sched_process *own;

	preload_process.pid = getpid();
	if (preload_prepare_births() < 0 || qrt_sched_process_open(config, &own, &error) < 0) {
		preload_say("no thread is placed: %s",
			    error.message[0] ? error.message : "out of thread keys");
		return -ENOMEM;
	}
	qrt_sched_p_process_wait_by(preload_calm_ppoll);
	preload_process.own = own;
	preload_process.globals = own->globals;
	preload_process.origin = own->origin;
	preload_process.recorder = own->recorder;
	preload_prepare_mutexes();
	preload_prepare_forks();
	return 0;
}

static void start(void)
{
	struct qrt_sched_process_config config = {
		.size = sizeof(config), .say = say_line, .create = start_thread};
	struct qrt_sched_error error;

	preload_real();
	atomic_store(&preload_process.state, PRELOAD_STARTING);
	preload_take_request(&config);
	if (!config.plan || prepare(&config) < 0) {
		atomic_store(&preload_process.state, PRELOAD_OFF);
		return;
	}
	atomic_store(&preload_process.state, PRELOAD_ON);
	preload_enter(QRT_SCHED_PLACER_MAIN);
	qrt_sched_process_stay(preload_process.own, &error);
}

/* Other libraries' constructors can start threads and make mutexes before ours has run. */
int preload_is_on(void)
{
	int state = atomic_load_explicit(&preload_process.state, memory_order_acquire);

	if (UNLIKELY(state == PRELOAD_FRESH)) {
		start();
		state = atomic_load_explicit(&preload_process.state, memory_order_acquire);
	}
	return state == PRELOAD_ON;
}

__attribute__((constructor)) static void construct(void)
{
	preload_is_on();
}

void preload_resume(void)
{
	struct qrt_sched_error error;

	preload_process.pid = getpid();
	/* Before its thread is placed, which may need what we stand in for. */
	atomic_store(&preload_process.state, PRELOAD_ON);
	if (qrt_sched_process_stay(preload_process.own, &error) < 0)
		atomic_store(&preload_process.state, PRELOAD_OFF);
}
