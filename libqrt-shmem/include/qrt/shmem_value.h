/* SPDX-License-Identifier: MIT */
/*
 * Values with a name, in the sections of a layout (<qrt/shmem_layout.h>): what a peer wants others to see at
 * any time, such as its load. The newest one counts. All here is [rt].
 */
#ifndef QRT_SHMEM_VALUE_H
#define QRT_SHMEM_VALUE_H

#include <qrt/shmem_layout.h>

#ifdef __cplusplus
extern "C" {
#endif

#define QRT_SHMEM_NAME_MAX 31u /* characters: printable ASCII without blanks */
#define QRT_SHMEM_DATA_MAX 72u /* bytes */

enum qrt_shmem_type {
	QRT_SHMEM_BYTES = 1,
	QRT_SHMEM_TEXT, /* UTF-8, without a NUL */
	QRT_SHMEM_U64,  /* one, or several */
	QRT_SHMEM_I64,
	QRT_SHMEM_DOUBLE, /* IEEE 754 */
	QRT_SHMEM_TYPE_USER = 64,
};

/* A copy of one; `name` and what follows are as they lie in the memory. */
struct qrt_shmem_value {
	uint32_t turn; /* counts its changes */
	uint32_t reserved;
	char name[QRT_SHMEM_NAME_MAX + 1];
	uint16_t type; /* enum qrt_shmem_type */
	uint16_t size; /* bytes */
	uint32_t reserved_too;
	union {
		unsigned char data[QRT_SHMEM_DATA_MAX];
		uint64_t u64[QRT_SHMEM_DATA_MAX / 8];
		int64_t i64[QRT_SHMEM_DATA_MAX / 8];
		double real[QRT_SHMEM_DATA_MAX / 8];
	} is;
};

/* In the memory it takes 256 bytes: the turn, and from byte 8 on two copies of 120, of which the writer works
 * at the one that the turn does not name. A copy: the checksum, then what is above from `name` on. */
#define QRT_SHMEM_P_WORDS 14u /* of 8 bytes, without the checksum */

static inline unsigned char *qrt_shmem_value_of(const struct qrt_shmem_view *view, uint32_t slot,
						uint32_t index)
{
	return qrt_shmem_section_of(view, slot) + qrt_shmem_values_at(view->peers) + (uint64_t)index * 256;
}

static inline struct qrt_shmem_sum qrt_shmem_sum_value(const struct qrt_shmem_view *view, uint32_t slot,
						       uint32_t index, uint32_t turn)
{
	struct qrt_shmem_sum sum = qrt_shmem_sum_begin(view->nonce, qrt_shmem_place(slot, 2, index));

	sum.lane[3] = qrt_shmem_mix(sum.lane[3], turn);
	return sum;
}

/* What lies behind name and data in the caller's memory is nobody else's business. */
static inline void qrt_shmem_copy_used(struct qrt_shmem_value *to, const struct qrt_shmem_value *from)
{
	memset(to, 0, sizeof(*to));
	memcpy(to->name, from->name, strlen(from->name));
	to->type = from->type;
	to->size = from->size;
	memcpy(to->is.data, from->is.data, from->size);
}

/* Puts value->type, size, name and data, and zeros behind these, at an index of the own section; its turn
 * becomes the new one. By one thread at a time. -EINVAL: no such slot or index, too long, or a name without
 * its NUL. */
static inline int qrt_shmem_publish(const struct qrt_shmem_view *view, uint32_t slot, uint32_t index,
				    struct qrt_shmem_value *value)
{
	struct qrt_shmem_value own;
	struct qrt_shmem_sum sum;
	unsigned char *at, *copy;

	if (slot >= view->peers || index >= view->values || value->size > QRT_SHMEM_DATA_MAX ||
	    value->name[QRT_SHMEM_NAME_MAX])
		return -EINVAL;
	at = qrt_shmem_value_of(view, slot, index);
	value->turn = qrt_shmem_next_turn(qrt_shmem_load(at));
	copy = at + 8 + (value->turn & 1) * 120;
	sum = qrt_shmem_sum_value(view, slot, index, value->turn);
	qrt_shmem_copy_used(&own, value);
	qrt_shmem_fence_release(); /* behind the turn of the call before */
	qrt_shmem_store_pair(copy, 0);
	qrt_shmem_fence_release();
	qrt_shmem_copy_in(copy + 8, (unsigned char *)&own + offsetof(struct qrt_shmem_value, name),
			  QRT_SHMEM_P_WORDS, &sum);
	qrt_shmem_fence_release();
	qrt_shmem_store_pair(copy, qrt_shmem_sum_end(&sum));
	qrt_shmem_store(at, value->turn);
	return 0;
}

/* Takes one of the own section away: others find nothing there. -EINVAL: no such slot or index. */
static inline int qrt_shmem_withdraw(const struct qrt_shmem_view *view, uint32_t slot, uint32_t index)
{
	if (slot >= view->peers || index >= view->values)
		return -EINVAL;
	qrt_shmem_store(qrt_shmem_value_of(view, slot, index), 0);
	return 0;
}

static inline int qrt_shmem_try_value(const struct qrt_shmem_view *view, uint32_t slot, uint32_t index,
				      struct qrt_shmem_value *ret_value)
{
	const unsigned char *at = qrt_shmem_value_of(view, slot, index), *copy;
	struct qrt_shmem_sum sum;
	uint64_t check;

	ret_value->turn = qrt_shmem_load(at);
	if (!ret_value->turn)
		return -ENOENT;
	copy = at + 8 + (ret_value->turn & 1) * 120;
	sum = qrt_shmem_sum_value(view, slot, index, ret_value->turn);
	check = qrt_shmem_load_pair(copy);
	qrt_shmem_copy_out((unsigned char *)ret_value + offsetof(struct qrt_shmem_value, name), copy + 8,
			   QRT_SHMEM_P_WORDS, &sum);
	if (check == qrt_shmem_sum_end(&sum) && ret_value->size <= QRT_SHMEM_DATA_MAX &&
	    !ret_value->name[QRT_SHMEM_NAME_MAX])
		return 0;
	qrt_shmem_fence_acquire();
	return qrt_shmem_load(at) == ret_value->turn ? -EBADMSG : -EAGAIN;
}

/* What is at an index of a section; whose life that is the state says. -ENOENT: nothing; -EBADMSG: it is
 * damaged; -EAGAIN: it changes faster than it can be read; -EINVAL: no such slot or index. Where it fails,
 * *ret_value is of no meaning. */
static inline int qrt_shmem_read_value(const struct qrt_shmem_view *view, uint32_t slot, uint32_t index,
				       struct qrt_shmem_value *ret_value)
{
	int i, rc = -EAGAIN;

	if (slot >= view->peers || index >= view->values)
		return -EINVAL;
	memset(ret_value, 0, sizeof(*ret_value));
	for (i = 0; i < QRT_SHMEM_TRIES && rc == -EAGAIN; i++)
		rc = qrt_shmem_try_value(view, slot, index, ret_value);
	return rc;
}

/* The index of the value of that name. -ENOENT. */
static inline int qrt_shmem_find_value(const struct qrt_shmem_view *view, uint32_t slot, const char *name,
				       struct qrt_shmem_value *ret_value)
{
	uint32_t index;

	for (index = 0; index < view->values; index++) {
		if (qrt_shmem_read_value(view, slot, index, ret_value) >= 0 && !strcmp(ret_value->name, name))
			return (int)index;
	}
	return -ENOENT;
}

#ifdef __cplusplus
}
#endif

#endif /* QRT_SHMEM_VALUE_H */
