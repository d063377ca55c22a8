/* SPDX-License-Identifier: MIT */
/*
 * What lies in a memory that peers share: for hosts and guests of the same byte order (little-endian), 32 and
 * 64 bit, C99 and C++, without a library behind it. After the state table and output sections of Siemens'
 * revision 2 of ivshmem, on memory of any kind.
 *
 *	header		the keeper's: who made the layout, usually the server
 *	life table	the keeper's: for each slot which life of its peer is the present one, 0: none
 *	state table	for each slot what its peer is at
 *	section 0	slot 0's: bells, acknowledgements, values, a ring of messages
 *	section 1	...
 *
 * A peer's slot is its id. Each writes to its own state and section alone, and all read all. So there is one
 * writer for each word, nobody locks anything, and one that dies in the middle of a write leaves what was
 *there before: nothing is torn or stuck, and the next writer goes on.
 *
 * Where the memory's owner lets every peer write to all of it (ivshmem, revision 1), a peer can damage
 *others' sections. What it can then do, and what not: readers take offsets and sizes from nowhere but the
 *header, once, when they attach; each read is bounded in time; all that is read is a copy with a checksum of
 *its own, which depends on slot, place, and a number that is drawn when the layout is made. So what was
 *written over by chance is seen as damaged (-EBADMSG). Who forges on purpose what another peer says can:
 *peers that do not trust each other need a memory each.
 *
 * <qrt/shmem_value.h>: values that have a name; <qrt/shmem_ring.h>: messages. All here is [rt] but make.
 */
#ifndef QRT_SHMEM_LAYOUT_H
#define QRT_SHMEM_LAYOUT_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the layout is little-endian, and nothing here swaps bytes"
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define QRT_SHMEM_MAGIC      0x74757079616c7271ull
#define QRT_SHMEM_LAYOUT     2u /* version: another one is another layout */
#define QRT_SHMEM_PEERS_MAX  4096u
#define QRT_SHMEM_VALUES_MAX 65536u
#define QRT_SHMEM_RING_MIN   1024u /* bytes, a power of two */
#define QRT_SHMEM_RING_MAX   (1u << 30)
#define QRT_SHMEM_PAGE       4096u
#define QRT_SHMEM_TRIES      64 /* a value that changes faster than that is -EAGAIN */

/* What a peer is at. From QRT_SHMEM_STATE_USER on: whatever the peers agree upon. */
enum qrt_shmem_state_number {
	QRT_SHMEM_STATE_NONE, /* nothing was said in this life */
	QRT_SHMEM_STATE_BOOTING,
	QRT_SHMEM_STATE_READY,
	QRT_SHMEM_STATE_REBOOTING,
	QRT_SHMEM_STATE_HALTING,
	QRT_SHMEM_STATE_USER = 64,
};

struct qrt_shmem_header {
	uint64_t magic, nonce;
	uint32_t version;
	uint32_t peers;         /* slots */
	uint32_t values;        /* of a section */
	uint32_t ring_bytes;    /* of a section, a power of two */
	uint64_t section_bytes; /* multiple of a page */
	uint64_t check;         /* of all above */
};

/* Steps of what each message needs: a compiler that calls them has the sums in memory. */
#define QRT_SHMEM_INLINE static inline __attribute__((always_inline))

/* ---- words that others write meanwhile ---- */

/* Fences. The thread sanitizer does not know them, which does no harm, for what others use meanwhile is read
 * and written atomically; gcc says so at each, which would be an error of each program that makes its
 * warnings errors. */
#if defined(__SANITIZE_THREAD__) && !defined(__clang__) && __GNUC__ >= 11
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wtsan"
#endif
static inline void qrt_shmem_fence_acquire(void)
{
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
}

static inline void qrt_shmem_fence_release(void)
{
	__atomic_thread_fence(__ATOMIC_RELEASE);
}

static inline void qrt_shmem_fence_full(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}
#if defined(__SANITIZE_THREAD__) && !defined(__clang__) && __GNUC__ >= 11
#pragma GCC diagnostic pop
#endif

QRT_SHMEM_INLINE uint32_t qrt_shmem_load(const void *at)
{
	return __atomic_load_n((const uint32_t *)at, __ATOMIC_ACQUIRE);
}

