/* SPDX-License-Identifier: MIT */
/*
 * nbdkit's plugin `qrt`: exports what the library opens. nbdkit forks before it serves, and so the device is
 * opened after that. Its threads are its own; each takes a queue for the time of a request, and does the
 * request itself where no engine was asked for.
 */
#define NBDKIT_API_VERSION 2
#define THREAD_MODEL       NBDKIT_THREAD_MODEL_PARALLEL
#include <errno.h>
#include <nbdkit-plugin.h>
#include <string.h>

#include "export.h"
#include "image_option.h"
#include "tool_say.h"

#define EXTENTS     64
#define LENGTH_BEST 4096
#define LENGTH_MAX  (32u << 20)

static struct export_options options = {.queues = 16};
static struct export *export;

/* Of the parts that are shared with qrt-io. */
void complain(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	nbdkit_verror(format, args);
	va_end(args);
}

static void load(void)
{
	image_options_init(&options.image);
}

static void unload(void)
{
	image_options_clear(&options.image);
}

/* ---- parameters ---- */

/* nbdkit changes its folder when it forks. */
static int take_file(const char *value)
{
	char *path = nbdkit_absolute_path(value);
	int rc = path && image_options_set(&options.image, "qrt", "filename", path) ? 0 : -1;

	free(path);
	return rc;
}

static int config(const char *key, const char *value)
{
	if (strcmp(key, "file") == 0)
		return take_file(value);
	if (export_options_know(key))
		return export_options_set(&options, key, value) ? 0 : -1;
	return image_options_set(&options.image, "qrt", key, value) ? 0 : -1;
}

static int config_complete(void)
{
	if (options.image.path || options.image.engine == QRT_BLOCK_ENGINE_MEMORY)
		return 0;
	nbdkit_error("qrt: give file=PATH, or engine=memory and size=SIZE");
	return -1;
}

#define CONFIG_HELP                                                                                          \
	"file=PATH              what to export\n"                                                            \
	"engine=ENGINE          auto (default: nbdkit's threads), threads, libaio, io_uring, memory\n"       \
	"format=raw             also where it looks like an image of another format\n"                       \
	"format=qcow2           with read-only=on; backing=on opens files that it names\n"                   \
	"cache=MODE             writeback (default), none, ...\n"                                            \
	"priority=PRIORITY      urgent, normal (default), low\n"                                             \
	"deadline=TIME          of each request; then the client gets an error\n"                            \
	"queues=N               requests at the same time (default 16, as nbdkit has threads)\n"             \
	"read-only=on, workers=N, create=SIZE, size=SIZE, throttle.*, fault.*  as in qrt-io(1)"

/* ---- life ---- */

static int after_fork(void)
{
	export = export_open(&options);
	return export ? 0 : -1;
}

static void cleanup(void)
{
	export = export_close(export);
}

/* All clients have the same device. */
static void *open_connection(int readonly)
{
	(void)readonly;
	return &export;
}

static int64_t get_size(void *handle)
{
	(void)handle;
	return (int64_t)export_capacity(export);
}

static int block_size(void *handle, uint32_t *minimum, uint32_t *preferred, uint32_t *maximum)
{
	uint32_t alignment = export_alignment(export);

	(void)handle;
	*minimum = alignment;
	*preferred = MAX(alignment, LENGTH_BEST);
	*maximum = LENGTH_MAX;
	return 0;
}

static int can_write(void *handle)
{
	(void)handle;
	return !options.image.is_read_only;
}

static int can_trim(void *handle)
{
	(void)handle;
	return !options.image.is_discard_ignored;
}

static int yes(void *handle)
{
	(void)handle;
	return 1;
}

/* Who cannot zero fast writes zeroes: so nothing is promised. */
static int no(void *handle)
{
	(void)handle;
	return 0;
}

static int can_fua(void *handle)
{
	(void)handle;
	return NBDKIT_FUA_NATIVE;
}

/* ---- requests ---- */

static const char *const names[QRT_BLOCK_KINDS] = {
	[QRT_BLOCK_READ] = "reading",
	[QRT_BLOCK_WRITE] = "writing",
	[QRT_BLOCK_WRITE_ZEROES] = "zeroing",
	[QRT_BLOCK_DISCARD] = "trimming",
};

/* One line, and of the errors that NBD knows the one that comes nearest: nbdkit makes EINVAL of all others,
 * as if the client were to blame. */
