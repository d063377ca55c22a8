/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "error_p.h"
#include "placer_p.h"
#include "process_p.h"
#include "struct_p.h"

/* The handle, for the handlers of fork, which are told nothing: from when all of it is there. */
static _Atomic(struct qrt_sched_process *) the_process;
static _Atomic int is_taken; /* there is one, or one is being made */

/* ---- descriptors that qrt-launcher hands on ---- */

/* 1: *ret_fd is one, which must not reach children; 0: there is none. */
static int take_fd(const struct qrt_sched_process_config *config, const char *variable, int32_t *ret_fd)
{
	const char *value = getenv(variable);
	struct qrt_sched_process teller = {.say = config->say, .data = config->data};
	char *end;
	long fd;

	*ret_fd = -1;
	if (!value)
		return 0;
	errno = 0;
	fd = strtol(value, &end, 10);
	if (errno || end == value || *end || fd < 3 || fd > 1 << 20 ||
	    fcntl((int)fd, F_SETFD, FD_CLOEXEC) < 0)
		qrt_sched_p_process_say(&teller, "%s='%.32s' is no open descriptor: going on without it",
					variable, value);
	else
		*ret_fd = (int32_t)fd;
	unsetenv(variable);
	return *ret_fd >= 0;
}

int qrt_sched_process_take_environment(struct qrt_sched_process_config *config)
{
	return take_fd(config, "QRT_SCHED_BROKER", &config->broker_fd) +
	       take_fd(config, "QRT_SCHED_RECORD", &config->recorder_fd) +
	       take_fd(config, "QRT_SCHED_LOCKS", &config->locks_fd);
}

/* ---- beginning ---- */

int qrt_sched_p_process_open_placer(struct qrt_sched_process *process, int broker_fd,
				    struct qrt_sched_error *reterr)
{
	struct qrt_sched_placer_config config = {
		.size = sizeof(config),
		.broker_fd = broker_fd,
		.plan = process->plan,
		.flags = QRT_SCHED_PLACER_QUANTUM,
	};

	return qrt_sched_placer_open(&config, &process->placer, reterr);
}

/* The descriptor has been dup'ed where it was good; one that is not ours stays open. */
static int take_broker(struct qrt_sched_process *process, int fd, struct qrt_sched_error *reterr)
{
	int rc = qrt_sched_p_process_open_placer(process, fd, reterr);

	if (fd < 0)
		return rc;
	if (rc < 0) {
		qrt_sched_p_process_say(process, "QRT_SCHED_BROKER: %s: going on without it",
					reterr->message);
		return qrt_sched_p_process_open_placer(process, -1, reterr);
	}
	process->is_supervised = 1;
	close(fd);
	return rc;
}

static void take_recorder(struct qrt_sched_process *process, int fd)
{
	if (fd < 0)
		return;
	if (qrt_sched_recorder_open(fd, &process->recorder) < 0)
		qrt_sched_p_process_say(process, "QRT_SCHED_RECORD=%d is no recorder: waits are not recorded",
					fd);
	else
		close(fd);
}

static void end_thread(void *process)
{
	qrt_sched_process_leave(process);
}

static void begin(struct qrt_sched_process *process, const struct qrt_sched_process_config *config)
{
	process->plan = config->plan;
	process->flags = config->flags;
	process->vcpus = config->vcpus;
	process->say = config->say;
	process->create = config->create;
	process->data = config->data;
	process->pid = getpid();
	qrt_sched_p_process_note_globals(process, config->plan);
	if (qrt_sched_setting_read(0, &process->origin) < 0)
		process->origin.set = 0;
}

static int start(struct qrt_sched_process *process, const struct qrt_sched_process_config *config,
		 struct qrt_sched_error *reterr)
{
	int rc = -pthread_key_create(&process->end_key, end_thread);

	if (rc < 0)
		return qrt_sched_p_error(reterr, rc, "out of thread keys");
	rc = take_broker(process, config->broker_fd, reterr);
	if (rc >= 0) {
		rc = qrt_sched_p_process_check(process, process->plan, reterr);
		process->is_started = 1;
		if (rc < 0)
			process->placer = qrt_sched_placer_close(process->placer);
	}
	if (rc < 0)
		pthread_key_delete(process->end_key);
	return rc;
}

static struct qrt_sched_process *new_process(const struct qrt_sched_process_config *config)
{
	struct qrt_sched_process *process = calloc(1, sizeof(*process));

	if (!process || qrt_sched_p_process_watch_forks() < 0) {
		free(process);
		return NULL;
	}
	begin(process, config);
	return process;
}

static int make(const struct qrt_sched_process_config *config, struct qrt_sched_process **ret_process,
		struct qrt_sched_error *reterr)
{
	struct qrt_sched_process *process = new_process(config);
	struct qrt_sched_error error;
	int rc;

