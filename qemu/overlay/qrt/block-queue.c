/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Devices of libqrt-block, and their queues: one for each AioContext, used by that one's thread alone. */
#include "qemu/osdep.h"
#include "driver.h"
#include "block/aio.h"
#include "qapi/error.h"
#include "qemu/coroutine.h"
#include "qemu/main-loop.h"
#include "qemu/thread.h"
#include "qemu/units.h"

#define DEPTH 128
#define HARVEST 32

typedef struct {
    Coroutine *co;
    int ret;
    bool is_waiting, is_done;
} QrtWait;

struct QrtQueue {
    QrtDevice *device;
    AioContext *ctx;
    struct qrt_block_queue *queue;
    QEMUBH *again;  /* goes on in an event loop inside of this one */
    CoQueue room;
    unsigned refs;  /* of its thread's */
    unsigned in_flight, batched, harvested, woken;
    struct qrt_block_request batch[DEPTH];
    struct qrt_block_completion done[HARVEST];
    QSLIST_ENTRY(QrtQueue) link;
};

/* ---- devices ---- */

/* By their name they are in the role of QEMU's own workers. */
static int create_worker(void *data, const struct qrt_block_thread *thread, void **ret_thread)
{
    QemuThread *worker = g_new0(QemuThread, 1);

    qemu_thread_create(worker, "worker", thread->run, thread->argument, QEMU_THREAD_JOINABLE);
    *ret_thread = worker;
    return 0;
}

static void join_worker(void *data, void *worker)
{
    qemu_thread_join(worker);
    g_free(worker);
}

QrtDevice *qrt_device_open(int fd, uint32_t engine, uint32_t workers, Error **errp)
{
    static const struct qrt_block_thread_operations threads = {
        .size = sizeof(threads), .create = create_worker, .join = join_worker
    };
    struct qrt_block_device_config config = {
        .size = sizeof(config), .engine = engine, .flags = QRT_BLOCK_DEVICE_NO_LOCKS, .workers = workers,
        .fd = fd, .queues = 64, .requests = 64 * DEPTH, .threads = &threads
    };
    g_autofree QrtDevice *device = g_new0(QrtDevice, 1);
    struct qrt_block_error err;

    if (qrt_block_device_open(&config, &device->device, &err) < 0) {
        error_setg(errp, "%s", err.message);
        return NULL;
    }
    device->info.size = sizeof(device->info);
    qrt_block_device_get_info(device->device, &device->info);
    device->fd = fd;
    device->refs = 1;
    return g_steal_pointer(&device);
}

uint64_t qrt_device_capacity(const QrtDevice *device)
{
    struct qrt_block_device_info info = { .size = sizeof(info) };

    qrt_block_device_get_info(device->device, &info);
    return info.capacity;
}

static void unref_device(QrtDevice *device)
{
    if (qatomic_fetch_dec(&device->refs) == 1) {
        qrt_block_device_close(device->device);
        qemu_close(device->fd);
        g_free(device);
    }
}

/* ---- queues ---- */

/* By its thread, which may be in one of its handlers. */
static void unref_queue(void *opaque)
{
    QrtQueue *queue = opaque;

    if (--queue->refs) {
        return;
    }
    qemu_bh_delete(queue->again);
    qrt_block_queue_close(queue->queue);
    unref_device(queue->device);
    g_free(queue);
}

static bool harvest(QrtQueue *queue)
{
    queue->woken = 0;
    queue->harvested = qrt_block_queue_harvest(queue->queue, queue->done, HARVEST);
    return queue->harvested > 0;
}

static void finish(QrtQueue *queue, const struct qrt_block_completion *done)
{
    QrtWait *wait = done->user;

    if (done->kind == QRT_BLOCK_DONE) {
        wait->ret = MIN(done->result, 0);
    }
    if (done->flags & QRT_BLOCK_HELD) {
        return; /* its memory is in use until it is RELEASED */
    }
    queue->in_flight--;
    wait->is_done = true;
    if (wait->is_waiting) {
        aio_co_wake(wait->co);
    }
    qemu_co_enter_next(&queue->room, NULL);
}

/* There is room for all of them, but where the kernel still has what ended before its time. */
static void hand_on(QrtQueue *queue)
{
    int taken = queue->batched ? qrt_block_queue_submit(queue->queue, queue->batch, queue->batched) : 0;

    if (taken > 0) {
        queue->batched -= taken;
        memmove(queue->batch, queue->batch + taken, queue->batched * sizeof(*queue->batch));
    }
}

