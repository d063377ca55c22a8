/* SPDX-License-Identifier: MIT */
/* What a plan says of the whole VM, and whether it is so. */
#ifndef QRT_LAUNCHER_STATUS_GLOBALS_H
#define QRT_LAUNCHER_STATUS_GLOBALS_H

#include <json-glib/json-glib.h>
#include <qrt/sched.h>
#include <stdbool.h>

struct supervisor;

struct status_globals {
	struct qrt_sched_globals planned;
	int inside; /* the library is at work in QEMU: 1, 0; -1: not known */
	int pool;   /* QEMU keeps as many workers as planned: 1, 0; -1: not known */
	/* Bytes of QEMU: locked, and its program, libraries and stack, which are locked where all is. */
	struct status_memory {
		bool is_known;
		uint64_t locked, least;
	} memory;
};

void status_globals_read(const struct supervisor *supervisor, struct status_globals *ret_globals);
/* Takes the figures out of the text of /proc/PID/status. */
void status_globals_parse_memory(const char *text, struct status_memory *ret_memory);

/* Adds the member "globals". */
void status_globals_build(const struct status_globals *globals, JsonBuilder *builder);
/* That member as a line for people, freed by g_free(). */
char *status_globals_format(JsonObject *globals);

#endif