QRT_SHMEM_INLINE void qrt_shmem_store(void *at, uint32_t value)
{
	__atomic_store_n((uint32_t *)at, value, __ATOMIC_RELEASE);
}

/* 8 bytes, of which each half is whole. */
QRT_SHMEM_INLINE uint64_t qrt_shmem_load_pair(const void *at)
{
#if __SIZEOF_POINTER__ >= 8
	return __atomic_load_n((const uint64_t *)at, __ATOMIC_RELAXED);
#else
	const uint32_t *half = (const uint32_t *)at;

	return __atomic_load_n(half, __ATOMIC_RELAXED) | (uint64_t)__atomic_load_n(half + 1, __ATOMIC_RELAXED)
								 << 32;
#endif
}

QRT_SHMEM_INLINE void qrt_shmem_store_pair(void *at, uint64_t value)
{
#if __SIZEOF_POINTER__ >= 8
	__atomic_store_n((uint64_t *)at, value, __ATOMIC_RELAXED);
#else
	__atomic_store_n((uint32_t *)at, (uint32_t)value, __ATOMIC_RELAXED);
	__atomic_store_n((uint32_t *)at + 1, (uint32_t)(value >> 32), __ATOMIC_RELAXED);
#endif
}

/* ---- checksums ---- */

#define QRT_SHMEM_ODD_1 0x9e3779b97f4a7c15ull
#define QRT_SHMEM_ODD_2 0xc2b2ae3d27d4eb4full

/* Four lanes, so that a CPU multiplies while it loads. */
struct qrt_shmem_sum {
	uint64_t lane[4];
};

QRT_SHMEM_INLINE uint64_t qrt_shmem_mix(uint64_t lane, uint64_t word)
{
	lane = (lane ^ word) * QRT_SHMEM_ODD_1;
	return lane ^ lane >> 29;
}

QRT_SHMEM_INLINE struct qrt_shmem_sum qrt_shmem_sum_begin(uint64_t nonce, uint64_t place)
{
	struct qrt_shmem_sum sum;

	sum.lane[0] = qrt_shmem_mix(nonce, place);
	sum.lane[1] = sum.lane[0] ^ QRT_SHMEM_ODD_1;
	sum.lane[2] = sum.lane[0] ^ QRT_SHMEM_ODD_2;
	sum.lane[3] = ~sum.lane[0];
	return sum;
}

QRT_SHMEM_INLINE uint64_t qrt_shmem_sum_end(const struct qrt_shmem_sum *sum)
{
	uint64_t one = qrt_shmem_mix(sum->lane[0], sum->lane[1]);
	uint64_t other = qrt_shmem_mix(sum->lane[2], sum->lane[3]);

	return qrt_shmem_mix(one, other >> 32 | other << 32);
}

/* One word out of the memory, or into it. */
QRT_SHMEM_INLINE uint64_t qrt_shmem_pass(unsigned char *to, const unsigned char *from, int is_out)
{
	uint64_t word;

	if (is_out) {
		word = qrt_shmem_load_pair(from);
		memcpy(to, &word, 8);
	} else {
		memcpy(&word, from, 8);
		qrt_shmem_store_pair(to, word);
	}
	return word;
}

/* Lanes by their numbers: so compilers have them in registers. */
QRT_SHMEM_INLINE void qrt_shmem_copy(unsigned char *to, const unsigned char *from, size_t words,
				     struct qrt_shmem_sum *sum, int is_out)
{
	struct qrt_shmem_sum own = *sum;

	for (; words >= 4; words -= 4, to += 32, from += 32) {
		own.lane[0] = qrt_shmem_mix(own.lane[0], qrt_shmem_pass(to, from, is_out));
		own.lane[1] = qrt_shmem_mix(own.lane[1], qrt_shmem_pass(to + 8, from + 8, is_out));
		own.lane[2] = qrt_shmem_mix(own.lane[2], qrt_shmem_pass(to + 16, from + 16, is_out));
		own.lane[3] = qrt_shmem_mix(own.lane[3], qrt_shmem_pass(to + 24, from + 24, is_out));
	}
	if (words > 0)
		own.lane[0] = qrt_shmem_mix(own.lane[0], qrt_shmem_pass(to, from, is_out));
	if (words > 1)
		own.lane[1] = qrt_shmem_mix(own.lane[1], qrt_shmem_pass(to + 8, from + 8, is_out));
	if (words > 2)
		own.lane[2] = qrt_shmem_mix(own.lane[2], qrt_shmem_pass(to + 16, from + 16, is_out));
	*sum = own;
}

