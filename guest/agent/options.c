/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "options.h"

void options_explain(FILE *file)
{
	fputs("usage: qrt-guest-agent [OPTIONS] run      says what this guest is at, and how it fares, until "
	      "it ends\n"
	      "       qrt-guest-agent [OPTIONS] say STATE\n"
	      "                                          ready, booting, rebooting or halting: to the agent "
	      "that runs,\n"
	      "                                          or where none does by itself\n"
	      "options:\n"
	      "  --state STATE     what the first run of a boot says (default: ready); a later one goes on\n"
	      "                    with what was said last\n"
	      "  --keep FILE       where that is kept (default: " KEEP_PATH ")\n"
	      "  --interval MS     between two beats, 10 to 60000 (default: 500)\n"
	      "  --priority N      of the beat, SCHED_FIFO 1 to 99; 0: time sharing (default: 1)\n"
	      "  --device ADDRESS  which ivshmem device, as 0000:00:04.0 (default: the only one)\n"
	      "  --wait SECONDS    for the device and the host's layout (default: 10)\n"
	      "  --socket PATH     where run listens for say (default: " SOCKET_PATH ")\n"
	      "  --host N          the host's id (default: 0)\n"
	      "  --slot N          this guest's, where the device has none (ivshmem-plain)\n"
	      "  --memory FILE     instead of a device, with --slot\n"
	      "  --uio FILE        where its interrupts come (default: the device's own, where a driver has "
	      "one)\n"
	      "  --help, --version\n",
	      file);
}

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

int options_take_state(const char *text, uint32_t *ret_state)
{
	int state = state_parse(text);

	if (state < 0)
		return -EINVAL;
	*ret_state = (uint32_t)state;
	return 0;
}

enum {
	OPT_STATE = 256,
	OPT_KEEP,
	OPT_INTERVAL,
	OPT_PRIORITY,
	OPT_DEVICE,
	OPT_WAIT,
	OPT_SOCKET,
	OPT_MEMORY,
	OPT_SLOT,
	OPT_HOST,
	OPT_UIO,
	OPT_HELP,
	OPT_VERSION
};

static const struct option long_options[] = {
	{"state", required_argument, NULL, OPT_STATE},
	{"keep", required_argument, NULL, OPT_KEEP},
	{"interval", required_argument, NULL, OPT_INTERVAL},
	{"priority", required_argument, NULL, OPT_PRIORITY},
	{"device", required_argument, NULL, OPT_DEVICE},
	{"wait", required_argument, NULL, OPT_WAIT},
	{"socket", required_argument, NULL, OPT_SOCKET},
	{"memory", required_argument, NULL, OPT_MEMORY},
	{"slot", required_argument, NULL, OPT_SLOT},
	{"host", required_argument, NULL, OPT_HOST},
	{"uio", required_argument, NULL, OPT_UIO},
	{"help", no_argument, NULL, OPT_HELP},
	{"version", no_argument, NULL, OPT_VERSION},
	{0},
};

static int take_option(struct options *options, int option)
{
	switch (option) {
	case OPT_STATE:
		return options_take_state(optarg, &options->state);
	case OPT_KEEP:
		options->keep = optarg;
		return 0;
	case OPT_INTERVAL:
		return take_number(optarg, 10, 60000, &options->interval_ms);
	case OPT_PRIORITY:
		return take_number(optarg, 0, 99, &options->priority);
	case OPT_WAIT:
		return take_number(optarg, 0, 86400, &options->patience_s);
	case OPT_HOST:
		return take_number(optarg, 0, QRT_SHMEM_PEERS_MAX - 1, &options->choice.host);
	case OPT_UIO:
		options->uio = optarg;
		return 0;
	case OPT_SLOT:
		options->choice.has_slot = 1;
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

int options_take(struct options *options, int argc, char **argv)
{
	int option, which = 0;

	while ((option = getopt_long(argc, argv, "+h", long_options, &which)) >= 0) {
		if (option == OPT_HELP || option == 'h') {
			options_explain(stdout);
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
