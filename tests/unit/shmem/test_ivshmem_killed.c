/* SPDX-License-Identifier: MIT */
/*
 * A server that is killed while it tells a client something: before a message, after it, and at each step of
 * noting that. Nobody is dropped, is told anything twice, or misses anything.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ivshmem_keep.h"
#include "server_p.h"
#include "tap.h"

#define SEEN_BYTES 32768 /* of the record: what it has of the first clients */
#define STEPS      20000 /* instructions between two messages, with sanitizers, too */
#define MESSAGES   12    /* about a newcomer beside one other: three of them greet, three each tell */

/* Where the server is killed. */
struct place {
	int message; /* which one, from 0 */
	int notes;   /* -1: before it is sent; 0: after that; n: after the record has changed n times */
};

/* ---- a server that is watched ---- */

static const unsigned char *record;

static const void *map_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	void *at = mmap(NULL, SEEN_BYTES, PROT_READ, MAP_SHARED, fd, 0);

	close(fd);
	return at == MAP_FAILED ? NULL : at;
}

static const unsigned char *look_for_record(void)
{
	char path[64], text[64];
	const void *found = NULL;
	int fd;

	for (fd = 0; fd < 64 && !found; fd++) {
		snprintf(path, sizeof(path), "/proc/%d/fd/%d", child, fd);
		memset(text, 0, sizeof(text));
		if (readlink(path, text, sizeof(text) - 1) > 0 && strstr(text, "memfd:qrt-ivshmem"))
			found = map_file(path);
	}
	return found;
}

/* Of a server that may just begin. */
static void find_record(void)
{
	int i;

	record = NULL;
	for (i = 0; i < 8000 && !record; i++) {
		record = look_for_record();
		pause_us(record ? 0 : 1000);
	}
	CU_ASSERT_PTR_NOT_NULL_FATAL(record);
}

/* It stops; 0: it may not be traced here. */
static int seize(void)
{
	if (ptrace(PTRACE_SEIZE, child, 0, PTRACE_O_TRACESYSGOOD) < 0)
		return 0;
	ptrace(PTRACE_INTERRUPT, child, 0, 0);
	return waitpid(child, NULL, 0) == child;
}

static int go_on(int how)
{
	int status = 0;

	CU_ASSERT_EQUAL_FATAL(ptrace(how, child, 0, 0), 0);
	CU_ASSERT_EQUAL_FATAL(waitpid(child, &status, 0), child);
	CU_ASSERT_FATAL(WIFSTOPPED(status));
	return status >> 8;
}

/* What the holder is told is sent by another call. */
static int is_message(void)
{
	struct __ptrace_syscall_info info = {.op = 0};

	ptrace(PTRACE_GET_SYSCALL_INFO, child, sizeof(info), &info);
	return info.op == PTRACE_SYSCALL_INFO_ENTRY && info.entry.nr == SYS_sendmmsg;
}

/* At its entry, then at its exit. */
static void run_to(const struct place *place)
{
	int count = -1;

	while (count < place->message) {
		if (go_on(PTRACE_SYSCALL) == (SIGTRAP | 0x80))
			count += is_message();
	}
	if (place->notes >= 0)
		go_on(PTRACE_SYSCALL);
}

static const struct qrt_shmem_p_entry *entry_of(uint32_t slot)
{
	struct qrt_shmem_p_record at = {.head = (void *)(uintptr_t)record};

	return qrt_shmem_p_record_entry(&at, slot);
}

/* 0: that message is noted after fewer. */
static int step_notes(int notes)
{
	static unsigned char before[SEEN_BYTES];
	int i;

	memcpy(before, record, SEEN_BYTES);
	for (i = 0; i < STEPS && notes > 0 && (entry_of(0)->sending || entry_of(1)->sending); i++) {
		go_on(PTRACE_SINGLESTEP);
		if (memcmp(before, record, SEEN_BYTES)) {
			memcpy(before, record, SEEN_BYTES);
			notes--;
		}
	}
	return notes == 0;
}

/* 1: it was killed there; 0: there is no such place. */
static int kill_at(const struct place *place)
{
	int is_there;

	run_to(place);
	is_there = place->notes <= 0 || step_notes(place->notes);
	end_process(child, SIGKILL);
	munmap((void *)(uintptr_t)record, SEEN_BYTES);
	return is_there;
}

