/* SPDX-License-Identifier: MIT */
/*
 * libqrt-block: disks for real-time virtual machines.
 *
 * A device is a file, a block device or memory, with an engine that does its input and output. A queue takes
 * requests with a priority and a deadline, and gives each of them back by one pollable descriptor. No thread
 * comes or goes after a device was opened, and submit and harvest allocate nothing.
 *
 * Every call is marked [setup] or [rt]. An [rt] call does not allocate, log, or wait for another thread, and
 * its time is bounded by the number of requests in the queue. Every int result is >= 0 on success and a
 * negative errno on failure. ret_* are written on success only, reterr (which may be NULL) on failure only.
 * A handle is used by one thread at a time; queues of one device may be used by different threads at the same
 * time, and so may the device's calls but close. A config struct starts with its size; zero in a member is
 * the default.
 *
 * The library never exits, aborts on input, prints, installs signal handlers, or keeps global mutable state,
 * and starts threads only by the thread operations of a device's configuration.
 */
#ifndef QRT_BLOCK_H
#define QRT_BLOCK_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define QRT_BLOCK_API __attribute__((visibility("default")))
#else
#define QRT_BLOCK_API
#endif

/* The library's version as "MAJOR.MINOR.PATCH". [rt] */
QRT_BLOCK_API const char *qrt_block_version(void);

/* What went wrong in a setup call, for a person: one line without a newline at its end. */
struct qrt_block_error {
	int32_t code;      /* the negative errno that the call returned */
	char message[252]; /* names the thing and the remedy */
};

/* ---- priorities ---- */

enum qrt_block_priority {
	QRT_BLOCK_NORMAL,
	QRT_BLOCK_URGENT, /* before all others */
	QRT_BLOCK_LOW,    /* after all others */
	QRT_BLOCK_PRIORITIES,
};

/* ---- threads ---- */

enum qrt_block_role {
	QRT_BLOCK_ROLE_WORKER, /* does what blocks */
};

struct qrt_block_thread {
	uint32_t role;  /* enum qrt_block_role */
	uint32_t index; /* 0, 1, ... */
	void *(*run)(void *argument);
	void *argument;
	uint64_t stack_bytes; /* what it needs at least */
};

/* Where the library's threads come from. Workers live from the opening of a device to its closing. */
struct qrt_block_thread_operations {
	uint32_t size;
	uint32_t reserved;
	/* Starts one, and says in *ret_thread what it is called from then on; 0 or a negative errno. */
	int (*create)(void *data, const struct qrt_block_thread *thread, void **ret_thread);
	void (*join)(void *data, void *handle);
	/* It works, or others wait for it to work, at that priority now; from any thread, and often. May be
	 * NULL. */
	void (*set_urgency)(void *data, void *handle, uint32_t priority);
	void *data;
};

/* ---- faults, for tests ---- */

#define QRT_BLOCK_FAULT_POWER 1u /* what no flush made safe is lost by qrt_block_device_cut_power() */

/* What goes wrong, by chance. Rates are of 1000 requests. */
struct qrt_block_fault_config {
	uint32_t size;
	uint32_t flags; /* QRT_BLOCK_FAULT_* */
	uint64_t seed;  /* the same seed and the same calls: the same faults, as far as engines allow */
	uint32_t kinds; /* which: bit 1 << enum qrt_block_kind; 0: all */
	uint32_t error_rate;
	uint32_t torn_rate;    /* writes: a part is written, and -EIO says so */
	uint32_t short_rate;   /* reads and writes: in two steps, which nobody sees */
	uint32_t reorder_rate; /* the next one overtakes it */
	uint32_t delay_rate;
	uint64_t delay_min_ns, delay_max_ns;
};

/* ---- throttle ---- */

/* So much a second, for one device or for several that share it. */
struct qrt_block_throttle_config {
	uint32_t size;
	uint32_t reserved;
	uint64_t requests, bytes; /* a second; 0: no limit */
	/* At once, after a rest; 0: a tenth of a second's worth. A request, however large, goes when less
	 * than that is left of those before it. */
	uint64_t requests_burst, bytes_burst;
};

struct qrt_block_throttle;