/* Copies words out of the memory, and sums them up as they were copied. */
QRT_SHMEM_INLINE void qrt_shmem_copy_out(void *to, const void *from, size_t words, struct qrt_shmem_sum *sum)
{
	qrt_shmem_copy((unsigned char *)to, (const unsigned char *)from, words, sum, 1);
}

/* Into the memory. */
QRT_SHMEM_INLINE void qrt_shmem_copy_in(void *to, const void *from, size_t words, struct qrt_shmem_sum *sum)
{
	qrt_shmem_copy((unsigned char *)to, (const unsigned char *)from, words, sum, 0);
}

/* ---- the layout ---- */

/* What a user keeps of a layout: nothing of it is read from the memory again. */
struct qrt_shmem_view {
	unsigned char *base;
	uint64_t length;
	uint64_t nonce;
	uint64_t section_bytes;
	uint32_t peers, values, ring_bytes;
};

QRT_SHMEM_INLINE uint64_t qrt_shmem_round(uint64_t bytes, uint64_t to)
{
	return (bytes + to - 1) / to * to;
}

static inline uint64_t qrt_shmem_lives_at(void)
{
	return QRT_SHMEM_PAGE;
}

static inline uint64_t qrt_shmem_states_at(uint32_t peers)
{
	return qrt_shmem_lives_at() + qrt_shmem_round((uint64_t)peers * 4, QRT_SHMEM_PAGE);
}

static inline uint64_t qrt_shmem_sections_at(uint32_t peers)
{
	return qrt_shmem_states_at(peers) + qrt_shmem_round((uint64_t)peers * 64, QRT_SHMEM_PAGE);
}

/* In a section: two lines of the ring's, for each peer 16 bytes (a bell, an acknowledgement), values, the
 * ring. */
QRT_SHMEM_INLINE uint64_t qrt_shmem_values_at(uint32_t peers)
{
	return 128 + qrt_shmem_round((uint64_t)peers * 16, 128);
}

QRT_SHMEM_INLINE uint64_t qrt_shmem_ring_at(uint32_t peers, uint32_t values)
{
	return qrt_shmem_values_at(peers) + (uint64_t)values * 256;
}

QRT_SHMEM_INLINE uint64_t qrt_shmem_section_bytes(uint32_t peers, uint32_t values, uint32_t ring_bytes)
{
	return qrt_shmem_round(qrt_shmem_ring_at(peers, values) + ring_bytes, QRT_SHMEM_PAGE);
}

/* How long a memory has to be. */
static inline uint64_t qrt_shmem_layout_bytes(uint32_t peers, uint32_t values, uint32_t ring_bytes)
{
	return qrt_shmem_sections_at(peers) + peers * qrt_shmem_section_bytes(peers, values, ring_bytes);
}

static inline int qrt_shmem_is_possible(uint32_t peers, uint32_t values, uint32_t ring_bytes)
{
	return peers >= 1 && peers <= QRT_SHMEM_PEERS_MAX && values <= QRT_SHMEM_VALUES_MAX &&
	       ring_bytes >= QRT_SHMEM_RING_MIN && ring_bytes <= QRT_SHMEM_RING_MAX &&
	       !(ring_bytes & (ring_bytes - 1));
}

static inline void qrt_shmem_copy_header(struct qrt_shmem_header *to, const void *from, uint64_t *ret_check)
{
	struct qrt_shmem_sum sum = qrt_shmem_sum_begin(0, QRT_SHMEM_MAGIC);

	qrt_shmem_copy_out(to, from, offsetof(struct qrt_shmem_header, check) / 8, &sum);
	to->check =
		qrt_shmem_load_pair((const unsigned char *)from + offsetof(struct qrt_shmem_header, check));
	*ret_check = qrt_shmem_sum_end(&sum);
}

