/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fake_kernel.h"
#include "placer_help.h"
#include "tap.h"

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

	placer_begin(1);
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
	placer_end();
}

/* Its cpuset has none of the CPUs: the broker moves it, and the next thread tries itself again. */
static void who_is_in_another_cpuset_asks_the_broker(void)
{
	struct broker b = {.count = 1};
	pthread_t thread;
	int calls;

	placer_begin(1);
	fake_kernel.refuse_set = -EINVAL;
	pthread_create(&thread, NULL, serve, &b);
	CU_ASSERT_EQUAL(qrt_sched_placer_enter(placer, "CPU 2/TCG", NULL), QRT_SCHED_PLACED_BROKER);
	pthread_join(thread, NULL);
	CU_ASSERT_EQUAL(b.last.op, QRT_SCHED_BROKER_PLACE);
	fake_kernel.refuse_set = 0;
	calls = fake_kernel.calls;
	CU_ASSERT_EQUAL(qrt_sched_placer_enter(placer, "CPU 2/TCG", NULL), QRT_SCHED_PLACED_SELF);
	CU_ASSERT(fake_kernel.calls > calls);
	placer_end();
}

static void what_no_broker_can_do_is_said_in_own_words(void)
{
	struct broker b = {.count = 1, .result = -EINVAL};
	struct qrt_sched_error error = {0};
	pthread_t thread;

	placer_begin(1);
	fake_kernel.refuse_set = -EINVAL;
	pthread_create(&thread, NULL, serve, &b);
	CU_ASSERT_EQUAL(qrt_sched_placer_enter(placer, "CPU 2/TCG", &error), -EINVAL);
	CU_ASSERT_PTR_NULL(strstr(error.message, "supervisor"));
	CU_ASSERT(error.message[0] != '\0');
	pthread_join(thread, NULL);
	placer_end();
}

static void what_cannot_be_read_is_not_claimed(void)
{
	struct broker b = {.count = 1};
	pthread_t thread;

	placer_begin(1);
	fake_kernel.refuse_set = fake_kernel.refuse_reading = -EPERM;
	pthread_create(&thread, NULL, serve, &b);
	CU_ASSERT_EQUAL(qrt_sched_placer_enter(placer, "worker", NULL), QRT_SCHED_PLACED_BROKER);
	pthread_join(thread, NULL);
	CU_ASSERT_EQUAL(b.last.origin.set, 0);
	placer_end();
}

static void garbage_and_old_answers_are_passed_over(void)
{
	struct broker b = {.count = 1, .noise = 1};
	pthread_t thread;

	placer_begin(1);
	fake_kernel.refuse_set = -EACCES;
	pthread_create(&thread, NULL, serve, &b);
	CU_ASSERT_EQUAL(qrt_sched_placer_enter(placer, "worker", NULL), QRT_SCHED_PLACED_BROKER);
	pthread_join(thread, NULL);
	placer_end();
}

static void the_brokers_refusal_is_passed_on(void)
{
	struct broker b = {.count = 1, .result = -EINVAL};
	struct qrt_sched_error error = {0};
	pthread_t thread;

	placer_begin(1);
	fake_kernel.refuse_set = -EPERM;
	pthread_create(&thread, NULL, serve, &b);
	CU_ASSERT_EQUAL(qrt_sched_placer_enter(placer, "worker", &error), -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "supervisor"));
	pthread_join(thread, NULL);
	placer_end();
}

static void a_result_that_is_no_errno_is_not_believed(void)
{
	struct broker b = {.count = 1, .result = 77};
	pthread_t thread;

	placer_begin(1);
	fake_kernel.refuse_set = -EPERM;
	pthread_create(&thread, NULL, serve, &b);
	CU_ASSERT_EQUAL(qrt_sched_placer_enter(placer, "worker", NULL), -EBADMSG);
	pthread_join(thread, NULL);
	placer_end();
}

static void a_slow_broker_costs_the_timeout_and_its_late_answer_nothing(void)
{
	struct broker late = {.count = 2};
	struct qrt_sched_error error = {0};
	pthread_t thread;
	uint64_t start;

	placer_begin_with(1, 2000); /* more than a busy machine keeps a broker waiting */
	fake_kernel.refuse_set = -EPERM;
	start = qrt_sched_p_kernel.now();
	CU_ASSERT_EQUAL(qrt_sched_placer_enter(placer, "worker", &error), -ETIMEDOUT);
	CU_ASSERT(qrt_sched_p_kernel.now() - start >= 2000000000);
	CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "2000 ms"));
	/* It answers the first question now, and then the second. */
	pthread_create(&thread, NULL, serve, &late);
	usleep(20000);
	CU_ASSERT_EQUAL(qrt_sched_placer_enter(placer, "CPU 1/TCG", NULL), QRT_SCHED_PLACED_BROKER);
	pthread_join(thread, NULL);
	CU_ASSERT_EQUAL(late.last.index, 1);
	placer_end();
}

static uint64_t ms_since(uint64_t start)
{
	return (qrt_sched_p_kernel.now() - start) / 1000000;
}

