/* SPDX-License-Identifier: MIT */
#include "op_p.h"

void qrt_block_p_list_add(struct qrt_block_p_list *list, struct qrt_block_p_op *op)
{
	op->next = NULL;
	op->previous = list->last;
	if (list->last)
		list->last->next = op;
	else
		list->first = op;
	list->last = op;
}

void qrt_block_p_list_add_first(struct qrt_block_p_list *list, struct qrt_block_p_op *op)
{
	op->previous = NULL;
	op->next = list->first;
	if (list->first)
		list->first->previous = op;
	else
		list->last = op;
	list->first = op;
}

void qrt_block_p_list_remove(struct qrt_block_p_list *list, struct qrt_block_p_op *op)
{
	if (op->previous)
		op->previous->next = op->next;
	else
		list->first = op->next;
	if (op->next)
		op->next->previous = op->previous;
	else
		list->last = op->previous;
	op->next = op->previous = NULL;
}

struct qrt_block_p_op *qrt_block_p_list_take(struct qrt_block_p_list *list)
{
	struct qrt_block_p_op *op = list->first;

	if (op)
		qrt_block_p_list_remove(list, op);
	return op;
}
