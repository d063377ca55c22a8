/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options of driver `qrt`, and the file that they name. */
#include "qemu/osdep.h"
#include "driver.h"
#include "qapi/error.h"
#include "qapi/util.h"
#include "qapi/qapi-types-block-core.h"
#include "qemu/option.h"

/* ---- options ---- */

static QemuOptsList options_list = {
    .name = "qrt",
    .head = QTAILQ_HEAD_INITIALIZER(options_list.head),
    .desc = {
        { .name = "filename", .type = QEMU_OPT_STRING, .help = "file or block device" },
        { .name = "engine", .type = QEMU_OPT_STRING, .help = "auto, threads, libaio, io_uring (default: auto)" },
        { .name = "priority", .type = QEMU_OPT_STRING, .help = "urgent, normal, low (default: normal)" },
        { .name = "workers", .type = QEMU_OPT_NUMBER, .help = "threads (default: 4, or 1 beside a kernel's engine)" },
        { /* end of list */ }
    },
};

static const uint32_t engines[] = {
    [BLOCKDEV_QRT_ENGINE_AUTO] = QRT_BLOCK_ENGINE_AUTO,
    [BLOCKDEV_QRT_ENGINE_THREADS] = QRT_BLOCK_ENGINE_THREADS,
    [BLOCKDEV_QRT_ENGINE_LIBAIO] = QRT_BLOCK_ENGINE_LIBAIO,
    [BLOCKDEV_QRT_ENGINE_IO_URING] = QRT_BLOCK_ENGINE_IO_URING,
};

static const uint32_t priorities[] = {
    [BLOCKDEV_QRT_PRIORITY_NORMAL] = QRT_BLOCK_NORMAL,
    [BLOCKDEV_QRT_PRIORITY_URGENT] = QRT_BLOCK_URGENT,
    [BLOCKDEV_QRT_PRIORITY_LOW] = QRT_BLOCK_LOW,
};

static bool parse(QemuOpts *opts, uint32_t *ret_engine, uint32_t *ret_priority, Error **errp)
{
    ERRP_GUARD();
    int engine = qapi_enum_parse(&BlockdevQrtEngine_lookup, qemu_opt_get(opts, "engine"),
                                 BLOCKDEV_QRT_ENGINE_AUTO, errp);
    int priority = *errp ? 0 : qapi_enum_parse(&BlockdevQrtPriority_lookup, qemu_opt_get(opts, "priority"),
                                               BLOCKDEV_QRT_PRIORITY_NORMAL, errp);

    if (!*errp) {
        *ret_engine = engines[engine];
        *ret_priority = priorities[priority];
    }
    return !*errp;
}

/* ---- opening ---- */

/* Direct I/O does not reach a part of a sector. Where others mind, the file is not made longer. */
static int end_with_a_sector(int fd, Error **errp)
{
    struct stat status;

    if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode) || !(status.st_size % BDRV_SECTOR_SIZE) ||
        qrt_locks_find_conflict(fd, BLK_PERM_RESIZE, 0)) {
        return 0;
    }
    if (ftruncate(fd, ROUND_UP(status.st_size, BDRV_SECTOR_SIZE)) < 0) {
        error_setg_errno(errp, errno, "Could not make its last sector whole");
        return -errno;
    }
    return 0;
}

static int open_fd(BlockDriverState *bs, const char *filename, int flags, Error **errp)
{
    int direct = flags & BDRV_O_NOCACHE ? O_DIRECT : 0;
    Error *local_err = NULL;
    int fd;

    if (!(flags & BDRV_O_RDWR)) {
        return qemu_open(filename, O_RDONLY | direct, errp);
    }
    fd = qemu_open(filename, O_RDWR | direct, &local_err);
    if (fd >= 0 && direct && end_with_a_sector(fd, errp) < 0) {
        qemu_close(fd);
        return -1;
    }
    if (fd < 0 && (errno == EACCES || errno == EROFS || errno == EPERM) &&
        bdrv_apply_auto_read_only(bs, NULL, NULL) == 0) {
        error_free(local_err);
        return qemu_open(filename, O_RDONLY | direct, errp);
    }
    error_propagate(errp, local_err);
    return fd;
}

static QrtDevice *open_file(BlockDriverState *bs, QemuOpts *opts, int flags, uint32_t engine, Error **errp)
{
    ERRP_GUARD();
    const char *filename = qemu_opt_get(opts, "filename") ?: bs->filename;
    uint64_t workers = qemu_opt_get_number(opts, "workers", 0);
    int fd = open_fd(bs, filename, flags, errp);
    QrtDevice *device = fd < 0 ? NULL : qrt_device_open(fd, engine, MIN(workers, UINT32_MAX), errp);

    if (!device && fd >= 0) {
        error_prepend(errp, "Could not open '%s': ", filename);
        qemu_close(fd);
    }
    return device;
}

/* -drive's aio= comes as flags, which every driver gets and none has to look at. */
static bool is_engine_asked_for_here(int flags, Error **errp)
{
    if (flags & (BDRV_O_NATIVE_AIO | BDRV_O_IO_URING)) {
        error_setg(errp, "driver qrt has no aio=: its engine=libaio and engine=io_uring are that");
        return false;
    }
    return true;
}

QrtDevice *qrt_open(BlockDriverState *bs, QDict *options, int flags, uint32_t *ret_priority, Error **errp)
{
    QemuOpts *opts = qemu_opts_create(&options_list, NULL, 0, &error_abort);
    QrtDevice *device = NULL;
    uint32_t engine, priority;

    if (is_engine_asked_for_here(flags, errp) && qemu_opts_absorb_qdict(opts, options, errp) && parse(opts, &engine, &priority, errp)) {
        device = open_file(bs, opts, flags, engine, errp);
    }
    if (device) {
        *ret_priority = priority;
    }
    qemu_opts_del(opts);
    return device;
}
