/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options of driver `qrt`, and the device that they name, with QEMU's threads as its workers. */
#include "qemu/osdep.h"
#include "driver.h"
#include "qapi/error.h"
#include "qapi/util.h"
#include "qapi/qapi-types-block-core.h"
#include "qemu/option.h"
#include "qemu/qrt.h"

/* ---- options ---- */

static QemuOptsList options_list = {
    .name = "qrt",
    .head = QTAILQ_HEAD_INITIALIZER(options_list.head),
    .desc = {
        { .name = "filename", .type = QEMU_OPT_STRING, .help = "file or block device" },
        { .name = "engine", .type = QEMU_OPT_STRING, .help = "auto, threads, libaio, io_uring (default: auto)" },
        { .name = "priority", .type = QEMU_OPT_STRING, .help = "urgent, normal, low (default: normal)" },
        { .name = "workers", .type = QEMU_OPT_NUMBER, .help = "threads (default: as many as it needs)" },
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

/* ---- devices ---- */

typedef struct {
    pthread_t thread;
    void *(*run)(void *);
    void *argument;
} QrtWorker;

/* By their name they are in the role of QEMU's own workers. */
static void *run_worker(void *opaque)
{
    QrtWorker *worker = opaque;

    pthread_setname_np(pthread_self(), "worker");
    qrt_thread_begin("worker");
    return worker->run(worker->argument);
}

/* There may be many, each with a stack that -overcommit mem-lock=on would lock: not of the usual 8 MiB. */
static int create_worker(void *data, const struct qrt_block_thread *thread, void **ret_thread)
{
    QrtWorker *worker = g_new0(QrtWorker, 1);
    pthread_attr_t attr;
    sigset_t all, before;
    int rc;

    *worker = (QrtWorker) { .run = thread->run, .argument = thread->argument };
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, thread->stack_bytes);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    rc = pthread_create(&worker->thread, &attr, run_worker, worker);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attr);
    if (rc) {
        g_free(worker);
    } else {
        *ret_thread = worker;
    }
    return -rc;
}

static void join_worker(void *data, void *opaque)
{
    QrtWorker *worker = opaque;

    pthread_join(worker->thread, NULL);
    g_free(worker);
}

static QrtDevice *open_device(int fd, uint32_t engine, uint32_t workers, Error **errp)
{
    static const struct qrt_block_thread_operations threads = {
        .size = sizeof(threads), .create = create_worker, .join = join_worker
    };
    struct qrt_block_device_config config = {
        .size = sizeof(config), .engine = engine, .flags = QRT_BLOCK_DEVICE_NO_LOCKS, .workers = workers,
        .fd = fd, .queues = 64, .requests = 64 * QRT_DEPTH, .threads = &threads
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

void qrt_device_unref(QrtDevice *device)
{
    if (qatomic_fetch_dec(&device->refs) == 1) {
        qrt_block_device_close(device->device);
        qemu_close(device->fd);
        g_free(device);
    }
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
    QrtDevice *device = fd < 0 ? NULL : open_device(fd, engine, MIN(workers, UINT32_MAX), errp);

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
