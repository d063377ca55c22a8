/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The driver `qrt`: devices of libqrt-block, with a queue for each AioContext that uses one. */
#ifndef QEMU_QRT_DRIVER_H
#define QEMU_QRT_DRIVER_H

#include <qrt/block.h>
#include "block/block_int.h"
#include "block/block-io.h" /* not a part of it in every version */
#include "block/thread-pool.h"

/* Requests at the same time, of each queue. */
#define QRT_DEPTH 128
/* Memory that is not aligned goes through buffers of this size. */
#define QRT_BOUNCE (128 * KiB)

typedef struct QrtQueue QrtQueue;

/* What is open, and is closed when the last of its queues is. */
typedef struct QrtDevice {
    struct qrt_block_device *device;
    struct qrt_block_device_info info; /* but for the capacity, which changes */
    int fd;
    unsigned refs;
    QSLIST_HEAD(, QrtQueue) queues;
} QrtDevice;

void qrt_device_unref(QrtDevice *device);
uint64_t qrt_device_capacity(const QrtDevice *device);
/* A request of this coroutine's, in its AioContext. 0 or a negative errno. */
int coroutine_fn qrt_device_request(QrtDevice *device, BlockDriverState *bs,
                                    struct qrt_block_request *request);
/* What waits in this thread's batch goes on its way. */
void qrt_device_submit(QrtDevice *device);
/* Has a queue in this context. */
int qrt_device_have_queue(QrtDevice *device, AioContext *ctx, Error **errp);
/* Without requests: leaves every context; close as well. */
void qrt_device_leave(QrtDevice *device);
void qrt_device_close(QrtDevice *device);

/* ---- a node ---- */

typedef struct {
    QrtDevice *device, *next; /* next: of a reopen that is under way */
    uint32_t priority, next_priority;
    uint64_t perm, shared;    /* what the locks say */
    bool has_no_locks;        /* the filesystem */
    int flush_error;          /* what was not flushed then is lost, whatever later flushes say */
    QemuMutex length;         /* held while it is looked at or changed */
} BDRVQrtState;

/* Takes what it knows from the options. */
QrtDevice *qrt_open(BlockDriverState *bs, QDict *options, int flags, uint32_t *ret_priority, Error **errp);

int coroutine_fn qrt_co_preadv(BlockDriverState *bs, int64_t offset, int64_t bytes, QEMUIOVector *qiov,
                               BdrvRequestFlags flags);
int coroutine_fn qrt_co_pwritev(BlockDriverState *bs, int64_t offset, int64_t bytes, QEMUIOVector *qiov,
                                BdrvRequestFlags flags);
int coroutine_fn qrt_co_pwrite_zeroes(BlockDriverState *bs, int64_t offset, int64_t bytes,
                                      BdrvRequestFlags flags);
int coroutine_fn qrt_co_pdiscard(BlockDriverState *bs, int64_t offset, int64_t bytes);
int coroutine_fn qrt_co_flush(BlockDriverState *bs);
int coroutine_fn qrt_co_truncate(BlockDriverState *bs, int64_t length, bool exact, PreallocMode prealloc,
                                 BdrvRequestFlags flags, Error **errp);
int coroutine_fn qrt_co_block_status(BlockDriverState *bs, bool want_zero, int64_t offset, int64_t bytes,
                                     int64_t *pnum, int64_t *map, BlockDriverState **file);
int64_t qrt_getlength(BlockDriverState *bs);

/* ---- locks ---- */

/* Locks of an open file: bytes for the permissions that it has, and for those that it lets nobody else have. */
int qrt_locks_set(int fd, uint64_t has, uint64_t denies);
/* A permission that others hold against these; 0: none. */
uint64_t qrt_locks_find_conflict(int fd, uint64_t has, uint64_t denies);

/* Where versions of QEMU differ. */
#if QEMU_VERSION_MAJOR < 9
#define qrt_bdrv_open bdrv_file_open
#define qrt_bdrv_getlength bdrv_getlength
#define qrt_bdrv_get_info bdrv_get_info
#define qrt_bdrv_get_allocated_file_size bdrv_get_allocated_file_size
#define qrt_set_fd_handler(ctx, fd, read, poll, opaque) \
    aio_set_fd_handler(ctx, fd, false, read, NULL, poll, read, opaque)
#define qrt_run_in_pool(bs, function, argument) \
    thread_pool_submit_co(aio_get_thread_pool(bdrv_get_aio_context(bs)), function, argument)
#define qrt_submit_soon(bs, function, queue) \
    do { \
        if (!qatomic_read(&(bs)->io_plugged)) { \
            function(queue); \
        } \
    } while (0)
#else
#include "qemu/defer-call.h"
#define qrt_bdrv_open bdrv_open
#define qrt_bdrv_getlength bdrv_co_getlength
#define qrt_bdrv_get_info bdrv_co_get_info
#define qrt_bdrv_get_allocated_file_size bdrv_co_get_allocated_file_size
#define qrt_set_fd_handler(ctx, fd, read, poll, opaque) \
    aio_set_fd_handler(ctx, fd, read, NULL, poll, read, opaque)
#define qrt_run_in_pool(bs, function, argument) thread_pool_submit_co(function, argument)
#define qrt_submit_soon(bs, function, queue) defer_call(function, queue)
#endif

#endif
