/* SPDX-License-Identifier: MIT */
/*
 * A monitor in small that has -rt itself, and lets the rest of its arguments be. Prints what it was given:
 *   rt|OPTION           each -rt
 *   environment|NAME    each variable of the library's, and LD_PRELOAD
 *   descriptors|N       that it took out of there
 *   thread|POLICY|PRIORITY of its vCPU, then with the preempt lock: lock|POLICY|PRIORITY
 */
#include <qrt/process.h>

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void say(void *unused, const char *line)
{
	(void)unused;
	fprintf(stderr, "%s\n", line);
}

static void print_setting(const char *what)
{
	struct sched_param param = {0};

	sched_getparam(0, &param);
	printf("%s|%d|%d\n", what, sched_getscheduler(0) & 0xff, param.sched_priority);
}

static void print_environment(void)
{
	static const char *const names[] = {"LD_PRELOAD",       "QRT_SCHED_PLAN",   "QRT_SCHED_PLAN_FILE",
					    "QRT_SCHED_BROKER", "QRT_SCHED_RECORD", "QRT_SCHED_LOCKS"};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (getenv(names[i]))
			printf("environment|%s\n", names[i]);
	}
}

static void take_options(struct qrt_sched_plan *plan, int argc, char **argv)
{
	struct qrt_sched_error error;
	int i;

	for (i = 1; i + 1 < argc; i++) {
		if (strcmp(argv[i], "-rt") != 0)
			continue;
		printf("rt|%s\n", argv[++i]);
		if (qrt_sched_plan_parse_option(plan, argv[i], &error) < 0) {
			fprintf(stderr, "-rt %s: %s\n", argv[i], error.message);
			exit(1);
		}
	}
}

/* There is none before the supervisor has heard of this thread. */
static void take_lock(void)
{
	const struct timespec pause = {.tv_nsec = 10000000};
	struct sched_param before = {0}, after = {0};
	int tries;

	sched_getparam(0, &before);
	for (tries = 0; tries < 200 && after.sched_priority <= before.sched_priority; tries++) {
		nanosleep(&pause, NULL);
		qrt_sched_process_begin_guest();
		qrt_sched_process_end_guest();
		sched_getparam(0, &after);
	}
}

static void *run_vcpu(void *unused)
{
	qrt_sched_process_begin_thread("CPU 0/KVM");
	print_setting("thread");
	take_lock();
	print_setting("lock");
	return unused;
}

int main(int argc, char **argv)
{
	struct qrt_sched_process_config config = {.size = sizeof(config), .say = say};
	struct qrt_sched_process *process;
	struct qrt_sched_error error = {.message = "out of memory"};
	struct qrt_sched_plan *plan;
	pthread_t vcpu;

	if (qrt_sched_plan_new(&plan) < 0)
		return 1;
	print_environment();
	take_options(plan, argc, argv);
	config.plan = plan;
	printf("descriptors|%d\n", qrt_sched_process_take_environment(&config));
	if (qrt_sched_process_open(&config, &process, &error) < 0) {
		fprintf(stderr, "%s\n", error.message);
		return 1;
	}
	qrt_sched_process_enter(process, QRT_SCHED_PLACER_MAIN);
	qrt_sched_process_stay(process, &error);
	if (pthread_create(&vcpu, NULL, run_vcpu, NULL) == 0)
		pthread_join(vcpu, NULL);
	return 0;
}
