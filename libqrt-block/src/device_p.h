/* SPDX-License-Identifier: MIT */
/* A device's insides, and its parts. */
#ifndef QRT_BLOCK_DEVICE_P_H
#define QRT_BLOCK_DEVICE_P_H

#include "error_p.h"
#include "mailbox_p.h"
#include "pool_p.h"
#include "ranges_p.h"

#define QRT_BLOCK_P_ZEROES     65536u
#define QRT_BLOCK_P_PAGE       4096u
#define QRT_BLOCK_P_LENGTH_MAX (1ull << 30)
#define QRT_BLOCK_P_DEPTH      128u /* of a queue, where nothing else is said */

#define QRT_BLOCK_P_LOCKED_WORDS "so much memory may not be locked (ulimit -l)"

enum qrt_block_p_at_once { QRT_BLOCK_P_UNTRIED, QRT_BLOCK_P_HAS, QRT_BLOCK_P_HAS_NOT };

struct qrt_block_p_power;
struct qrt_block_p_qcow2;
struct qrt_block_p_engine;

struct qrt_block_device {
	int fd; /* -1: memory, or an image of another format than raw */
	uint32_t engine, flags, lock;
	uint32_t is_block_device;
	uint32_t alignment, memory_alignment;
	_Atomic uint64_t capacity;
	char *made;                      /* a file that is removed where opening fails */
	void *memory;                    /* engine MEMORY */
	struct qrt_block_p_qcow2 *qcow2; /* its files; NULL: raw */
	void *zeroes;                    /* QRT_BLOCK_P_ZEROES of them, aligned */
	uint32_t workers_max;            /* a worker for each request that queues have room for, up to this */
	uint32_t requests_max, mailboxes_count;
	/* io_uring's that are open. A new one may get the memory of another thread's that was just closed:
	 * what that one did with it is over, and this says so to the one that goes on there. */
	_Atomic uint32_t rings;
	uint32_t is_any_engine;    /* AUTO: a queue that can have no ring takes another engine */
	_Atomic uint32_t ringless; /* queues that did */
	_Atomic uint32_t requests; /* depth of all queues */
	/* Whether the filesystem has reads, [0], and writes, [1], of the page cache that do not wait. */
	_Atomic uint32_t at_once[2]; /* enum qrt_block_p_at_once */
	struct qrt_block_throttle *throttles[2];
	struct qrt_block_p_ranges ranges; /* of those that change it, where it takes whole blocks only */
	struct qrt_block_p_pool pool;
	struct qrt_block_p_mailbox *mailboxes;
	struct qrt_block_fault_config fault;     /* size 0: none */
	struct qrt_block_p_power *power;         /* with QRT_BLOCK_FAULT_POWER */
	struct qrt_block_p_engine *fault_engine; /* of its one queue, of a device with faults */
	char reason[160];
};

/* ---- file (device_file.c) ---- */

/* Opens or makes the file of the configuration: fd, flags, capacity and alignment. */
int qrt_block_p_file_open(struct qrt_block_device *device, const struct qrt_block_device_config *config,
			  struct qrt_block_error *reterr);
/* When nothing else can go wrong: where its open file is the caller's, too, closing it takes the locks away
 * from others who have that. */
int qrt_block_p_file_lock(struct qrt_block_device *device, const struct qrt_block_device_config *config,
			  struct qrt_block_error *reterr);
void qrt_block_p_file_close(struct qrt_block_device *device);
/* Bytes of what is open, or a negative errno. */
int64_t qrt_block_p_file_length(const struct qrt_block_device *device);
/* Adds a word to the reason, which says why things are as they are. */
void qrt_block_p_device_note(struct qrt_block_device *device, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* ---- lock (device_lock.c) ---- */

/* Takes the locks that flags ask for, and says which. -EAGAIN: others have it. */
int qrt_block_p_lock(struct qrt_block_device *device, const char *name, struct qrt_block_error *reterr);
void qrt_block_p_unlock(struct qrt_block_device *device);

/* ---- choice of an engine (device_engine.c) ---- */

int qrt_block_p_device_choose(struct qrt_block_device *device, uint32_t engine,
			      struct qrt_block_error *reterr);

/* ---- memory, and content for faults: whole sectors, at once (device_memory.c) ---- */

int qrt_block_p_device_peek(const struct qrt_block_device *device, uint64_t offset, void *bytes,
			    uint64_t length);
int qrt_block_p_device_poke(struct qrt_block_device *device, uint64_t offset, const void *bytes,
			    uint64_t length);
int qrt_block_p_memory_open(struct qrt_block_device *device, const struct qrt_block_device_config *config,
			    struct qrt_block_error *reterr);
void qrt_block_p_memory_close(struct qrt_block_device *device);

#endif
