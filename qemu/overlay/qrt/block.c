/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -blockdev driver=qrt: files and block devices by libqrt-block. */
#include "qemu/osdep.h"
#include "driver.h"
#include "block/qdict.h"
#include "qapi/error.h"
#include "qemu/module.h"
#include "qemu/units.h"

static const char *const mutable_opts[] = { "engine", "priority", "workers", NULL };

/* ---- life ---- */

static void parse_filename(const char *filename, QDict *options, Error **errp)
{
    bdrv_parse_filename_strip_prefix(filename, "qrt:", options);
}

static void say_flags(BlockDriverState *bs)
{
    BDRVQrtState *s = bs->opaque;

    bs->supported_write_flags = BDRV_REQ_FUA;
    bs->supported_zero_flags = BDRV_REQ_FUA | BDRV_REQ_MAY_UNMAP;
    bs->supported_truncate_flags = s->device->info.is_block_device ? 0 : BDRV_REQ_ZERO_WRITE;
}

static int open_bs(BlockDriverState *bs, QDict *options, int flags, Error **errp)
{
    BDRVQrtState *s = bs->opaque;
    int rc;

    s->device = qrt_open(bs, options, flags, &s->priority, errp);
    if (!s->device) {
        return -EINVAL;
    }
    rc = qrt_device_have_queue(s->device, bdrv_get_aio_context(bs), errp);
    if (rc < 0) {
        qrt_device_close(s->device);
        return rc;
    }
    qemu_mutex_init(&s->length);
    s->shared = BLK_PERM_ALL;
    say_flags(bs);
    return 0;
}

/* Workers and requests of others may keep the file open a little longer, but not locked. */
static void close_bs(BlockDriverState *bs)
{
    BDRVQrtState *s = bs->opaque;

    qrt_locks_set(s->device->fd, 0, 0);
    qrt_device_close(s->device);
    qemu_mutex_destroy(&s->length);
}

static void detach_aio_context(BlockDriverState *bs)
{
    BDRVQrtState *s = bs->opaque;

    qrt_device_leave(s->device);
}

static int reopen_prepare(BDRVReopenState *state, BlockReopenQueue *queue, Error **errp)
{
    BDRVQrtState *s = state->bs->opaque;

    g_autofree char *filename = g_strdup(qdict_get_try_str(state->options, "filename"));

    s->next = qrt_open(state->bs, state->options, state->flags, &s->next_priority, errp);
    if (filename) {
        qdict_put_str(state->options, "filename", filename); /* it must be what it was, which is looked at next */
    }
    return s->next ? 0 : -EINVAL;
}

/* Its permissions are those of the one before; set_perm() follows. */
static void reopen_commit(BDRVReopenState *state)
{
    BDRVQrtState *s = state->bs->opaque;
    QrtDevice *before = s->device;

    if (!s->has_no_locks) {
        qrt_locks_set(s->next->fd, s->perm, ~s->shared);
        qrt_locks_set(before->fd, 0, 0);
    }
    s->device = s->next;
    s->next = NULL;
    s->priority = s->next_priority;
    qrt_device_close(before);
    say_flags(state->bs);
}

static void reopen_abort(BDRVReopenState *state)
{
    BDRVQrtState *s = state->bs->opaque;

    if (s->next) {
        qrt_locks_set(s->next->fd, 0, 0);
        qrt_device_close(s->next);
        s->next = NULL;
    }
}

/* ---- permissions ---- */

static bool is_locking(BlockDriverState *bs)
{
    BDRVQrtState *s = bs->opaque;

    return !s->has_no_locks && !(bdrv_get_flags(bs) & BDRV_O_INACTIVE);
}

static void set_perm(BlockDriverState *bs, uint64_t perm, uint64_t shared)
{
    BDRVQrtState *s = bs->opaque;

    if (is_locking(bs)) {
        qrt_locks_set(s->device->fd, perm, ~shared);
        s->perm = perm;
        s->shared = shared;
    }
}

static void abort_perm_update(BlockDriverState *bs)
{
    BDRVQrtState *s = bs->opaque;

    set_perm(bs, s->perm, s->shared);
}

