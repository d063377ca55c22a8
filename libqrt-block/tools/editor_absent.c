/* SPDX-License-Identifier: MIT */
/* Without libedit: the terminal's own editing, with no history. */
#include "editor.h"

struct editor *editor_open(struct session *session)
{
	(void)session;
	return NULL;
}

struct editor *editor_close(struct editor *editor)
{
	(void)editor;
	return NULL;
}

char *editor_take_line(struct editor *editor)
{
	(void)editor;
	return NULL;
}