/* -EINVAL: no size; -E2BIG, -ENOMEM. [setup] */
QRT_BLOCK_API int qrt_block_throttle_open(const struct qrt_block_throttle_config *config,
					  struct qrt_block_throttle **ret_throttle,
					  struct qrt_block_error *reterr);
/* Devices that have it must be closed. NULL is fine; returns NULL. [setup] */
QRT_BLOCK_API struct qrt_block_throttle *qrt_block_throttle_close(struct qrt_block_throttle *throttle);
/* Other limits from now on, by any thread. -EINVAL, -E2BIG. [rt] */
QRT_BLOCK_API int qrt_block_throttle_set(struct qrt_block_throttle *throttle,
					 const struct qrt_block_throttle_config *config);

/* ---- device ---- */

enum qrt_block_format {
	QRT_BLOCK_FORMAT_RAW,
	QRT_BLOCK_FORMAT_QCOW2, /* with READ_ONLY */
};

enum qrt_block_engine {
	QRT_BLOCK_ENGINE_AUTO,     /* the first that works of io_uring, libaio (with DIRECT), threads */
	QRT_BLOCK_ENGINE_THREADS,  /* workers, and what is cached at once */
	QRT_BLOCK_ENGINE_LIBAIO,   /* the kernel's asynchronous I/O: with DIRECT */
	QRT_BLOCK_ENGINE_IO_URING, /* a ring of the kernel's for each queue */
	QRT_BLOCK_ENGINE_MEMORY,   /* no file: zeroes at first, gone in the end */
};

#define QRT_BLOCK_DEVICE_READ_ONLY 1u
#define QRT_BLOCK_DEVICE_DIRECT    2u  /* past the page cache, where the filesystem can */
#define QRT_BLOCK_DEVICE_CREATE    4u  /* makes the file, of `capacity` bytes; one that exists is -EEXIST */
#define QRT_BLOCK_DEVICE_SHARE     8u  /* others may write to it meanwhile */
#define QRT_BLOCK_DEVICE_NO_LOCKS  16u /* takes none, and looks for none: who opened it sees to that */
#define QRT_BLOCK_DEVICE_BACKING   32u /* QCOW2: files that the image names are opened, too */

struct qrt_block_device_config {
	uint32_t size;
	uint32_t engine;   /* enum qrt_block_engine */
	uint32_t flags;    /* QRT_BLOCK_DEVICE_* */
	uint32_t workers;  /* 0: THREADS: 4, and as many as its queues have room for; IO_URING: 4; LIBAIO: 1;
			      at most 64 */
	const char *path;  /* a file or block device */
	int32_t fd;        /* path NULL: what is open already; see the manual */
	uint32_t requests; /* of all queues together; 0: 1024; at most 65536 */
	uint32_t queues;   /* at most so many at the same time; 0: 16; at most 1024 */
	uint32_t mode;     /* CREATE: permissions; 0: 0600, the umask does not count */
	uint64_t capacity; /* MEMORY and CREATE: bytes */
	const struct qrt_block_thread_operations *threads; /* NULL: plain threads of the default policy */
	const struct qrt_block_fault_config *fault;        /* NULL: none */
	struct qrt_block_throttle *throttles[2]; /* both hold: its own, and one that it shares; NULL: none */
	uint32_t format;                         /* enum qrt_block_format; never guessed */
	uint32_t reserved;
};

struct qrt_block_device;

/* Opens it, locks it such that a QEMU sees, and starts its workers. -EINVAL, -E2BIG, -ENOMEM; -EAGAIN:
 * somebody else has it in a way that does not go with this one; -EOPNOTSUPP: this build or kernel has no such
 * engine, or the image needs what is not read; -EROFS: the format is read only; -EPERM: it names a backing
 * file, and BACKING is not set; -ELOOP: a chain of those that is too long, or has no end; and what open(2)
 * says. [setup] */
QRT_BLOCK_API int qrt_block_device_open(const struct qrt_block_device_config *config,
					struct qrt_block_device **ret_device, struct qrt_block_error *reterr);
/* Its queues must be closed. Ends the workers. NULL is fine; returns NULL. [setup] */
QRT_BLOCK_API struct qrt_block_device *qrt_block_device_close(struct qrt_block_device *device);

