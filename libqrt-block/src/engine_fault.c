/* SPDX-License-Identifier: MIT */
/* Around another engine: things go wrong, by chance and again the same way for the same seed. What is held up
 * behaves like what a kernel does not give back: it cannot be cancelled. */
#include <errno.h>
#include <stdlib.h>

#include "engine_p.h"
#include "power_p.h"

#define OVERTAKE_NS 1000000u
#define RATE_BASE   1000u
#define SECTOR      512u

enum fault { FAULT_NONE, FAULT_ERROR, FAULT_TORN, FAULT_SHORT };

struct fault_engine {
	struct qrt_block_p_engine engine;
	struct qrt_block_p_engine *inner;
	struct qrt_block_p_list held;
	struct qrt_block_p_op *overtaken; /* waits for the next one */
	uint64_t seed;
	uint32_t inside;
};

static struct fault_engine *fault_of(struct qrt_block_p_engine *engine)
{
	return (struct fault_engine *)engine;
}

static const struct qrt_block_fault_config *config_of(const struct fault_engine *fault)
{
	return &fault->engine.device->fault;
}

static int happens(struct fault_engine *fault, uint32_t rate)
{
	return rate && qrt_block_p_random(&fault->seed) % RATE_BASE < rate;
}

/* ---- one op ---- */

static uint32_t choose(struct fault_engine *fault, const struct qrt_block_p_op *op)
{
	const struct qrt_block_fault_config *config = config_of(fault);

	if (happens(fault, config->error_rate))
		return FAULT_ERROR;
	if (qrt_block_p_op_has_data(op) && !qrt_block_p_op_is_read(op) && happens(fault, config->torn_rate))
		return FAULT_TORN;
	if (qrt_block_p_op_has_data(op) && happens(fault, config->short_rate))
		return FAULT_SHORT;
	return FAULT_NONE;
}

/* Cut at a sector, when there are two. */
static void cut(struct fault_engine *fault, struct qrt_block_p_op *op)
{
	uint64_t sector = fault->engine.device->alignment > SECTOR ? fault->engine.device->alignment : SECTOR;
	uint64_t sectors = (op->length - 1) / sector;

	if (sectors)
		qrt_block_p_op_cut(op, (1 + qrt_block_p_random(&fault->seed) % sectors) * sector);
	else
		op->fault = op->fault == FAULT_TORN ? FAULT_ERROR : FAULT_NONE;
}

/* To the engine beneath; what it has no room for waits like what is held up. */
static void pass(struct fault_engine *fault, struct qrt_block_p_op *op)
{
	op->cut_count = 0;
	if (op->fault == FAULT_TORN || op->fault == FAULT_SHORT)
		cut(fault, op);
	if (op->fault == FAULT_ERROR) {
		qrt_block_p_engine_answer(&fault->engine, op, -EIO);
		return;
	}
	if (op->kind == QRT_BLOCK_FLUSH && fault->engine.device->power)
		op->sequence = qrt_block_p_power_begin_flush(fault->engine.device->power);
	if (fault->inner->type->submit(fault->inner, op) >= 0) {
		fault->inside++;
		return;
	}
	if (op->cut_count)
		qrt_block_p_op_uncut(op);
	op->due_ns = qrt_block_p_now() + OVERTAKE_NS;
	qrt_block_p_list_add(&fault->held, op);
}

static void hold(struct fault_engine *fault, struct qrt_block_p_op *op, uint64_t ns)
{
	op->due_ns = qrt_block_p_now() + ns;
	qrt_block_p_list_add(&fault->held, op);
}

static void let_go(struct fault_engine *fault, struct qrt_block_p_op *op)
{
	if (fault->overtaken == op)
		fault->overtaken = NULL;
	qrt_block_p_list_remove(&fault->held, op);
	pass(fault, op);
}

static int submit(struct qrt_block_p_engine *engine, struct qrt_block_p_op *op)
{
	struct fault_engine *fault = fault_of(engine);
	const struct qrt_block_fault_config *config = config_of(fault);

	op->fault = FAULT_NONE;
	if (config->kinds && !(config->kinds & 1u << op->kind)) {
		pass(fault, op);
		return 0;
	}
	op->fault = choose(fault, op);
	if (happens(fault, config->delay_rate)) {
		hold(fault, op,
		     config->delay_min_ns + qrt_block_p_random(&fault->seed) %
						    (config->delay_max_ns - config->delay_min_ns + 1));
	} else if (!fault->overtaken && happens(fault, config->reorder_rate)) {
		hold(fault, op, OVERTAKE_NS);
		fault->overtaken = op;
	} else {
		pass(fault, op);
		if (fault->overtaken)
			let_go(fault, fault->overtaken);
	}
	return 0;
}

