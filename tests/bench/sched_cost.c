/* SPDX-License-Identifier: MIT */
/*
 * One round of the benchmark sched-cost: what a program pays for a role, a layer and a preempt lock, beside
 * the bare system calls that have the same effect. Blocks of both take turns (A B B A), so that a load that
 * grows or fades meets both alike. Prints "NAME OURS_NS BARE_NS", of one operation each; without
 * lock_pair_short where the kernel has no slice extensions.
 *
 * Usage: sched_cost BLOCKS. It runs in real time, with pauses, for a fraction of a second.
 */
#include "sys_p.h"

#include <errno.h>
#include <pthread.h>
#include <qrt/preempt_lock.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define LOW   10
#define HIGH  11
#define LOCK  90
#define COUNT 200 /* operations of a block */

static struct qrt_sched_cpus cpus;
static cpu_set_t cpu_set;

static void check(int rc, const char *what)
{
	if (rc >= 0)
		return;
	fprintf(stderr, "%s: %s\n", what, strerror(-rc));
	exit(1);
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

/* The way that all measured calls take: one system call, nothing around it. */
static void set_bare(int policy, int priority)
{
	struct sched_param param = {.sched_priority = priority};

	syscall(SYS_sched_setscheduler, 0, policy, &param);
}

/* ---- what is measured: one operation each ---- */

static struct qrt_sched_placer *placer;
static struct qrt_sched_thread *thread;
static struct qrt_sched_lock *lock;
static unsigned turn;

static void enter_role(void)
{
	check(qrt_sched_placer_enter(placer, turn++ & 1 ? "IO disk" : "worker", NULL), "enter");
}

static void enter_bare(void)
{
	syscall(SYS_sched_setaffinity, 0, sizeof(cpu_set), &cpu_set);
	set_bare(SCHED_FIFO, turn++ & 1 ? LOW : HIGH);
}

static void change_layer(void)
{
	struct qrt_sched_layer_value value = {
		.setting = {.set = QRT_SCHED_SET_POLICY | QRT_SCHED_SET_PRIORITY,
			    .policy = QRT_SCHED_POLICY_FIFO,
			    .priority = turn++ & 1 ? LOW : HIGH}};

	qrt_sched_thread_set_layer(thread, QRT_SCHED_LAYER_PLAN, &value);
	check(qrt_sched_thread_apply(thread, NULL), "apply");
}

static void change_bare(void)
{
	set_bare(SCHED_FIFO, turn++ & 1 ? LOW : HIGH);
}

static void lock_pair(void)
{
	qrt_sched_lock_take(lock);
	qrt_sched_lock_give(lock);
}

static void lock_bare(void)
{
	set_bare(SCHED_FIFO, LOCK);
	set_bare(SCHED_FIFO, LOW);
}

/* ---- blocks ---- */

static double time_block(void (*operation)(void))
{
	double begin = now();
	int i;

	for (i = 0; i < COUNT; i++)
		operation();
	return now() - begin;
}

/* The kernel's throttling of real time must not hit one of the two. */
static void pause_a_moment(double worked_ns)
{
	struct timespec ts = {0, (long)(worked_ns / 5) % 100000000};

	nanosleep(&ts, NULL);
}

static void measure(const char *name, void (*ours)(void), void (*bare)(void), int blocks)
{
	double sums[2] = {0, 0}, spent;
	int i, way;

	time_block(ours);
	time_block(bare);
	for (i = 0; i < blocks * 2; i++) {
		way = (i + i / 2) % 2; /* A B B A */
		spent = time_block(way ? bare : ours);
		sums[way] += spent;
		pause_a_moment(spent);
	}
	printf("%s %.1f %.1f\n", name, sums[0] / (blocks * COUNT), sums[1] / (blocks * COUNT));
}

/* ---- setting up ---- */

static struct qrt_sched_plan *make_plan(void)
{
	static const char *const options[] = {"paio_prio=11", "ioth_prio=10"};
	struct qrt_sched_plan *plan;
	char bias[32];
	int i;

	check(qrt_sched_plan_new(&plan), "plan");
	for (i = 0; i < 2; i++)
		check(qrt_sched_plan_parse_option(plan, options[i], NULL), options[i]);
	for (i = 0; i < 2; i++) {
		snprintf(bias, sizeof(bias), "%s_bias=%d", i ? "paio" : "ioth",
			 qrt_sched_cpus_next(&cpus, -1));
		check(qrt_sched_plan_parse_option(plan, bias, NULL), bias);
	}
	return plan;
}

static void open_placer(const struct qrt_sched_plan *plan, int fd)
{
	struct qrt_sched_placer_config config = {.size = sizeof(config), .broker_fd = fd, .plan = plan};

	check(qrt_sched_placer_open(&config, &placer, NULL), "placer");
}

static void measure_roles(const struct qrt_sched_plan *plan, int blocks)
{
	open_placer(plan, -1);
	measure("role_by_itself", enter_role, enter_bare, blocks);
	qrt_sched_placer_leave(placer);
	placer = qrt_sched_placer_close(placer);
}

/* ---- the broker: another thread places, since this one is refused ---- */

static int refuse_attr(pid_t tid, const struct qrt_sched_p_attr *attr)
{
	(void)tid;
	(void)attr;
	return -EPERM;
}

static int refuse_cpus(pid_t tid, const struct qrt_sched_cpus *to)
{
	(void)tid;
	(void)to;
	return -EPERM;
}

static void *serve(void *data)
{
	struct qrt_sched_broker_message message;
	struct sched_param param = {.sched_priority = LOCK};
	int fd = *(int *)data;

	syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &param);
	while (recv(fd, &message, sizeof(message), 0) == sizeof(message)) {
		if (message.op != QRT_SCHED_BROKER_PLACE)
			continue;
		param.sched_priority = message.role == QRT_SCHED_ROLE_PAIO ? HIGH : LOW;
		syscall(SYS_sched_setaffinity, message.tid, sizeof(cpu_set), &cpu_set);
		syscall(SYS_sched_setscheduler, message.tid, SCHED_FIFO, &param);
		message.result = 0;
		send(fd, &message, sizeof(message), 0);
	}
	return NULL;
}

