/* SPDX-License-Identifier: MIT */
#include <errno.h>
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

void complain(const char *format, ...)
{
	g_autofree char *text = NULL;
	va_list args;
	char *c;

	va_start(args, format);
	text = g_strdup_vprintf(format, args);
	va_end(args);
	for (c = text; *c; c++) {
		if (g_ascii_iscntrl(*c))
			*c = '?';
	}
	fprintf(stderr, "qrt-shmem: %s\n", text);
}

const char *plural(unsigned long long count)
{
	return count == 1 ? "" : "s";
}

char *clean_text(char *text)
{
	char *c;

	for (c = text; *c; c++) {
		if (!g_ascii_isprint(*c))
			*c = '?';
	}
	return text;
}

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

/* What was printed may still be in the buffer when the disk is full: that is no success. */
static int end_output(int code)
{
	errno = 0;
	if (fflush(stdout) == 0 && !ferror(stdout))
		return code;
	complain("standard output could not be written: %s",
		 errno ? strerror(errno) : "an earlier part of it was refused; is the disk full?");
	return code == EXIT_OK ? EXIT_FAILED : code;
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
