/* SPDX-License-Identifier: MIT */
/* The engine of a queue whose thread would wait for each of its requests anyway: it does them itself, which
 * saves handing them over, and being woken. */
#include <linux/ioprio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine_p.h"
#include "execute_p.h"

/* The thread is the caller's, and gets its own I/O priority back: of the real-time class it could not have
 * that without a right, and so it keeps it. */
static int64_t execute(struct qrt_block_device *device, struct qrt_block_p_op *op)
{
	long before = op->priority == QRT_BLOCK_NORMAL ? -1 : syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, 0);
	int64_t answer;

	if (before < 0 || IOPRIO_PRIO_CLASS(before) == IOPRIO_CLASS_RT)
		return qrt_block_p_execute(device, op);
	syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, qrt_block_p_ioprio_of(op->priority));
	answer = qrt_block_p_execute(device, op);
	syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, (int)before);
	return answer;
}

static int submit(struct qrt_block_p_engine *engine, struct qrt_block_p_op *op)
{
	int64_t answer = execute(engine->device, op);

	op->answered_ns = qrt_block_p_now();
	qrt_block_p_engine_answer(engine, op, answer);
	return 0;
}

static void nothing(struct qrt_block_p_engine *engine)
{
	(void)engine;
}

/* Nobody leaves anything there, but it is rung for what waits for a range of another queue's. */
static void reap(struct qrt_block_p_engine *engine)
{
	qrt_block_p_mailbox_take(engine->mailbox, &engine->done);
}

/* What is here is done. */
static int cancel(struct qrt_block_p_engine *engine, struct qrt_block_p_op *op)
{
	(void)engine;
	(void)op;
	return 1;
}

static const struct qrt_block_p_engine_type type = {
	.submit = submit, .push = nothing, .reap = reap, .cancel = cancel, .close = qrt_block_p_engine_free};

int qrt_block_p_blocking_engine_open(const struct qrt_block_p_engine_config *config,
				     struct qrt_block_p_engine **ret_engine)
{
	return qrt_block_p_engine_make(&type, config, ret_engine);
}
