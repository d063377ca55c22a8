/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "tool.h"

static const struct command {
	const char *name;
	const char *summary; /* one line for --help */
	int (*run)(char **argv);
} commands[] = {
	{"serve", "an ivshmem server, in the foreground", command_serve},
	{"ls", "who is at a server", command_ls},
	{"ring", "ring a peer's doorbell", command_ring},
	{"send", "send messages to peers, through the memory's layout", command_send},
	{"recv", "print messages of peers", command_recv},
	{"dump", "what lies in the memory", command_dump},
	{"bench", "doorbells, polling, messages and joining, against the kernel's own means", command_bench},
};

const char tool_name[] = "qrt-shmem";

static void print_help(void)
{
	size_t i;

	puts("Usage: qrt-shmem COMMAND [OPTIONS]\n\n"
	     "Memory that virtual machines and programs share, by ivshmem.\n\nCommands:");
	for (i = 0; i < G_N_ELEMENTS(commands); i++)
		printf("  %-6s %s\n", commands[i].name, commands[i].summary);
	puts("\n  --help, --version\n\n"
	     "qrt-shmem COMMAND --help explains a command; see also qrt-shmem(1).");
}

static int run(char **argv)
{
	size_t i;

	if (strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0 || strcmp(argv[0], "help") == 0) {
		print_help();
		return EXIT_OK;
	}
	if (strcmp(argv[0], "--version") == 0) {
		puts("qrt-shmem " QRT_SHMEM_TOOL_VERSION);
		return EXIT_OK;
	}
	for (i = 0; i < G_N_ELEMENTS(commands); i++) {
		if (strcmp(argv[0], commands[i].name) == 0)
			return commands[i].run(argv);
	}
	complain("unknown command '%s'; try 'qrt-shmem --help'", argv[0]);
	return EXIT_USAGE;
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		complain("no command; try 'qrt-shmem --help'");
		return EXIT_USAGE;
	}
	return end_output(run(argv + 1));
}