static void a_stopped_supervisor_holds_up_one_birth_and_not_each(void)
{
	struct qrt_sched_error error = {0};
	uint64_t start;
	int i;

	placer_begin_with(1, 200);
	fake_kernel.refuse_set = -EPERM;
	start = qrt_sched_p_kernel.now();
	for (i = 0; i < 20; i++) {
		CU_ASSERT_EQUAL(qrt_sched_placer_enter(placer, NULL, NULL), -ETIMEDOUT);
		CU_ASSERT_EQUAL(qrt_sched_placer_enter(placer, "worker", &error), -ETIMEDOUT);
	}
	CU_ASSERT(ms_since(start) < 4000); /* 40 times 200 ms, were each held up */
	CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "did not answer"));
	placer_end();
}

static void *ask_in_vain(void *unused)
{
	(void)unused;
	CU_ASSERT_EQUAL(qrt_sched_placer_enter(placer, "worker", NULL), -ETIMEDOUT);
	return NULL;
}

static void who_ends_does_not_wait_for_who_asks(void)
{
	pthread_t thread;
	uint64_t start;

	placer_begin_with(1, 3000);
	CU_ASSERT_EQUAL(qrt_sched_placer_enter(placer, "worker", NULL), QRT_SCHED_PLACED_SELF);
	fake_kernel.refuse_set = -EPERM;
	pthread_create(&thread, NULL, ask_in_vain, NULL);
	usleep(100000);
	start = qrt_sched_p_kernel.now();
	qrt_sched_placer_leave(placer);
	CU_ASSERT(ms_since(start) < 2000);
	pthread_join(thread, NULL);
	placer_end();
}

static void a_broker_that_dies_is_not_waited_for(void)
{
	struct broker b = {.count = 1, .end_after = 1, .delay_ms = 10};
	struct qrt_sched_error error = {0};
	pthread_t thread;
	uint64_t start;

	placer_begin_with(1, 5000);
	fake_kernel.refuse_set = -EPERM;
	start = qrt_sched_p_kernel.now();
	pthread_create(&thread, NULL, serve, &b);
	CU_ASSERT_EQUAL(qrt_sched_placer_enter(placer, "worker", &error), -EPIPE);
	CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "gone"));
	CU_ASSERT_EQUAL(qrt_sched_placer_enter(placer, "worker", &error), -EPIPE);
	CU_ASSERT(qrt_sched_p_kernel.now() - start < 3000000000u);
	pthread_join(thread, NULL);
	placer_end();
}

/* What is born after the supervisor was killed and its threads were put back stays time-shared. */
static void without_its_supervisor_no_thread_becomes_urgent(void)
{
	struct qrt_sched_error error = {0};

	placer_begin(1);
	CU_ASSERT_EQUAL(qrt_sched_placer_enter(placer, "worker", NULL), QRT_SCHED_PLACED_SELF);
	close(line);
	line = -1;
	fake_kernel.attr.policy = QRT_SCHED_POLICY_OTHER;
	fake_kernel.attr.priority = 0;
	CU_ASSERT_EQUAL(qrt_sched_placer_enter(placer, "worker", &error), -EPIPE);
	CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "gone"));
	CU_ASSERT_EQUAL(fake_kernel.attr.policy, QRT_SCHED_POLICY_OTHER);
	placer_end();
}

static void a_supervisor_that_does_not_read_is_not_waited_for(void)
{
	int i;

	placer_begin(1);
	for (i = 0; i < 2000; i++)
		CU_ASSERT_EQUAL(qrt_sched_placer_enter(placer, "worker", NULL), QRT_SCHED_PLACED_SELF);
	placer_end();
}

/* The program closes descriptors that it does not know, and gets the number for a file of its own. */
static void a_number_that_became_another_file_is_left_alone(void)
{
	int pair[2], fd, inside = -1;

	placer_begin(1);
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
	placer_end();
	CU_ASSERT_EQUAL(fcntl(inside, F_GETFD), 0);
	close(inside), close(pair[0]), close(pair[1]);
}

static const struct tap_test tests[] = {
	{"who is refused asks the broker, and remembers", who_is_refused_asks_the_broker_and_remembers},
	{"who is in another cpuset asks the broker", who_is_in_another_cpuset_asks_the_broker},
	{"what no broker can do is said in own words", what_no_broker_can_do_is_said_in_own_words},
	{"what cannot be read is not claimed", what_cannot_be_read_is_not_claimed},
	{"garbage and old answers are passed over", garbage_and_old_answers_are_passed_over},
	{"the broker's refusal is passed on", the_brokers_refusal_is_passed_on},
	{"a result that is no errno is not believed", a_result_that_is_no_errno_is_not_believed},
	{"a slow broker costs the timeout, its late answer nothing",
	 a_slow_broker_costs_the_timeout_and_its_late_answer_nothing},
	{"a stopped supervisor holds up one birth and not each",
	 a_stopped_supervisor_holds_up_one_birth_and_not_each},
	{"who ends does not wait for who asks", who_ends_does_not_wait_for_who_asks},
	{"a broker that dies is not waited for", a_broker_that_dies_is_not_waited_for},
	{"without its supervisor no thread becomes urgent", without_its_supervisor_no_thread_becomes_urgent},
	{"a supervisor that does not read is not waited for",
	 a_supervisor_that_does_not_read_is_not_waited_for},
	{"a number that became another file is left alone", a_number_that_became_another_file_is_left_alone},
};

TAP_MAIN("placer and broker", tests)
