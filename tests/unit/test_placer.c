/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fake_kernel.h"
#include "tap.h"

/* A placer of a made-up kernel, with this end of its line to the supervisor. */
static struct qrt_sched_plan *plan;
static struct qrt_sched_placer *placer;
static int line;

static void begin_with(int with_broker, uint32_t timeout_ms)
{
	struct qrt_sched_placer_config config = {
		.size = sizeof(config), .broker_fd = -1, .timeout_ms = timeout_ms};
	static const char text[] =
		"vcpu_sched=fifo\nvcpu_prio=10,20,30\nmain_sched=fifo\nmain_prio=40\nmain_bias=0\n"
		"paio_prio=11,12,13\npaio_bias=0\nothr_sched=other\nothr_nice=3\n";
	int pair[2] = {-1, -1};

	fake_kernel_begin();
	CU_ASSERT_EQUAL_FATAL(qrt_sched_plan_new(&plan), 0);
	CU_ASSERT_EQUAL_FATAL(qrt_sched_plan_parse_text(plan, text, strlen(text), NULL), 0);
	if (with_broker)
		CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	config.plan = plan;
	config.broker_fd = pair[0];
	CU_ASSERT_EQUAL_FATAL(qrt_sched_placer_open(&config, &placer, NULL), 0);
	if (with_broker)
		close(pair[0]);
	line = pair[1];
}

static void begin(int with_broker)
{
	begin_with(with_broker, 5000);
}

static void end(void)
{
	if (line >= 0)
		close(line);
	CU_ASSERT_PTR_NULL(qrt_sched_placer_close(placer));
	CU_ASSERT_PTR_NULL(qrt_sched_plan_close(plan));
	fake_kernel_end();
}

static struct qrt_sched_broker_message receive(void)
{
	struct qrt_sched_broker_message m = {0};

	CU_ASSERT_EQUAL(recv(line, &m, sizeof(m), MSG_DONTWAIT), sizeof(m));
	CU_ASSERT_EQUAL(m.magic, QRT_SCHED_BROKER_MAGIC);
	return m;
}

