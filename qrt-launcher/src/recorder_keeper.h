/* SPDX-License-Identifier: MIT */
/* Brings recordings to their folder, on a thread that is not urgent: a disk may take as long as it likes. */
#ifndef QRT_LAUNCHER_RECORDER_KEEPER_H
#define QRT_LAUNCHER_RECORDER_KEEPER_H

#include "action.h"
#include "recording.h"

#include <stdbool.h>
#include <stdint.h>

/* One recording, and what follows when it is in its file. */
struct recorder_keep {
	struct recording recording;
	struct recorder_thread thread; /* that waited */
	uint64_t delay_ns;
	bool log;
	size_t commands_count;
	const char *commands[ACTIONS_MAX];
};

struct recorder_keeper;

/* to_log: its words go to the system's log, with the VM's name; else to standard error. */
struct recorder_keeper *recorder_keeper_open(const char *vm_name, bool to_log);
/* Where recordings go; without it, or where it cannot be had, which is said, they go nowhere. */
void recorder_keeper_use_folder(struct recorder_keeper *keeper, const char *path, int run_fd);
/* While the last one is on its way. */
bool recorder_keeper_is_busy(const struct recorder_keeper *keeper);
/* At each look: frees what the last one left. The thread frees nothing of the caller's: it would hold the
 * lock of the caller's memory below the VM. */
void recorder_keeper_tidy(struct recorder_keeper *keeper);
/* Takes one, and frees it later. Not while it is busy. A negative errno where there can be no thread, after a
 * word, which is not said again until there was one. */
int recorder_keeper_start(struct recorder_keeper *keeper, struct recorder_keep *keep);
void recorder_keeper_say(const struct recorder_keeper *keeper, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Waits for the one that is on its way, but not for ever: where its disk hangs it is left behind, with a
 * word. */
struct recorder_keeper *recorder_keeper_close(struct recorder_keeper *keeper);

#endif
