/* SPDX-License-Identifier: MIT */
#ifndef QRT_AGENT_RUN_H
#define QRT_AGENT_RUN_H

struct device;
struct options;

/* Until a signal ends it: the exit code. */
int run(const struct device *device, const struct options *options);

#endif