static void push(struct qrt_block_p_engine *engine)
{
	fault_of(engine)->inner->type->push(fault_of(engine)->inner);
}

/* ---- what comes back ---- */

static void note(struct fault_engine *fault, const struct qrt_block_p_op *op)
{
	struct qrt_block_p_power *power = fault->engine.device->power;

	if (power && op->kind == QRT_BLOCK_FLUSH && op->answer >= 0)
		qrt_block_p_power_end_flush(power, op->sequence);
	if (power && qrt_block_p_op_is_change(op))
		qrt_block_p_power_change(power, op->offset, op->length,
					 op->answer >= 0 && op->flags & QRT_BLOCK_FUA);
}

static void collect(struct fault_engine *fault)
{
	struct qrt_block_p_op *op;

	while ((op = qrt_block_p_list_take(&fault->inner->done))) {
		fault->inside--;
		note(fault, op);
		if (op->cut_count)
			qrt_block_p_op_uncut(op);
		op->cut_count = 0;
		qrt_block_p_engine_answer(&fault->engine, op, op->fault == FAULT_TORN ? -EIO : op->answer);
	}
}

static void reap(struct qrt_block_p_engine *engine)
{
	struct fault_engine *fault = fault_of(engine);
	struct qrt_block_p_op *op, *next;
	uint64_t now = qrt_block_p_now();

	qrt_block_p_mailbox_take(engine->mailbox, &fault->inner->done);
	fault->inner->type->reap(fault->inner);
	collect(fault);
	for (op = fault->held.first; op; op = next) {
		next = op->next;
		if (op->due_ns <= now)
			let_go(fault, op);
	}
	fault->inner->type->push(fault->inner);
	collect(fault);
}

static int cancel(struct qrt_block_p_engine *engine, struct qrt_block_p_op *op)
{
	const struct qrt_block_p_op *other;

	for (other = fault_of(engine)->held.first; other; other = other->next) {
		if (other == op)
			return 0;
	}
	return fault_of(engine)->inner->type->cancel(fault_of(engine)->inner, op);
}

/* What the one beneath did at once is to be taken in soon, too. */
static uint64_t get_due(const struct qrt_block_p_engine *engine)
{
	const struct fault_engine *fault = (const struct fault_engine *)engine;
	const struct qrt_block_p_op *op;
	uint64_t due = fault->inner->type->get_due ? fault->inner->type->get_due(fault->inner) : 0;

	if (fault->inner->done.first || engine->done.first)
		due = 1;
	for (op = fault->held.first; op; op = op->next)
		due = !due || op->due_ns < due ? op->due_ns : due;
	return due;
}

static int set_buffers(struct qrt_block_p_engine *engine, struct qrt_block_p_buffers *buffers)
{
	struct qrt_block_p_engine *inner = fault_of(engine)->inner;

	return inner->type->set_buffers ? inner->type->set_buffers(inner, buffers) : 0;
}

static void finish(struct qrt_block_p_engine *engine)
{
	struct fault_engine *fault = fault_of(engine);

	engine->device->fault_engine = NULL;
	fault->inner->type->close(fault->inner);
	free(fault);
}

static const struct qrt_block_p_engine_type type = {
	.submit = submit,
	.push = push,
	.reap = reap,
	.cancel = cancel,
	.get_due = get_due,
	.set_buffers = set_buffers,
	.close = finish,
};

int qrt_block_p_fault_engine_open(const struct qrt_block_p_engine_config *config,
				  struct qrt_block_p_engine *inner, struct qrt_block_p_engine **ret_engine)
{
	struct fault_engine *fault = calloc(1, sizeof(*fault));

	if (!fault) {
		inner->type->close(inner);
		return -ENOMEM;
	}
	qrt_block_p_engine_begin(&fault->engine, &type, config);
	fault->engine.event = inner->event;
	fault->inner = inner;
	fault->seed = config->device->fault.seed;
	config->device->fault_engine = &fault->engine;
	*ret_engine = &fault->engine;
	return 0;
}

/* What is held up never reached the device. */
int qrt_block_device_cut_power(struct qrt_block_device *device)
{
	struct fault_engine *fault;
	struct qrt_block_p_op *op;

	if (!device->power)
		return -EOPNOTSUPP;
	fault = device->fault_engine ? fault_of(device->fault_engine) : NULL;
	if (!fault)
		return qrt_block_p_power_cut(device->power, &device->fault.seed);
	reap(&fault->engine);
	if (fault->inside)
		return -EBUSY;
	fault->overtaken = NULL;
	while ((op = qrt_block_p_list_take(&fault->held)))
		qrt_block_p_engine_answer(&fault->engine, op, -EIO);
	qrt_block_p_mailbox_ring(fault->engine.mailbox); /* there is something to harvest */
	return qrt_block_p_power_cut(device->power, &fault->seed);
}
