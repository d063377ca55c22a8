/* SPDX-License-Identifier: MIT */
/*
 * A VM whose vCPUs never sleep, for a bounded time. Its arguments are QEMU's, and ignored. From the
 * environment: SPIN_VCPUS    how many (1) SPIN_MS       how long it lives (300), at most a minute
 *   SPIN_PERCENT  what a vCPU runs of every 10 ms (100)
 * Prints, when it ends, the ms of CPU time that each vCPU had.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define VCPUS_MAX 64
#define MS        1000000ull
#define PERIOD    (10 * MS)

static uint64_t end_ns, percent;
static uint64_t used_ms[VCPUS_MAX];

static uint64_t now(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void sleep_until(uint64_t at)
{
	struct timespec ts = {(time_t)(at / 1000000000u), (long)(at % 1000000000u)};

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
}

static void *run_vcpu(void *data)
{
	uint64_t *used = data, begin;
	char name[16];

	snprintf(name, sizeof(name), "CPU %d/KVM", (int)(used - used_ms));
	pthread_setname_np(pthread_self(), name);
	while ((begin = now(CLOCK_MONOTONIC)) < end_ns) {
		while (now(CLOCK_MONOTONIC) < begin + PERIOD * percent / 100)
			;
		if (percent < 100)
			sleep_until(begin + PERIOD);
	}
	*used = now(CLOCK_THREAD_CPUTIME_ID) / MS;
	return NULL;
}

static uint64_t setting(const char *name, uint64_t otherwise, uint64_t max)
{
	const char *text = getenv(name);
	uint64_t value = text ? strtoull(text, NULL, 10) : otherwise;

	return value < 1 ? 1 : value > max ? max : value;
}

int main(void)
{
	uint64_t i, vcpus = setting("SPIN_VCPUS", 1, VCPUS_MAX);
	pthread_t threads[VCPUS_MAX];

	percent = setting("SPIN_PERCENT", 100, 100);
	end_ns = now(CLOCK_MONOTONIC) + setting("SPIN_MS", 300, 60000) * MS;
	for (i = 0; i < vcpus; i++) {
		if (pthread_create(&threads[i], NULL, run_vcpu, &used_ms[i]) != 0)
			return 1;
	}
	for (i = 0; i < vcpus; i++) {
		pthread_join(threads[i], NULL);
		printf("vcpu%d %d\n", (int)i, (int)used_ms[i]);
	}
	return 0;
}
