/* SPDX-License-Identifier: MIT */
/* Servers one after another, replaced and killed, over clients that notice nothing. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <qrt/ivshmem_hold.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ivshmem_keep.h"
#include "tap.h"

/* ---- the promises ---- */

static void a_server_is_replaced(void)
{
	struct client *a, *b, *c;
	pid_t next;
	int i, id, status;

	keep_begin();
	a = connect_patiently();
	CU_ASSERT(await(a, -1, VECTORS));
	b = connect_patiently();
	CU_ASSERT(await(b, -1, VECTORS));
	for (i = 0; i < 10; i++) {
		next = start_server();
		status = end_process(child, 0);
		CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 3);
		child = next;
		c = connect_patiently();
		CU_ASSERT(await(c, -1, VECTORS));
		CU_ASSERT(await(a, id_of(c), VECTORS));
		CU_ASSERT(rings(a, c) && rings(c, b) && rings(b, a));
		id = id_of(c);
		client_close(c);
		CU_ASSERT(await(a, id, 0));
	}
	CU_ASSERT_EQUAL(a->is_ended + b->is_ended, 0);
	client_close(a);
	client_close(b);
	keep_end();
}

static void a_killed_server_is_not_noticed(void)
{
	struct client *a, *b, *c = NULL;
	int i, dropped = 0, id = -1;
	unsigned seed = 5;

	keep_begin();
	a = connect_patiently();
	CU_ASSERT(await(a, -1, VECTORS));
	b = connect_patiently();
	CU_ASSERT(await(b, -1, VECTORS));
	CU_ASSERT(await(a, id_of(b), VECTORS));
	for (i = 0; i < 40; i++) {
		c = connect_patiently();
		pause_us((unsigned)rand_r(&seed) % 1500);
		end_process(child, SIGKILL);
		CU_ASSERT(rings(a, b));
		child = start_server();
		if (!await(c, -1, VECTORS)) {
			dropped++; /* it was being told of itself in that instant */
			client_close(c);
			continue;
		}
		id = id_of(c);
		CU_ASSERT(await(a, id, VECTORS) && await(b, id, VECTORS));
		CU_ASSERT(await(c, id_of(a), VECTORS) && await(c, id_of(b), VECTORS));
		CU_ASSERT(rings(a, c) && rings(c, b) && rings(b, a));
		client_close(c);
		if (i % 2) {
			end_process(child, SIGKILL);
			child = start_server();
		}
		CU_ASSERT(await(a, id, 0) && await(b, id, 0));
	}
	CU_ASSERT(dropped <= 5);
	CU_ASSERT_EQUAL(a->is_ended + b->is_ended, 0);
	tap_note("%d of 40 clients were dropped in the middle of their greeting", dropped);
	client_close(a);
	client_close(b);
	keep_end();
}

static void a_stopped_server_that_wakes_up_says_nothing_more(void)
{
	struct client *a, *b;
	pid_t next;
	int status;

	keep_begin();
	a = connect_patiently();
	CU_ASSERT(await(a, -1, VECTORS));
	kill(child, SIGSTOP);
	next = start_server(); /* after the holder's patience with the other one */
	b = connect_patiently();
	CU_ASSERT(await(b, -1, VECTORS));
	kill(child, SIGCONT);
	status = end_process(child, 0);
	CU_ASSERT(WIFEXITED(status) && (WEXITSTATUS(status) == 3 || WEXITSTATUS(status) == 4));
	child = next;
	CU_ASSERT(await(a, id_of(b), VECTORS));
	CU_ASSERT(rings(a, b));
	client_close(a);
	client_close(b);
	keep_end();
}

static void a_holder_without_servers_ends(void)
{
	int fd, status;

	snprintf(holder_path, sizeof(holder_path), "/tmp/qrt-hold-%d", getpid());
	fd = listen_at(holder_path);
	holder = fork();
	if (!holder)
		_exit(qrt_ivshmem_hold_run(fd, 100) < 0);
	close(fd);
	status = end_process(holder, 0);
	CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	unlink(holder_path);
}

