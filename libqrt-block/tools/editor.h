/* SPDX-License-Identifier: MIT */
/* Lines of a terminal, which are edited; editor_absent.c is for builds without that. */
#ifndef QRT_IO_EDITOR_H
#define QRT_IO_EDITOR_H

#include "session.h"

struct editor;

/* Standard input and output are a terminal. NULL: this build has none. */
struct editor *editor_open(struct session *session);
/* NULL is fine; returns NULL. */
struct editor *editor_close(struct editor *editor);
/* NULL: there is none any more. Tells meanwhile what is done. */
char *editor_take_line(struct editor *editor);

#endif