enum qrt_block_lock {
	QRT_BLOCK_LOCK_NONE,  /* memory, SHARE with READ_ONLY, NO_LOCKS, or a filesystem without locks */
	QRT_BLOCK_LOCK_READ,  /* nobody else may write */
	QRT_BLOCK_LOCK_WRITE, /* nobody else may write, or read what must not change */
	QRT_BLOCK_LOCK_SHARE, /* this one writes, and lets others */
};

struct qrt_block_device_info {
	uint32_t size;
	uint32_t engine; /* enum qrt_block_engine, not AUTO */
	uint32_t flags;  /* QRT_BLOCK_DEVICE_* in force: without DIRECT where the filesystem has none */
	uint32_t lock;   /* enum qrt_block_lock */
	uint64_t capacity;
	uint32_t alignment;        /* offsets and lengths are best multiples of it; others cost more */
	uint32_t memory_alignment; /* buffers that are not go by way of a bounce buffer */
	uint32_t is_block_device;
	uint32_t workers;
	uint64_t length_max; /* of a request */
	char reason[160];    /* why this engine, and why without DIRECT, for a person */
	uint32_t format;     /* enum qrt_block_format */
	uint32_t layers;     /* files: 1, and those below it */
};

/* -EINVAL: no size. [rt] */
QRT_BLOCK_API int qrt_block_device_get_info(const struct qrt_block_device *device,
					    struct qrt_block_device_info *ret_info);
/* Makes it longer or shorter; what is cut off is lost, and requests that wait for their turn there end with
 * an error; writes that the engine has already may make it longer again. -EOPNOTSUPP: a block device or
 * memory; -EROFS; -EINVAL: no multiple of the alignment. [setup] */
QRT_BLOCK_API int qrt_block_device_resize(struct qrt_block_device *device, uint64_t capacity,
					  struct qrt_block_error *reterr);
/* Looks again how long it is, after others have changed that. [setup] */
QRT_BLOCK_API int qrt_block_device_refresh(struct qrt_block_device *device, struct qrt_block_error *reterr);

struct qrt_block_extent {
	uint64_t offset, length;
	uint32_t is_hole; /* reads as zeroes, and takes no space */
	uint32_t reserved;
};

/* What is data and what is hole from offset on for length bytes: up to max, one after the other; returns how
 * many. Where a filesystem does not say, all is data. -EINVAL: past the end; -EIO. [setup] */
QRT_BLOCK_API int qrt_block_device_list_extents(const struct qrt_block_device *device, uint64_t offset,
						uint64_t length, struct qrt_block_extent *ret_extents,
						size_t max);
/* With QRT_BLOCK_FAULT_POWER: each sector that was written since the last flush is as it was then, or as it
 * was written, by chance; requests that faults hold up end with -EIO. -EBUSY: others are on their way;
 * -EOPNOTSUPP: without that fault. By the thread that uses the device's queue. [setup] */
QRT_BLOCK_API int qrt_block_device_cut_power(struct qrt_block_device *device);

/* ---- requests ---- */

enum qrt_block_kind {
	QRT_BLOCK_READ,   /* length bytes to buffer */
	QRT_BLOCK_WRITE,  /* length bytes from buffer */
	QRT_BLOCK_READV,  /* the same with iov, whose sum is the length; `length` is 0 or that sum */
	QRT_BLOCK_WRITEV, /* iov */
	QRT_BLOCK_FLUSH,  /* all writes that were harvested before are safe */
	QRT_BLOCK_WRITE_ZEROES,
	QRT_BLOCK_DISCARD, /* its content is not needed any more, and may be anything; a hint */
	QRT_BLOCK_KINDS,
};

#define QRT_BLOCK_FUA    1u /* writes: is safe when it is done, as with a flush for it alone */
#define QRT_BLOCK_BOUNCE 2u /* reads and writes: by a buffer of the library's; DONE, its memory is free */
#define QRT_BLOCK_UNMAP  4u /* zeroes: their space may be given back */

