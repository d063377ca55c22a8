/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests to a node of driver `qrt`, and its length. */
#include "qemu/osdep.h"
#include "driver.h"
#include "qapi/error.h"
#include "qemu/lockable.h"
#include "qemu/units.h"

/* ---- length ---- */

typedef struct {
    BDRVQrtState *s;
    uint64_t length;
    bool is_grown; /* what is longer stays */
    struct qrt_block_error error;
} Resize;

static int resize_in_pool(void *opaque)
{
    Resize *resize = opaque;
    QrtDevice *device = resize->s->device;

    QEMU_LOCK_GUARD(&resize->s->length);
    if (resize->is_grown && resize->length <= qrt_device_capacity(device)) {
        return 0;
    }
    return qrt_block_device_resize(device->device, resize->length, &resize->error);
}

int64_t qrt_getlength(BlockDriverState *bs)
{
    BDRVQrtState *s = bs->opaque;
    int rc;

    QEMU_LOCK_GUARD(&s->length);
    rc = qrt_block_device_refresh(s->device->device, NULL);
    return rc < 0 ? rc : (int64_t)qrt_device_capacity(s->device);
}

static int coroutine_fn truncate_block_device(BlockDriverState *bs, int64_t length, bool exact, Error **errp)
{
    int64_t now = qrt_getlength(bs);

    if (now < 0) {
        error_setg_errno(errp, -now, "Could not look how long it is");
        return now;
    }
    if (length > now || (exact && length != now)) {
        error_setg(errp, "Cannot resize block devices");
        return -ENOTSUP;
    }
    return 0;
}

int coroutine_fn qrt_co_truncate(BlockDriverState *bs, int64_t length, bool exact, PreallocMode prealloc,
                                 BdrvRequestFlags flags, Error **errp)
{
    BDRVQrtState *s = bs->opaque;
    Resize resize = { .s = s, .length = length };
    int rc;

    if (prealloc != PREALLOC_MODE_OFF) {
        error_setg(errp, "Driver qrt has no preallocation");
        return -ENOTSUP;
    }
    if (s->device->info.is_block_device) {
        return truncate_block_device(bs, length, exact, errp);
    }
    rc = qrt_run_in_pool(bs, resize_in_pool, &resize);
    if (rc < 0) {
        error_setg(errp, "%s", resize.error.message);
    }
    return rc;
}

/* Formats write behind the end, and expect what they wrote to be there. */
static int coroutine_fn grow(BlockDriverState *bs, uint64_t end)
{
    BDRVQrtState *s = bs->opaque;
    Resize resize = { .s = s, .length = end, .is_grown = true };

    if (end <= qrt_device_capacity(s->device)) {
        return 0;
    }
    return s->device->info.is_block_device ? -ENOSPC : qrt_run_in_pool(bs, resize_in_pool, &resize);
}

/* How many of these bytes are before the end. */
static int64_t clip(BlockDriverState *bs, int64_t offset, int64_t bytes)
{
    BDRVQrtState *s = bs->opaque;
    int64_t capacity = qrt_device_capacity(s->device);

    return MAX(MIN(bytes, capacity - offset), 0);
}

/* ---- requests ---- */

static int coroutine_fn ask(BlockDriverState *bs, struct qrt_block_request *request)
{
    BDRVQrtState *s = bs->opaque;

    request->priority = s->priority;
    return qrt_device_request(s->device, bs, request);
}

static int coroutine_fn transfer(BlockDriverState *bs, uint32_t kind, int64_t offset, QEMUIOVector *qiov,
                                 uint32_t flags)
{
    struct qrt_block_request request = {
        .kind = kind, .flags = flags, .offset = offset, .length = qiov->size,
        .iov = qiov->iov, .iov_count = qiov->niov
    };

    return qiov->size ? ask(bs, &request) : 0;
}

static int coroutine_fn transfer_parts(BlockDriverState *bs, uint32_t kind, int64_t offset,
                                       QEMUIOVector *qiov, uint32_t flags, uint64_t part)
{
    uint64_t done, bytes;
    int rc = 0;

    for (done = 0; done < qiov->size && !rc; done += bytes) {
        QEMUIOVector slice;

        bytes = MIN(part, qiov->size - done);
        qemu_iovec_init_slice(&slice, qiov, done, bytes);
        rc = transfer(bs, kind, offset + done, &slice, flags);
        qemu_iovec_destroy(&slice);
    }
    return rc;
}

static bool is_aligned(const QEMUIOVector *qiov, size_t alignment)
{
    for (int i = 0; i < qiov->niov; i++) {
        if ((uintptr_t)qiov->iov[i].iov_base % alignment || qiov->iov[i].iov_len % alignment) {
            return false;
        }
    }
    return true;
}

