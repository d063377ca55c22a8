/* SPDX-License-Identifier: MIT */
#ifndef QRT_SCHED_LAYERS_P_H
#define QRT_SCHED_LAYERS_P_H

#include <qrt/sched.h>

/* -EINVAL where the value holds a member that its layer may not set, or a value out of range. */
int qrt_sched_p_layer_check(enum qrt_sched_layer layer, const struct qrt_sched_layer_value *value);

/* The time limit of a layer that is set at now_ns with until_ns: INHERIT and LOCK get their longest
 * one where they have none or a later one. */
uint64_t qrt_sched_p_layer_until(enum qrt_sched_layer layer, uint64_t now_ns, uint64_t until_ns);

/* As qrt_sched_layers_resolve(), of layers that were checked. ORIGIN may be known in part: members that
 * nobody names are not set in the result then. */
struct qrt_sched_setting qrt_sched_p_layers_compose(const struct qrt_sched_layer_value *layers,
						    uint64_t now_ns);

#endif