	if (!process)
		return qrt_sched_p_error(reterr, -ENOMEM, "out of memory");
	rc = start(process, config, &error);
	if (rc < 0) {
		free(process);
		return qrt_sched_p_error(reterr, rc, "%s", error.message);
	}
	qrt_sched_process_inherit((int)process->globals.pi_mutexes);
	qrt_sched_p_process_say_left_out(process);
	take_recorder(process, config->recorder_fd);
	qrt_sched_p_process_prepare_locks(process, config->locks_fd);
	*ret_process = process;
	return 0;
}

int qrt_sched_process_open(const struct qrt_sched_process_config *config,
			   struct qrt_sched_process **ret_process, struct qrt_sched_error *reterr)
{
	struct qrt_sched_process_config own;
	int rc = qrt_p_struct_take(&own, sizeof(own), config);

	if (rc >= 0 && (!own.plan || own.flags & ~QRT_SCHED_PROCESS_CHECK))
		rc = -EINVAL;
	if (rc < 0)
		return qrt_sched_p_error(reterr, rc, "a process needs a plan, and known flags");
	if (atomic_exchange(&is_taken, 1))
		return qrt_sched_p_error(reterr, -EBUSY, "this process is under a plan already");
	rc = make(&own, ret_process, reterr);
	if (rc < 0)
		atomic_store(&is_taken, 0);
	else
		atomic_store(&the_process, *ret_process);
	return rc;
}

struct qrt_sched_recorder *qrt_sched_p_process_recorder(void)
{
	struct qrt_sched_process *process = atomic_load_explicit(&the_process, memory_order_acquire);

	return process ? process->recorder : NULL;
}

struct qrt_sched_process *qrt_sched_p_process_there(void)
{
	return atomic_load(&the_process);
}

/* ---- threads ---- */

/* NULL where nobody is placed. Also in a child of fork whose handler, above, has not run yet: other handlers
 * start threads (QEMU's of RCU does). */
static struct qrt_sched_placer *placer_of(const struct qrt_sched_process *process)
{
	return atomic_load(&process->pid) == getpid() ? process->placer : NULL;
}

static int enter(struct qrt_sched_process *process, const char *name)
{
	struct qrt_sched_error error;
	int rc = qrt_sched_placer_enter(process->placer, name, &error);

	if (rc < 0)
		qrt_sched_p_process_say_unplaced(process, name, rc, error.message);
	else if (rc == QRT_SCHED_PLACED_FALLBACK && !process->is_supervised)
		qrt_sched_p_process_say_fallback(process, name, error.message);
	return rc;
}

/* What comes with a role besides its setting. */
static void follow(struct qrt_sched_process *process, const char *name)
{
	if (name == QRT_SCHED_PLACER_MAIN) {
		qrt_sched_p_process_advance_main(process);
	} else if (qrt_sched_p_placer_get_role(process->placer) == QRT_SCHED_ROLE_VCPU) {
		qrt_sched_p_process_lock_vcpu(process, name);
		qrt_sched_p_process_advance_vcpu();
		qrt_sched_p_process_prefault_guest(process);
	}
}

int qrt_sched_process_enter(struct qrt_sched_process *process, const char *thread_name)
{
	int saved = errno, rc;

	if (!placer_of(process))
		return QRT_SCHED_PLACED_NONE;
	if (!pthread_getspecific(process->end_key) && thread_name != QRT_SCHED_PLACER_MAIN)
		qrt_sched_p_process_prefault_stack(process);
	pthread_setspecific(process->end_key, process);
	qrt_sched_p_process_lock_end();
	rc = enter(process, thread_name);
	if (qrt_sched_p_process_follow_quantum(process) < 0)
		rc = enter(process, thread_name);
	follow(process, thread_name);
	errno = saved;
	return rc;
}

void qrt_sched_process_begin_thread(const char *name)
{
	struct qrt_sched_process *process = atomic_load(&the_process);

	if (process)
		qrt_sched_process_enter(process, name);
}

void qrt_sched_process_leave(struct qrt_sched_process *process)
{
	qrt_sched_p_process_lock_end();
	qrt_sched_p_process_advance_end();
	if (placer_of(process))
		qrt_sched_placer_leave(process->placer);
}

int qrt_sched_process_list(struct qrt_sched_process *process, struct qrt_sched_placed *ret_placed, size_t max)
{
	return placer_of(process) ? qrt_sched_placer_list(process->placer, ret_placed, max) : 0;
}

int qrt_sched_process_change(struct qrt_sched_process *process, const struct qrt_sched_plan *plan,
			     struct qrt_sched_error *reterr)
{
	const char *other;
	int rc;

	if (!placer_of(process))
		return qrt_sched_p_error(reterr, -ESRCH, "no thread of this process is placed");
	other = qrt_sched_p_process_find_other(process, plan);
	if (other)
		return qrt_sched_p_error(reterr, -EOPNOTSUPP,
					 "%s says something of the whole VM and cannot be changed while it "
					 "runs; start with this plan",
					 other);
	rc = qrt_sched_p_process_check(process, plan, reterr);
	return rc < 0 ? rc : qrt_sched_placer_change(process->placer, plan, reterr);
}
