/* SPDX-License-Identifier: MIT */
/* Which of the workers sleep, and which look for work. Who puts something calls a sleeper only where nobody
 * looks: a worker that is about to look finds it anyway, and calling costs both sides more than most requests.
 * A worker that stops looking, because it found something, looks after what else is there: it calls another
 * one. So one looks as long as there is something to find, and as many work as there are requests that wait
 * for a device. */
#ifndef QRT_BLOCK_CREW_P_H
#define QRT_BLOCK_CREW_P_H

#include <semaphore.h>
#include <stdatomic.h>
#include <stdint.h>

struct qrt_block_p_crew {
	_Atomic uint64_t state; /* how many sleep, and how many look, those included that were just called */
	sem_t calls;
};

/* A negative errno. */
int qrt_block_p_crew_init(struct qrt_block_p_crew *crew);
void qrt_block_p_crew_finish(struct qrt_block_p_crew *crew);
/* One more, which is going to sleep. */
void qrt_block_p_crew_grow(struct qrt_block_p_crew *crew);

/* The rest is for what is already put, or about to be taken: each sees what others did before, or they see
 * what this one did. */

/* 1: a sleeper was called, and looks; 0: nobody sleeps. */
int qrt_block_p_crew_call(struct qrt_block_p_crew *crew);
/* How many look. */
uint32_t qrt_block_p_crew_looking(struct qrt_block_p_crew *crew);
/* By a worker. One that looks may do so without being counted: nobody relies on it then. */
void qrt_block_p_crew_look(struct qrt_block_p_crew *crew);
void qrt_block_p_crew_look_away(struct qrt_block_p_crew *crew);
/* It is among the sleepers. It looks once more now, and calls one where it finds something. */
void qrt_block_p_crew_lie_down(struct qrt_block_p_crew *crew, int is_counted);
/* Until it is called. */
void qrt_block_p_crew_sleep(struct qrt_block_p_crew *crew);

#endif