static int is_silent(void)
{
	char byte;

	return recv(line, &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

/* ---- placing itself ---- */

static void a_thread_places_itself_by_its_name(void)
{
	begin(0);
	CU_ASSERT_EQUAL(qrt_sched_placer_enter(placer, "CPU 1/KVM", NULL), QRT_SCHED_PLACED_SELF);
	CU_ASSERT_EQUAL(fake_kernel.attr.policy, QRT_SCHED_POLICY_FIFO);
	CU_ASSERT_EQUAL(fake_kernel.attr.priority, 20);
	CU_ASSERT_EQUAL(fake_kernel.attr.flags, 1);
	end();
}

static void a_role_without_a_plan_is_left_alone(void)
{
	begin(1);
	CU_ASSERT_EQUAL(qrt_sched_placer_enter(placer, "IO disk0", NULL), QRT_SCHED_PLACED_NONE);
	CU_ASSERT_STRING_EQUAL(fake_kernel.log, "");
	CU_ASSERT(is_silent());
	end();
}

static void the_supervisor_is_told_how_the_thread_was(void)
{
	struct qrt_sched_broker_message m;

	begin(1);
	fake_kernel.nice = 4;
	CU_ASSERT_EQUAL(qrt_sched_placer_enter(placer, QRT_SCHED_PLACER_MAIN, NULL), QRT_SCHED_PLACED_SELF);
	m = receive();
	CU_ASSERT_EQUAL(m.op, QRT_SCHED_BROKER_PLACED);
	CU_ASSERT_EQUAL(m.role, QRT_SCHED_ROLE_MAIN);
	CU_ASSERT_EQUAL(m.tid, (int)syscall(SYS_gettid));
	CU_ASSERT_EQUAL(m.origin.set, QRT_SCHED_SET_ALL);
	CU_ASSERT_EQUAL(m.origin.policy, QRT_SCHED_POLICY_OTHER);
	CU_ASSERT_EQUAL(m.origin.nice, 4);
	CU_ASSERT_EQUAL(qrt_sched_placer_enter(placer, "a name that is far too long", NULL),
			QRT_SCHED_PLACED_SELF);
	m = receive();
	CU_ASSERT_STRING_EQUAL(m.name, "a name that is ");
	CU_ASSERT_EQUAL(m.origin.policy, QRT_SCHED_POLICY_OTHER);
	qrt_sched_placer_leave(placer);
	CU_ASSERT_EQUAL(receive().op, QRT_SCHED_BROKER_ENDED);
	qrt_sched_placer_leave(placer);
	CU_ASSERT(is_silent());
	end();
}

static void entering_again_changes_the_role(void)
{
	begin(0);
	fake_kernel.nice = 1;
	CU_ASSERT_EQUAL(qrt_sched_placer_enter(placer, NULL, NULL), QRT_SCHED_PLACED_SELF);
	CU_ASSERT_EQUAL(fake_kernel.nice, 3);
	CU_ASSERT_EQUAL(qrt_sched_placer_enter(placer, "worker", NULL), QRT_SCHED_PLACED_SELF);
	CU_ASSERT_EQUAL(fake_kernel.attr.priority, 11);
	CU_ASSERT_EQUAL(qrt_sched_cpus_count(&fake_kernel.cpus), 1);
	/* What the new role does not name is as before, and not as the old role had it. */
	CU_ASSERT_EQUAL(qrt_sched_placer_enter(placer, "CPU 0/TCG", NULL), QRT_SCHED_PLACED_SELF);
	CU_ASSERT_EQUAL(qrt_sched_cpus_count(&fake_kernel.cpus), 4);
	CU_ASSERT_EQUAL(qrt_sched_placer_enter(placer, "IO disk0", NULL), QRT_SCHED_PLACED_SELF);
	CU_ASSERT_EQUAL(fake_kernel.attr.policy, QRT_SCHED_POLICY_OTHER);
	CU_ASSERT_EQUAL(fake_kernel.nice, 1);
	end();
}

/* ---- indices ---- */

struct visit {
	pthread_t thread;
	int hold[2]; /* the visitor stays until it can read here */
	int done[2];
	int result;
	int index;
};

static void *visit(void *arg)
{
	struct visit *v = arg;
	char byte = 0;

	v->result = qrt_sched_placer_enter(placer, "worker", NULL);
	CU_ASSERT_EQUAL(write(v->done[1], &byte, 1), 1);
	CU_ASSERT_EQUAL(read(v->hold[0], &byte, 1), 1);
	qrt_sched_placer_leave(placer);
	return NULL;
}

/* The fake kernel is one thread's: visitors come and go one after the other. */
static void come(struct visit *v)
{
	char byte;

	CU_ASSERT_EQUAL(pipe(v->hold), 0);
	CU_ASSERT_EQUAL(pipe(v->done), 0);
	fake_kernel.attr = (struct qrt_sched_p_attr){0};
	pthread_create(&v->thread, NULL, visit, v);
	CU_ASSERT_EQUAL(read(v->done[0], &byte, 1), 1);
	v->index = (int)fake_kernel.attr.priority - 11;
}

static void go(struct visit *v)
{
	char byte = 0;

	CU_ASSERT_EQUAL(write(v->hold[1], &byte, 1), 1);
	pthread_join(v->thread, NULL);
	close(v->hold[0]), close(v->hold[1]), close(v->done[0]), close(v->done[1]);
}

static void the_lowest_free_index_is_given(void)
{
	struct visit a, b, c, d;

	begin(0);
	come(&a);
	come(&b);
	come(&c);
	CU_ASSERT(a.index == 0 && b.index == 1 && c.index == 2);
	go(&b);
	come(&d);
	CU_ASSERT_EQUAL(d.index, 1);
	go(&a);
	come(&b);
	CU_ASSERT_EQUAL(b.index, 0);
	go(&b);
	go(&c);
	go(&d);
	end();
}

static void what_was_inherited_is_not_taken_for_the_origin(void)
{
	struct qrt_sched_broker_message m;
	struct visit v;

	begin(1);
	CU_ASSERT_EQUAL(qrt_sched_placer_enter(placer, QRT_SCHED_PLACER_MAIN, NULL), QRT_SCHED_PLACED_SELF);
	receive();
	CU_ASSERT_EQUAL(fake_kernel.attr.priority, 40);
	CU_ASSERT_EQUAL(pipe(v.hold), 0);
	CU_ASSERT_EQUAL(pipe(v.done), 0);
	pthread_create(&v.thread, NULL, visit, &v);
	CU_ASSERT_EQUAL(read(v.done[0], &(char){0}, 1), 1);
	m = receive();
	CU_ASSERT_EQUAL(m.role, QRT_SCHED_ROLE_PAIO);
	CU_ASSERT_EQUAL(m.origin.policy, QRT_SCHED_POLICY_OTHER);
	CU_ASSERT_EQUAL(qrt_sched_cpus_count(&m.origin.cpus), 4);
	go(&v);
	end();
}

/* ---- the broker ---- */

/* Answers `count` questions: with `noise` messages of other kinds before each answer. */
struct broker {
	int count;
	int noise;
	int result;
	int end_after; /* closes the line without an answer */
	unsigned delay_ms;
	struct qrt_sched_broker_message last;
};

static void make_noise(const struct qrt_sched_broker_message *question)
{
	struct qrt_sched_broker_message m = *question;

	send(line, "", 0, MSG_NOSIGNAL);
	send(line, "garbage", 7, MSG_NOSIGNAL);
	m.sequence--;
	m.result = -EIO;
	send(line, &m, sizeof(m), MSG_NOSIGNAL);
	m.sequence++;
	m.magic = 5;
	send(line, &m, sizeof(m), MSG_NOSIGNAL);
}

static void *serve(void *arg)
{
	struct broker *b = arg;
	int i;

	for (i = 0; i < b->count; i++) {
		if (recv(line, &b->last, sizeof(b->last), 0) != sizeof(b->last))
			break;
		usleep(b->delay_ms * 1000);
		if (b->end_after) {
			shutdown(line, SHUT_RDWR);
			break;
		}
		if (b->noise)
			make_noise(&b->last);
		b->last.result = b->result;
		send(line, &b->last, sizeof(b->last), MSG_NOSIGNAL);
	}
	return NULL;
}

static void who_is_refused_asks_the_broker_and_remembers(void)
{
	struct broker b = {.count = 2};
	pthread_t thread;
	int calls;

	begin(1);
	fake_kernel.refuse_set = -EPERM;
	pthread_create(&thread, NULL, serve, &b);
	CU_ASSERT_EQUAL(qrt_sched_placer_enter(placer, "CPU 2/TCG", NULL), QRT_SCHED_PLACED_BROKER);
	calls = fake_kernel.calls;
	CU_ASSERT_EQUAL(qrt_sched_placer_enter(placer, "CPU 2/TCG", NULL), QRT_SCHED_PLACED_BROKER);
	CU_ASSERT_EQUAL(fake_kernel.calls, calls);
	pthread_join(thread, NULL);
	CU_ASSERT_EQUAL(b.last.op, QRT_SCHED_BROKER_PLACE);
	CU_ASSERT_EQUAL(b.last.role, QRT_SCHED_ROLE_VCPU);
	CU_ASSERT_EQUAL(b.last.index, 2);
	CU_ASSERT_STRING_EQUAL(b.last.name, "CPU 2/TCG");
	CU_ASSERT_EQUAL(b.last.origin.set, QRT_SCHED_SET_ALL);
	end();
}

static void what_cannot_be_read_is_not_claimed(void)
{
	struct broker b = {.count = 1};
	pthread_t thread;

	begin(1);
	fake_kernel.refuse_set = fake_kernel.refuse_reading = -EPERM;
	pthread_create(&thread, NULL, serve, &b);
	CU_ASSERT_EQUAL(qrt_sched_placer_enter(placer, "worker", NULL), QRT_SCHED_PLACED_BROKER);
	pthread_join(thread, NULL);
	CU_ASSERT_EQUAL(b.last.origin.set, 0);
	end();
}

static void garbage_and_old_answers_are_passed_over(void)
{
	struct broker b = {.count = 1, .noise = 1};
	pthread_t thread;

	begin(1);
	fake_kernel.refuse_set = -EACCES;
	pthread_create(&thread, NULL, serve, &b);
	CU_ASSERT_EQUAL(qrt_sched_placer_enter(placer, "worker", NULL), QRT_SCHED_PLACED_BROKER);
	pthread_join(thread, NULL);
	end();
}

static void the_brokers_refusal_is_passed_on(void)
{
	struct broker b = {.count = 1, .result = -EINVAL};
	struct qrt_sched_error error = {0};
	pthread_t thread;

	begin(1);
	fake_kernel.refuse_set = -EPERM;
	pthread_create(&thread, NULL, serve, &b);
	CU_ASSERT_EQUAL(qrt_sched_placer_enter(placer, "worker", &error), -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "supervisor"));
	pthread_join(thread, NULL);
	end();
}

static void a_result_that_is_no_errno_is_not_believed(void)
{
	struct broker b = {.count = 1, .result = 77};
	pthread_t thread;

	begin(1);
	fake_kernel.refuse_set = -EPERM;
	pthread_create(&thread, NULL, serve, &b);
	CU_ASSERT_EQUAL(qrt_sched_placer_enter(placer, "worker", NULL), -EBADMSG);
	pthread_join(thread, NULL);
	end();
}

static void a_slow_broker_costs_the_timeout_and_its_late_answer_nothing(void)
{
	struct broker late = {.count = 2};
	struct qrt_sched_error error = {0};
	pthread_t thread;
	uint64_t start;

	begin_with(1, 400);
	fake_kernel.refuse_set = -EPERM;
	start = qrt_sched_p_kernel.now();
	CU_ASSERT_EQUAL(qrt_sched_placer_enter(placer, "worker", &error), -ETIMEDOUT);
	CU_ASSERT(qrt_sched_p_kernel.now() - start >= 400000000);
	CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "400 ms"));
	/* It answers the first question now, and then the second. */
	pthread_create(&thread, NULL, serve, &late);
	usleep(20000);
	CU_ASSERT_EQUAL(qrt_sched_placer_enter(placer, "CPU 1/TCG", NULL), QRT_SCHED_PLACED_BROKER);
	pthread_join(thread, NULL);
	CU_ASSERT_EQUAL(late.last.index, 1);
	end();
}

