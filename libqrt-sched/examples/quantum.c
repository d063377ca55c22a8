/* SPDX-License-Identifier: MIT */
/* A thread that makes its own slices: cc quantum.c $(pkg-config --cflags --libs libqrt-sched) */
#include <poll.h>
#include <qrt/quantum.h>
#include <stdio.h>

int main(void)
{
	struct qrt_sched_quantum *quantum;
	struct qrt_sched_error error;

	/* For it to mean something, be under FIFO, with others of the same priority. */
	if (qrt_sched_quantum_start((uint64_t)qrt_sched_quantum_of_nice(19), &quantum, &error) < 0) {
		fprintf(stderr, "no quantum: %s\n", error.message);
		return 1;
	}
	while (qrt_sched_quantum_get_count() < 5)
		; /* work */
	qrt_sched_quantum_hold();
	poll(NULL, 0, 5); /* wait, and see no EINTR */
	qrt_sched_quantum_release();
	printf("%d slices ended\n", (int)qrt_sched_quantum_get_count());
	qrt_sched_quantum_stop(quantum);
	return 0;
}
