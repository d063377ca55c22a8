/* SPDX-License-Identifier: MIT */
/* A partner on another CPU, and the time of trips to it and back. */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

#define LOOKS_A_TURN 16384
#define TURNS_MAX    (1u << 20) /* of others, while nothing comes: minutes */
#define SAMPLES      65536
#define REST_US      10
#define RESTS_A_TURN 100

int bench_pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)cpu, &set);
	return sched_setaffinity(0, sizeof(set), &set) < 0 ? -errno : 0;
}

/* ---- partners ---- */

void bench_be_ready(struct bench *bench)
{
	__atomic_store_n(&bench->shared->is_ready.value, 1, __ATOMIC_RELEASE);
}

gboolean bench_is_over(const struct bench *bench)
{
	return __atomic_load_n(&bench->shared->is_over.value, __ATOMIC_ACQUIRE) != 0;
}

static void be_partner(struct bench *bench, void (*partner)(struct bench *bench, void *data), void *data)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGPIPE, SIG_DFL);
	if (bench_pin(bench->cpu[1]) < 0)
		_exit(EXIT_FAILED);
	partner(bench, data);
	_exit(EXIT_OK);
}

/* It has ended before it was ready: it said why. */
static gboolean is_lost(struct bench *bench)
{
	if (waitpid(bench->partner, NULL, WNOHANG) == 0)
		return FALSE;
	bench->partner = 0;
	return TRUE;
}

int bench_begin_partner(struct bench *bench, void (*partner)(struct bench *bench, void *data), void *data)
{
	gint64 until = g_get_monotonic_time() + BENCH_PATIENCE * 1000;

	memset(bench->shared, 0, sizeof(*bench->shared));
	bench->partner = fork();
	if (bench->partner == 0)
		be_partner(bench, partner, data);
	if (bench->partner < 0) {
		complain("bench: no process can be started: %s", g_strerror(errno));
		return -errno;
	}
	while (!__atomic_load_n(&bench->shared->is_ready.value, __ATOMIC_ACQUIRE)) {
		if (is_lost(bench) || g_get_monotonic_time() > until) {
			complain("bench: the partner does not begin");
			bench_end_partner(bench, NULL, NULL);
			return -ETIMEDOUT;
		}
		g_usleep(200);
	}
	return 0;
}

static gboolean is_ended(struct bench *bench)
{
	gint64 until = g_get_monotonic_time() + BENCH_PATIENCE * 1000;

	while (waitpid(bench->partner, NULL, WNOHANG) == 0) {
		if (g_get_monotonic_time() > until)
			return FALSE;
		g_usleep(200);
	}
	return TRUE;
}

void bench_end_partner(struct bench *bench, void (*wake)(struct bench *bench, void *data), void *data)
{
	__atomic_store_n(&bench->shared->is_over.value, 1, __ATOMIC_RELEASE);
	if (bench->partner <= 0)
		return;
	if (wake)
		wake(bench, data);
	if (!wake || !is_ended(bench)) {
		kill(bench->partner, SIGKILL);
		waitpid(bench->partner, NULL, 0);
	}
	bench->partner = 0;
}

gboolean bench_look_again(guint *looks)
{
	if (++*looks % LOOKS_A_TURN)
		return TRUE;
	sched_yield();
	return *looks / LOOKS_A_TURN < TURNS_MAX / 4;
}

gboolean bench_rest(guint *rests)
{
	gint64 until = g_get_monotonic_time() + REST_US;

	while (g_get_monotonic_time() < until)
		;
	if (++*rests % RESTS_A_TURN == 0)
		sched_yield();
	return *rests < BENCH_PATIENCE * (1000 / REST_US);
}

/* ---- times ---- */

static guint64 now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (guint64)now.tv_sec * 1000000000u + (guint64)now.tv_nsec;
}

static int compare(gconstpointer a, gconstpointer b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double bench_median(GArray *values)
{
	guint middle = values->len / 2;

	if (!values->len)
		return 0;
	g_array_sort(values, compare);
	if (values->len % 2)
		return g_array_index(values, double, middle);
	return (g_array_index(values, double, middle - 1) + g_array_index(values, double, middle)) / 2;
}

/* The nearest one. */
static double quantile(GArray *values, double share)
{
	guint rank = (guint)((double)values->len * share);

	if (share == 0.5 || !values->len)
		return bench_median(values);
	g_array_sort(values, compare);
	return g_array_index(values, double, MIN(rank, values->len - 1));
}

static int time_batch(struct bench *bench, int (*trip)(struct bench *bench, void *data), void *data,
		      guint batch)
{
	guint i;
	int rc = 0;

	for (i = 0; i < batch && rc >= 0; i++)
		rc = trip(bench, data);
	return rc;
}

double bench_time_trips(struct bench *bench, int (*trip)(struct bench *bench, void *data), void *data,
			guint batch)
{
	g_autoptr(GArray) samples = g_array_sized_new(FALSE, FALSE, sizeof(double), SAMPLES);
	guint64 begin, end = now_ns(), until = end + (guint64)(bench->seconds * 1e9);
	double sample;
	int rc = 0;

	while (end < until && rc >= 0) {
		begin = now_ns();
		rc = time_batch(bench, trip, data, batch);
		end = now_ns();
		sample = (double)(end - begin) / 1e3 / batch;
		g_array_append_val(samples, sample);
	}
	if (rc >= 0)
		return quantile(samples, bench->share);
	complain("bench: the partner does not answer: %s", g_strerror(-rc));
	return 0;
}
