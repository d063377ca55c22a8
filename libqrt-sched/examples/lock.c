/* SPDX-License-Identifier: MIT */
/* A section that nobody interrupts: cc lock.c $(pkg-config --cflags --libs libqrt-sched) -lpthread */
#include <pthread.h>
#include <qrt/preempt_lock.h>
#include <stdio.h>
#include <unistd.h>

static volatile int is_done;

static void *keep(void *table)
{
	while (!is_done) {
		qrt_sched_lock_table_wait((struct qrt_sched_lock_table *)table, 10000000);
		qrt_sched_lock_table_enforce((struct qrt_sched_lock_table *)table, getpid());
	}
	return NULL;
}

int main(void)
{
	struct qrt_sched_lock_config config = {sizeof(config), 0, 40, 0, 1000000};
	struct qrt_sched_lock_table *table;
	struct qrt_sched_lock *lock;
	struct qrt_sched_error error;
	pthread_t keeper;

	if (qrt_sched_lock_table_new(&config, &table, &error) < 0)
		return 1;
	pthread_create(&keeper, NULL, keep, table); /* to be placed above 40 */
	if (qrt_sched_lock_open(table, &lock, &error) < 0) {
		fprintf(stderr, "no lock: %s\n", error.message);
	} else {
		qrt_sched_lock_take(lock);
		/* ... */
		qrt_sched_lock_give(lock);
		qrt_sched_lock_close(lock);
	}
	is_done = 1;
	pthread_join(keeper, NULL);
	qrt_sched_lock_table_close(table);
	return 0;
}
