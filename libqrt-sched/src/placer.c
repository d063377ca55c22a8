/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "error_p.h"
#include "layers_p.h"
#include "placer_p.h"
#include "struct_p.h"
#include "sys_p.h"

#define TIMEOUT_MS_DEFAULT 200

static int take_config(struct qrt_sched_placer_config *ret_config,
		       const struct qrt_sched_placer_config *callers, struct qrt_sched_error *reterr)
{
	int rc = qrt_p_struct_take(ret_config, sizeof(*ret_config), callers);

	if (rc == -E2BIG)
		return qrt_sched_p_error(
			reterr, rc, "the placer's configuration has members that this version does not know");
	if (rc < 0)
		return qrt_sched_p_error(reterr, rc,
					 "the placer's configuration has no size: set it to its sizeof");
	if (!ret_config->plan)
		return qrt_sched_p_error(reterr, -EINVAL, "the placer needs a plan");
	if ((ret_config->flags & ~QRT_SCHED_PLACER_QUANTUM) || ret_config->reserved)
		return qrt_sched_p_error(reterr, -EINVAL, "the placer's configuration has unknown flags 0x%x",
					 ret_config->flags);
	return 0;
}

static int init(struct qrt_sched_placer *placer, const struct qrt_sched_placer_config *config,
		struct qrt_sched_error *reterr)
{
	uint32_t timeout = config->timeout_ms ? config->timeout_ms : TIMEOUT_MS_DEFAULT;
	int rc = qrt_sched_p_broker_open(&placer->broker, config->broker_fd, timeout);

	placer->plan = config->plan;
	placer->flags = config->flags;
	if (rc < 0)
		return qrt_sched_p_error(reterr, rc, "descriptor %d is no SOCK_SEQPACKET socket to a broker",
					 config->broker_fd);
	rc = qrt_sched_p_lock_init(&placer->lock);
	if (rc < 0) {
		qrt_sched_p_broker_close(&placer->broker);
		pthread_mutex_destroy(&placer->broker.asking);
		return qrt_sched_p_error(reterr, rc, "no lock that inherits priority: %s", strerror(-rc));
	}
	return 0;
}

int qrt_sched_placer_open(const struct qrt_sched_placer_config *config, struct qrt_sched_placer **ret_placer,
			  struct qrt_sched_error *reterr)
{
	struct qrt_sched_placer_config own;
	struct qrt_sched_placer *placer;
	int rc = take_config(&own, config, reterr);

	if (rc < 0)
		return rc;
	placer = calloc(1, sizeof(*placer));
	if (!placer)
		return qrt_sched_p_error(reterr, -ENOMEM, "no memory for the placer");
	rc = init(placer, &own, reterr);
	if (rc < 0) {
		free(placer);
		return rc;
	}
	*ret_placer = placer;
	return 0;
}

struct qrt_sched_placer *qrt_sched_placer_close(struct qrt_sched_placer *placer)
{
	if (!placer)
		return NULL;
	qrt_sched_p_broker_close(&placer->broker);
	pthread_mutex_destroy(&placer->broker.asking);
	pthread_mutex_destroy(&placer->lock);
	free(placer->residents.entries);
	free(placer);
	return NULL;
}

void qrt_sched_p_placer_forget(struct qrt_sched_placer *placer)
{
	qrt_sched_p_broker_close(&placer->broker);
}

static enum qrt_sched_role role_of(const struct qrt_sched_placer *placer, const char *name,
				   int32_t *ret_index)
{
	*ret_index = -1;
	if (name == QRT_SCHED_PLACER_MAIN)
		return QRT_SCHED_ROLE_MAIN;
	if (!name)
		return QRT_SCHED_ROLE_OTHR;
	return (enum qrt_sched_role)qrt_sched_plan_classify(placer->plan, name, ret_index);
}

static void remember(struct qrt_sched_placer *placer, struct qrt_sched_p_resident *r)
{
	qrt_sched_p_setting_read_some(0, &r->born);
	r->origin = placer->first_origin.set && placer->residents.count == 1
			    ? placer->first_origin
			    : qrt_sched_p_residents_origin(&placer->residents, &r->born);
}

/* Takes the thread in and gives it role and index. Copies what is known of it, and what the plan in force
 * says: another one may take its place as soon as the lock is free. */
static int take_in(struct qrt_sched_placer *placer, pid_t tid, const char *name,
		   struct qrt_sched_p_resident *ret_resident, struct qrt_sched_setting *ret_want)
{
	struct qrt_sched_p_resident *r;
	enum qrt_sched_role role;
	int32_t wanted;
	int rc = -ENOMEM;

	pthread_mutex_lock(&placer->lock);
	role = role_of(placer, name, &wanted);
	ret_resident->plan_number = placer->plan_number;
	r = qrt_sched_p_residents_find(&placer->residents, tid);
	if (!r) {
		r = qrt_sched_p_residents_add(&placer->residents, tid);
		if (r)
			remember(placer, r);
	}
	if (r) {
		qrt_sched_p_residents_assign(&placer->residents, r, role, wanted);
		r->makes_slices = (placer->flags & QRT_SCHED_PLACER_QUANTUM) &&
				  qrt_sched_plan_get_quantum(placer->plan, role, r->index) > 0;
		r->plan_number = placer->plan_number;
		*ret_resident = *r;
		*ret_want = qrt_sched_p_wanted_setting(placer->plan, r);
		rc = 0;
	}
	pthread_mutex_unlock(&placer->lock);
	return rc;
}