/* Memory that is not aligned: no more at once than a bounce buffer has room for. */
static int coroutine_fn transfer_any(BlockDriverState *bs, uint32_t kind, int64_t offset,
                                     QEMUIOVector *qiov, uint32_t flags)
{
    if (qiov->size > QRT_BOUNCE && !is_aligned(qiov, bs->bl.min_mem_alignment)) {
        return transfer_parts(bs, kind, offset, qiov, flags, QRT_BOUNCE);
    }
    return transfer(bs, kind, offset, qiov, flags);
}

/* Behind the end there are zeroes, up to that of its last sector. */
int coroutine_fn qrt_co_preadv(BlockDriverState *bs, int64_t offset, int64_t bytes, QEMUIOVector *qiov,
                               BdrvRequestFlags flags)
{
    int64_t inside = clip(bs, offset, bytes);
    QEMUIOVector slice;
    int rc;

    if (inside == bytes) {
        return transfer_any(bs, QRT_BLOCK_READV, offset, qiov, 0);
    }
    qemu_iovec_memset(qiov, inside, 0, bytes - inside);
    qemu_iovec_init_slice(&slice, qiov, 0, inside);
    rc = transfer_any(bs, QRT_BLOCK_READV, offset, &slice, 0);
    qemu_iovec_destroy(&slice);
    return rc;
}

static uint32_t flags_of(BdrvRequestFlags flags)
{
    return flags & BDRV_REQ_FUA ? QRT_BLOCK_FUA : 0;
}

int coroutine_fn qrt_co_pwritev(BlockDriverState *bs, int64_t offset, int64_t bytes, QEMUIOVector *qiov,
                                BdrvRequestFlags flags)
{
    int rc = grow(bs, offset + bytes);

    return rc < 0 ? rc : transfer_any(bs, QRT_BLOCK_WRITEV, offset, qiov, flags_of(flags));
}

int coroutine_fn qrt_co_pwrite_zeroes(BlockDriverState *bs, int64_t offset, int64_t bytes,
                                      BdrvRequestFlags flags)
{
    struct qrt_block_request request = {
        .kind = QRT_BLOCK_WRITE_ZEROES, .offset = offset, .length = bytes,
        .flags = flags_of(flags) | (flags & BDRV_REQ_MAY_UNMAP ? QRT_BLOCK_UNMAP : 0)
    };
    int rc = grow(bs, offset + bytes);

    return rc < 0 || !bytes ? rc : ask(bs, &request);
}

int coroutine_fn qrt_co_pdiscard(BlockDriverState *bs, int64_t offset, int64_t bytes)
{
    struct qrt_block_request request = {
        .kind = QRT_BLOCK_DISCARD, .offset = offset, .length = clip(bs, offset, bytes)
    };

    return request.length ? ask(bs, &request) : 0;
}

/* The kernel says once that it lost something, and drops it: a later flush would say that all is well. */
int coroutine_fn qrt_co_flush(BlockDriverState *bs)
{
    BDRVQrtState *s = bs->opaque;
    struct qrt_block_request request = { .kind = QRT_BLOCK_FLUSH };
    int rc = s->flush_error ?: ask(bs, &request);

    if (rc < 0 && !(s->device->info.flags & QRT_BLOCK_DEVICE_DIRECT)) {
        s->flush_error = rc;
    }
    return rc;
}

/* ---- what is data and what is hole ---- */

/* In whole units of the requests that may follow: what is half a hole is data. */
int coroutine_fn qrt_co_block_status(BlockDriverState *bs, bool want_zero, int64_t offset, int64_t bytes,
                                     int64_t *pnum, int64_t *map, BlockDriverState **file)
{
    BDRVQrtState *s = bs->opaque;
    uint32_t align = bs->bl.request_alignment;
    int64_t inside = clip(bs, offset, bytes);
    struct qrt_block_extent extent = { .length = inside };
    bool is_hole = false;

    if (!want_zero || !inside) { /* who asks for data alone gets all; behind the end there is none */
        extent.length = bytes;
        is_hole = want_zero;
    } else if (qrt_block_device_list_extents(s->device->device, offset, inside, &extent, 1) == 1) {
        is_hole = extent.is_hole && extent.length >= align;
    }
    *pnum = MIN(is_hole ? ROUND_DOWN(extent.length, align) : ROUND_UP(extent.length, align), bytes);
    *map = offset;
    *file = bs;
    return (is_hole ? BDRV_BLOCK_ZERO : BDRV_BLOCK_DATA) | BDRV_BLOCK_OFFSET_VALID;
}
