/* SPDX-License-Identifier: MIT */
/* What becomes of a VM's guest, as JSON lines for programs: `--events FILE`. */
#ifndef QRT_LAUNCHER_EVENTS_H
#define QRT_LAUNCHER_EVENTS_H

/* A file that is added to, or "-", standard output. Returns a descriptor; says what is wrong. */
int events_open(const char *path);
/* {"time": ..., "vm": ..., "event": ..., "from": ..., "to": ..., "why": ...}. Never waits. */
void events_tell(const char *vm, const char *event, const char *from, const char *to, const char *why);

#endif
