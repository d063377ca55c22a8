/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "agent.h"

#define SOCKET_PATH "/run/qrt-guest-agent.sock"
#define LOOK_MS     20 /* without interrupts: how often the host's messages are looked for */

struct options {
	struct device_choice choice;
	const char *socket;
	uint32_t interval_ms, state;
	int patience_s;
};

void complain(const char *format, ...)
{
	va_list args;

	fputs("qrt-guest-agent: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

static void usage(FILE *file)
{
	fputs("usage: qrt-guest-agent [OPTIONS] run      says what this guest is at, and how it fares, until "
	      "it ends\n"
	      "       qrt-guest-agent [OPTIONS] say STATE\n"
	      "                                          ready, booting, rebooting or halting: to the agent "
	      "that runs,\n"
	      "                                          or where none does by itself\n"
	      "options:\n"
	      "  --state STATE     what run says first (default: ready)\n"
	      "  --interval MS     between two beats, 10 to 60000 (default: 500)\n"
	      "  --device ADDRESS  which ivshmem device, as 0000:00:04.0 (default: the only one)\n"
	      "  --wait SECONDS    for the device and the host's layout (default: 10)\n"
	      "  --socket PATH     where run listens for say (default: " SOCKET_PATH ")\n"
	      "  --memory FILE --slot N\n"
	      "                    a file instead of a device\n"
	      "  --help, --version\n",
	      file);
}

/* ---- options ---- */

static int take_number(const char *text, uint32_t least, uint32_t most, uint32_t *ret_number)
{
	char *end;
	unsigned long number;

	errno = 0;
	number = strtoul(text, &end, 10);
	if (errno || end == text || *end || text[0] == '-' || number < least || number > most)
		return -EINVAL;
	*ret_number = (uint32_t)number;
	return 0;
}

static int take_state(const char *text, uint32_t *ret_state)
{
	int state = state_parse(text);

	if (state < 0)
		return -EINVAL;
	*ret_state = (uint32_t)state;
	return 0;
}

enum {
	OPT_STATE = 256,
	OPT_INTERVAL,
	OPT_DEVICE,
	OPT_WAIT,
	OPT_SOCKET,
	OPT_MEMORY,
	OPT_SLOT,
	OPT_HELP,
	OPT_VERSION
};

static const struct option long_options[] = {
	{"state", required_argument, NULL, OPT_STATE},   {"interval", required_argument, NULL, OPT_INTERVAL},
	{"device", required_argument, NULL, OPT_DEVICE}, {"wait", required_argument, NULL, OPT_WAIT},
	{"socket", required_argument, NULL, OPT_SOCKET}, {"memory", required_argument, NULL, OPT_MEMORY},
	{"slot", required_argument, NULL, OPT_SLOT},     {"help", no_argument, NULL, OPT_HELP},
	{"version", no_argument, NULL, OPT_VERSION},     {0},
};

static int take_option(struct options *options, int option)
{
	uint32_t number;
	int rc = 0;

	switch (option) {
	case OPT_STATE:
		return take_state(optarg, &options->state);
	case OPT_INTERVAL:
		return take_number(optarg, 10, 60000, &options->interval_ms);
	case OPT_WAIT:
		rc = take_number(optarg, 0, 86400, &number);
		options->patience_s = rc < 0 ? 0 : (int)number;
		return rc;
	case OPT_SLOT:
		return take_number(optarg, 0, QRT_SHMEM_PEERS_MAX - 1, &options->choice.slot);
	case OPT_DEVICE:
		options->choice.address = optarg;
		return 0;
	case OPT_SOCKET:
		options->socket = optarg;
		return 0;
	case OPT_MEMORY:
		options->choice.file = optarg;
		return 0;
	default:
		return -EINVAL;
	}
}

/* 0, or the exit code + 1. */
static int take_options(struct options *options, int argc, char **argv)
{
	int option, which = 0;

	while ((option = getopt_long(argc, argv, "+h", long_options, &which)) >= 0) {
		if (option == OPT_HELP || option == 'h') {
			usage(stdout);
			return 1;
		}
		if (option == OPT_VERSION) {
			puts("qrt-guest-agent " QRT_AGENT_VERSION);
			return 1;
		}
		if (option == '?')
			return EXIT_USAGE + 1;
		if (take_option(options, option) < 0) {
			complain("--%s: '%s' cannot be; --help says what can", long_options[which].name,
				 optarg);
			return EXIT_USAGE + 1;
		}
	}
	return 0;
}

/* ---- the device, as soon as it is there ---- */

static int open_patiently(const struct options *options, struct device *ret_device)
{
	const struct timespec pause = {.tv_nsec = 100000000};
	int i, rc;

	memset(ret_device, 0, sizeof(*ret_device));
	for (i = 0;; i++) {
		rc = device_open(&options->choice, ret_device);
		if (rc != -EAGAIN || i >= options->patience_s * 10)
			break;
		nanosleep(&pause, NULL);
	}
	if (rc == -EAGAIN)
		complain("nobody has made a layout in the shared memory; on the host: qrt-launcher run "
			 "--agent");
	return rc;
}

/* ---- run ---- */

struct agent {
	struct device device;
	struct load *load;
	struct answerer *answerer;
	uint32_t state, interval_ms;
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
	state_say(&agent->device, state);
	device_ring(&agent->device, QRT_SHMEM_HOST, 0);
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

static void beat(struct agent *agent)
{
	load_publish(agent->load, &agent->device, agent->interval_ms);
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
				say(agent, (uint32_t)state);
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
		next += agent->interval_ms;
		if (next < now_ms())
			next = now_ms() + agent->interval_ms;
	} while (!wait_until(agent, next));
	/* Who ends it without having said why leaves a guest of which nothing is known. */
	if (agent->state == QRT_SHMEM_STATE_READY || agent->state == QRT_SHMEM_STATE_BOOTING)
		say(agent, QRT_SHMEM_STATE_NONE);
}

static int command_run(const struct options *options)
{
	struct agent agent = {.state = options->state, .interval_ms = options->interval_ms};

	if (open_patiently(options, &agent.device) < 0)
		return EXIT_FAILURE;
	agent.control = control_listen(options->socket);
	if (agent.control < 0)
		return EXIT_FAILURE;
	agent.signals = open_signals();
	agent.load = load_new();
	agent.answerer = answerer_new(&agent.device);
	if (!agent.load || !agent.answerer) {
		complain("out of memory");
		return EXIT_FAILURE;
	}
	run_on(&agent);
	unlink(options->socket);
	answerer_free(agent.answerer);
	load_free(agent.load);
	return EXIT_SUCCESS;
}

/* ---- say ---- */

static int command_say(const struct options *options, const char *word)
{
	struct device device;
	uint32_t state;

	if (!word || take_state(word, &state) < 0) {
		complain("say: give ready, booting, rebooting or halting");
		return EXIT_USAGE;
	}
	if (control_say(options->socket, state) >= 0)
		return EXIT_SUCCESS;
	if (open_patiently(options, &device) < 0)
		return EXIT_FAILURE;
	if (state_say(&device, state) < 0) {
		complain("the host has not begun this guest's life in the shared memory");
		return EXIT_FAILURE;
	}
	device_ring(&device, QRT_SHMEM_HOST, 0);
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	struct options options = {
		.socket = SOCKET_PATH, .interval_ms = 500, .state = QRT_SHMEM_STATE_READY, .patience_s = 10};
	int rc = take_options(&options, argc, argv);

	if (rc)
		return rc - 1;
	argv += optind;
	if (argv[0] && !strcmp(argv[0], "run") && !argv[1])
		return command_run(&options);
	if (argv[0] && !strcmp(argv[0], "say") && argv[1] && !argv[2])
		return command_say(&options, argv[1]);
	usage(stderr);
	return EXIT_USAGE;
}
