/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "preload_p.h"

struct preload_process preload_process;

static int open_placer(int broker_fd, struct qrt_sched_error *reterr)
{
	struct qrt_sched_placer_config config = {
		.size = sizeof(config),
		.broker_fd = broker_fd,
		.plan = preload_process.plan,
		.flags = QRT_SCHED_PLACER_QUANTUM,
	};

	return qrt_sched_placer_open(&config, &preload_process.placer, reterr);
}

/* The descriptors have been dup'ed where they were good; ones that are not ours stay open. */
static void take_broker(int fd, struct qrt_sched_error *reterr)
{
	if (open_placer(fd, reterr) >= 0) {
		preload_process.is_supervised = fd >= 0;
		if (fd >= 0)
			close(fd);
		return;
	}
	if (fd < 0)
		return;
	preload_say("QRT_SCHED_BROKER: %s: going on without it", reterr->message);
	open_placer(-1, reterr);
}

static void take_recorder(int fd)
{
	if (fd < 0)
		return;
	if (qrt_sched_recorder_open(fd, &preload_process.recorder) < 0)
		preload_say("QRT_SCHED_RECORD=%d is no recorder: waits are not recorded", fd);
	else
		close(fd);
}

static int prepare(const struct preload_request *request)
{
	struct qrt_sched_error error = {0};

	preload_process.pid = getpid();
	preload_process.plan = request->plan;
	preload_process.globals.size = sizeof(preload_process.globals);
	qrt_sched_plan_get_globals(request->plan, &preload_process.globals);
	if (qrt_sched_setting_read(0, &preload_process.origin) < 0)
		preload_process.origin.set = 0;
	take_broker(request->broker_fd, &error);
	if (!preload_process.placer || preload_prepare_births() < 0) {
		preload_say("no thread is placed: %s",
			    error.message[0] ? error.message : "out of thread keys");
		return -ENOMEM;
	}
	take_recorder(request->recorder_fd);
	preload_prepare_locks(request->locks_fd);
	preload_prepare_mutexes();
	preload_prepare_forks();
	return 0;
}

static void start(void)
{
	struct preload_request request;

	preload_real();
	atomic_store(&preload_process.state, PRELOAD_STARTING);
	preload_take_request(&request);
	if (!request.plan || prepare(&request) < 0) {
		atomic_store(&preload_process.state, PRELOAD_OFF);
		return;
	}
	atomic_store(&preload_process.state, PRELOAD_ON);
	preload_enter(QRT_SCHED_PLACER_MAIN);
	preload_prepare_advance();
	preload_lock_memory();
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
	preload_process.is_supervised = 0;
	if (open_placer(-1, &error) < 0) {
		atomic_store(&preload_process.state, PRELOAD_OFF);
		return;
	}
	preload_prepare_locks(-1);
	atomic_store(&preload_process.state, PRELOAD_ON);
	preload_enter(QRT_SCHED_PLACER_MAIN);
	preload_lock_memory();
}