static void measure_broker(const struct qrt_sched_plan *plan, int blocks)
{
	struct qrt_sched_p_sys refusing = qrt_sched_p_kernel;
	pthread_t server;
	int pair[2];

	check(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) < 0 ? -errno : 0, "socketpair");
	check(-pthread_create(&server, NULL, serve, &pair[1]), "thread");
	refusing.set_attr = refuse_attr;
	refusing.set_cpus = refuse_cpus;
	qrt_sched_p_sys = &refusing;
	open_placer(plan, pair[0]);
	measure("role_by_broker", enter_role, enter_bare, blocks / 4 + 1);
	qrt_sched_placer_leave(placer);
	placer = qrt_sched_placer_close(placer);
	qrt_sched_p_sys = &qrt_sched_p_kernel;
	shutdown(pair[0], SHUT_RDWR);
	pthread_join(server, NULL);
	close(pair[0]);
	close(pair[1]);
}

static void measure_layer(int blocks)
{
	check(qrt_sched_thread_open((pid_t)syscall(SYS_gettid), &thread), "thread");
	measure("layer", change_layer, change_bare, blocks);
	thread = qrt_sched_thread_close(thread);
}

static void measure_lock(const char *name, uint32_t flags, int blocks)
{
	struct qrt_sched_lock_config config = {.size = sizeof(config), .priority = LOCK, .flags = flags};
	struct qrt_sched_lock_table *table;
	int rc;

	set_bare(SCHED_FIFO, LOW);
	check(qrt_sched_lock_table_new(&config, &table, NULL), "lock table");
	rc = qrt_sched_lock_open(table, &lock, NULL);
	check(rc, "lock");
	if (rc == 1 || !flags)
		measure(name, lock_pair, lock_bare, blocks);
	lock = qrt_sched_lock_close(lock);
	qrt_sched_lock_table_close(table);
}

int main(int argc, char **argv)
{
	int blocks = argc > 1 ? atoi(argv[1]) : 20;
	struct qrt_sched_setting had;
	struct qrt_sched_plan *plan;

	if (blocks < 1 || blocks > 1000)
		return 2;
	check(qrt_sched_setting_read(0, &had), "setting");
	qrt_sched_cpus_add(&cpus, qrt_sched_cpus_next(&had.cpus, -1));
	CPU_SET(qrt_sched_cpus_next(&cpus, -1), &cpu_set);
	plan = make_plan();
	check(sched_setaffinity(0, sizeof(cpu_set), &cpu_set) < 0 ? -errno : 0, "affinity");
	set_bare(SCHED_FIFO, LOW);
	if (sched_getscheduler(0) != SCHED_FIFO) {
		fprintf(stderr, "needs CAP_SYS_NICE\n");
		return 77;
	}
	measure_lock("lock_pair", 0, blocks);
	measure_lock("lock_pair_short", QRT_SCHED_LOCK_SHORT, blocks);
	measure_layer(blocks);
	measure_roles(plan, blocks);
	measure_broker(plan, blocks);
	qrt_sched_plan_close(plan);
	return 0;
}
