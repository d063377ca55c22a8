/* SPDX-License-Identifier: MIT */
/*
 * Messages, in the sections of a layout (<qrt/shmem_layout.h>): a ring in each section, into which its owner
 * writes and from which all others read, each where it stands. A writer waits for nobody: a reader that is
 * too slow is told how many messages it lost. A writer that must not lose any names a reader, which
 * acknowledges, and is told when there is no room (-EAGAIN). All here is [rt].
 *
 * In the memory a ring is a power of two of bytes, and counted in units of 8. Line 0 of the section has where
 * the next message will begin (head), the writer's epoch, drawn when a writer begins, and the next message's
 * number; line 1 where the oldest message begins that is not being written over (low). Head and low count
 * units modulo 2^32. A message: 24 bytes, then its content, then up to 7 bytes of nothing.
 */
#ifndef QRT_SHMEM_RING_H
#define QRT_SHMEM_RING_H

#include <qrt/shmem_layout.h>

#ifdef __cplusplus
extern "C" {
#endif

#define QRT_SHMEM_TO_ALL 0xffffu

/* Of a message: as it lies in the memory. */
struct qrt_shmem_message {
	uint64_t check;
	uint64_t number; /* 0, 1, ... since its writer began */
	uint32_t length; /* bytes of content */
	uint16_t to;     /* a slot, QRT_SHMEM_TO_ALL */
	uint16_t type;   /* whatever the peers agree upon */
};

#define QRT_SHMEM_P_HEAD   3u /* words of a message before its content */
#define QRT_SHMEM_P_CHUNKS 8u /* a writer gives up old messages by eighths of the ring */

/* The writer's own. */
struct qrt_shmem_writer {
	struct qrt_shmem_view view;
	struct qrt_shmem_sum sum; /* with which each message begins */
	unsigned char *section, *ring;
	uint64_t number;
	uint32_t slot, epoch;
	uint32_t head, low; /* units */
	uint32_t units;     /* of the ring */
	uint32_t waits_for; /* a slot that acknowledges; QRT_SHMEM_TO_ALL: nobody */
	uint32_t acknowledged;
	uint32_t begin[QRT_SHMEM_P_CHUNKS]; /* of the first message that begins in each eighth */
};

/* A reader's own, of one slot's ring. */
struct qrt_shmem_reader {
	struct qrt_shmem_view view;
	struct qrt_shmem_sum sum; /* with which each message of this epoch begins */
	const unsigned char *section, *ring;
	uint64_t next;  /* number of the next message */
	uint64_t lost;  /* messages, in all */
	uint32_t from;  /* the slot */
	uint32_t own;   /* that of the reader, for acknowledgements */
	uint32_t epoch; /* of the writer; 0: none was seen */
	uint32_t at, head, units;
	uint32_t is_sure; /* `next` is what comes next, where nothing is lost */
};

static inline unsigned char *qrt_shmem_ring_of(const struct qrt_shmem_view *view, uint32_t slot)
{
	return qrt_shmem_section_of(view, slot) + qrt_shmem_ring_at(view->peers, view->values);
}

/* Two words: where the reader stands, and the epoch of the writer of whom that is true. */
static inline unsigned char *qrt_shmem_acknowledgement_of(const struct qrt_shmem_view *view, uint32_t reader,
							  uint32_t writer)
{
	return qrt_shmem_section_of(view, reader) + 128 + (uint64_t)writer * 16 + 8;
}

/* Bytes of content that a message can have. */
QRT_SHMEM_INLINE uint32_t qrt_shmem_length_max(const struct qrt_shmem_view *view)
{
	return view->ring_bytes / QRT_SHMEM_P_CHUNKS - (uint32_t)sizeof(struct qrt_shmem_message);
}

/* `units` at `at` of the ring, which may go on at its beginning. */
QRT_SHMEM_INLINE void qrt_shmem_put(unsigned char *ring, uint32_t units, uint32_t at, const void *from,
				    uint32_t count, struct qrt_shmem_sum *sum)
{
	uint32_t first = units - (at & (units - 1));

	if (__builtin_expect(first >= count, 1)) {
		qrt_shmem_copy_in(ring + (uint64_t)(at & (units - 1)) * 8, from, count, sum);
		return;
	}
	qrt_shmem_copy_in(ring + (uint64_t)(at & (units - 1)) * 8, from, first, sum);
	qrt_shmem_copy_in(ring, (const unsigned char *)from + (uint64_t)first * 8, count - first, sum);
}

QRT_SHMEM_INLINE void qrt_shmem_take(void *to, const unsigned char *ring, uint32_t units, uint32_t at,
				     uint32_t count, struct qrt_shmem_sum *sum)
{
	uint32_t first = units - (at & (units - 1));

	if (__builtin_expect(first >= count, 1)) {
		qrt_shmem_copy_out(to, ring + (uint64_t)(at & (units - 1)) * 8, count, sum);
		return;
	}
	qrt_shmem_copy_out(to, ring + (uint64_t)(at & (units - 1)) * 8, first, sum);
	qrt_shmem_copy_out((unsigned char *)to + (uint64_t)first * 8, ring, count - first, sum);
}

/* The same without a place to take them to. */
static inline void qrt_shmem_leave(const unsigned char *ring, uint32_t units, uint32_t at, uint32_t count,
				   struct qrt_shmem_sum *sum)
{
	uint64_t unused[64]; /* a multiple of the lanes */
	uint32_t part;

	while (count) {
		part = units - (at & (units - 1));
		part = part < count ? part : count;
		part = part < 64 ? part : 64;
		qrt_shmem_take(unused, ring, units, at, part, sum);
		at += part;
		count -= part;
	}
}

/* What the checksums of all messages of a writer have in common. */
static inline struct qrt_shmem_sum qrt_shmem_sum_writer(const struct qrt_shmem_view *view, uint32_t slot,
							uint32_t epoch)
{
	struct qrt_shmem_sum sum = qrt_shmem_sum_begin(view->nonce, qrt_shmem_place(slot, 3, epoch));

	sum.lane[1] = qrt_shmem_mix(sum.lane[1], epoch);
	sum.lane[2] = qrt_shmem_mix(sum.lane[2], epoch);
	sum.lane[3] = qrt_shmem_mix(sum.lane[3], epoch);
	return sum;
}

/* The words of a message's head, one by one: so compilers have them in registers. */
struct qrt_shmem_head {
	uint64_t check, number;
	uint64_t rest; /* length, to, type */
};

/* Where a message lies counts, too. */
QRT_SHMEM_INLINE void qrt_shmem_sum_head(struct qrt_shmem_sum *sum, const struct qrt_shmem_head *head,
					 uint32_t at)
{
	sum->lane[1] = qrt_shmem_mix(sum->lane[1], head->number ^ (uint64_t)at << 32);
	sum->lane[2] = qrt_shmem_mix(sum->lane[2], head->rest);
}

/* It may go on at the ring's beginning. */
QRT_SHMEM_INLINE void qrt_shmem_put_head(unsigned char *ring, uint32_t units, uint32_t at,
					 const struct qrt_shmem_head *head)
{
	qrt_shmem_store_pair(ring + (uint64_t)(at & (units - 1)) * 8, head->check);
	qrt_shmem_store_pair(ring + (uint64_t)((at + 1) & (units - 1)) * 8, head->number);
	qrt_shmem_store_pair(ring + (uint64_t)((at + 2) & (units - 1)) * 8, head->rest);
}

QRT_SHMEM_INLINE struct qrt_shmem_head qrt_shmem_take_head(const unsigned char *ring, uint32_t units,
							   uint32_t at)
{
	struct qrt_shmem_head head;

	head.check = qrt_shmem_load_pair(ring + (uint64_t)(at & (units - 1)) * 8);
	head.number = qrt_shmem_load_pair(ring + (uint64_t)((at + 1) & (units - 1)) * 8);
	head.rest = qrt_shmem_load_pair(ring + (uint64_t)((at + 2) & (units - 1)) * 8);
	return head;
}

/* ---- writing ---- */

/* Begins to write in the own section: all that is still in the ring is given up. `epoch`: a random number,
 * which tells this writer from the one before; `waits_for`: a slot that acknowledges, or QRT_SHMEM_TO_ALL.
 * -EINVAL. */
static inline int qrt_shmem_begin_writing(struct qrt_shmem_writer *ret_writer,
					  const struct qrt_shmem_view *view, uint32_t slot, uint32_t epoch,
					  uint32_t waits_for)
{
	unsigned char *section;

	if (slot >= view->peers || (waits_for != QRT_SHMEM_TO_ALL && waits_for >= view->peers))
		return -EINVAL;
	section = qrt_shmem_section_of(view, slot);
	memset(ret_writer, 0, sizeof(*ret_writer));
	ret_writer->view = *view;
	ret_writer->section = section;
	ret_writer->ring = qrt_shmem_ring_of(view, slot);
	ret_writer->slot = slot;
	ret_writer->epoch = epoch ? epoch : 1;
	ret_writer->sum = qrt_shmem_sum_writer(view, slot, ret_writer->epoch);
	ret_writer->units = view->ring_bytes / 8;
	ret_writer->waits_for = waits_for;
	/* A new head, so that nothing that lies there can be taken for what comes. */
	ret_writer->head = qrt_shmem_load(section) + ret_writer->units;
	ret_writer->low = ret_writer->acknowledged = ret_writer->head;
	ret_writer->begin[ret_writer->head / (ret_writer->units / QRT_SHMEM_P_CHUNKS) % QRT_SHMEM_P_CHUNKS] =
		ret_writer->head;
	qrt_shmem_store(section + 4, 0);
	qrt_shmem_store_pair(section + 8, 0);
	qrt_shmem_store(section + 64, ret_writer->low);
	qrt_shmem_store(section, ret_writer->head);
	qrt_shmem_store(section + 4, ret_writer->epoch);
	return 0;
}

QRT_SHMEM_INLINE uint32_t qrt_shmem_units_of(uint32_t length)
{
	return QRT_SHMEM_P_HEAD + (length + 7) / 8;
}

QRT_SHMEM_INLINE int qrt_shmem_has_room(const struct qrt_shmem_writer *writer, uint32_t need)
{
	return (int32_t)(writer->head + need - writer->units - writer->acknowledged) <= 0;
}

/* 1: where a reader stands. 0: it acknowledged nothing to this writer, only to the one before. */
static inline int qrt_shmem_look_acknowledged(const struct qrt_shmem_writer *writer, uint32_t reader,
					      uint32_t *ret_at)
{
	const unsigned char *said = qrt_shmem_acknowledgement_of(&writer->view, reader, writer->slot);

	if (qrt_shmem_load(said + 4) != writer->epoch)
		return 0;
	*ret_at = qrt_shmem_load(said);
	return qrt_shmem_load(said + 4) == writer->epoch;
}

/* Whether a reader has acknowledged all that was sent, and something was. */
static inline int qrt_shmem_is_acknowledged(const struct qrt_shmem_writer *writer, uint32_t reader)
{
	uint32_t at = 0;

	return reader < writer->view.peers && qrt_shmem_look_acknowledged(writer, reader, &at) &&
	       at == writer->head;
}

/* What the reader says counts where it can be true. */
QRT_SHMEM_INLINE int qrt_shmem_look_for_room(struct qrt_shmem_writer *writer, uint32_t need)
{
	uint32_t said = 0;

	if (writer->waits_for == QRT_SHMEM_TO_ALL || qrt_shmem_has_room(writer, need))
		return 1;
	if (qrt_shmem_look_acknowledged(writer, writer->waits_for, &said) &&
	    writer->head - said <= writer->head - writer->acknowledged)
		writer->acknowledged = said;
	return qrt_shmem_has_room(writer, need);
}

/* Gives up whole messages until there is room, and says so before they are written over. */
QRT_SHMEM_INLINE void qrt_shmem_make_room(struct qrt_shmem_writer *writer, uint32_t need)
{
	uint32_t chunk = writer->units / QRT_SHMEM_P_CHUNKS, low = writer->low;

	while ((int32_t)(writer->head + need - writer->units - low) > 0)
		low = writer->begin[(low / chunk + 1) % QRT_SHMEM_P_CHUNKS];
	if (low == writer->low)
		return;
	writer->low = low;
	qrt_shmem_store(writer->section + 64, low);
	qrt_shmem_fence_release();
}

QRT_SHMEM_INLINE void qrt_shmem_advance(struct qrt_shmem_writer *writer, uint32_t need)
{
	uint32_t chunk = writer->units / QRT_SHMEM_P_CHUNKS, before = writer->head;

	writer->head += need;
	writer->number++;
	if ((writer->head ^ before) & (0u - chunk)) /* of a power of two: another eighth */
		writer->begin[writer->head / chunk % QRT_SHMEM_P_CHUNKS] = writer->head;
	qrt_shmem_store_pair(writer->section + 8, writer->number);
	qrt_shmem_store(writer->section, writer->head);
}

/* Content whose last word is not whole, padded with zeros. */
QRT_SHMEM_INLINE void qrt_shmem_put_content(struct qrt_shmem_writer *writer, const void *data,
					    uint32_t length, struct qrt_shmem_sum *sum)
{
	uint32_t at = writer->head + QRT_SHMEM_P_HEAD, whole = length / 8;
	uint64_t last = 0;

	qrt_shmem_put(writer->ring, writer->units, at, data, whole, sum);
	if (!(length & 7))
		return;
	memcpy(&last, (const unsigned char *)data + (uint64_t)whole * 8, length & 7);
	qrt_shmem_put(writer->ring, writer->units, at + whole, &last, 1, sum);
}

/* Sends a message of `length` bytes. Rings nobody. -EMSGSIZE: longer than qrt_shmem_length_max(); -EAGAIN:
 * the reader that the writer waits for has not acknowledged enough. */
static inline int qrt_shmem_send(struct qrt_shmem_writer *writer, uint16_t to, uint16_t type,
				 const void *data, uint32_t length)
{
	struct qrt_shmem_sum sum = writer->sum;
	struct qrt_shmem_head head;
	uint32_t need;

	if (length > qrt_shmem_length_max(&writer->view))
		return -EMSGSIZE;
	need = qrt_shmem_units_of(length);
	if (!qrt_shmem_look_for_room(writer, need))
		return -EAGAIN;
	qrt_shmem_make_room(writer, need);
	head.number = writer->number;
	head.rest = length | (uint64_t)to << 32 | (uint64_t)type << 48;
	qrt_shmem_sum_head(&sum, &head, writer->head);
	qrt_shmem_put_content(writer, data, length, &sum);
	head.check = qrt_shmem_sum_end(&sum);
	qrt_shmem_put_head(writer->ring, writer->units, writer->head, &head);
	qrt_shmem_advance(writer, need);
	return 0;
}

/* ---- reading ---- */

/* Begins to read what `from` sends from now on, or with is_from_oldest what is still in its ring, too. Also
 * where nobody writes there yet. `own`: the reader's slot. -EINVAL. */
static inline int qrt_shmem_begin_reading(struct qrt_shmem_reader *ret_reader,
					  const struct qrt_shmem_view *view, uint32_t from, uint32_t own,
					  int is_from_oldest)
{
	const unsigned char *section;

	if (from >= view->peers || own >= view->peers)
		return -EINVAL;
	section = qrt_shmem_section_of(view, from);
	memset(ret_reader, 0, sizeof(*ret_reader));
	ret_reader->view = *view;
	ret_reader->section = section;
	ret_reader->ring = qrt_shmem_ring_of(view, from);
	ret_reader->from = from;
	ret_reader->own = own;
	ret_reader->units = view->ring_bytes / 8;
	if (is_from_oldest)
		return 0;
	ret_reader->epoch = qrt_shmem_load(section + 4);
	ret_reader->sum = qrt_shmem_sum_writer(view, from, ret_reader->epoch);
	ret_reader->at = ret_reader->head = qrt_shmem_load(section);
	ret_reader->next = qrt_shmem_load_pair(section + 8);
	ret_reader->is_sure = ret_reader->epoch != 0;
	return 0;
}

/* To the oldest message that there is; where that did not help, since the writer is so fast, to the next one.
 */
static inline void qrt_shmem_catch_up(struct qrt_shmem_reader *reader, int is_again)
{
	const unsigned char *section = reader->section;

	reader->at = qrt_shmem_load(section + 64);
	reader->head = qrt_shmem_load(section);
	if (is_again || reader->head - reader->at > reader->units)
		reader->at = reader->head;
}

/* Looks how far the writer is; another writer is begun with. 0: nothing is there. */
QRT_SHMEM_INLINE int qrt_shmem_look_ahead(struct qrt_shmem_reader *reader)
{
	const unsigned char *section = reader->section;
	uint32_t epoch = qrt_shmem_load(section + 4);

	if (!epoch)
		return 0;
	if (epoch != reader->epoch) {
		reader->epoch = epoch;
		reader->sum = qrt_shmem_sum_writer(&reader->view, reader->from, epoch);
		reader->next = 0;
		reader->is_sure = 1;
		qrt_shmem_catch_up(reader, 0);
	} else {
		reader->head = qrt_shmem_load(section);
		if (reader->head - reader->at > reader->units)
			qrt_shmem_catch_up(reader, 0);
	}
	return reader->head != reader->at;
}

/* Content: as the writer did, whole words, and the last one by itself. */
QRT_SHMEM_INLINE void qrt_shmem_take_content(const struct qrt_shmem_reader *reader, void *buf,
					     uint32_t length, struct qrt_shmem_sum *sum)
{
	uint32_t at = reader->at + QRT_SHMEM_P_HEAD, whole = length / 8;

	if (!buf) {
		qrt_shmem_leave(reader->ring, reader->units, at, whole, sum);
		qrt_shmem_leave(reader->ring, reader->units, at + whole, (length & 7) != 0, sum);
		return;
	}
	qrt_shmem_take(buf, reader->ring, reader->units, at, whole, sum);
	if (length & 7)
		qrt_shmem_take((unsigned char *)buf + (uint64_t)whole * 8, reader->ring, reader->units,
			       at + whole, 1, sum);
}

/* 1: a whole message; 0: it is none, or not any more; -EMSGSIZE: it is one, and does not fit. */
QRT_SHMEM_INLINE int qrt_shmem_try_message(const struct qrt_shmem_reader *reader,
					   struct qrt_shmem_head *ret_head, void *buf, uint32_t size)
{
	struct qrt_shmem_head head = qrt_shmem_take_head(reader->ring, reader->units, reader->at);
	struct qrt_shmem_sum sum = reader->sum;
	uint32_t length = (uint32_t)head.rest;
	int is_short;

	if (length > qrt_shmem_length_max(&reader->view) ||
	    qrt_shmem_units_of(length) > reader->head - reader->at)
		return 0;
	is_short = buf && ((uint64_t)length + 7) / 8 * 8 > size;
	qrt_shmem_sum_head(&sum, &head, reader->at);
	qrt_shmem_take_content(reader, is_short ? NULL : buf, length, &sum);
	*ret_head = head;
	if (head.check != qrt_shmem_sum_end(&sum))
		return 0;
	return is_short ? -EMSGSIZE : 1;
}

QRT_SHMEM_INLINE void qrt_shmem_set_message(struct qrt_shmem_message *message,
					    const struct qrt_shmem_head *head)
{
	message->check = head->check;
	message->number = head->number;
	message->length = (uint32_t)head->rest;
	message->to = (uint16_t)(head->rest >> 32);
	message->type = (uint16_t)(head->rest >> 48);
}

/* What was received is behind the reader. */
QRT_SHMEM_INLINE void qrt_shmem_go_on(struct qrt_shmem_reader *reader, const struct qrt_shmem_head *head)
{
	if (reader->is_sure && head->number > reader->next)
		reader->lost += head->number - reader->next;
	reader->next = head->number + 1;
	reader->is_sure = 1;
	reader->at += qrt_shmem_units_of((uint32_t)head->rest);
}

/* Where a message was none: it was written over, or the writer is another one, or it is damaged. */
static inline int qrt_shmem_recover(struct qrt_shmem_reader *reader, int is_again)
{
	const unsigned char *section = reader->section;

	uint32_t low, head;

	qrt_shmem_fence_acquire();
	low = qrt_shmem_load(section + 64);
	head = qrt_shmem_load(section);
	if (qrt_shmem_load(section + 4) == reader->epoch && head - reader->at <= head - low) {
		reader->at = reader->head = head;
		return -EBADMSG;
	}
	qrt_shmem_catch_up(reader, is_again);
	if (qrt_shmem_load(section + 4) != reader->epoch)
		reader->head = reader->at;
	return 0;
}

/* Takes the next message, whomever it is for, into a buffer of `size` bytes; qrt_shmem_length_max() is enough
 * for any. buf NULL: without its content. RETURN 1; 0: there is none; -EMSGSIZE: it does not fit and stays;
 * -EBADMSG: what is there is damaged, and it goes on with what comes next; -EAGAIN: the writer is faster than
 * this reader. How many were lost before it: reader->lost. */
static inline int qrt_shmem_receive(struct qrt_shmem_reader *reader, struct qrt_shmem_message *ret_message,
				    void *buf, uint32_t size)
{
	struct qrt_shmem_head head;
	int i, rc;

	for (i = 0; i < QRT_SHMEM_TRIES; i++) {
		if (reader->at == reader->head && !qrt_shmem_look_ahead(reader))
			return 0;
		rc = qrt_shmem_try_message(reader, &head, buf, size);
		if (rc) {
			qrt_shmem_set_message(ret_message, &head);
			if (rc > 0)
				qrt_shmem_go_on(reader, &head);
			return rc;
		}
		rc = qrt_shmem_recover(reader, i > 0);
		if (rc < 0)
			return rc;
	}
	return -EAGAIN;
}

/* All that was received may be written over: for a writer that waits for this reader. Where the writer is
 * another one than the last time there is no epoch while the place changes: who sees both sees what belongs
 * together. */
static inline void qrt_shmem_acknowledge(const struct qrt_shmem_reader *reader)
{
	unsigned char *said = qrt_shmem_acknowledgement_of(&reader->view, reader->own, reader->from);

	if (qrt_shmem_load(said + 4) == reader->epoch) {
		qrt_shmem_store(said, reader->at);
		return;
	}
	qrt_shmem_store(said + 4, 0);
	qrt_shmem_fence_full();
	qrt_shmem_store(said, reader->at);
	qrt_shmem_store(said + 4, reader->epoch);
}

#ifdef __cplusplus
}
#endif

#endif /* QRT_SHMEM_RING_H */