struct qrt_block_request {
	uint32_t kind;      /* enum qrt_block_kind */
	uint32_t flags;     /* QRT_BLOCK_FUA, QRT_BLOCK_BOUNCE, QRT_BLOCK_UNMAP */
	uint32_t priority;  /* enum qrt_block_priority */
	uint32_t iov_count; /* READV, WRITEV */
	uint64_t offset, length;
	void *buffer;            /* READ, WRITE: the library's until the request is done and not HELD */
	const struct iovec *iov; /* is copied; the buffers are as above */
	uint64_t deadline_ns;    /* CLOCK_MONOTONIC; 0: none */
	void *user;              /* comes back with it */
	uint64_t id;             /* written by submit: for cancel() */
	uint64_t reserved[2];    /* 0 */
};

enum qrt_block_completion_kind {
	QRT_BLOCK_DONE,     /* once for each request */
	QRT_BLOCK_RELEASED, /* after a DONE that was HELD: it is over */
};

/* DONE, and the kernel still has it: a change may land until RELEASED, which will follow, over what is
 * written there meanwhile; and without BOUNCE its buffers are in use. */
#define QRT_BLOCK_HELD 1u

/* Why a request has no good result. */
enum qrt_block_detail {
	QRT_BLOCK_DETAIL_NONE,
	QRT_BLOCK_DETAIL_KIND,      /* -EINVAL: no such kind, flag or priority, or reserved is not 0 */
	QRT_BLOCK_DETAIL_EMPTY,     /* -EINVAL: 0 bytes */
	QRT_BLOCK_DETAIL_LENGTH,    /* -EINVAL: more than length_max, or not what iov has */
	QRT_BLOCK_DETAIL_OFFSET,    /* -EINVAL: an end past 2^63 */
	QRT_BLOCK_DETAIL_END,       /* -EINVAL: past the device's end */
	QRT_BLOCK_DETAIL_IOV,       /* -EINVAL: too many parts, or none, or one without memory */
	QRT_BLOCK_DETAIL_READ_ONLY, /* -EROFS */
	QRT_BLOCK_DETAIL_DEADLINE,  /* -ETIME */
	QRT_BLOCK_DETAIL_CANCELLED, /* -ECANCELED */
	QRT_BLOCK_DETAIL_TRUNCATED, /* -EIO: the file is shorter than when it was opened */
	QRT_BLOCK_DETAIL_SPACE,     /* -ENOSPC, -EDQUOT: the filesystem is full */
	QRT_BLOCK_DETAIL_GONE,      /* -ENXIO, -ENODEV: the device is not there any more; -ENOTCONN,
				       -ECONNABORTED, -ESTALE: nor is the server of its filesystem */
	QRT_BLOCK_DETAIL_DEVICE,    /* -EIO and all else that the kernel says */
	QRT_BLOCK_DETAIL_DAMAGED,   /* -EUCLEAN: the image's own tables are wrong */
	QRT_BLOCK_DETAILS,
};

/* The same as a sentence; NULL: no such detail. [rt] */
QRT_BLOCK_API const char *qrt_block_detail_text(uint32_t detail);

struct qrt_block_completion {
	uint64_t id;
	void *user;
	int64_t result;    /* bytes of a read or write, 0 of others; a negative errno */
	uint32_t kind;     /* enum qrt_block_completion_kind */
	uint32_t flags;    /* QRT_BLOCK_HELD */
	uint32_t detail;   /* enum qrt_block_detail */
	uint32_t priority; /* enum qrt_block_priority */
	/* CLOCK_MONOTONIC: taken by submit, handed to the engine (0: never), back from it. */
	uint64_t submitted_ns, started_ns, done_ns;
	uint64_t reserved[2];
};

/* ---- queue ---- */

#define QRT_BLOCK_QUEUE_ONE_THREAD 1u /* one thread alone submits, harvests, cancels, drains */
#define QRT_BLOCK_QUEUE_BLOCKING   2u /* who submits does the requests itself: for who would wait anyway */
#define QRT_BLOCK_QUEUE_HARVESTED  4u /* after each submit, before one waits: that one need not say more */

struct qrt_block_queue_config {
	uint32_t size;
	uint32_t flags;                        /* QRT_BLOCK_QUEUE_* */
	uint32_t depth;                        /* requests at the same time; 0: 128; at most 4096 */
	uint32_t iov_max;                      /* parts of one request; 0: 64; at most 1024 */
	uint32_t bounces;                      /* for what is not aligned; of several one for URGENT; 0: 8 */
	uint32_t bounce_bytes;                 /* each; longer ones take several turns; 0: 1 MiB */
	uint32_t bounds[QRT_BLOCK_PRIORITIES]; /* of each priority so many at the engine; 0: depth */
	uint32_t reserved;
};

