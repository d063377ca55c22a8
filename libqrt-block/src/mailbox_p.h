/* SPDX-License-Identifier: MIT */
/* Where workers leave what they have done, for one queue at a time. It lives as long as the device: a worker
 * that was about to ring when the queue had already gone rings here, and the next queue looks once for
 * nothing. */
#ifndef QRT_BLOCK_MAILBOX_P_H
#define QRT_BLOCK_MAILBOX_P_H

#include "op_p.h"

struct qrt_block_p_mailbox {
	_Atomic(struct qrt_block_p_op *) top; /* the last one that came */
	_Atomic uint32_t is_rung;
	_Atomic uint32_t is_silent;    /* its queue looks again and again, and nobody need ring */
	int event;                     /* is there from the first queue on */
	_Atomic uint32_t awaits_range; /* its queue wants to hear when a range is given back (ranges_p.h) */
	/* As long as its queue is on guard, which is not long, it is going to look without being told. */
	_Atomic uint32_t is_on_guard, is_guard_wanted;
	_Atomic uint32_t is_used; /* by a queue */
};

void qrt_block_p_mailbox_init(struct qrt_block_p_mailbox *mailbox);
/* A queue takes it, and gives it back. -EBUSY: another one has it; -EMFILE. */
int qrt_block_p_mailbox_begin(struct qrt_block_p_mailbox *mailbox);
void qrt_block_p_mailbox_end(struct qrt_block_p_mailbox *mailbox);
void qrt_block_p_mailbox_finish(struct qrt_block_p_mailbox *mailbox);
/* By any thread, which does not touch the op after that. */
void qrt_block_p_mailbox_put(struct qrt_block_p_mailbox *mailbox, struct qrt_block_p_op *op);
/* The same in two steps: the op is there for whoever looks, and after that somebody is told to. */
void qrt_block_p_mailbox_leave(struct qrt_block_p_mailbox *mailbox, struct qrt_block_p_op *op);
void qrt_block_p_mailbox_ring(struct qrt_block_p_mailbox *mailbox);
/* By a worker, after it has left something: whether that is looked for soon, ring or no ring. It is from when
 * the queue has heard that it is wanted, as long as it is. */
int qrt_block_p_mailbox_is_on_guard(struct qrt_block_p_mailbox *mailbox);
/* By the queue's thread. Off guard it takes once more what came. */
int qrt_block_p_mailbox_wants_guard(const struct qrt_block_p_mailbox *mailbox);
void qrt_block_p_mailbox_set_guard(struct qrt_block_p_mailbox *mailbox, int is_on);
/* Whether whoever leaves something rings. Who says that again looks once after that. */
void qrt_block_p_mailbox_set_silent(struct qrt_block_p_mailbox *mailbox, uint32_t is_silent);
/* All that came, added to the list in the order in which it came. */
void qrt_block_p_mailbox_take(struct qrt_block_p_mailbox *mailbox, struct qrt_block_p_list *list);

#endif
