/* SPDX-License-Identifier: MIT */
/*
 * The parts of `bench`. Each measurement is of two processes, each on its CPU: this one, and a partner that
 * is forked for it. What is compared is measured in one round, one after the other.
 */
#ifndef QRT_SHMEM_BENCH_H
#define QRT_SHMEM_BENCH_H

#include <qrt/ivshmem.h>
#include <sys/types.h>

#include "tool.h"

#define BENCH_CLIENTS    64
#define BENCH_RING_BYTES (1u << 20) /* pipes and sockets are given as much */
#define BENCH_PATIENCE   5000       /* ms */

/* A line of its own. */
struct bench_word {
	guint32 value;
} __attribute__((aligned(256)));

/* What a partner and this process share. */
struct bench_shared {
	struct bench_word is_ready, is_over, is_done, partner_id;
};

struct bench {
	int cpu[2];
	double seconds; /* of a measurement */
	double share;   /* of the samples: what a measurement is to say */
	struct bench_shared *shared;
	void *layout_memory; /* shared, too */
	guint64 layout_bytes;
	pid_t server, partner;
	char address[32]; /* of the server, a name without a file */
	struct qrt_ivshmem_peer *peer;
	double leave_ms; /* of the clients that the last measurement of joining had */
};

/* What is measured: > 0; <= 0: it failed, which was said. */
typedef double bench_measure(struct bench *bench, size_t bytes);

/* bench_pair.c: partners */

/* Runs `partner` on the second CPU until it returns. Negative: it was said why not. */
int bench_begin_partner(struct bench *bench, void (*partner)(struct bench *bench, void *data), void *data);
/* The partner: it is ready to be measured with. */
void bench_be_ready(struct bench *bench);
gboolean bench_is_over(const struct bench *bench);
/* Ends it: it looks at is_over when `wake` made it look. */
void bench_end_partner(struct bench *bench, void (*wake)(struct bench *bench, void *data), void *data);
int bench_pin(int cpu);
/* Where two processes poll: after many looks others have a turn. FALSE: nothing came in all patience. */
gboolean bench_look_again(guint *looks);
/* Who looks without end for what is not there yet takes its line from who writes it. Whom many are more to
 * than the next one soon looks now and then. FALSE as above. */
gboolean bench_rest(guint *rests);
/* Median of how long `trip` takes, in us; `batch`: trips that are measured at once. */
double bench_time_trips(struct bench *bench, int (*trip)(struct bench *bench, void *data), void *data,
			guint batch);
double bench_median(GArray *values);

/* bench_server.c: a real server in a process of its own, and this process as its peer */
int bench_open_server(struct bench *bench);
void bench_close_server(struct bench *bench);
/* A peer that is complete. NULL: it was said why not. */
struct qrt_ivshmem_peer *bench_join(struct bench *bench);
/* One that has only connected. NULL: it was said why not. */
struct qrt_ivshmem_peer *bench_connect(struct bench *bench);

/* Measurements: us of a round trip (bench_trip.c), messages a second (bench_message.c), ms (bench_join.c). */
bench_measure bench_doorbell, bench_eventfd, bench_bell, bench_bare_word;
bench_measure bench_messages, bench_pipe, bench_stream;
bench_measure bench_join_all, bench_leave_all;

#endif
