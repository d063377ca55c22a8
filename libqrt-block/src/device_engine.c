/* SPDX-License-Identifier: MIT */
/* Which engine: the one that was asked for, or the first that works, with a word about those that do not. */
#include <errno.h>
#include <string.h>

#include "device_p.h"
#include "engine_p.h"

static const char *words_of(int rc)
{
	if (rc == -EOPNOTSUPP)
		return "this build has none";
	if (rc == -ENOSYS)
		return "this kernel has none";
	if (rc == -EPERM || rc == -EACCES)
		return "it is not allowed here";
	return strerror(-rc);
}

/* Some kernels count rings as memory that is locked. */
static const char *uring_words(int rc)
{
	return rc == -ENOMEM ? QRT_BLOCK_P_LOCKED_WORDS : words_of(rc);
}

/* libaio waits in submit where the page cache is between. */
static int try_libaio(const struct qrt_block_device *device)
{
	return device->flags & QRT_BLOCK_DEVICE_DIRECT ? qrt_block_p_libaio_probe() : -EINVAL;
}

static const char *libaio_words(const struct qrt_block_device *device, int rc)
{
	return device->flags & QRT_BLOCK_DEVICE_DIRECT ? words_of(rc) : "it needs DIRECT";
}

static uint32_t choose(struct qrt_block_device *device)
{
	int rc = qrt_block_p_uring_probe(QRT_BLOCK_P_DEPTH);

	if (rc >= 0)
		return QRT_BLOCK_ENGINE_IO_URING;
	qrt_block_p_device_note(device, "io_uring: %s", uring_words(rc));
	rc = try_libaio(device);
	if (rc >= 0)
		return QRT_BLOCK_ENGINE_LIBAIO;
	qrt_block_p_device_note(device, "libaio: %s", libaio_words(device, rc));
	return QRT_BLOCK_ENGINE_THREADS;
}

static const char *const names[] = {"auto", "threads", "libaio", "io_uring", "memory"};

int qrt_block_p_device_choose(struct qrt_block_device *device, uint32_t engine,
			      struct qrt_block_error *reterr)
{
	int rc = 0;

	if (engine == QRT_BLOCK_ENGINE_LIBAIO) {
		rc = try_libaio(device);
		if (rc < 0)
			return qrt_block_p_error(reterr, rc, "libaio: %s", libaio_words(device, rc));
	}
	if (engine == QRT_BLOCK_ENGINE_IO_URING) {
		rc = qrt_block_p_uring_probe(1);
		if (rc < 0)
			return qrt_block_p_error(reterr, rc, "io_uring: %s%s", uring_words(rc),
						 rc == -ENOMEM ? ": raise that limit, or take another engine"
							       : "");
	}
	device->is_any_engine = engine == QRT_BLOCK_ENGINE_AUTO;
	device->engine = engine == QRT_BLOCK_ENGINE_AUTO ? choose(device) : engine;
	qrt_block_p_device_note(device, engine == QRT_BLOCK_ENGINE_AUTO ? "%s works" : "%s was asked for",
				names[device->engine]);
	return 0;
}