/* Takes in what the header says. -EAGAIN: there is no layout yet; -EPROTO: another version, or none that fits
 * into this memory; -EBADMSG: it is damaged. */
static inline int qrt_shmem_attach(struct qrt_shmem_view *ret_view, void *base, uint64_t length)
{
	struct qrt_shmem_header header;
	uint64_t check;

	if (length < sizeof(header))
		return -EPROTO;
	qrt_shmem_copy_header(&header, base, &check);
	if (header.magic != QRT_SHMEM_MAGIC)
		return -EAGAIN;
	if (header.check != check)
		return -EBADMSG;
	if (header.version != QRT_SHMEM_LAYOUT ||
	    !qrt_shmem_is_possible(header.peers, header.values, header.ring_bytes) ||
	    header.section_bytes != qrt_shmem_section_bytes(header.peers, header.values, header.ring_bytes) ||
	    length < qrt_shmem_layout_bytes(header.peers, header.values, header.ring_bytes))
		return -EPROTO;
	ret_view->base = (unsigned char *)base;
	ret_view->length = length;
	ret_view->nonce = header.nonce;
	ret_view->section_bytes = header.section_bytes;
	ret_view->peers = header.peers;
	ret_view->values = header.values;
	ret_view->ring_bytes = header.ring_bytes;
	return 0;
}

static inline unsigned char *qrt_shmem_life_of(const struct qrt_shmem_view *view, uint32_t slot)
{
	return view->base + qrt_shmem_lives_at() + (uint64_t)slot * 4;
}

static inline unsigned char *qrt_shmem_state_of(const struct qrt_shmem_view *view, uint32_t slot)
{
	return view->base + qrt_shmem_states_at(view->peers) + (uint64_t)slot * 64;
}

static inline unsigned char *qrt_shmem_section_of(const struct qrt_shmem_view *view, uint32_t slot)
{
	return view->base + qrt_shmem_sections_at(view->peers) + slot * view->section_bytes;
}

/* Of slot, kind and number within it: what a checksum is told, so that no copy elsewhere is valid. */
QRT_SHMEM_INLINE uint64_t qrt_shmem_place(uint32_t slot, uint32_t kind, uint32_t number)
{
	return (uint64_t)slot << 40 ^ (uint64_t)kind << 32 ^ number;
}

/* ---- the keeper's ---- */

/* Writes the header of a layout, of which the view is known to be right: it may have been written over. What
 * is right stays as it is, also for who reads meanwhile. */
static inline void qrt_shmem_restore(const struct qrt_shmem_view *view)
{
	struct qrt_shmem_header header;
	struct qrt_shmem_sum sum = qrt_shmem_sum_begin(0, QRT_SHMEM_MAGIC);
	unsigned char unused[sizeof(header)];

	memset(&header, 0, sizeof(header));
	header.magic = QRT_SHMEM_MAGIC;
	header.nonce = view->nonce;
	header.version = QRT_SHMEM_LAYOUT;
	header.peers = view->peers;
	header.values = view->values;
	header.ring_bytes = view->ring_bytes;
	header.section_bytes = view->section_bytes;
	qrt_shmem_copy_in(unused, &header, offsetof(struct qrt_shmem_header, check) / 8, &sum);
	header.check = qrt_shmem_sum_end(&sum);
	qrt_shmem_copy_in(view->base + 8, (unsigned char *)&header + 8, sizeof(header) / 8 - 1, &sum);
	qrt_shmem_fence_release();
	qrt_shmem_store_pair(view->base, header.magic); /* last: who sees it sees the rest */
}

/* A view of a layout of which all is known, read from nowhere. -EINVAL, -ENOSPC as make(). */
static inline int qrt_shmem_set_view(struct qrt_shmem_view *ret_view, void *base, uint64_t length,
				     uint32_t peers, uint32_t values, uint32_t ring_bytes, uint64_t nonce)
{
	if (!qrt_shmem_is_possible(peers, values, ring_bytes))
		return -EINVAL;
	if (length < qrt_shmem_layout_bytes(peers, values, ring_bytes))
		return -ENOSPC;
	ret_view->base = (unsigned char *)base;
	ret_view->length = length;
	ret_view->nonce = nonce;
	ret_view->section_bytes = qrt_shmem_section_bytes(peers, values, ring_bytes);
	ret_view->peers = peers;
	ret_view->values = values;
	ret_view->ring_bytes = ring_bytes;
	return 0;
}