static void a_broker_that_dies_is_not_waited_for(void)
{
	struct broker b = {.count = 1, .end_after = 1, .delay_ms = 10};
	struct qrt_sched_error error = {0};
	pthread_t thread;
	uint64_t start;

	begin_with(1, 5000);
	fake_kernel.refuse_set = -EPERM;
	start = qrt_sched_p_kernel.now();
	pthread_create(&thread, NULL, serve, &b);
	CU_ASSERT_EQUAL(qrt_sched_placer_enter(placer, "worker", &error), -EPIPE);
	CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "gone"));
	/* Without one it tries itself again. */
	CU_ASSERT_EQUAL(qrt_sched_placer_enter(placer, "worker", &error), -EPERM);
	CU_ASSERT(qrt_sched_p_kernel.now() - start < 3000000000u);
	fake_kernel.refuse_set = 0;
	CU_ASSERT_EQUAL(qrt_sched_placer_enter(placer, "worker", &error), QRT_SCHED_PLACED_SELF);
	pthread_join(thread, NULL);
	end();
}

static void a_supervisor_that_does_not_read_is_not_waited_for(void)
{
	int i;

	begin(1);
	for (i = 0; i < 2000; i++)
		CU_ASSERT_EQUAL(qrt_sched_placer_enter(placer, "worker", NULL), QRT_SCHED_PLACED_SELF);
	end();
}

