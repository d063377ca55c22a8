/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Queues of a device: one for each AioContext, used by that one's thread alone. */
#include "qemu/osdep.h"
#include "driver.h"
#include "block/aio.h"
#include "qapi/error.h"
#include "qemu/coroutine.h"
#include "qemu/event_notifier.h"
#include "qemu/main-loop.h"
#include "qemu/units.h"

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
    QEMUBH *again;  /* goes on in an event loop inside of this one, or in the next turn of it */
    CoQueue room;
    unsigned refs;  /* of its thread's */
    unsigned processing; /* how often, one inside of the other */
    unsigned in_flight, batched, harvested, woken;
    struct qrt_block_request batch[QRT_DEPTH];
    struct qrt_block_completion done[HARVEST];
    QSLIST_ENTRY(QrtQueue) link;
};

/* By its thread, which may be in one of its handlers. */
static void unref_queue(void *opaque)
{
    QrtQueue *queue = opaque;

    if (--queue->refs) {
        return;
    }
    qemu_bh_delete(queue->again);
    qrt_block_queue_close(queue->queue);
    qrt_device_unref(queue->device);
    g_free(queue);
}

/* Whether something is done, and nobody was woken for it. */
static bool have_done(QrtQueue *queue)
{
    if (queue->woken == queue->harvested) {
        queue->woken = 0;
        queue->harvested = qrt_block_queue_harvest(queue->queue, queue->done, HARVEST);
    }
    return queue->woken < queue->harvested;
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
static bool hand_on(QrtQueue *queue)
{
    int taken = queue->batched ? qrt_block_queue_submit(queue->queue, queue->batch, queue->batched) : 0;

    if (taken > 0) {
        queue->batched -= taken;
        memmove(queue->batch, queue->batch + taken, queue->batched * sizeof(*queue->batch));
    }
    return taken > 0;
}

/* What is woken may run an event loop of its own, which must see the rest. What it asks for goes on its way in one
 * batch after that, and what of it is done at once waits for the event loop's next turn, as others do. */
static void process(void *opaque)
{
    QrtQueue *queue = opaque;

    queue->refs++;
    queue->processing++;
    while (have_done(queue)) {
        struct qrt_block_completion done = queue->done[queue->woken++];

        if (queue->woken < queue->harvested) {
            qemu_bh_schedule(queue->again);
        }
        finish(queue, &done);
    }
    queue->processing--;
    qemu_bh_cancel(queue->again);
    if (hand_on(queue) && have_done(queue)) {
        qemu_bh_schedule(queue->again);
    }
    unref_queue(queue);
}

/* What was harvested the descriptor does not say any more: it is gone through even where polling is given up now. */
static bool poll_queue(void *opaque)
{
    QrtQueue *queue = opaque;
    bool is_ready = have_done(queue);

    if (is_ready) {
        qemu_bh_schedule(queue->again);
    }
    return is_ready;
}

/* These have what the handler was set with, which QEMU takes for an EventNotifier. */
static void begin_polling(EventNotifier *opaque)
{
    qrt_block_queue_enable_fd(((QrtQueue *)opaque)->queue, 0);
}

/* A last look follows. */
static void end_polling(EventNotifier *opaque)
{
    qrt_block_queue_enable_fd(((QrtQueue *)opaque)->queue, 1);
}

static void set_handlers(QrtQueue *queue)
{
    EventNotifier descriptor;

    event_notifier_init_fd(&descriptor, qrt_block_queue_get_fd(queue->queue));
    qrt_set_fd_handler(queue->ctx, qrt_block_queue_get_fd(queue->queue), process, poll_queue, queue);
    aio_set_event_notifier_poll(queue->ctx, &descriptor, begin_polling, end_polling);
}

/* What the page cache has is done at once. */
static void submit(void *opaque)
{
    QrtQueue *queue = opaque;

    hand_on(queue);
    process(queue);
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
        .size = sizeof(config), .depth = QRT_DEPTH, .iov_max = IOV_MAX, .bounce_bytes = QRT_BOUNCE,
        .flags = QRT_BLOCK_QUEUE_HARVESTED | (ctx == qemu_get_aio_context() ? 0 : QRT_BLOCK_QUEUE_ONE_THREAD)
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
    set_handlers(queue);
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
    QrtQueue *queue = find_queue(device, ctx);

    if (!queue) {
        int rc = qrt_device_have_queue(device, ctx, NULL);

        if (rc < 0) {
            return rc;
        }
        queue = find_queue(device, ctx);
    }
    while (queue->in_flight == QRT_DEPTH) {
        qemu_co_queue_wait(&queue->room, NULL);
    }
    queue->in_flight++;
    request->user = &wait;
    queue->batch[queue->batched++] = *request;
    if (queue->processing) {
        qemu_bh_schedule(queue->again);
    } else {
        qrt_submit_soon(bs, submit, queue);
    }
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
    qrt_device_unref(device);
}
