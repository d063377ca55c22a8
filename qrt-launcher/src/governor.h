/* SPDX-License-Identifier: MIT */
/*
 * What keeps a VM within its CPU budgets, its weight, and the host usable: a thread above every plan that
 * looks what the VM's threads use, drops those that are over to time sharing, and gives them back what they
 * had. The supervisor, which stands below the VM, puts the same into their layers when it has its turn.
 */
#ifndef QRT_LAUNCHER_GOVERNOR_H
#define QRT_LAUNCHER_GOVERNOR_H

#include <json-glib/json-glib.h>
#include <stdbool.h>

struct governor;
struct plan_request;
struct supervisor;
struct watched;

/* Refuses, as a finding, what no governor could hold. */
void governor_judge(struct plan_request *request);

/* NULL where none of the VM's threads is real-time: there is nothing to drop. */
struct governor *governor_open(struct supervisor *supervisor);
struct governor *governor_close(struct governor *governor);

/* All take NULL. The thread entered a role. True when that changed its layer. */
bool governor_tell(struct governor *governor, struct watched *watched);
/* True when the verdict on the thread is another one than its layer says; now it says the same. */
bool governor_ask(struct governor *governor, struct watched *watched);
/* Gives all threads what was decided on them since. */
void governor_sync(struct governor *governor);

/* Adds member "governor". */
void governor_build(struct governor *governor, JsonBuilder *builder);
/* That member in words, a line; freed by g_free(). */
char *governor_format(JsonObject *member);

#endif