/* The program closes descriptors that it does not know, and gets the number for a file of its own. */
static void a_number_that_became_another_file_is_left_alone(void)
{
	int pair[2], fd, inside = -1;

	begin(1);
	/* The placer's own descriptor is the highest that is a socket. */
	for (fd = 3; fd < 256; fd++) {
		int type;
		socklen_t len = sizeof(type);

		if (fd != line && !getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) && type == SOCK_SEQPACKET)
			inside = fd;
	}
	CU_ASSERT_FATAL(inside >= 0);
	CU_ASSERT_EQUAL(fcntl(inside, F_GETFD), FD_CLOEXEC);
	CU_ASSERT_EQUAL(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	CU_ASSERT_EQUAL(dup2(pair[0], inside), inside);
	CU_ASSERT_EQUAL(qrt_sched_placer_enter(placer, "worker", NULL), QRT_SCHED_PLACED_SELF);
	CU_ASSERT_EQUAL(recv(pair[1], &(char){0}, 1, MSG_DONTWAIT), -1);
	end();
	CU_ASSERT_EQUAL(fcntl(inside, F_GETFD), 0);
	close(inside), close(pair[0]), close(pair[1]);
}

/* ---- failing ---- */

static void without_a_broker_the_missing_right_is_named(void)
{
	struct qrt_sched_error error = {0};

	begin(0);
	fake_kernel.refuse_set = -EPERM;
	CU_ASSERT_EQUAL(qrt_sched_placer_enter(placer, "worker", &error), -EPERM);
	CU_ASSERT_EQUAL(error.code, -EPERM);
	CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "CAP_SYS_NICE"));
	end();
}

