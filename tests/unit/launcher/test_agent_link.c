/* SPDX-License-Identifier: MIT */
/* QEMU's part is played by a peer. */
#include "agent_link.h"
#include "command.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <qrt/ivshmem.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static struct agent_link *own;
static struct qrt_ivshmem_peer *guest;
static struct qrt_shmem_view view; /* the guest's */

void complain(const char *format, ...)
{
	tap_note("%s", format);
}

static bool is_readable(int fd)
{
	struct pollfd look = {.fd = fd, .events = POLLIN};

	return poll(&look, 1, 0) > 0;
}

static bool has_something(void)
{
	int fds[AGENT_LINK_FDS];

	agent_link_get_fds(own, fds);
	return is_readable(fds[0]) || is_readable(fds[1]);
}

static void take_turns(void)
{
	struct qrt_ivshmem_event events[8];
	int i;

	for (i = 0; i < 32; i++) {
		agent_link_serve(own);
		if (guest)
			qrt_ivshmem_peer_harvest(guest, events, 8);
	}
}

static void begin(void)
{
	struct qrt_ivshmem_peer_config config = {.size = sizeof(config), .flags = QRT_IVSHMEM_PEER_SEALED};
	uint64_t length;
	void *memory;

	CU_ASSERT_EQUAL_FATAL(agent_link_open("vm", &own), 0);
	config.fd = agent_link_get_far_fd(own);
	CU_ASSERT_EQUAL_FATAL(qrt_ivshmem_peer_open(&config, &guest, NULL), 0);
	agent_link_close_far_fd(own);
	CU_ASSERT_EQUAL(agent_link_get_far_fd(own), -1);
	take_turns();
	memory = qrt_ivshmem_peer_get_memory(guest, &length);
	CU_ASSERT_PTR_NOT_NULL_FATAL(memory);
	CU_ASSERT_EQUAL(length & (length - 1), 0); /* a BAR */
	CU_ASSERT_EQUAL_FATAL(qrt_shmem_attach(&view, memory, length), 0);
	CU_ASSERT_EQUAL(qrt_ivshmem_peer_get_id(guest), 1);
}

static void end(void)
{
	guest = qrt_ivshmem_peer_close(guest);
	own = agent_link_close(own);
}

static void say(uint32_t state, uint32_t beat)
{
	const struct qrt_shmem_state said = {
		.life = qrt_shmem_get_life(&view, 1), .state = state, .beat = beat};

	CU_ASSERT_EQUAL(qrt_shmem_say_state(&view, 1, &said), 0);
}

static void a_guest_says_something(void)
{
	struct qrt_shmem_state said;

	begin();
	CU_ASSERT_EQUAL(agent_link_read(own, &said), -ENOENT);
	while (has_something())
		agent_link_serve(own);
	say(QRT_SHMEM_STATE_READY, 7);
	CU_ASSERT_EQUAL(qrt_ivshmem_peer_ring(guest, QRT_SHMEM_HOST, 0), 0);
	CU_ASSERT_TRUE(has_something());
	CU_ASSERT_EQUAL(agent_link_read(own, &said), 0);
	CU_ASSERT_TRUE(said.state == QRT_SHMEM_STATE_READY && said.beat == 7);
	agent_link_serve(own);
	CU_ASSERT_FALSE(has_something());
	end();
}

static void a_reset_ends_a_life(void)
{
	struct qrt_shmem_state said;
	uint32_t before;

	begin();
	before = qrt_shmem_get_life(&view, 1);
	CU_ASSERT_NOT_EQUAL(before, 0);
	say(QRT_SHMEM_STATE_READY, 7);
	agent_link_renew(own);
	CU_ASSERT_EQUAL(agent_link_read(own, &said), -ENOENT);
	CU_ASSERT_NOT_EQUAL(qrt_shmem_get_life(&view, 1), before);
	/* What the life before says late. */
	CU_ASSERT_EQUAL(
		qrt_shmem_say_state(
			&view, 1, &(struct qrt_shmem_state){.life = before, .state = QRT_SHMEM_STATE_READY}),
		0);
	CU_ASSERT_EQUAL(agent_link_read(own, &said), -ESTALE);
	say(QRT_SHMEM_STATE_BOOTING, 1);
	CU_ASSERT_EQUAL(agent_link_read(own, &said), 0);
	end();
}

static void a_guest_that_goes_is_not_believed(void)
{
	struct qrt_shmem_state said;

	begin();
	say(QRT_SHMEM_STATE_READY, 7);
	guest = qrt_ivshmem_peer_close(guest);
	take_turns();
	CU_ASSERT_TRUE(agent_link_read(own, &said) < 0);
	agent_link_renew(own);
	end();
}

/* Neither the memory's end nor its content is the guest's to take away from the supervisor. */
static void a_hostile_guest(void)
{
	struct qrt_shmem_state said;
	unsigned char *bytes;
	uint64_t i;

	begin();
	bytes = view.base;
	for (i = 0; i < view.length; i++)
		bytes[i] = (unsigned char)(i * 131 + 7);
	CU_ASSERT_TRUE(agent_link_read(own, &said) < 0);
	for (i = 0; i < 10000; i++)
		qrt_ivshmem_peer_ring(guest, QRT_SHMEM_HOST, i & 1);
	take_turns();
	CU_ASSERT_FALSE(has_something());
	agent_link_renew(own);
	say(QRT_SHMEM_STATE_READY, 1);
	CU_ASSERT_EQUAL(agent_link_read(own, &said), 0);
	end();
}

static void none(void)
{
	CU_ASSERT_PTR_NULL(agent_link_close(NULL));
	CU_ASSERT_EQUAL(agent_link_get_far_fd(NULL), -1);
	agent_link_close_far_fd(NULL);
}

static const struct tap_test tests[] = {
	{"what a guest says is there, and it rings", a_guest_says_something},
	{"a reset ends a life", a_reset_ends_a_life},
	{"a guest that goes is not believed", a_guest_that_goes_is_not_believed},
	{"a guest that writes over all of it", a_hostile_guest},
	{"there is none", none},
};

TAP_MAIN("agent_link", tests)
