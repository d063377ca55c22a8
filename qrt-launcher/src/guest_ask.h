/* SPDX-License-Identifier: MIT */
/*
 * Questions to a guest's agent, by messages in the shared memory (<qrt/shmem_agent.h>), and its answers. It
 * is told the time. Nobody waits for a guest: one that answers nothing is given up when its time is over, one
 * that answers nonsense at once, and one that answers without end is read no faster than others.
 */
#ifndef QRT_LAUNCHER_GUEST_ASK_H
#define QRT_LAUNCHER_GUEST_ASK_H

#include <qrt/shmem_agent.h>
#include <stdbool.h>

#define GUEST_ASK_MAX          16u                   /* questions at a time */
#define GUEST_ASK_BYTES        (128u << 10)          /* of messages that are read between two looks */
#define GUEST_ASK_PROBE_LATE   UINT64_C(10000000000) /* a result may come so much later than it could, ns */
#define GUEST_ASK_INTERVAL_MIN 100u                  /* us */
#define GUEST_ASK_INTERVAL_MAX 1000000u
#define GUEST_ASK_COUNT_MAX    1000000u
#define GUEST_ASK_CPU_MAX      1023u
#define GUEST_ASK_LENGTH_MAX   UINT64_C(600000000) /* us, of a whole probe */

enum guest_ask_end {
	GUEST_ASK_ANSWERED,
	GUEST_ASK_TIMEOUT,
	GUEST_ASK_RESET,    /* the guest began anew */
	GUEST_ASK_GONE,     /* it has shut down, or the VM ends */
	GUEST_ASK_NONSENSE, /* it answered what cannot be */
};

struct guest_ask_answer {
	enum guest_ask_end end;
	uint64_t ns; /* from the question to the answer */
	/* Of a probe that was answered; its error is 0 or a negative errno, and its numbers fit each other.
	 */
	const struct qrt_shmem_agent_result *result;
};

/* Is called once for each question that is not cancelled, and never while one is asked. It asks
 * nothing itself. */
typedef void guest_ask_told(const struct guest_ask_answer *answer, void *data);

struct guest_ask;

/* Of the guest that has this slot of a layout; ring() has it look. */
struct guest_ask *guest_ask_open(const struct qrt_shmem_view *view, uint32_t slot, void (*ring)(void *data),
				 void *data);
/* All that is open is told that the guest is gone. NULL is fine; returns NULL. */
struct guest_ask *guest_ask_close(struct guest_ask *ask);

/* Both: -EBUSY: there are too many. `data` is what told() gets, and cancel(). */
int guest_ask_ping(struct guest_ask *ask, uint64_t timeout_ns, uint64_t now_ns, guest_ask_told *told,
		   void *data);
/* The cookie is drawn here. -EINVAL: no such probe is possible. */
int guest_ask_probe(struct guest_ask *ask, const struct qrt_shmem_agent_probe *probe, uint64_t now_ns,
		    guest_ask_told *told, void *data);
/* As the agent sees it; which CPUs there are it alone knows. */
bool guest_ask_is_possible(const struct qrt_shmem_agent_probe *probe);
/* For how long a probe is waited for. */
uint64_t guest_ask_get_patience(const struct qrt_shmem_agent_probe *probe);
/* Nobody wants to know any more. */
void guest_ask_cancel(struct guest_ask *ask, const void *data);

/* The guest rang: takes answers. */
void guest_ask_take(struct guest_ask *ask, uint64_t now_ns);
/* Again and again: the same, and gives up what is overdue. */
void guest_ask_look(struct guest_ask *ask, uint64_t now_ns);
/* The guest was reset, and its slot is clean; or it is gone. All that is open is told so. */
void guest_ask_begin_anew(struct guest_ask *ask, enum guest_ask_end how);

#endif