/* Makes a layout; the memory is overwritten. `nonce`: a random number. -EINVAL: no such layout is possible;
 * -ENOSPC: the memory is too short for it. [setup] */
static inline int qrt_shmem_make(void *base, uint64_t length, uint32_t peers, uint32_t values,
				 uint32_t ring_bytes, uint64_t nonce)
{
	struct qrt_shmem_view view;
	int rc = qrt_shmem_set_view(&view, base, length, peers, values, ring_bytes, nonce);

	if (rc < 0)
		return rc;
	memset(base, 0, qrt_shmem_layout_bytes(peers, values, ring_bytes));
	qrt_shmem_restore(&view);
	return 0;
}

/* What says that there is something, before what that is: who reads meanwhile finds nothing, not damage. */
static inline void qrt_shmem_clear_turns(const struct qrt_shmem_view *view, uint32_t slot)
{
	unsigned char *section = qrt_shmem_section_of(view, slot);
	uint32_t i;

	qrt_shmem_store(qrt_shmem_state_of(view, slot), 0);
	qrt_shmem_store(section + 4, 0); /* the ring's epoch */
	for (i = 0; i < view->values; i++)
		qrt_shmem_store(section + qrt_shmem_values_at(view->peers) + (uint64_t)i * 256, 0);
	qrt_shmem_fence_full();
}

/* Cleans a slot, and begins a new life in it; 0: none. From the first step on nothing is believed that the
 * life before said, or still says. A life is a random number of which only the low 24 bits count. -EINVAL.
 * [setup] */
static inline int qrt_shmem_begin_life(const struct qrt_shmem_view *view, uint32_t slot, uint32_t life)
{
	if (slot >= view->peers)
		return -EINVAL;
	qrt_shmem_store(qrt_shmem_life_of(view, slot), 0);
	qrt_shmem_fence_full();
	qrt_shmem_clear_turns(view, slot);
	memset(qrt_shmem_state_of(view, slot), 0, 64);
	memset(qrt_shmem_section_of(view, slot), 0, view->section_bytes);
	qrt_shmem_store(qrt_shmem_life_of(view, slot), life & 0xffffff);
	return 0;
}

/* Which life of a slot is the present one; 0: none. */
static inline uint32_t qrt_shmem_get_life(const struct qrt_shmem_view *view, uint32_t slot)
{
	return slot < view->peers ? qrt_shmem_load(qrt_shmem_life_of(view, slot)) & 0xffffff : 0;
}

/* ---- states ---- */

/* What a peer says of itself. */
struct qrt_shmem_state {
	uint32_t life;  /* in which it says that */
	uint32_t state; /* enum qrt_shmem_state_number */
	uint32_t beat;  /* counts while it lives */
	uint32_t flags; /* QRT_SHMEM_POLLS */
};

#define QRT_SHMEM_POLLS 1u /* it looks at bells and rings by itself: no interrupt is needed */

/* Two copies of which one is whole at any time: the writer works at the one that `turn` does not name. */
struct qrt_shmem_state_copy {
	struct qrt_shmem_state said;
	uint64_t check;
};

/* 0 is nothing; the next one after 2^32 - 1 is of the other copy, too. */
static inline uint32_t qrt_shmem_next_turn(uint32_t turn)
{
	return turn == 0xffffffffu ? 2 : turn + 1;
}

static inline uint64_t qrt_shmem_sum_state(const struct qrt_shmem_view *view, uint32_t slot, uint32_t turn,
					   const struct qrt_shmem_state *said)
{
	struct qrt_shmem_sum sum = qrt_shmem_sum_begin(view->nonce, qrt_shmem_place(slot, 1, turn));
	uint64_t words[2];

	memcpy(words, said, sizeof(words));
	sum.lane[0] = qrt_shmem_mix(sum.lane[0], words[0]);
	sum.lane[1] = qrt_shmem_mix(sum.lane[1], words[1]);
	return qrt_shmem_sum_end(&sum);
}

