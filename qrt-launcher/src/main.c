/* SPDX-License-Identifier: MIT */
#include "command.h"
#include "config.h"
#include "voice.h"

#include <errno.h>
#include <glib.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct command commands[] = {
	{"run", "start a VM with its threads in their roles, and supervise it", command_run, EXIT_LAUNCHER},
	{"status", "show running VMs: threads, roles, planned and effective settings", command_status,
	 EXIT_FAILED},
	{"check", "what in this host stands against real-time, and the remedies", command_check, EXIT_FAILED},
	{"plan", "check a plan and explain it in words, without starting anything", command_plan,
	 EXIT_FAILED},
	{"blame", "who kept a VM's threads from running, and who held a mutex", command_blame, EXIT_FAILED},
	{"latency", "how late a plan's threads, or a guest's, wake up, as cyclictest tells", command_latency,
	 EXIT_FAILED},
	{"ping", "whether a VM's guest answers, and how soon", command_ping, EXIT_FAILED},
	{"set", "change the plan of a running VM", command_set, EXIT_FAILED},
	{"attach", "supervise a VM that somebody else started", command_attach, EXIT_FAILED},
	{"detach", "let such a VM go, as it was", command_detach, EXIT_FAILED},
	{"top", "what the threads of VMs do, with keys that change plans", command_top, EXIT_FAILED},
	{"repair", "put back what a killed launcher left behind", command_repair, EXIT_FAILED},
	{"shield", "keep everything off some CPUs, for VMs alone", command_shield, EXIT_FAILED},
	{"unshield", "lower that shield and put everything back", command_unshield, EXIT_FAILED},
};

/* Names in it may come from anywhere: they make no second line and do not steer a terminal. */
void complain(const char *format, ...)
{
	g_autofree char *text = NULL, *line = NULL;
	va_list args;
	char *c;

	va_start(args, format);
	text = g_strdup_vprintf(format, args);
	va_end(args);
	for (c = text; *c; c++) {
		if (g_ascii_iscntrl(*c))
			*c = '?';
	}
	line = g_strdup_printf("qrt-launcher: %s\n", text);
	voice_say(line);
}

const char *plural(unsigned long long count)
{
	return count == 1 ? "" : "s";
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

/* What was printed may still be in the buffer when the disk is full: that is no success. */
static int end_output(int code, int failure)
{
	errno = 0;
	if (fflush(stdout) != 0 || ferror(stdout)) {
		complain("standard output could not be written: %s",
			 errno ? strerror(errno) : "an earlier part of it was refused; is the disk full?");
		code = code == EXIT_OK ? failure : code;
	}
	voice_flush();
	return code;
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
		return end_output(EXIT_OK, EXIT_FAILED);
	}
	if (strcmp(argv[1], "--version") == 0) {
		puts("qrt-launcher " QRT_LAUNCHER_VERSION);
		return end_output(EXIT_OK, EXIT_FAILED);
	}
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(argv[1], commands[i].name) == 0)
			return end_output(commands[i].run(argc - 1, argv + 1), commands[i].failure);
	}
	complain("unknown command '%s'; try 'qrt-launcher --help'", argv[1]);
	return EXIT_USAGE;
}
