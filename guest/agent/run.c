/* SPDX-License-Identifier: MIT */
/* The agent that runs: it says how the guest fares, and does as it is told; what it is at its beat says. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "beat.h"
#include "options.h"
#include "run.h"

#define LOOK_MS 20 /* without interrupts: how often the host's messages are looked for */

struct agent {
	const struct device *device;
	const struct options *options;
	struct load *load;
	struct answerer *answerer;
	int control, signals, uio, probe;
};

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Before it is said: who is killed in between says it when it comes back. */
static void keep(const struct agent *agent, uint32_t state)
{
	int rc = remember_state(agent->options->keep, state);

	if (rc < 0)
		complain("%s: %s; an agent that is started anew will not know what was said",
			 agent->options->keep, strerror(-rc));
}

static void take_word(const struct agent *agent)
{
	int state = control_take(agent->control);

	if (state < 0)
		return;
	keep(agent, (uint32_t)state);
	beat_say((uint32_t)state);
}

static int patience(const struct agent *agent, uint64_t left_ms)
{
	return agent->uio < 0 && left_ms > LOOK_MS ? LOOK_MS : (int)left_ms;
}

/* One that fails is left alone, and looked for no more. */
static void take_interrupt(struct agent *agent)
{
	if (uio_take(agent->uio) >= 0)
		return;
	close(agent->uio);
	agent->uio = -1;
}

/* 1: it is to end. */
static int wait_until(struct agent *agent, uint64_t until)
{
	struct pollfd fds[4] = {{.fd = agent->control, .events = POLLIN},
				{.fd = agent->signals, .events = POLLIN},
				{.fd = agent->uio, .events = POLLIN},
				{.fd = agent->probe, .events = POLLIN}};
	uint64_t now;

	while ((now = now_ms()) < until) {
		fds[2].fd = agent->uio;
		poll(fds, 4, patience(agent, until - now));
		if (fds[1].revents)
			return 1;
		if (fds[0].revents)
			take_word(agent);
		if (fds[2].revents)
			take_interrupt(agent);
		answerer_look(agent->answerer);
	}
	return 0;
}

static void run_on(struct agent *agent)
{
	const uint32_t interval_ms = agent->options->interval_ms;
	uint64_t next = now_ms();

	for (;;) {
		next += interval_ms;
		if (next < now_ms())
			next = now_ms() + interval_ms;
		if (wait_until(agent, next))
			return;
		load_publish(agent->load, agent->device, interval_ms);
	}
}

/* Who ends it without having said why leaves a guest of which nothing is known. */
static uint32_t last_word(uint32_t state)
{
	return state == QRT_SHMEM_STATE_READY || state == QRT_SHMEM_STATE_BOOTING ? QRT_SHMEM_STATE_NONE
										  : state;
}

static int open_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* Of the same boot what was said last; else what the first one is to say. */
static uint32_t first_word(const struct agent *agent)
{
	int state = remember_recall(agent->options->keep);

	if (state >= 0)
		return (uint32_t)state;
	keep(agent, agent->options->state);
	return agent->options->state;
}

/* Of what is there and of what comes: threads and their stacks. */
static void lock_memory(void)
{
	if (mlockall(MCL_CURRENT | MCL_FUTURE) < 0)
		complain("its memory cannot be locked: %s", strerror(errno));
}

static int run_opened(struct agent *agent)
{
	const struct options *options = agent->options;
	int rc;

	if (!agent->load || !agent->answerer || agent->signals < 0) {
		complain("out of memory");
		return EXIT_FAILURE;
	}
	lock_memory();
	/* Before its first word: who reads that it is ready finds what it is. */
	load_publish(agent->load, agent->device, options->interval_ms);
	rc = agent->probe = probe_start();
	if (rc >= 0)
		rc = beat_start(agent->device, first_word(agent), options->interval_ms, options->priority);
	if (rc < 0) {
		complain("no thread: %s", strerror(-rc));
		return EXIT_FAILURE;
	}
	run_on(agent);
	beat_end(last_word(beat_get()));
	return EXIT_SUCCESS;
}

int run(const struct device *device, const struct options *options)
{
	struct agent agent = {.device = device, .options = options};
	int code;

	agent.control = control_listen(options->socket);
	if (agent.control < 0)
		return EXIT_FAILURE;
	agent.signals = open_signals();
	agent.uio = uio_open(device, options->uio);
	agent.load = load_new("/proc");
	agent.answerer = answerer_new(device);
	code = run_opened(&agent);
	unlink(options->socket);
	answerer_free(agent.answerer);
	load_free(agent.load);
	return code;
}
