/* SPDX-License-Identifier: MIT */
/* The agent that runs: it beats, says how the guest fares, and does as it is told. */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "options.h"
#include "run.h"

#define LOOK_MS 20 /* without interrupts: how often the host's messages are looked for */

struct agent {
	const struct device *device;
	const struct options *options;
	struct load *load;
	struct answerer *answerer;
	uint32_t state;
	int control, signals;
};

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void say(struct agent *agent, uint32_t state)
{
	agent->state = state;
	state_say(agent->device, state);
	device_ring(agent->device, QRT_SHMEM_HOST, 0);
}

/* First it is kept: who is killed in between says it when it comes back. */
static void say_anew(struct agent *agent, uint32_t state)
{
	int rc = remember_state(agent->options->keep, state);

	if (rc < 0)
		complain("%s: %s; an agent that is started anew will not know what was said",
			 agent->options->keep, strerror(-rc));
	say(agent, state);
}

static void beat(struct agent *agent)
{
	load_publish(agent->load, agent->device, agent->options->interval_ms);
	say(agent, agent->state);
}

/* 1: it is to end. */
static int wait_until(struct agent *agent, uint64_t until)
{
	struct pollfd fds[2] = {{.fd = agent->control, .events = POLLIN},
				{.fd = agent->signals, .events = POLLIN}};
	uint64_t now;
	int state;

	while ((now = now_ms()) < until) {
		poll(fds, 2, until - now < LOOK_MS ? (int)(until - now) : LOOK_MS);
		if (fds[1].revents)
			return 1;
		if (fds[0].revents) {
			state = control_take(agent->control);
			if (state >= 0)
				say_anew(agent, (uint32_t)state);
		}
		answerer_look(agent->answerer);
	}
	return 0;
}

static void run_on(struct agent *agent)
{
	uint64_t next = now_ms();

	do {
		beat(agent);
		next += agent->options->interval_ms;
		if (next < now_ms())
			next = now_ms() + agent->options->interval_ms;
	} while (!wait_until(agent, next));
	/* Who ends it without having said why leaves a guest of which nothing is known. */
	if (agent->state == QRT_SHMEM_STATE_READY || agent->state == QRT_SHMEM_STATE_BOOTING)
		say(agent, QRT_SHMEM_STATE_NONE);
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
static void begin(struct agent *agent)
{
	int state = remember_recall(agent->options->keep);

	if (state >= 0)
		say(agent, (uint32_t)state);
	else
		say_anew(agent, agent->options->state);
}

static int run_opened(struct agent *agent)
{
	if (!agent->load || !agent->answerer || agent->signals < 0) {
		complain("out of memory");
		return EXIT_FAILURE;
	}
	begin(agent);
	run_on(agent);
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
	agent.load = load_new();
	agent.answerer = answerer_new(device);
	code = run_opened(&agent);
	unlink(options->socket);
	answerer_free(agent.answerer);
	load_free(agent.load);
	return code;
}
