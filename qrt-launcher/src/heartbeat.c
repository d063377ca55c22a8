/* SPDX-License-Identifier: MIT */
#include "heartbeat.h"

#include "command.h"
#include "ordinary.h"

#include <syslog.h>

bool heartbeat_is_lost(struct heartbeat *heartbeat, unsigned int beats, uint64_t now_ns)
{
	if (heartbeat->since_ns == 0 || beats != heartbeat->beats) {
		*heartbeat = (struct heartbeat){.beats = beats, .since_ns = now_ns};
		return false;
	}
	if (heartbeat->said || now_ns - heartbeat->since_ns < HEARTBEAT_LOST_NS)
		return false;
	heartbeat->said = true;
	return true;
}

/* A terminal that is stopped, or a log that is full, holds up this thread alone. */
static void *say(void *data)
{
	const char *vm = data;

	complain("the supervisor of VM '%s' hangs: its threads stay as they are, and nothing is put right",
		 vm);
	/* Last: who hangs may hang in the log, and hold its lock. */
	syslog(LOG_DAEMON | LOG_ERR,
	       "qrt-launcher: the supervisor of VM '%s' hangs: its threads stay as they are, and nothing is "
	       "put right",
	       vm);
	return NULL;
}

void heartbeat_say(const char *vm)
{
	(void)ordinary_start(NULL, say, (void *)vm);
}
