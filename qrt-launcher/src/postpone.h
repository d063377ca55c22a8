/* SPDX-License-Identifier: MIT */
/* Signals that would end the launcher in the middle of changes of the host wait until these are done. */
#ifndef QRT_LAUNCHER_POSTPONE_H
#define QRT_LAUNCHER_POSTPONE_H

#include <signal.h>
#include <stdbool.h>

/* They wait from here on; ret_before is for postpone_end(). Inside another one it changes nothing. */
void postpone_begin(sigset_t *ret_before);
/* Delivers those that waited, unless `before` says that they wait on: the process may end here. */
void postpone_end(const sigset_t *before);
/* True when one waits that would end the process. */
bool postpone_has_one(void);

#endif
