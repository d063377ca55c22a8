/* SPDX-License-Identifier: MIT */
/* How the launcher speaks while it supervises a VM: nobody who does not read holds it up. */
#ifndef QRT_LAUNCHER_VOICE_H
#define QRT_LAUNCHER_VOICE_H

#include <glib.h>

/* A thread writes to standard error from here on, and one to the system's log. Where there can be none it is
 * as before. */
void voice_open(void);
/* Waits until all is out, or until it is clear that nobody reads. Nothing more is said after that. */
void voice_flush(void);
/* One line with its end. Never waits while a thread writes; what there is no room for is lost, and counted.
 */
void voice_say(const char *line);
/* The same for the system's log, as a warning. */
void voice_log(const char *line);

/* The same for programs, to this descriptor once it is there; before that nothing is told. It
 * stays open as long as the process does. */
void voice_open_events(int fd);
void voice_tell(const char *line);

/* For what this thread tries again and again: a line that is in the set already is not said. NULL: all are.
 * The set is of strings that it frees by g_free(). */
void voice_remember(GHashTable *said);

#endif