struct qrt_block_queue;

/* -EINVAL, -E2BIG, -ENOMEM, -EMFILE; -ENOSPC: the device has not so many queues or requests. [setup] */
QRT_BLOCK_API int qrt_block_queue_open(struct qrt_block_device *device,
				       const struct qrt_block_queue_config *config,
				       struct qrt_block_queue **ret_queue, struct qrt_block_error *reterr);
/* Waits for what the kernel has; what is harvested by nobody is lost. NULL is fine; returns NULL. [setup] */
QRT_BLOCK_API struct qrt_block_queue *qrt_block_queue_close(struct qrt_block_queue *queue);
/* Readable when there is something to harvest or to do, and perhaps until a harvest has found nothing;
 * constant. [rt] */
QRT_BLOCK_API int qrt_block_queue_get_fd(const struct qrt_block_queue *queue);
/* Off (0): who harvests again and again, without waiting, need not be told, and the descriptor does not say
 * what workers have done. On again (1): after one more harvest it says all. Without a system call. 0. [rt] */
QRT_BLOCK_API int qrt_block_queue_enable_fd(struct qrt_block_queue *queue, int is_enabled);
/* Memory that requests will use again and again: an engine that can has it at hand then (IO_URING: pinned
 * once, not for each request). In place of what was given before; it stays where it is until the queue is
 * closed or this is called again, count 0: none. At most 1024. Requests may use other memory all the same.
 * -EINVAL: they overlap, or one has no memory; -EBUSY: requests are on their way; -ENOMEM: there is none, or
 * so much must not be locked, and none is at hand. [setup] */
QRT_BLOCK_API int qrt_block_queue_set_buffers(struct qrt_block_queue *queue, const struct iovec *buffers,
					      uint32_t count, struct qrt_block_error *reterr);
/* Takes requests, as many as the depth has room for; returns how many. Each of those comes back as DONE, what
 * is wrong with it too. -EAGAIN: no room. With BLOCKING they are done when it returns, but for those that a
 * throttle holds up, which a harvest does. [rt, but with BLOCKING setup, as harvest is then] */
QRT_BLOCK_API int qrt_block_queue_submit(struct qrt_block_queue *queue, struct qrt_block_request *requests,
					 size_t count);
/* What is done, without waiting, up to max; returns how many. Deadlines are looked after here. [rt] */
QRT_BLOCK_API int qrt_block_queue_harvest(struct qrt_block_queue *queue,
					  struct qrt_block_completion *ret_completions, size_t max);
/* Ends a request with -ECANCELED, to be harvested. -ENOENT: it is done, or there was none. [rt] */
QRT_BLOCK_API int qrt_block_queue_cancel(struct qrt_block_queue *queue, uint64_t id);
/* Waits until the kernel has no request of the queue's; they are there to be harvested. timeout_ms < 0: for
 * ever. -ETIMEDOUT. [setup] */
QRT_BLOCK_API int qrt_block_queue_drain(struct qrt_block_queue *queue, int timeout_ms);

#define QRT_BLOCK_LATENCIES 64u

struct qrt_block_priority_statistics {
	uint64_t queued;    /* now: not yet handed to the engine */
	uint64_t in_flight; /* now: the engine has them */
	uint64_t done, failed, late, cancelled, refused;
	/* How many took how long from submit to done: those of [n] took 2^(n/2) ns or more, for odd n
	 * 3 * 2^((n-3)/2), and less than [n + 1]; the last one has all that took longer. */
	uint64_t latency[QRT_BLOCK_LATENCIES];
};

struct qrt_block_queue_statistics {
	uint32_t size;
	uint32_t bounces_max; /* bounce buffers that were in use at the same time */
	struct qrt_block_priority_statistics priorities[QRT_BLOCK_PRIORITIES];
};

/* -EINVAL: no size. [rt] */
QRT_BLOCK_API int qrt_block_queue_get_statistics(const struct qrt_block_queue *queue,
						 struct qrt_block_queue_statistics *ret_statistics);

#ifdef __cplusplus
}
#endif

#endif /* QRT_BLOCK_H */
