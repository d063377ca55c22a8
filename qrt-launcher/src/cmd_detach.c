/* SPDX-License-Identifier: MIT */
/* detach: lets a VM go that 'attach' supervises. */
#include "command.h"
#include "control.h"
#include "json_limit.h"
#include "state.h"
#include "status_ask.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE (5 * G_USEC_PER_SEC)

static void print_help(void)
{
	puts("Usage: qrt-launcher detach NAME\n\n"
	     "Lets a VM go that 'qrt-launcher attach' supervises: each thread runs as it was found, the VM\n"
	     "runs on, and its supervisor ends.\n\n"
	     "Exit code: 0, 1 there is no such VM, it was started by 'run', or a thread could not be put\n"
	     "back, 2 usage.");
}

static bool is_held(const char *name)
{
	int run_fd = state_look_run(), r;
	struct state state;

	if (run_fd < 0)
		return false;
	r = state_open_left(run_fd, name, &state);
	if (r == 0)
		state_close(&state);
	close(run_fd);
	return r == -EBUSY;
}

/* After that the name is free again, or somebody else can try to put it back. */
static void wait_end(const char *name)
{
	gint64 deadline = g_get_monotonic_time() + PATIENCE;

	while (is_held(name) && g_get_monotonic_time() < deadline)
		g_usleep(10000);
}

static int detach(const char *name)
{
	JsonObject *answer;
	const char *error;
	int r = EXIT_OK;

	status_ask_repair();
	if (control_find(name, "{\"command\":\"detach\"}\n", &answer) < 0)
		return EXIT_FAILED;
	error = json_limit_get_string(answer, "error");
	if (!*error || json_limit_get_bool(answer, "ended"))
		wait_end(name);
	if (*error) {
		complain("VM '%s': %s", name, error);
		r = EXIT_FAILED;
	} else {
		printf("VM '%s' runs on without a supervisor: %d threads as they were\n", name,
		       (int)json_limit_get_int(answer, "threads"));
	}
	json_object_unref(answer);
	return r;
}

int command_detach(int argc, char **argv)
{
	if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
		print_help();
		return EXIT_OK;
	}
	if (argc == 2 && argv[1][0] != '-')
		return detach(argv[1]);
	complain("detach: give the name of one VM; 'qrt-launcher status' lists them");
	return EXIT_USAGE;
}
