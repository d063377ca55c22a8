/* SPDX-License-Identifier: MIT */
/* The placer's parts: the line to the supervisor, what is known of the own threads, placing one. */
#ifndef QRT_SCHED_PLACER_P_H
#define QRT_SCHED_PLACER_P_H

#include <pthread.h>
#include <qrt/sched.h>

/* ---- the line to the supervisor (broker.c) ---- */

struct qrt_sched_p_broker {
	int fd;      /* -1: none, or gone */
	int is_gone; /* there was a supervisor, and it ended */
	uint64_t device, inode;
	uint32_t timeout_ms;
	uint32_t sequence;
	uint64_t silent_until_ns; /* it let a question go by: until then it is not asked, 0: it did not */
	pthread_mutex_t asking;   /* one question at a time; taken before the placer's lock */
};

/* Dups the socket. -EINVAL where it is no SOCK_SEQPACKET socket. fd -1: no broker, 0. */
int qrt_sched_p_broker_open(struct qrt_sched_p_broker *broker, int fd, uint32_t timeout_ms);
void qrt_sched_p_broker_close(struct qrt_sched_p_broker *broker);
/* 1 once the supervisor at the other end has ended. */
int qrt_sched_p_broker_is_gone(struct qrt_sched_p_broker *broker);
/* Sends without waiting; a message that does not go out is dropped. */
void qrt_sched_p_broker_tell(struct qrt_sched_p_broker *broker, struct qrt_sched_broker_message *message);
/* Sends and waits for the answer's result; message->flags becomes the answer's. `lock` guards the broker; the
 * caller does not hold it, and nobody does while the answer is waited for. -ETIMEDOUT, -EPIPE. */
int qrt_sched_p_broker_ask(struct qrt_sched_p_broker *broker, pthread_mutex_t *lock,
			   struct qrt_sched_broker_message *message);
/* A mutex that inherits priority. Negative errno. */
int qrt_sched_p_lock_init(pthread_mutex_t *lock);

/* ---- the own threads (residents.c) ---- */

#define QRT_SCHED_P_INDEX_MAX 16384u

struct qrt_sched_p_resident {
	pid_t tid;
	enum qrt_sched_role role;
	uint32_t index;
	int is_placed;                   /* what the plan says of its role has been done to it */
	struct qrt_sched_setting born;   /* as it was when it first entered, as far as that can be read */
	struct qrt_sched_setting origin; /* as it would have been without us */
	struct qrt_sched_setting now;    /* as it was placed */
	struct qrt_sched_setting before; /* as it is when the plan is about to change */
	int makes_slices;                /* RR in the plan, FIFO here: its quantum is made in the process */
	uint32_t plan_number;            /* of the plan by which it entered */
};

struct qrt_sched_p_residents {
	struct qrt_sched_p_resident *entries;
	uint32_t count, room;
	uint64_t taken[QRT_SCHED_ROLES][QRT_SCHED_P_INDEX_MAX / 64];
};

struct qrt_sched_p_resident *qrt_sched_p_residents_find(struct qrt_sched_p_residents *residents, pid_t tid);
/* A new entry, or NULL without memory. Valid until the next add or remove. */
struct qrt_sched_p_resident *qrt_sched_p_residents_add(struct qrt_sched_p_residents *residents, pid_t tid);
void qrt_sched_p_residents_remove(struct qrt_sched_p_residents *residents,
				  struct qrt_sched_p_resident *resident);
/* Gives it a role and an index there: the wanted one, or with -1 the lowest free one. */
void qrt_sched_p_residents_assign(struct qrt_sched_p_residents *residents,
				  struct qrt_sched_p_resident *resident, enum qrt_sched_role role,
				  int32_t wanted);
/* How a thread that was born as `born` would have been without us: what it inherited from a placed
 * thread is our doing and not its own. */
struct qrt_sched_setting qrt_sched_p_residents_origin(const struct qrt_sched_p_residents *residents,
						      const struct qrt_sched_setting *born);

/* ---- the placer (placer.c, placing.c) ---- */

/*
 * The lock is held while residents change and while messages are sent and taken, never while an answer is
 * waited for, and never while a thread changes its own setting: it inherits priority, but a thread that just
 * gave up its own would hold up others.
 */
struct qrt_sched_placer {
	const struct qrt_sched_plan *plan; /* read and changed under the lock */
	uint32_t plan_number;              /* counts them */
	uint32_t flags;                    /* QRT_SCHED_PLACER_* */
	int no_quanta;                     /* there was QRT_SCHED_PLACER_QUANTUM, and it was refused since */
	pthread_mutex_t lock;
	struct qrt_sched_setting
		first_origin; /* of who enters first, where that is known better; set == 0: it is not */
	int ceiling; /* vCPUs have preempt locks of this priority; 0: none, or they are the supervisor's */
	int refused; /* the kernel does not let us, the broker may */
	struct qrt_sched_p_broker broker;
	struct qrt_sched_p_residents residents;
};

/* In a forked child, which has the parent's placer but none of its threads: closes the line and takes
 * no lock. The placer's memory stays. */
void qrt_sched_p_placer_forget(struct qrt_sched_placer *placer);

/* The role that the calling thread entered, -ENOENT. */
int qrt_sched_p_placer_get_role(struct qrt_sched_placer *placer);

/* The process cannot make quanta after all: threads that enter from now on have the kernel's slices. */
void qrt_sched_p_placer_refuse_quanta(struct qrt_sched_placer *placer);

/* What a thread shall be like by a plan; set == 0: nothing is to be done. */
struct qrt_sched_setting qrt_sched_p_wanted_setting(const struct qrt_sched_plan *said,
						    const struct qrt_sched_p_resident *r);
/* Does to the calling thread what is wanted; as qrt_sched_placer_enter(). *want becomes the fallback where
 * the kernel refused DEADLINE. */
int qrt_sched_p_place(struct qrt_sched_placer *placer, const struct qrt_sched_p_resident *r,
		      struct qrt_sched_setting *want, const char *name, struct qrt_sched_error *reterr);
/* What is left to do for the calling thread when that failed. */
void qrt_sched_p_give_up_urgency(const struct qrt_sched_p_resident *r, const struct qrt_sched_setting *want);
/* Who it is, for the supervisor. */
void qrt_sched_p_describe(struct qrt_sched_broker_message *message, const struct qrt_sched_p_resident *r,
			  const char *name);

#endif
