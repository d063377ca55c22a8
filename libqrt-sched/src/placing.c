/* SPDX-License-Identifier: MIT */
/* How one thread is placed: by itself, by the broker, or not. */
#include <errno.h>
#include <string.h>

#include "error_p.h"
#include "placer_p.h"
#include "sys_p.h"

void qrt_sched_p_describe(struct qrt_sched_broker_message *message, const struct qrt_sched_p_resident *r,
			  const char *name)
{
	message->tid = r->tid;
	message->role = r->role;
	message->index = r->index;
	if (r->makes_slices)
		message->flags |= QRT_SCHED_BROKER_QUANTUM;
	if (r->origin.set == QRT_SCHED_SET_ALL)
		message->origin = r->origin;
	if (name && name != QRT_SCHED_PLACER_MAIN)
		memcpy(message->name, name, strnlen(name, sizeof(message->name) - 1));
}

static int say_gone(struct qrt_sched_error *reterr)
{
	return qrt_sched_p_error(reterr, -EPIPE, "its supervisor is gone; start it by qrt-launcher");
}

static int ask_broker(struct qrt_sched_placer *placer, const struct qrt_sched_p_resident *r,
		      struct qrt_sched_setting *want, const char *name, struct qrt_sched_error *reterr)
{
	struct qrt_sched_broker_message message = {.op = QRT_SCHED_BROKER_PLACE};
	int rc;

	qrt_sched_p_describe(&message, r, name);
	rc = qrt_sched_p_broker_ask(&placer->broker, &placer->lock, &message);
	if (rc >= 0 && (message.flags & QRT_SCHED_BROKER_FALLBACK))
		qrt_sched_setting_get_fallback(want, -EPERM, want);
	if (rc >= 0)
		return QRT_SCHED_PLACED_BROKER;
	if (rc == -ETIMEDOUT)
		return qrt_sched_p_error(reterr, rc,
					 "the supervisor did not answer within %u ms; is it stopped?",
					 placer->broker.timeout_ms);
	if (rc == -EPIPE)
		return say_gone(reterr);
	return qrt_sched_p_error(reterr, rc, "its supervisor could not place it: %s", strerror(-rc));
}

static int is_refusal(int rc)
{
	return rc == -EPERM || rc == -EACCES;
}

static void tell_broker(struct qrt_sched_placer *placer, const struct qrt_sched_p_resident *r,
			const char *name, uint32_t flags)
{
	struct qrt_sched_broker_message message = {.op = QRT_SCHED_BROKER_PLACED, .flags = flags};

	qrt_sched_p_describe(&message, r, name);
	pthread_mutex_lock(&placer->lock);
	qrt_sched_p_broker_tell(&placer->broker, &message);
	pthread_mutex_unlock(&placer->lock);
}

static int place_self(struct qrt_sched_placer *placer, const struct qrt_sched_p_resident *r,
		      const struct qrt_sched_setting *want, const char *name, struct qrt_sched_error *reterr)
{
	int rc = qrt_sched_setting_apply(0, want, reterr);

	if (rc < 0)
		return rc;
	tell_broker(placer, r, name, 0);
	return QRT_SCHED_PLACED_SELF;
}

/* The error of the refusal stays: it says why. */
static int place_fallback(struct qrt_sched_placer *placer, const struct qrt_sched_p_resident *r,
			  struct qrt_sched_setting *want, const char *name, int refusal)
{
	struct qrt_sched_setting fallback;

	if (qrt_sched_setting_get_fallback(want, refusal, &fallback) < 0)
		return refusal;
	*want = fallback;
	if (qrt_sched_setting_apply(0, want, NULL) < 0)
		return refusal;
	tell_broker(placer, r, name, QRT_SCHED_BROKER_FALLBACK);
	return QRT_SCHED_PLACED_FALLBACK;
}

/* 1, 0, or -EPIPE where there was one. */
static int has_broker(struct qrt_sched_placer *placer, int *ret_refused)
{
	int has;

	pthread_mutex_lock(&placer->lock);
	has = qrt_sched_p_broker_is_gone(&placer->broker) ? -EPIPE : placer->broker.fd >= 0;
	*ret_refused = placer->refused;
	pthread_mutex_unlock(&placer->lock);
	return has;
}

/* Who was refused a plain policy here is refused all of them. */
static void note_refusal(struct qrt_sched_placer *placer, const struct qrt_sched_setting *want)
{
	if (want->policy == QRT_SCHED_POLICY_DEADLINE)
		return;
	pthread_mutex_lock(&placer->lock);
	placer->refused = 1;
	pthread_mutex_unlock(&placer->lock);
}

int qrt_sched_p_place(struct qrt_sched_placer *placer, const struct qrt_sched_p_resident *r,
		      struct qrt_sched_setting *want, const char *name, struct qrt_sched_error *reterr)
{
	int refused, broker = has_broker(placer, &refused);
	struct qrt_sched_error own = {0};
	int rc = -EPERM;

	/* Nobody corrects or stops a real-time thread any more, and who takes note of that puts the others
	 * back: no thread becomes urgent anew. */
	if (broker < 0)
		return say_gone(reterr);
	if (!(broker && refused))
		rc = place_self(placer, r, want, name, &own);
	/* Its cpuset has none of these CPUs: the supervisor can move it to another one. */
	if (broker && rc == -EINVAL && want->set & QRT_SCHED_SET_CPUS &&
	    ask_broker(placer, r, want, name, NULL) >= 0)
		return QRT_SCHED_PLACED_BROKER;
	if (!broker || !is_refusal(rc)) {
		if (rc < 0 && reterr)
			*reterr = own;
		return rc < 0 ? place_fallback(placer, r, want, name, rc) : rc;
	}
	if (!refused)
		note_refusal(placer, want);
	return ask_broker(placer, r, want, name, reterr);
}

static int is_where_wanted(const struct qrt_sched_setting *want, const struct qrt_sched_setting *have)
{
	return !(want->set & QRT_SCHED_SET_CPUS) ||
	       ((have->set & QRT_SCHED_SET_CPUS) && !memcmp(&want->cpus, &have->cpus, sizeof(have->cpus)));
}

/*
 * A thread that cannot be placed has inherited: a vCPU the main loop's priority and CPU, where it would
 * keep the main loop from running for ever. Less urgency is within anybody's rights, also under a
 * seccomp filter that forbids to choose CPUs: the role's where it is on the role's CPUs, else that of before,
 * as far as that is less.
 */
void qrt_sched_p_give_up_urgency(const struct qrt_sched_p_resident *r, const struct qrt_sched_setting *want)
{
	const uint32_t needed = QRT_SCHED_SET_POLICY | QRT_SCHED_SET_PRIORITY;
	struct qrt_sched_setting have, less;
	const struct qrt_sched_setting *from[2];
	int i, is_there;

	qrt_sched_p_setting_read_some(0, &have);
	is_there = is_where_wanted(want, &have);
	from[0] = is_there ? want : &r->origin;
	from[1] = is_there ? &r->origin : want;
	for (i = 0; i < 2; i++) {
		less = *from[i];
		less.set &= needed | QRT_SCHED_SET_FLAGS | QRT_SCHED_SET_TIMES;
		if (!(needed & ~less.set) && qrt_sched_p_is_more_urgent(&have, &less) &&
		    qrt_sched_setting_apply(0, &less, NULL) >= 0)
			return;
	}
}