/* In the own slot only, by one thread at a time. -EINVAL. */
static inline int qrt_shmem_say_state(const struct qrt_shmem_view *view, uint32_t slot,
				      const struct qrt_shmem_state *said)
{
	unsigned char *at, *copy;
	uint64_t words[2];
	uint32_t turn;

	if (slot >= view->peers)
		return -EINVAL;
	at = qrt_shmem_state_of(view, slot);
	turn = qrt_shmem_next_turn(qrt_shmem_load(at));
	copy = at + 8 + (turn & 1) * sizeof(struct qrt_shmem_state_copy);
	memcpy(words, said, sizeof(words));
	qrt_shmem_fence_release(); /* behind the turn of the call before */
	qrt_shmem_store_pair(copy + 16, 0);
	qrt_shmem_fence_release();
	qrt_shmem_store_pair(copy, words[0]);
	qrt_shmem_store_pair(copy + 8, words[1]);
	qrt_shmem_fence_release();
	qrt_shmem_store_pair(copy + 16, qrt_shmem_sum_state(view, slot, turn, said));
	qrt_shmem_store(at, turn);
	return 0;
}

static inline int qrt_shmem_try_state(const struct qrt_shmem_view *view, uint32_t slot,
				      struct qrt_shmem_state *ret_said)
{
	const unsigned char *at = qrt_shmem_state_of(view, slot);
	uint32_t turn = qrt_shmem_load(at);
	const unsigned char *copy = at + 8 + (turn & 1) * sizeof(struct qrt_shmem_state_copy);
	uint64_t words[2], check;

	if (!turn)
		return -ENOENT;
	words[0] = qrt_shmem_load_pair(copy);
	words[1] = qrt_shmem_load_pair(copy + 8);
	check = qrt_shmem_load_pair(copy + 16);
	memcpy(ret_said, words, sizeof(words));
	if (check == qrt_shmem_sum_state(view, slot, turn, ret_said))
		return 0;
	qrt_shmem_fence_acquire();
	return qrt_shmem_load(at) == turn ? -EBADMSG : -EAGAIN;
}

/* What a slot says. -ENOENT: nothing; -ESTALE: an earlier life said it; -EBADMSG: it is damaged; -EAGAIN: it
 * changes faster than it can be read; -EINVAL. */
static inline int qrt_shmem_read_state(const struct qrt_shmem_view *view, uint32_t slot,
				       struct qrt_shmem_state *ret_said)
{
	struct qrt_shmem_state said;
	int i, rc = -EAGAIN;

	if (slot >= view->peers)
		return -EINVAL;
	for (i = 0; i < QRT_SHMEM_TRIES && rc == -EAGAIN; i++)
		rc = qrt_shmem_try_state(view, slot, &said);
	if (rc >= 0 && (!said.life || said.life != qrt_shmem_get_life(view, slot)))
		rc = -ESTALE;
	if (rc >= 0)
		*ret_said = said;
	return rc;
}

/* ---- bells: rings for who polls ---- */

static inline unsigned char *qrt_shmem_bell_of(const struct qrt_shmem_view *view, uint32_t from, uint32_t to)
{
	return qrt_shmem_section_of(view, from) + 128 + (uint64_t)to * 16;
}

/* Counts one up. Both slots are below view->peers. */
static inline void qrt_shmem_ring_bell(const struct qrt_shmem_view *view, uint32_t own, uint32_t to)
{
	/* One step, though nobody else writes there: to load the word and to store it fetches its line twice.
	 */
	__atomic_fetch_add((uint32_t *)(void *)qrt_shmem_bell_of(view, own, to), 1, __ATOMIC_RELEASE);
}

/* How often `from` rang `own`, modulo 2^32: to be compared with the last time. */
static inline uint32_t qrt_shmem_look_bell(const struct qrt_shmem_view *view, uint32_t from, uint32_t own)
{
	return qrt_shmem_load(qrt_shmem_bell_of(view, from, own));
}

#ifdef __cplusplus
}
#endif

#endif /* QRT_SHMEM_LAYOUT_H */
