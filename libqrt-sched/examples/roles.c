/* SPDX-License-Identifier: MIT */
/* Threads that enter the roles of a plan: cc roles.c $(pkg-config --cflags --libs libqrt-sched) -lpthread */
#include <pthread.h>
#include <qrt/sched.h>
#include <stdio.h>

static struct qrt_sched_placer *placer;

static void *work(void *name)
{
	struct qrt_sched_error error;

	if (qrt_sched_placer_enter(placer, (const char *)name, &error) < 0)
		fprintf(stderr, "%s runs on as it is: %s\n", (const char *)name, error.message);
	qrt_sched_placer_leave(placer); /* when its work is done */
	return NULL;
}

int main(void)
{
	struct qrt_sched_placer_config config = {sizeof(config), -1, 0, NULL, 0, 0};
	struct qrt_sched_plan *plan;
	pthread_t threads[2];

	if (qrt_sched_plan_new(&plan) < 0 || qrt_sched_plan_parse_option(plan, "vcpu_prio=10", NULL) < 0)
		return 1;
	config.plan = plan;
	if (qrt_sched_placer_open(&config, &placer, NULL) < 0)
		return 1;
	pthread_create(&threads[0], NULL, work, (void *)"CPU 0/KVM");
	pthread_create(&threads[1], NULL, work, (void *)"worker");
	pthread_join(threads[0], NULL);
	pthread_join(threads[1], NULL);
	qrt_sched_placer_close(placer);
	qrt_sched_plan_close(plan);
	return 0;
}