static void who_asks_for_nothing_keeps_nobody_out(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct qrt_ivshmem_hold *hold = NULL;
	int idle = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), i, rc = -EPIPE;
	struct timespec begin, end;

	start_holder();
	strcpy(address.sun_path, holder_path);
	clock_gettime(CLOCK_MONOTONIC, &begin);
	CU_ASSERT_EQUAL_FATAL(connect(idle, (struct sockaddr *)&address, sizeof(address)), 0);
	for (i = 0; i < 300 && rc < 0; i++) {
		pause_us(100000);
		rc = qrt_ivshmem_hold_open(holder_path, 5000, &hold, NULL);
	}
	clock_gettime(CLOCK_MONOTONIC, &end);
	CU_ASSERT_EQUAL_FATAL(rc, 0);
	CU_ASSERT(end.tv_sec - begin.tv_sec >= 1); /* it was waited for */
	qrt_ivshmem_hold_close(hold);
	close(idle);
	end_process(holder, SIGKILL);
	unlink(holder_path);
}

static void a_holder_that_is_gone_is_said_and_quiet(void)
{
	struct qrt_ivshmem_hold *hold = NULL;
	struct pollfd fd = {.events = POLLIN};

	start_holder();
	CU_ASSERT_EQUAL_FATAL(qrt_ivshmem_hold_open(holder_path, 5000, &hold, NULL), 0);
	fd.fd = qrt_ivshmem_hold_get_fd(hold);
	CU_ASSERT_EQUAL(qrt_ivshmem_hold_check(hold), 0);
	CU_ASSERT_EQUAL(poll(&fd, 1, 0), 0);
	end_process(holder, SIGKILL);
	CU_ASSERT_EQUAL(poll(&fd, 1, 20000), 1);
	CU_ASSERT_EQUAL(qrt_ivshmem_hold_check(hold), -EPIPE);
	CU_ASSERT_EQUAL(qrt_ivshmem_hold_get_fd(hold), fd.fd);
	CU_ASSERT_EQUAL(poll(&fd, 1, 0), 0);
	CU_ASSERT_EQUAL(fcntl(fd.fd, F_GETFD), FD_CLOEXEC);
	CU_ASSERT_EQUAL(qrt_ivshmem_hold_notify(hold, "READY=1"), 0);
	CU_ASSERT_EQUAL(qrt_ivshmem_hold_set_alone(hold, 1000), 0);
	qrt_ivshmem_hold_close(hold);
	unlink(holder_path);
}

static void the_service_manager_can_be_told_more(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct qrt_ivshmem_hold *hold = NULL;
	char text[32] = "";
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "/tmp/qrt-notify-%d", getpid());
	unlink(address.sun_path);
	CU_ASSERT_EQUAL_FATAL(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	setenv("NOTIFY_SOCKET", address.sun_path, 1);
	CU_ASSERT_EQUAL_FATAL(qrt_ivshmem_hold_open_systemd(&hold, NULL), 0);
	CU_ASSERT_PTR_NULL(getenv("NOTIFY_SOCKET"));
	CU_ASSERT_EQUAL(qrt_ivshmem_hold_notify(hold, "READY=1"), 0);
	CU_ASSERT_EQUAL(recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT), 7);
	CU_ASSERT_STRING_EQUAL(text, "READY=1");
	close(fd);
	unlink(address.sun_path);
	CU_ASSERT(qrt_ivshmem_hold_notify(hold, "READY=1") < 0);
	qrt_ivshmem_hold_close(hold);
}

static void what_holds_nothing_is_no_holder(void)
{
	struct qrt_ivshmem_hold *hold = NULL;
	struct qrt_shmem_error error;

	CU_ASSERT_EQUAL(qrt_ivshmem_hold_open("/tmp/no-such-holder", 100, &hold, &error), -ENOENT);
	CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "/tmp/no-such-holder"));
	CU_ASSERT_PTR_NULL(hold);
	unsetenv("NOTIFY_SOCKET");
	CU_ASSERT_EQUAL(qrt_ivshmem_hold_open_systemd(&hold, &error), -ENOENT);
	CU_ASSERT_PTR_NULL(qrt_ivshmem_hold_close(NULL));
}

static const struct tap_test tests[] = {
	{"a server is replaced", a_server_is_replaced},
	{"a killed server is not noticed", a_killed_server_is_not_noticed},
	{"a stopped server that wakes up says nothing more",
	 a_stopped_server_that_wakes_up_says_nothing_more},
	{"a holder without servers ends", a_holder_without_servers_ends},
	{"who asks for nothing keeps nobody out", who_asks_for_nothing_keeps_nobody_out},
	{"a holder that is gone is said, and quiet", a_holder_that_is_gone_is_said_and_quiet},
	{"the service manager can be told more", the_service_manager_can_be_told_more},
	{"what holds nothing is no holder", what_holds_nothing_is_no_holder},
};

TAP_MAIN("ivshmem keep", tests)
