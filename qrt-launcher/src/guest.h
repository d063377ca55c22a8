/* SPDX-License-Identifier: MIT */
/* What a VM's guest is at, and how its threads run meanwhile. NULL for a VM without --agent everywhere. */
#ifndef QRT_LAUNCHER_GUEST_H
#define QRT_LAUNCHER_GUEST_H

#include "guest_ask.h"

#include <json-glib/json-glib.h>

struct agent_link;
struct guest;
struct supervisor;

/* Of supervisor->agent; its threads are lowered from the first one on. NULL: it has none. */
struct guest *guest_open(struct supervisor *supervisor);
struct guest *guest_close(struct guest *guest);
/* Looks what it says, and what that means for its threads: again and again; what it rings for comes sooner.
 */
void guest_look(struct guest *guest);
/* What QEMU says of it: "RESET", "SHUTDOWN", and why. */
void guest_take_event(struct guest *guest, const char *event, const char *reason);
/* Adds the member "guest". */
void guest_build(const struct guest *guest, JsonBuilder *builder);
/* That member as a line for people, freed by g_free(). */
char *guest_format(JsonObject *guest);

/* Asks it what the request says. NULL: told() comes later; else the answer, a line that is freed by g_free().
 */
char *guest_answer(struct guest *guest, JsonObject *request, guest_ask_told *told, void *data);
/* What told() is told, as such a line. */
char *guest_answer_format(const struct guest *guest, const struct guest_ask_answer *answer);
/* told() is not called with this data any more. */
void guest_answer_forget(struct guest *guest, const void *data);

#endif