/* As under a seccomp filter: CPUs cannot be chosen nor read, the policy can. */
static void who_is_not_placed_gives_up_inherited_urgency(void)
{
	begin(0);
	fake_kernel.attr = (struct qrt_sched_p_attr){.policy = QRT_SCHED_POLICY_FIFO, .priority = 40};
	fake_kernel.refuse_reading = -EPERM;
	CU_ASSERT_EQUAL(qrt_sched_placer_enter(placer, "worker", NULL), -EPERM);
	CU_ASSERT_EQUAL(fake_kernel.attr.policy, QRT_SCHED_POLICY_FIFO);
	CU_ASSERT_EQUAL(fake_kernel.attr.priority, 11);
	/* More urgency without the CPUs that go with it: never. */
	fake_kernel.attr = (struct qrt_sched_p_attr){0};
	CU_ASSERT_EQUAL(qrt_sched_placer_enter(placer, "worker", NULL), -EPERM);
	CU_ASSERT_EQUAL(fake_kernel.attr.policy, QRT_SCHED_POLICY_OTHER);
	end();
}

static void bad_configurations_are_refused(void)
{
	struct {
		struct qrt_sched_placer_config config;
		uint64_t newer;
	} long_config = {.newer = 1};
	struct qrt_sched_placer_config config = {.size = sizeof(config), .broker_fd = -1};
	struct qrt_sched_placer *none = NULL;
	struct qrt_sched_error error = {0};

	begin(0);
	CU_ASSERT_EQUAL(qrt_sched_placer_open(&config, &none, &error), -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "plan"));
	config.plan = plan;
	config.size = 0;
	CU_ASSERT_EQUAL(qrt_sched_placer_open(&config, &none, NULL), -EINVAL);
	config.size = sizeof(config);
	config.broker_fd = 0;
	CU_ASSERT_EQUAL(qrt_sched_placer_open(&config, &none, &error), -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "socket"));
	config.broker_fd = 9999;
	CU_ASSERT_EQUAL(qrt_sched_placer_open(&config, &none, NULL), -EINVAL);
	config.broker_fd = -1;
	long_config.config = config;
	long_config.config.size = sizeof(long_config);
	CU_ASSERT_EQUAL(qrt_sched_placer_open(&long_config.config, &none, NULL), -E2BIG);
	CU_ASSERT_PTR_NULL(none);
	CU_ASSERT_PTR_NULL(qrt_sched_placer_close(NULL));
	end();
}

