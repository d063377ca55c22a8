/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "buffers_p.h"
#include "queue_p.h"

static const char *words_of(int rc)
{
	switch (rc) {
	case -EINVAL:
		return "they overlap, one has no memory, or there are too many";
	case -ENOMEM:
		return "so much memory may not be locked (RLIMIT_MEMLOCK), or there is none";
	default:
		return strerror(-rc);
	}
}

/* The table is made for every engine, so that what is wrong with it is wrong with each of them. */
int qrt_block_queue_set_buffers(struct qrt_block_queue *queue, const struct iovec *buffers, uint32_t count,
				struct qrt_block_error *reterr)
{
	struct qrt_block_p_engine *engine = queue->engine;
	struct qrt_block_p_buffers table;
	int rc;

	if (queue->inside || queue->waiting_count)
		return qrt_block_p_error(reterr, -EBUSY, "buffers: requests are on their way; drain the queue");
	rc = qrt_block_p_buffers_init(&table, buffers, count);
	if (rc >= 0 && engine->type->set_buffers)
		rc = engine->type->set_buffers(engine, &table);
	qrt_block_p_buffers_finish(&table);
	return rc < 0 ? qrt_block_p_error(reterr, rc, "buffers: %s", words_of(rc)) : 0;
}
