/* SPDX-License-Identifier: MIT */
/* The two halves of QEMU's monitor: who asks, and what the answers say. */
#ifndef QRT_LAUNCHER_QMP_P_H
#define QRT_LAUNCHER_QMP_P_H

#include <json-glib/json-glib.h>

struct supervisor;

void qmp_take_status(struct supervisor *supervisor, JsonObject *message);
void qmp_take_kvm(struct supervisor *supervisor, JsonObject *message);
void qmp_take_cpus(struct supervisor *supervisor, JsonObject *message);
void qmp_take_iothreads(struct supervisor *supervisor, JsonObject *message);
void qmp_take_stop(struct supervisor *supervisor, JsonObject *message);
/* It refused. */
void qmp_take_no_stop(struct supervisor *supervisor, JsonObject *message);

#endif