static int fail(const struct qrt_block_request *request, int rc, uint32_t detail)
{
	static const int known[] = {EPERM, EROFS, EINVAL, ENOMEM, ENOSPC, EDQUOT, EFBIG};
	const char *text = detail && detail != QRT_BLOCK_DETAIL_DEVICE ? qrt_block_detail_text(detail)
								       : g_strerror(-rc);
	int code = EIO;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(known); i++) {
		if (known[i] == -rc)
			code = known[i];
	}
	if (request->kind == QRT_BLOCK_FLUSH)
		nbdkit_error("flush: %s", text);
	else
		nbdkit_error("%s %" G_GUINT64_FORMAT " bytes at offset %" G_GUINT64_FORMAT ": %s",
			     names[request->kind], (guint64)request->length, (guint64)request->offset, text);
	nbdkit_set_error(code);
	return -1;
}

static uint32_t flags_of(uint32_t kind, uint32_t flags)
{
	int may_unmap = kind == QRT_BLOCK_WRITE_ZEROES && flags & NBDKIT_FLAG_MAY_TRIM &&
			!options.image.is_discard_ignored;

	return (flags & NBDKIT_FLAG_FUA ? QRT_BLOCK_FUA : 0) | (may_unmap ? QRT_BLOCK_UNMAP : 0);
}

static int run(uint32_t kind, uint32_t flags, void *buffer, uint64_t length, uint64_t offset)
{
	struct qrt_block_request request = {.kind = kind,
					    .flags = flags_of(kind, flags),
					    .buffer = buffer,
					    .length = length,
					    .offset = offset};
	uint32_t detail = 0;
	int rc = export_run(export, &request, &detail);

	return rc >= 0 ? 0 : fail(&request, rc, detail);
}

static int run_read(void *handle, void *buffer, uint32_t length, uint64_t offset, uint32_t flags)
{
	(void)handle;
	return run(QRT_BLOCK_READ, flags, buffer, length, offset);
}

static int run_write(void *handle, const void *buffer, uint32_t length, uint64_t offset, uint32_t flags)
{
	(void)handle;
	return run(QRT_BLOCK_WRITE, flags, (void *)(guintptr)buffer, length, offset);
}

static int run_flush(void *handle, uint32_t flags)
{
	(void)handle;
	return run(QRT_BLOCK_FLUSH, flags & 0, NULL, 0, 0);
}

static int run_trim(void *handle, uint32_t length, uint64_t offset, uint32_t flags)
{
	(void)handle;
	return run(QRT_BLOCK_DISCARD, flags, NULL, length, offset);
}

static int run_zero(void *handle, uint32_t length, uint64_t offset, uint32_t flags)
{
	(void)handle;
	return run(QRT_BLOCK_WRITE_ZEROES, flags, NULL, length, offset);
}

static int run_extents(void *handle, uint32_t length, uint64_t offset, uint32_t flags,
		       struct nbdkit_extents *extents)
{
	struct qrt_block_extent found[EXTENTS];
	int count = export_list_extents(export, offset, length, found,
					flags & NBDKIT_FLAG_REQ_ONE ? 1 : EXTENTS);
	int i;

	(void)handle;
	if (count < 0) {
		nbdkit_error("what is data cannot be looked up: %s", g_strerror(-count));
		nbdkit_set_error(-count);
		return -1;
	}
	for (i = 0; i < count; i++) {
		if (nbdkit_add_extent(extents, found[i].offset, found[i].length,
				      found[i].is_hole ? NBDKIT_EXTENT_HOLE | NBDKIT_EXTENT_ZERO : 0) < 0)
			return -1;
	}
	return 0;
}

static struct nbdkit_plugin plugin = {
	.name = "qrt",
	.longname = "nbdkit plugin of libqrt-block",
	.version = QRT_BLOCK_TOOL_VERSION,
	.description =
		"Raw and qcow2 images, block devices and memory, by engines with priorities and deadlines",
	.load = load,
	.unload = unload,
	.config = config,
	.config_complete = config_complete,
	.config_help = CONFIG_HELP,
	.magic_config_key = "file",
	.after_fork = after_fork,
	.cleanup = cleanup,
	.open = open_connection,
	.get_size = get_size,
	.block_size = block_size,
	.can_write = can_write,
	.can_flush = yes,
	.can_trim = can_trim,
	.can_zero = yes,
	.can_fast_zero = no,
	.can_fua = can_fua,
	.can_multi_conn = yes,
	.can_extents = yes,
	.pread = run_read,
	.pwrite = run_write,
	.flush = run_flush,
	.trim = run_trim,
	.zero = run_zero,
	.extents = run_extents,
	.errno_is_preserved = 0,
};

/* What the macro defines has no prototype. */
struct nbdkit_plugin *plugin_init(void);
NBDKIT_REGISTER_PLUGIN(plugin)