struct qrt_sched_setting qrt_sched_p_wanted_setting(const struct qrt_sched_plan *said,
						    const struct qrt_sched_p_resident *r)
{
	struct qrt_sched_layer_value layers[QRT_SCHED_LAYERS] = {0};
	struct qrt_sched_setting *plan = &layers[QRT_SCHED_LAYER_PLAN].setting;

	qrt_sched_plan_get(said, r->role, r->index, plan);
	if (!plan->set) {
		/* A role that the plan does not name runs as it would without us: what it inherited from a
		 * placed thread goes as well. */
		return r->is_placed || qrt_sched_setting_compare(&r->origin, &r->born, NULL) ? r->origin
											     : *plan;
	}
	if (r->role == QRT_SCHED_ROLE_VCPU) {
		/* KVM starts a kernel thread out of the first run of a vCPU: it must not inherit. */
		plan->set |= QRT_SCHED_SET_FLAGS;
		plan->flags = QRT_SCHED_FLAG_RESET_ON_FORK;
	}
	if (r->makes_slices)
		plan->policy = QRT_SCHED_POLICY_FIFO;
	/* Known in part where a seccomp filter forbids a thread to read its own CPUs. */
	layers[QRT_SCHED_LAYER_ORIGIN].setting = r->origin;
	return qrt_sched_p_layers_compose(layers, 0);
}

static void note_placed(struct qrt_sched_placer *placer, pid_t tid, const struct qrt_sched_setting *now)
{
	struct qrt_sched_p_resident *r;

	pthread_mutex_lock(&placer->lock);
	r = qrt_sched_p_residents_find(&placer->residents, tid);
	if (r) {
		r->is_placed = 1;
		r->now = *now;
	}
	pthread_mutex_unlock(&placer->lock);
}

/* Whether another plan has come since the thread was taken in. */
static int is_outdated(struct qrt_sched_placer *placer, const struct qrt_sched_p_resident *r)
{
	int is;

	pthread_mutex_lock(&placer->lock);
	is = r->plan_number != placer->plan_number;
	pthread_mutex_unlock(&placer->lock);
	return is;
}

static int enter(struct qrt_sched_placer *placer, const char *name, struct qrt_sched_p_resident *ret_resident,
		 struct qrt_sched_error *reterr)
{
	pid_t tid = (pid_t)syscall(SYS_gettid);
	struct qrt_sched_setting want;
	int rc = take_in(placer, tid, name, ret_resident, &want);

	if (rc < 0)
		return qrt_sched_p_error(reterr, rc, "no memory to remember thread %d", (int)tid);
	rc = want.set ? qrt_sched_p_place(placer, ret_resident, &want, name, reterr) : QRT_SCHED_PLACED_NONE;
	if (rc > 0)
		note_placed(placer, tid, &want);
	else if (rc < 0)
		qrt_sched_p_give_up_urgency(ret_resident, &want);
	return rc;
}

int qrt_sched_placer_enter(struct qrt_sched_placer *placer, const char *thread_name,
			   struct qrt_sched_error *reterr)
{
	struct qrt_sched_p_resident resident;
	struct qrt_sched_error error = {0};
	int rc, cancel;

	/* Sockets are points of cancellation: a thread must not go while it holds the lock. */
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	do {
		rc = enter(placer, thread_name, &resident, &error);
	} while (is_outdated(placer, &resident));
	pthread_setcancelstate(cancel, NULL);
	if (reterr && (rc < 0 || rc == QRT_SCHED_PLACED_FALLBACK))
		*reterr = error;
	return rc;
}

int64_t qrt_sched_placer_get_quantum(struct qrt_sched_placer *placer)
{
	const struct qrt_sched_p_resident *r;
	int64_t quantum = 0;
	int cancel;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	pthread_mutex_lock(&placer->lock);
	r = qrt_sched_p_residents_find(&placer->residents, (pid_t)syscall(SYS_gettid));
	if (r && r->is_placed && (r->makes_slices || !placer->no_quanta))
		quantum = qrt_sched_plan_get_quantum(placer->plan, r->role, r->index);
	pthread_mutex_unlock(&placer->lock);
	pthread_setcancelstate(cancel, NULL);
	return quantum;
}

int qrt_sched_p_placer_get_role(struct qrt_sched_placer *placer)
{
	const struct qrt_sched_p_resident *r;
	int role, cancel;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	pthread_mutex_lock(&placer->lock);
	r = qrt_sched_p_residents_find(&placer->residents, (pid_t)syscall(SYS_gettid));
	role = r ? (int)r->role : -ENOENT;
	pthread_mutex_unlock(&placer->lock);
	pthread_setcancelstate(cancel, NULL);
	return role;
}

void qrt_sched_p_placer_refuse_quanta(struct qrt_sched_placer *placer)
{
	pthread_mutex_lock(&placer->lock);
	placer->flags &= ~QRT_SCHED_PLACER_QUANTUM;
	placer->no_quanta = 1;
	pthread_mutex_unlock(&placer->lock);
}

void qrt_sched_placer_leave(struct qrt_sched_placer *placer)
{
	struct qrt_sched_broker_message message = {.op = QRT_SCHED_BROKER_ENDED};
	struct qrt_sched_p_resident *r;
	int cancel;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	pthread_mutex_lock(&placer->lock);
	r = qrt_sched_p_residents_find(&placer->residents, (pid_t)syscall(SYS_gettid));
	if (r) {
		qrt_sched_p_describe(&message, r, NULL);
		qrt_sched_p_residents_remove(&placer->residents, r);
		qrt_sched_p_broker_tell(&placer->broker, &message);
	}
	pthread_mutex_unlock(&placer->lock);
	pthread_setcancelstate(cancel, NULL);
}