/* What it has and what it is about to have; then the look whether others mind. */
static int check_perm(BlockDriverState *bs, uint64_t perm, uint64_t shared, Error **errp)
{
    BDRVQrtState *s = bs->opaque;
    g_autofree char *name = NULL;
    uint64_t conflict;
    int rc;

    if (!is_locking(bs)) {
        return 0;
    }
    rc = qrt_locks_set(s->device->fd, s->perm | perm, ~s->shared | ~shared);
    if (rc == -EINVAL || rc == -EOPNOTSUPP || rc == -ENOLCK) {
        s->has_no_locks = true;
        return 0;
    }
    if (rc) {
        error_setg_errno(errp, -rc, "Failed to lock '%s'", bs->filename);
        abort_perm_update(bs);
        return rc;
    }
    conflict = qrt_locks_find_conflict(s->device->fd, perm, ~shared);
    if (!conflict) {
        return 0;
    }
    abort_perm_update(bs);
    name = bdrv_perm_names(conflict);
    error_setg(errp, "Failed to get \"%s\" lock", name);
    error_append_hint(errp, "Is another process using the image [%s]?\n", bs->filename);
    return -EAGAIN;
}

/* ---- what it is ---- */

static void refresh_limits(BlockDriverState *bs, Error **errp)
{
    BDRVQrtState *s = bs->opaque;
    const struct qrt_block_device_info *info = &s->device->info;

    bs->bl.request_alignment = info->alignment;
    bs->bl.min_mem_alignment = MAX(info->alignment, info->memory_alignment);
    bs->bl.opt_mem_alignment = MAX(bs->bl.min_mem_alignment, qemu_real_host_page_size());
    bs->bl.max_transfer = MIN(info->length_max, 1 * GiB);
}

static int has_zero_init(BlockDriverState *bs)
{
    BDRVQrtState *s = bs->opaque;

    return !s->device->info.is_block_device;
}

static int64_t get_allocated_file_size(BlockDriverState *bs)
{
    BDRVQrtState *s = bs->opaque;
    struct stat status;

    return fstat(s->device->fd, &status) < 0 ? -errno : (int64_t)status.st_blocks * 512;
}

/* It has no clusters; without this a job believes that they may be of any size. */
static int get_info(BlockDriverState *bs, BlockDriverInfo *ret_info)
{
    return 0;
}

/* After a migration: what the page cache has may be older than what the other host wrote. */
static void coroutine_fn co_invalidate_cache(BlockDriverState *bs, Error **errp)
{
    BDRVQrtState *s = bs->opaque;

    if (fdatasync(s->device->fd) < 0) {
        error_setg_errno(errp, errno, "Could not drop the page cache of '%s'", bs->filename);
        return;
    }
    posix_fadvise(s->device->fd, 0, 0, POSIX_FADV_DONTNEED);
}

#if QEMU_VERSION_MAJOR < 9
static void io_unplug(BlockDriverState *bs)
{
    BDRVQrtState *s = bs->opaque;

    qrt_device_submit(s->device);
}
#endif

static BlockDriver bdrv_qrt = {
    .format_name = "qrt",
    .protocol_name = "qrt",
    .instance_size = sizeof(BDRVQrtState),
    .bdrv_needs_filename = true,
    .mutable_opts = mutable_opts,
    .create_opts = &bdrv_create_opts_simple,

    .bdrv_parse_filename = parse_filename,
    .qrt_bdrv_open = open_bs,
    .bdrv_close = close_bs,
    .bdrv_co_create_opts = bdrv_co_create_opts_simple,
    .bdrv_reopen_prepare = reopen_prepare,
    .bdrv_reopen_commit = reopen_commit,
    .bdrv_reopen_abort = reopen_abort,
    .bdrv_detach_aio_context = detach_aio_context,
    .bdrv_check_perm = check_perm,
    .bdrv_set_perm = set_perm,
    .bdrv_abort_perm_update = abort_perm_update,

    .bdrv_refresh_limits = refresh_limits,
    .bdrv_has_zero_init = has_zero_init,
    .qrt_bdrv_getlength = qrt_getlength,
    .qrt_bdrv_get_allocated_file_size = get_allocated_file_size,
    .qrt_bdrv_get_info = get_info,
    .bdrv_co_invalidate_cache = co_invalidate_cache,

    .bdrv_co_preadv = qrt_co_preadv,
    .bdrv_co_pwritev = qrt_co_pwritev,
    .bdrv_co_pwrite_zeroes = qrt_co_pwrite_zeroes,
    .bdrv_co_pdiscard = qrt_co_pdiscard,
    .bdrv_co_flush_to_disk = qrt_co_flush,
    .bdrv_co_truncate = qrt_co_truncate,
    .bdrv_co_block_status = qrt_co_block_status,
#if QEMU_VERSION_MAJOR < 9
    .bdrv_io_unplug = io_unplug,
#endif
};

static void register_driver(void)
{
    bdrv_register(&bdrv_qrt);
}

block_init(register_driver);
