/* SPDX-License-Identifier: MIT */
/* Whether a supervisor still has its turns: seen by its watchdog, and told to a service manager. */
#ifndef QRT_LAUNCHER_HEARTBEAT_H
#define QRT_LAUNCHER_HEARTBEAT_H

#include <stdbool.h>
#include <stdint.h>

#define HEARTBEAT_LOST_NS UINT64_C(5000000000)

struct heartbeat {
	unsigned int beats; /* at the last look */
	uint64_t since_ns;  /* when they last grew, 0: nobody looked */
	bool said;
};

/* Looks at a count that grows with each turn. True once when it did not grow for HEARTBEAT_LOST_NS, and again
 * only after it has grown. Pure. */
bool heartbeat_is_lost(struct heartbeat *heartbeat, unsigned int beats, uint64_t now_ns);
/* Says so on standard error and in the system's log, without waiting for either. `vm` must outlive that. */
void heartbeat_say(const char *vm);

struct notify;

/* By the environment (NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID; sd_notify(3)). NULL where nobody wants to
 * know. */
struct notify *notify_open(void);
struct notify *notify_close(struct notify *notify);
/* "READY=1", "STOPPING=1"; NULL: to nobody. Never waits. */
void notify_send(struct notify *notify, const char *text);
/* At each turn: WATCHDOG=1 twice as often as is asked for. */
void notify_beat(struct notify *notify, uint64_t now_ns);

#endif
