/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "options.h"
#include "run.h"

void complain(const char *format, ...)
{
	va_list args;

	fputs("qrt-guest-agent: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

/* ---- the device, as soon as it is there ---- */

static int open_patiently(const struct options *options, struct device *ret_device)
{
	const struct timespec pause = {.tv_nsec = 100000000};
	uint32_t i;
	int rc;

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

/* ---- commands ---- */

static int command_run(const struct options *options)
{
	struct device device;

	return open_patiently(options, &device) < 0 ? EXIT_FAILURE : run(&device, options);
}

/* What is told to no agent is kept for the next one, too. */
static int say(const struct options *options, uint32_t state)
{
	struct device device;

	if (open_patiently(options, &device) < 0)
		return EXIT_FAILURE;
	if (state_say(&device, state) < 0) {
		complain("the host has not begun this guest's life in the shared memory");
		return EXIT_FAILURE;
	}
	remember_state(options->keep, state);
	device_ring_host(&device);
	return EXIT_SUCCESS;
}

static int command_say(const struct options *options, const char *word)
{
	uint32_t state;

	if (options_take_state(word, &state) < 0) {
		complain("say: give ready, booting, rebooting or halting");
		return EXIT_USAGE;
	}
	return control_say(options->socket, state) >= 0 ? EXIT_SUCCESS : say(options, state);
}

int main(int argc, char **argv)
{
	struct options options = {.socket = SOCKET_PATH,
				  .keep = KEEP_PATH,
				  .interval_ms = 500,
				  .state = QRT_SHMEM_STATE_READY,
				  .patience_s = 10,
				  .priority = 1};
	int rc = options_take(&options, argc, argv);

	if (rc)
		return rc - 1;
	argv += optind;
	if (argv[0] && !strcmp(argv[0], "run") && !argv[1])
		return command_run(&options);
	if (argv[0] && !strcmp(argv[0], "say") && argv[1] && !argv[2])
		return command_say(&options, argv[1]);
	options_explain(stderr);
	return EXIT_USAGE;
}
