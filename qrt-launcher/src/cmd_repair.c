/* SPDX-License-Identifier: MIT */
/* repair: puts back what a killed launcher left behind. */
#include "command.h"
#include "state.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void print_help(void)
{
	puts("Usage: qrt-launcher repair\n\n"
	     "Puts back what a launcher that was killed had changed: kernel threads run as before, and\n"
	     "threads of a VM that lives on without its launcher are time-shared again; shields and other\n"
	     "settings of the host that only it needed are lowered. 'run' and 'status' do the same when "
	     "they\n"
	     "start.\n\n"
	     "Exit code: 0 nothing is left behind, 1 something could not be put back.");
}

int command_repair(int argc, char **argv)
{
	int run_fd, failed;

	if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
		print_help();
		return EXIT_OK;
	}
	if (argc > 1) {
		complain("repair: unknown argument '%s'; it takes none", argv[1]);
		return EXIT_USAGE;
	}
	run_fd = state_open_run(false);
	if (run_fd < 0)
		return run_fd == -ENOENT ? EXIT_OK : EXIT_FAILED;
	failed = state_repair_all(run_fd, true);
	state_close_run(run_fd);
	return failed > 0 ? EXIT_FAILED : EXIT_OK;
}
