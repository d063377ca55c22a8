/* SPDX-License-Identifier: MIT */
/*
 * Threads with the names of a VMM's, for as many seconds as "-m N" says (1 without it):
 *   CPU 0/TCG  (or $QRT_FAKE_NAME) runs half a millisecond and sleeps as long
 *   worker     holds the mutex for 6 ms, 10 times a second
 *   main       wants the mutex every 5 ms
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MS 1000000

/* Made without attributes by pthread_mutex_init(), as QEMU does. */
static pthread_mutex_t mutex;
static double end;

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void rest(long ns)
{
	struct timespec ts = {.tv_nsec = ns};

	nanosleep(&ts, NULL);
}

static void *run_cpu(void *unused)
{
	const char *name = getenv("QRT_FAKE_NAME");
	double until;

	pthread_setname_np(pthread_self(), name ? name : "CPU 0/TCG");
	while (now() < end) {
		for (until = now() + 0.0005; now() < until;)
			;
		rest(MS / 2);
	}
	return unused;
}

static void *run_worker(void *unused)
{
	pthread_setname_np(pthread_self(), "worker");
	while (now() < end) {
		pthread_mutex_lock(&mutex);
		rest(6 * MS);
		pthread_mutex_unlock(&mutex);
		rest(94 * MS);
	}
	return unused;
}

int main(int argc, char **argv)
{
	pthread_t cpu, worker;
	double seconds = 1;
	int i;

	for (i = 1; i + 1 < argc; i++) {
		if (strcmp(argv[i], "-m") == 0)
			seconds = strtod(argv[i + 1], NULL);
	}
	end = now() + seconds;
	pthread_mutex_init(&mutex, NULL);
	if (pthread_create(&cpu, NULL, run_cpu, NULL) != 0 ||
	    pthread_create(&worker, NULL, run_worker, NULL) != 0)
		return 1;
	while (now() < end) {
		pthread_mutex_lock(&mutex);
		pthread_mutex_unlock(&mutex);
		rest(5 * MS);
	}
	pthread_join(cpu, NULL);
	pthread_join(worker, NULL);
	return 0;
}
