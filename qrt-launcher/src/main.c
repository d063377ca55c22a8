/* SPDX-License-Identifier: MIT */
#include "command.h"
#include "config.h"

#include <glib.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct command commands[] = {
	{"run", "start a VM with its threads in their roles, and supervise it", command_run},
	{"status", "show running VMs: threads, roles, planned and effective settings", command_status},
	{"check", "what in this host stands against real-time, and the remedies", command_check},
	{"plan", "check a plan and explain it in words, without starting anything", command_plan},
	{"blame", "who kept a VM's threads from running, and who held a mutex", command_blame},
	{"repair", "put back what a killed launcher left behind", command_repair},
};

/* Names in it may come from anywhere: they make no second line and do not steer a terminal. */
void complain(const char *format, ...)
{
	va_list args;
	char *text, *c;

	va_start(args, format);
	text = g_strdup_vprintf(format, args);
	va_end(args);
	for (c = text; *c; c++) {
		if (g_ascii_iscntrl(*c))
			*c = '?';
	}
	fprintf(stderr, "qrt-launcher: %s\n", text);
	g_free(text);
}

static void print_help(void)
{
	size_t i;

	puts("Usage: qrt-launcher COMMAND [OPTIONS]\n\n"
	     "Runs virtual machines in real time on plain Linux.\n\nCommands:");
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		printf("  %-8s %s\n", commands[i].name, commands[i].summary);
	puts("\n  --help, --version\n\n"
	     "qrt-launcher COMMAND --help explains a command; see also qrt-launcher(1).");
}

int main(int argc, char **argv)
{
	size_t i;

	if (argc < 2) {
		complain("no command; try 'qrt-launcher --help'");
		return EXIT_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
		print_help();
		return EXIT_OK;
	}
	if (strcmp(argv[1], "--version") == 0) {
		puts("qrt-launcher " QRT_LAUNCHER_VERSION);
		return EXIT_OK;
	}
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	}
	complain("unknown command '%s'; try 'qrt-launcher --help'", argv[1]);
	return EXIT_USAGE;
}