/* ---- many real threads ---- */

static void *come_and_go(void *arg)
{
	struct qrt_sched_placer *shared = arg;
	int i;

	for (i = 0; i < 200; i++) {
		CU_ASSERT(qrt_sched_placer_enter(shared, i % 2 ? "worker" : NULL, NULL) >= 0);
		if (i % 3 == 0)
			qrt_sched_placer_leave(shared);
	}
	qrt_sched_placer_leave(shared);
	return NULL;
}

static void threads_come_and_go_at_the_same_time(void)
{
	struct qrt_sched_placer_config config = {.size = sizeof(config), .broker_fd = -1};
	struct qrt_sched_placer *shared = NULL;
	struct qrt_sched_plan *mild = NULL;
	pthread_t threads[8];
	int pair[2], i;

	CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	CU_ASSERT_EQUAL_FATAL(qrt_sched_plan_new(&mild), 0);
	CU_ASSERT_EQUAL(qrt_sched_plan_parse_option(mild, "paio_nice=5", NULL), 0);
	config.plan = mild;
	config.broker_fd = pair[0];
	CU_ASSERT_EQUAL_FATAL(qrt_sched_placer_open(&config, &shared, NULL), 0);
	for (i = 0; i < 8; i++)
		pthread_create(&threads[i], NULL, come_and_go, shared);
	for (i = 0; i < 8; i++)
		pthread_join(threads[i], NULL);
	qrt_sched_placer_close(shared);
	qrt_sched_plan_close(mild);
	close(pair[0]), close(pair[1]);
}

static const struct tap_test tests[] = {
	{"a thread places itself by its name", a_thread_places_itself_by_its_name},
	{"a role without a plan is left alone", a_role_without_a_plan_is_left_alone},
	{"the supervisor is told how the thread was", the_supervisor_is_told_how_the_thread_was},
	{"entering again changes the role", entering_again_changes_the_role},
	{"the lowest free index is given", the_lowest_free_index_is_given},
	{"what was inherited is not taken for the origin", what_was_inherited_is_not_taken_for_the_origin},
	{"who is refused asks the broker, and remembers", who_is_refused_asks_the_broker_and_remembers},
	{"what cannot be read is not claimed", what_cannot_be_read_is_not_claimed},
	{"garbage and old answers are passed over", garbage_and_old_answers_are_passed_over},
	{"the broker's refusal is passed on", the_brokers_refusal_is_passed_on},
	{"a result that is no errno is not believed", a_result_that_is_no_errno_is_not_believed},
	{"a slow broker costs the timeout, its late answer nothing",
	 a_slow_broker_costs_the_timeout_and_its_late_answer_nothing},
	{"a broker that dies is not waited for", a_broker_that_dies_is_not_waited_for},
	{"a supervisor that does not read is not waited for",
	 a_supervisor_that_does_not_read_is_not_waited_for},
	{"a number that became another file is left alone", a_number_that_became_another_file_is_left_alone},
	{"without a broker the missing right is named", without_a_broker_the_missing_right_is_named},
	{"who is not placed gives up inherited urgency", who_is_not_placed_gives_up_inherited_urgency},
	{"bad configurations are refused", bad_configurations_are_refused},
	{"threads come and go at the same time", threads_come_and_go_at_the_same_time},
};

TAP_MAIN("placer", tests)
