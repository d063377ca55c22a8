/* SPDX-License-Identifier: MIT */
#include "latency_thread.h"

#include "host.h"

#include <errno.h>
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define STACK_SIZE (256u << 10) /* locked memory is counted, and 8 MiB a thread are not needed */

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* Signals are blocked, so that nothing but the time ends it. */
static void sleep_until(uint64_t time_ns)
{
	struct timespec ts = {.tv_sec = (time_t)(time_ns / 1000000000u),
			      .tv_nsec = (long)(time_ns % 1000000000u)};

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
}

static void note(struct latency_thread *thread, uint64_t at_ns, uint64_t late_ns)
{
	struct latency_event event;

	if (late_ns > thread->histogram.max_ns || (thread->over_ns && late_ns > thread->over_ns)) {
		event = (struct latency_event){.late_ns = late_ns, .at_ns = at_ns, .cpu = sched_getcpu()};
		if (late_ns > thread->histogram.max_ns)
			thread->worst = event;
		if (thread->over_ns && late_ns > thread->over_ns) {
			if (atomic_load_explicit(&thread->overs, memory_order_relaxed) == 0)
				thread->first_over = event;
			atomic_fetch_add_explicit(&thread->overs, 1, memory_order_release);
		}
	}
	latency_histogram_add(&thread->histogram, late_ns);
	atomic_store_explicit(&thread->worst_ns, thread->histogram.max_ns, memory_order_relaxed);
	atomic_store_explicit(&thread->cycles, thread->histogram.count, memory_order_relaxed);
}

static void measure(struct latency_thread *thread)
{
	uint64_t next_ns = thread->start_ns, time_ns, passed;

	while (next_ns < thread->end_ns && !atomic_load_explicit(&thread->is_stopped, memory_order_relaxed)) {
		sleep_until(next_ns);
		time_ns = now_ns();
		note(thread, time_ns, time_ns > next_ns ? time_ns - next_ns : 0);
		passed = time_ns > next_ns ? (time_ns - next_ns) / thread->interval_ns : 0;
		thread->missed += passed;
		next_ns += (passed + 1) * thread->interval_ns;
	}
}

static void wait_for(sem_t *semaphore)
{
	while (sem_wait(semaphore) < 0 && errno == EINTR)
		;
}

static void *run(void *data)
{
	struct latency_thread *thread = data;

	thread->tid = (pid_t)syscall(SYS_gettid);
	sem_post(&thread->is_born);
	wait_for(&thread->may_start);
	if (thread->end_ns > 0)
		measure(thread);
	atomic_store(&thread->is_done, true);
	wait_for(&thread->may_end);
	return NULL;
}

static int start_thread(struct latency_thread *thread)
{
	pthread_attr_t attr;
	int r = pthread_attr_init(&attr);

	if (r == 0) {
		r = pthread_attr_setstacksize(&attr, STACK_SIZE);
		if (r == 0)
			r = pthread_create(&thread->thread, &attr, run, thread);
		pthread_attr_destroy(&attr);
	}
	return -r;
}

static void destroy_semaphores(struct latency_thread *thread)
{
	sem_destroy(&thread->is_born);
	sem_destroy(&thread->may_start);
	sem_destroy(&thread->may_end);
}

int latency_thread_open(struct latency_thread *thread, uint32_t size)
{
	int r = latency_histogram_init(&thread->histogram, size);

	if (r < 0)
		return r;
	thread->start_ns = thread->end_ns = 0;
	sem_init(&thread->is_born, 0, 0);
	sem_init(&thread->may_start, 0, 0);
	sem_init(&thread->may_end, 0, 0);
	r = start_thread(thread);
	if (r < 0) {
		destroy_semaphores(thread);
		latency_histogram_clear(&thread->histogram);
		return r;
	}
	wait_for(&thread->is_born);
	return 0;
}

/* As the supervisor does it for a thread of QEMU. */
static int set_layers(struct latency_thread *thread, const struct qrt_sched_plan *plan,
		      struct qrt_sched_setting *ret_planned)
{
	struct qrt_sched_layer_value value = {0};
	int r = qrt_sched_plan_get(plan, thread->role, thread->index, &value.setting);

	if (r < 0)
		return r;
	thread->is_planned = value.setting.set != 0;
	if (thread->is_planned && thread->role == QRT_SCHED_ROLE_VCPU) {
		value.setting.set |= QRT_SCHED_SET_FLAGS;
		value.setting.flags = QRT_SCHED_FLAG_RESET_ON_FORK;
	}
	*ret_planned = value.setting;
	return qrt_sched_thread_set_layer(thread->handle, QRT_SCHED_LAYER_PLAN, &value);
}

int latency_thread_place(struct latency_thread *thread, const struct qrt_sched_plan *plan,
			 struct qrt_sched_saved *places, struct qrt_sched_error *reterr)
{
	int r = qrt_sched_thread_open(thread->tid, &thread->handle);
	struct qrt_sched_setting planned;
	bool is_fallback = false;

	if (r >= 0)
		r = set_layers(thread, plan, &planned);
	if (r >= 0) {
		host_admit(thread->tid, &planned, places);
		r = qrt_sched_thread_apply(thread->handle, reterr);
	}
	if (r < 0 && thread->handle && qrt_sched_thread_fall_back(thread->handle, r) >= 0) {
		is_fallback = true;
		r = qrt_sched_thread_apply(thread->handle, NULL);
	}
	if (r >= 0)
		r = qrt_sched_setting_read(thread->tid, &thread->setting);
	return r < 0 ? r : is_fallback;
}

void latency_thread_start(struct latency_thread *thread, uint64_t start_ns, uint64_t end_ns)
{
	thread->start_ns = start_ns;
	thread->end_ns = end_ns;
	sem_post(&thread->may_start);
}

void latency_thread_stop(struct latency_thread *thread)
{
	atomic_store(&thread->is_stopped, true);
}

void latency_thread_close(struct latency_thread *thread)
{
	bool was_started = thread->end_ns > 0;

	latency_thread_stop(thread);
	if (!was_started)
		sem_post(&thread->may_start);
	if (thread->handle)
		qrt_sched_thread_restore(thread->handle, NULL);
	sem_post(&thread->may_end);
	pthread_join(thread->thread, NULL);
	thread->handle = qrt_sched_thread_close(thread->handle);
	destroy_semaphores(thread);
}

void latency_thread_clear(struct latency_thread *thread)
{
	latency_histogram_clear(&thread->histogram);
}
