/* SPDX-License-Identifier: MIT */
/* The guest agent: it says what the guest is at and how it fares, and answers the host. */
#ifndef QRT_AGENT_H
#define QRT_AGENT_H

#include <qrt/shmem_guest.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>

#define EXIT_USAGE 2

void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* ---- the device (device.c) ---- */

struct device {
	struct qrt_shmem_guest guest; /* all zero before it is opened */
	struct qrt_shmem_view view;
	uint32_t slot, host; /* this guest's, and the host's */
};

struct device_choice {
	const char *address; /* of the PCI device; NULL: the only one */
	const char *file;    /* instead of a device */
	uint32_t slot, host;
	int has_slot;
};

/* Finds and maps it, unless it was by the call before. Complains. -EAGAIN: there is no layout in it yet. */
int device_open(const struct device_choice *choice, struct device *device);
void device_ring_host(const struct device *device);

/* ---- its interrupts (uio.c) ---- */

/* What can be polled for an interrupt: at the path, else the one that the device has by a driver; -1: none.
 */
int uio_open(const struct device *device, const char *path);
/* Takes what came. -1: none will come any more. */
int uio_take(int fd);

/* ---- what the guest is at (state.c) ---- */

/* "booting", ...; -1. */
int state_parse(const char *name);
const char *state_name(uint32_t state);
/* Says it, with one more beat, in the present life. -ESTALE: there is none. */
int state_say(const struct device *device, uint32_t state);

/* ---- what was said in this boot (remember.c) ---- */

int remember_state(const char *path, uint32_t state);
/* The state; -ENOENT: none was kept in this boot. */
int remember_recall(const char *path);

/* ---- how it fares (load.c) ---- */

struct load;

/* By the files in a folder that outlives it: /proc. */
struct load *load_new(const char *proc);
void load_free(struct load *load);
/* Publishes what is new since the last time. */
void load_publish(struct load *load, const struct device *device, uint32_t interval_ms);

/* ---- answers (answer.c, probe.c) ---- */

struct answerer;

struct answerer *answerer_new(const struct device *device);
void answerer_free(struct answerer *answerer);
/* Answers what the host asked since the last time. The host began anew, or the layout was cleaned: so does
 * it. */
void answerer_look(struct answerer *answerer);

/* Before anything is measured: the thread that will. Returns what is readable when one ended, for poll(2). */
int probe_start(void);
/* Begins a measurement in it. -EBUSY: one is running; -EINVAL. */
int probe_begin(const struct qrt_shmem_agent_probe *probe);
/* 1: *ret_result is that of one that ended. */
int probe_end(struct qrt_shmem_agent_result *ret_result);

/* ---- the line to a running agent (control.c) ---- */

/* A socket at which others say what the guest is at; -1. */
int control_listen(const char *path);
/* What was said: a state; -EAGAIN: nothing. */
int control_take(int fd);
/* Says it to the agent that runs. -ENOENT: none does. */
int control_say(const char *path, uint32_t state);

#endif