/* What is woken may run an event loop of its own, which must see the rest. */
static void process(void *opaque)
{
    QrtQueue *queue = opaque;

    queue->refs++;
    qemu_bh_schedule(queue->again);
    while (queue->woken < queue->harvested || harvest(queue)) {
        struct qrt_block_completion done = queue->done[queue->woken++];

        finish(queue, &done);
    }
    qemu_bh_cancel(queue->again);
    hand_on(queue);
    unref_queue(queue);
}

static bool poll_queue(void *opaque)
{
    QrtQueue *queue = opaque;

    return queue->woken < queue->harvested || harvest(queue);
}

/* What the page cache has is done at once. */
static void submit(void *opaque)
{
    QrtQueue *queue = opaque;

    hand_on(queue);
    if (!(queue->device->info.flags & QRT_BLOCK_DEVICE_DIRECT)) {
        process(queue);
    }
}

static QrtQueue *find_queue(QrtDevice *device, AioContext *ctx)
{
    QrtQueue *queue = qatomic_load_acquire(&device->queues.slh_first);

    while (queue && queue->ctx != ctx) {
        queue = queue->link.sle_next;
    }
    return queue;
}

/* The main loop's is used by whoever has the big lock, every other one by one thread. */
int qrt_device_have_queue(QrtDevice *device, AioContext *ctx, Error **errp)
{
    struct qrt_block_queue_config config = {
        .size = sizeof(config), .depth = DEPTH, .iov_max = IOV_MAX, .bounce_bytes = QRT_BOUNCE
    };
    struct qrt_block_error err;
    QrtQueue *queue;
    int rc;

    if (find_queue(device, ctx)) {
        return 0;
    }
    queue = g_new0(QrtQueue, 1);
    rc = qrt_block_queue_open(device->device, &config, &queue->queue, &err);
    if (rc < 0) {
        error_setg(errp, "%s", err.message);
        g_free(queue);
        return rc;
    }
    qatomic_inc(&device->refs);
    queue->device = device;
    queue->ctx = ctx;
    queue->refs = 1;
    queue->again = aio_bh_new(ctx, process, queue);
    qemu_co_queue_init(&queue->room);
    QSLIST_INSERT_HEAD_ATOMIC(&device->queues, queue, link);
    qrt_set_fd_handler(ctx, qrt_block_queue_get_fd(queue->queue), process, poll_queue, queue);
    return 0;
}

void qrt_device_submit(QrtDevice *device)
{
    QrtQueue *queue = find_queue(device, qemu_get_current_aio_context());

    if (queue) {
        submit(queue);
    }
}

int coroutine_fn qrt_device_request(QrtDevice *device, BlockDriverState *bs,
                                    struct qrt_block_request *request)
{
    AioContext *ctx = qemu_get_current_aio_context();
    QrtWait wait = { .co = qemu_coroutine_self() };
    int rc = qrt_device_have_queue(device, ctx, NULL);
    QrtQueue *queue = find_queue(device, ctx);

    if (rc < 0) {
        return rc;
    }
    while (queue->in_flight == DEPTH) {
        qemu_co_queue_wait(&queue->room, NULL);
    }
    queue->in_flight++;
    request->user = &wait;
    queue->batch[queue->batched++] = *request;
    qrt_submit_soon(bs, submit, queue);
    if (!wait.is_done) {
        wait.is_waiting = true;
        qemu_coroutine_yield();
    }
    return wait.ret;
}

/* Each is freed by its own thread, which may be about to look at it. */
void qrt_device_leave(QrtDevice *device)
{
    QrtQueue *queue;

    while ((queue = QSLIST_FIRST(&device->queues))) {
        QSLIST_REMOVE_HEAD(&device->queues, link);
        qrt_set_fd_handler(queue->ctx, qrt_block_queue_get_fd(queue->queue), NULL, NULL, NULL);
        if (queue->ctx == qemu_get_current_aio_context()) {
            unref_queue(queue);
        } else {
            aio_bh_schedule_oneshot(queue->ctx, unref_queue, queue);
        }
    }
}

void qrt_device_close(QrtDevice *device)
{
    qrt_device_leave(device);
    unref_device(device);
}
