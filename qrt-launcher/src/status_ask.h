/* SPDX-License-Identifier: MIT */
/* One look at running VMs, or at the one of a name: what their supervisors say. */
#ifndef QRT_LAUNCHER_STATUS_ASK_H
#define QRT_LAUNCHER_STATUS_ASK_H

#include <json-glib/json-glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct status_ask {
	const char *name;   /* NULL: all; borrowed */
	gint64 patience_us; /* with each of them, as it is opened: five seconds */

	/* Of the last look. */
	GPtrArray *vms;     /* JsonObject */
	GArray *silent;     /* one each that did not answer */
	bool is_unreadable; /* the run directory; it was said why */
	bool is_unrepaired; /* what a killed launcher left is still there; it was said why */

	/* The VM of the name, once it has answered. */
	pid_t qemu_pid;
	uint64_t qemu_start;
	bool ended; /* it answered before, and its QEMU is gone */
};

void status_ask_open(struct status_ask *ask, const char *name);
void status_ask_close(struct status_ask *ask);
/* Asks. With `repair` folders that killed launchers left behind are repaired first: what is listed then has a
 * supervisor. */
void status_ask_all(struct status_ask *ask, bool repair);
/* The name of one of those that did not answer. */
const char *status_ask_get_silent(const struct status_ask *ask, guint place);
/* Says which did not answer and why. */
void status_ask_complain(const struct status_ask *ask);
/* True when all was readable and all answered. */
bool status_ask_is_fine(const struct status_ask *ask);
/* Repairs such folders alone. What is wrong with the run directory itself is not said. */
void status_ask_repair(void);

#endif
