/* SPDX-License-Identifier: MIT */
/* A small virtual machine monitor under its own plan: a main loop, and a vCPU that halts until it is woken.
 * cc process.c $(pkg-config --cflags --libs libqrt-sched) -lpthread */
#include <qrt/process.h>
#include <stdio.h>

#define TIMERS 3

static pthread_mutex_t big_lock;
static pthread_cond_t is_woken = PTHREAD_COND_INITIALIZER;
static int timers;

static void say(void *unused, const char *line)
{
	(void)unused;
	fprintf(stderr, "%s\n", line);
}

static void take_big_lock(void)
{
	qrt_sched_process_lock_mutex(&big_lock, __builtin_return_address(0));
}

static void run_guest(void)
{
	qrt_sched_process_begin_guest();
	/* ioctl(vcpu_fd, KVM_RUN, 0); */
	qrt_sched_process_end_guest();
}

static void halt(void)
{
	qrt_sched_process_begin_sleep(&is_woken);
	pthread_cond_wait(&is_woken, &big_lock);
	qrt_sched_process_end_sleep();
}

static void *run_vcpu(void *unused)
{
	int done = 0;

	qrt_sched_process_begin_thread("CPU 0/KVM");
	take_big_lock();
	while (done < TIMERS) {
		while (done == timers)
			halt();
		done++;
		pthread_mutex_unlock(&big_lock);
		run_guest();
		take_big_lock();
	}
	pthread_mutex_unlock(&big_lock);
	return unused;
}

static void run_main_loop(void)
{
	const struct timespec deadline = {0, 1000000};
	int i;

	for (i = 0; i < TIMERS; i++) {
		qrt_sched_process_poll(NULL, 0, &deadline, NULL);
		take_big_lock();
		timers++;
		pthread_cond_signal(&is_woken);
		qrt_sched_process_signalled(&is_woken);
		pthread_mutex_unlock(&big_lock);
	}
}

static int begin(struct qrt_sched_plan *plan)
{
	struct qrt_sched_process_config config = {sizeof(config), 0, -1, -1, -1, plan, say, NULL, NULL, 0};
	struct qrt_sched_error error = {0, 0, "out of memory"};
	struct qrt_sched_process *process;

	qrt_sched_process_take_environment(&config);
	if (qrt_sched_plan_parse_option(plan, "main_nice=1 vcpu_nice=2 advance=100", &error) < 0 ||
	    qrt_sched_process_open(&config, &process, &error) < 0) {
		say(NULL, error.message);
		return -1;
	}
	qrt_sched_process_enter(process, QRT_SCHED_PLACER_MAIN);
	return qrt_sched_process_stay(process, &error);
}

int main(void)
{
	struct qrt_sched_plan *plan;
	pthread_t vcpu;

	if (qrt_sched_plan_new(&plan) < 0 || begin(plan) < 0)
		return 1;
	if (qrt_sched_process_init_mutex(&big_lock, NULL) || pthread_create(&vcpu, NULL, run_vcpu, NULL))
		return 1;
	run_main_loop();
	pthread_join(vcpu, NULL);
	return 0;
}
