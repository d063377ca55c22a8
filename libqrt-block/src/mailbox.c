/* SPDX-License-Identifier: MIT */
#include "mailbox_p.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

void qrt_block_p_mailbox_init(struct qrt_block_p_mailbox *mailbox)
{
	atomic_init(&mailbox->top, NULL);
	atomic_init(&mailbox->is_rung, 0);
	atomic_init(&mailbox->is_silent, 0);
	atomic_init(&mailbox->is_used, 0);
	atomic_init(&mailbox->awaits_range, 0);
	atomic_init(&mailbox->is_on_guard, 0);
	atomic_init(&mailbox->is_guard_wanted, 0);
	mailbox->event = -1;
}

int qrt_block_p_mailbox_begin(struct qrt_block_p_mailbox *mailbox)
{
	uint32_t unused = 0;

	if (!atomic_compare_exchange_strong(&mailbox->is_used, &unused, 1))
		return -EBUSY;
	if (mailbox->event < 0)
		mailbox->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (mailbox->event >= 0)
		return 0;
	qrt_block_p_mailbox_end(mailbox);
	return -EMFILE;
}

void qrt_block_p_mailbox_end(struct qrt_block_p_mailbox *mailbox)
{
	qrt_block_p_mailbox_set_guard(mailbox, 0);
	atomic_store(&mailbox->is_silent, 0);
	atomic_store(&mailbox->is_used, 0);
}

void qrt_block_p_mailbox_finish(struct qrt_block_p_mailbox *mailbox)
{
	if (mailbox->event >= 0)
		close(mailbox->event);
	mailbox->event = -1;
}

void qrt_block_p_mailbox_ring(struct qrt_block_p_mailbox *mailbox)
{
	if (!atomic_load(&mailbox->is_silent) && !atomic_exchange(&mailbox->is_rung, 1))
		eventfd_write(mailbox->event, 1);
}

/* Who left something sees that he has to ring, or it is found by the look after this. */
void qrt_block_p_mailbox_set_silent(struct qrt_block_p_mailbox *mailbox, uint32_t is_silent)
{
	atomic_store(&mailbox->is_silent, is_silent);
}

void qrt_block_p_mailbox_leave(struct qrt_block_p_mailbox *mailbox, struct qrt_block_p_op *op)
{
	struct qrt_block_p_op *top = atomic_load_explicit(&mailbox->top, memory_order_relaxed);

	do {
		op->next = top;
	} while (!atomic_compare_exchange_weak(&mailbox->top, &top, op));
}

/* Who sees that it is on guard has left his op before it goes off, and so before the look that follows. */
int qrt_block_p_mailbox_is_on_guard(struct qrt_block_p_mailbox *mailbox)
{
	int is_on_guard = atomic_load(&mailbox->is_on_guard) != 0;

	if (!atomic_load_explicit(&mailbox->is_guard_wanted, memory_order_relaxed))
		atomic_store(&mailbox->is_guard_wanted, 1);
	return is_on_guard;
}

int qrt_block_p_mailbox_wants_guard(const struct qrt_block_p_mailbox *mailbox)
{
	return atomic_load_explicit(&mailbox->is_guard_wanted, memory_order_relaxed) != 0;
}

void qrt_block_p_mailbox_set_guard(struct qrt_block_p_mailbox *mailbox, int is_on)
{
	atomic_store(&mailbox->is_guard_wanted, 0);
	atomic_store(&mailbox->is_on_guard, (uint32_t)is_on);
}

void qrt_block_p_mailbox_put(struct qrt_block_p_mailbox *mailbox, struct qrt_block_p_op *op)
{
	qrt_block_p_mailbox_leave(mailbox, op);
	qrt_block_p_mailbox_ring(mailbox);
}

/* Who has set is_rung but not yet written keeps it set: his write will come, and wakes for those behind him
 * as well. */
static void silence(struct qrt_block_p_mailbox *mailbox)
{
	eventfd_t count;

	if (atomic_load(&mailbox->is_rung) && eventfd_read(mailbox->event, &count) >= 0)
		atomic_store(&mailbox->is_rung, 0);
}

static int collect(struct qrt_block_p_mailbox *mailbox, struct qrt_block_p_list *list)
{
	struct qrt_block_p_op *op, *next, *oldest = NULL;

	for (op = atomic_exchange(&mailbox->top, NULL); op; op = next) {
		next = op->next;
		op->next = oldest;
		oldest = op;
	}
	for (op = oldest; op; op = next) {
		next = op->next;
		qrt_block_p_list_add(list, op);
	}
	return oldest != NULL;
}

/* As long as ops come the bell stays as it is, and who puts more need not ring. It is taken down when there
 * is nothing, and before another look, so that one that comes in between rings again. */
void qrt_block_p_mailbox_take(struct qrt_block_p_mailbox *mailbox, struct qrt_block_p_list *list)
{
	if (atomic_load(&mailbox->top) && collect(mailbox, list))
		return;
	if (!atomic_load_explicit(&mailbox->is_rung, memory_order_relaxed))
		return;
	silence(mailbox);
	collect(mailbox, list);
}
