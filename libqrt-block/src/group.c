/* SPDX-License-Identifier: MIT */
#include "group_p.h"

#include "execute_p.h"

struct sum {
	uint32_t ops, parts;
	uint64_t bytes;
};

static int is_small(const struct qrt_block_p_op *op)
{
	return qrt_block_p_op_has_data(op) && op->run_count <= QRT_BLOCK_P_GROUP_PARTS &&
	       op->length <= QRT_BLOCK_P_GROUP_BYTES;
}

/* What is urgent does not wait for the bytes of others. */
static int are_alike(const struct qrt_block_p_op *a, const struct qrt_block_p_op *b)
{
	return qrt_block_p_op_is_read(a) == qrt_block_p_op_is_read(b) && a->flags == b->flags &&
	       a->priority == b->priority && a->priority != QRT_BLOCK_URGENT;
}

static int fits(const struct sum *sum, const struct qrt_block_p_op *last, const struct qrt_block_p_op *op)
{
	return is_small(last) && is_small(op) && are_alike(last, op) &&
	       op->offset == last->offset + last->length && sum->ops < QRT_BLOCK_P_GROUP_OPS &&
	       sum->parts + op->run_count <= QRT_BLOCK_P_GROUP_PARTS &&
	       sum->bytes + op->length <= QRT_BLOCK_P_GROUP_BYTES;
}

struct qrt_block_p_op *qrt_block_p_group_take(struct qrt_block_p_list *list)
{
	struct qrt_block_p_op *first = qrt_block_p_list_take(list), *last = first;
	struct sum sum = {0};

	while (last) {
		sum.ops++;
		sum.parts += last->run_count;
		sum.bytes += last->length;
		if (!list->first || !fits(&sum, last, list->first))
			break;
		last->next = qrt_block_p_list_take(list);
		last = last->next;
	}
	return first;
}

int qrt_block_p_group_execute(struct qrt_block_device *device, struct qrt_block_p_op *const *ops,
			      uint32_t count)
{
	struct iovec parts[QRT_BLOCK_P_GROUP_PARTS];
	struct qrt_block_p_op all = {.kind = ops[0]->kind, .flags = ops[0]->flags, .offset = ops[0]->offset};
	uint64_t now;
	uint32_t i, j;

	all.run = parts;
	for (i = 0; i < count; i++) {
		for (j = 0; j < ops[i]->run_count; j++)
			parts[all.run_count++] = ops[i]->run[j];
		all.length += ops[i]->length;
	}
	if (qrt_block_p_execute(device, &all) != (int64_t)all.length)
		return 0;
	now = qrt_block_p_now();
	for (i = 0; i < count; i++) {
		ops[i]->answer = (int64_t)ops[i]->length;
		ops[i]->answered_ns = now;
	}
	return 1;
}
