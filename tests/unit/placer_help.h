/* SPDX-License-Identifier: MIT */
/* A placer of a made-up kernel, with the supervisor's end of its line. */
#ifndef QRT_TESTS_PLACER_HELP_H
#define QRT_TESTS_PLACER_HELP_H

#include <qrt/sched.h>

extern struct qrt_sched_plan *plan;
extern struct qrt_sched_placer *placer;
extern int line; /* -1: there is none */

void placer_begin(int with_broker);
void placer_begin_with(int with_broker, uint32_t timeout_ms);
/* With a plan of its own, and QRT_SCHED_PLACER_* flags. */
void placer_begin_plan(const char *text, int with_broker, uint32_t flags);
void placer_end(void);
/* The next message on the line. */
struct qrt_sched_broker_message placer_receive(void);
/* Whether there is none. */
int placer_is_silent(void);

#endif