/* ---- two clients ---- */

/* The next server says so, which may just begin. */
static int is_greeted(uint32_t slot)
{
	int i, is_so = 0;

	find_record();
	for (i = 0; i < 8000 && !is_so; i++) {
		is_so = entry_of(slot)->phase == QRT_SHMEM_P_GREETED;
		pause_us(is_so ? 0 : 1000);
	}
	munmap((void *)(uintptr_t)record, SEEN_BYTES);
	return is_so;
}

/* Each of two knows the other one, and itself. */
static void expect_both(struct client *a, struct client *b)
{
	CU_ASSERT(await(a, id_of(b), VECTORS) && await(b, id_of(a), VECTORS) && await(b, -1, VECTORS));
	CU_ASSERT(rings(a, b) && rings(b, a) && rings(b, b));
}

/* Nobody came back by an id that it was told left, and it has no vector twice. */
static void expect_no_return(const struct client *client)
{
	int i, k, is_back = 0, count;

	for (i = 3; i < client->count; i++) {
		count = 0;
		for (k = i + 1; client->told[i].fd < 0 && k < client->count; k++)
			is_back |= client->told[k].value == client->told[i].value;
		for (k = 3; client->told[i].fd >= 0 && k < client->count; k++)
			count += client->told[k].value == client->told[i].value && client->told[k].fd >= 0;
		CU_ASSERT(count <= VECTORS);
	}
	CU_ASSERT_FALSE(is_back);
}

/* What the next server made of b, which may have known all of itself before. */
static int judge(struct client *a, struct client *b, struct client *c)
{
	CU_ASSERT(await(c, -1, VECTORS));
	expect_both(a, c);
	client_read(b);
	if (b->is_ended) {
		CU_ASSERT(id_of(b) < 0 || (await(a, id_of(b), 0) && await(c, id_of(b), 0)));
		return 0;
	}
	expect_both(a, b);
	expect_both(c, b);
	expect_no_return(a);
	expect_no_return(c);
	CU_ASSERT(is_greeted(1));
	return 1;
}

/* 1: b went on; 0: it was dropped, or killed, too. -1: there is no such place; -2: nothing may be traced. */
static int outlive(const struct place *place, int is_client_killed)
{
	struct client *a = connect_patiently(), *b, *c;
	int outcome;

	CU_ASSERT(await(a, -1, VECTORS));
	find_record();
	if (!seize())
		return -2;
	b = connect_patiently();
	outcome = kill_at(place) - 1;
	if (is_client_killed)
		shutdown(b->socket, SHUT_RDWR);
	child = start_server();
	c = connect_patiently();
	if (outcome >= 0)
		outcome = judge(a, b, c);
	CU_ASSERT(!a->is_ended && !c->is_ended);
	client_close(b);
	client_close(a);
	client_close(c);
	return outcome;
}

static int try_place(const struct place *place, int is_client_killed)
{
	int outcome;

	keep_begin();
	outcome = outlive(place, is_client_killed);
	keep_end();
	return outcome;
}

/* Every message, and every step of noting it. */
static void try_all(int is_client_killed)
{
	struct place place;
	int places = 0, dropped = 0, outcome;

	for (place.message = 0; place.message < MESSAGES; place.message++) {
		outcome = 0;
		for (place.notes = -1; outcome >= 0; place.notes++) {
			outcome = try_place(&place, is_client_killed);
			if (outcome == -2) {
				tap_skip("processes may not be traced here");
				return;
			}
			places += outcome >= 0;
			dropped += outcome == 0;
			if (!outcome && !is_client_killed) {
				tap_note("dropped at message %d, note %d", place.message, place.notes);
				CU_FAIL("a client is dropped for nothing");
			}
		}
	}
	tap_note("killed at %d places; the newcomer had to go at %d", places, dropped);
}

/* ---- the promises ---- */

static void nobody_is_dropped(void)
{
	try_all(0);
}

static void a_client_killed_at_the_same_time_costs_nobody_else(void)
{
	try_all(1);
}

static const struct tap_test tests[] = {
	{"nobody is dropped", nobody_is_dropped},
	{"a client that is killed at the same time costs nobody else anything",
	 a_client_killed_at_the_same_time_costs_nobody_else},
};

TAP_MAIN("ivshmem killed", tests)
