/* SPDX-License-Identifier: MIT */
/* blame: who kept a VM's threads from running, and who held a mutex. */
#include "blame_session.h"
#include "command.h"
#include "number.h"
#include "option.h"
#include "recording_blame.h"
#include "recording_find.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define OVER_DEFAULT_NS   1000000u
#define LENGTH_DEFAULT_NS UINT64_C(10000000000)
#define LENGTH_MOST_S     86400
#define TOP_DEFAULT       20

static void print_help(void)
{
	puts("Usage: qrt-launcher blame NAME [--over TIME] [--seconds N] [--role ROLE]... [--top N] "
	     "[--json]\n"
	     "       qrt-launcher blame --pid PID ...\n"
	     "       qrt-launcher blame --last [NAME] | --file FILE [--over TIME] [--role ROLE]... [--top "
	     "N]\n\n"
	     "Watches a running VM and says when a thread was ready but kept from running, or waited for\n"
	     "a mutex: how long, and who ran on its CPU or held the mutex.\n\n"
	     "  --over TIME  delays from this length on, such as 500us, 1ms, 2s (1ms)\n"
	     "  --seconds N  how long to watch (10); Ctrl-C ends it early\n"
	     "  --role ROLE  vcpu, main, paio, vncm, vncs, ioth, kio or othr; all where none is named\n"
	     "  --top N      how many delays are listed, the longest ones (20)\n"
	     "  --last       what the VM's launcher has recorded of the last seconds, without waiting\n"
	     "  --file FILE  what it has kept because of a delay ('run --on-delay')\n"
	     "  --pid PID    a process without a launcher: roles by names of threads, no mutexes\n"
	     "  --json       print JSON\n\n"
	     "Exit code: 0 watched, 1 failed, 2 usage.");
}

static int take_over(void *data, const char *value)
{
	struct blame_options *options = data;

	return number_parse_time(value, 0, &options->over_ns);
}

static int take_seconds(void *data, const char *value)
{
	struct blame_options *options = data;
	uint64_t seconds;
	int r = number_parse(value, LENGTH_MOST_S, &seconds);

	if (r == 0)
		options->length_ns = seconds * UINT64_C(1000000000);
	return r;
}

static int take_role(void *data, const char *value)
{
	struct blame_options *options = data;
	int role = qrt_sched_role_parse(value);

	if (role >= 0)
		options->roles |= 1u << role;
	return role < 0 ? role : 0;
}

static int take_top(void *data, const char *value)
{
	struct blame_options *options = data;
	uint64_t top;
	int r = number_parse(value, BLAME_ENTRIES_MAX / 2, &top);

	if (r == 0)
		options->top = top;
	return r;
}

static int take_pid(void *data, const char *value)
{
	struct blame_options *options = data;
	uint64_t pid;
	int r = number_parse(value, INT32_MAX, &pid);

	if (r == 0)
		options->pid = (int32_t)pid;
	return r;
}

static int take_file(void *data, const char *value)
{
	struct blame_options *options = data;

	options->file = value;
	return *value ? 0 : -EINVAL;
}

/* Options with a value, and what a wrong one should have been. */
static const struct option_entry valued[] = {
	{"--over", take_over, "a time such as 500us, 1ms or 2s"},
	{"--seconds", take_seconds, "a number of seconds from 1 to 86400"},
	{"--role", take_role, "one of vcpu, main, paio, vncm, vncs, ioth, kio, othr"},
	{"--top", take_top, "a number from 1 to 10000"},
	{"--pid", take_pid, "the number of a process"},
	{"--file", take_file, "the path of a recording"},
};

static const struct option_table table = {"blame", valued, G_N_ELEMENTS(valued)};

/* Moves *index behind what it takes. */
static int take_argument(struct blame_options *options, int argc, char **argv, int *index)
{
	int r = option_take_any(&table, options, argc, argv, index);
	const char *argument;

	if (r != 0)
		return r;
	argument = argv[(*index)++];
	if (strcmp(argument, "--json") == 0) {
		options->json = true;
	} else if (strcmp(argument, "--last") == 0) {
		options->last = true;
	} else if (strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0) {
		options->help = true;
	} else if (argument[0] != '-' && !options->name) {
		options->name = argument;
	} else {
		complain("blame: unknown argument '%s'; try 'qrt-launcher blame --help'", argument);
		return -EXIT_USAGE;
	}
	return 0;
}

static int parse(struct blame_options *options, int argc, char **argv)
{
	int index = 1, r;

	while (index < argc && !options->help) {
		r = take_argument(options, argc, argv, &index);
		if (r < 0)
			return r;
	}
	if (options->help)
		return 0;
	if (options->last || options->file) {
		if (options->pid || (options->file && (options->last || options->name))) {
			complain("blame: give --last with a VM's name, or --file with a recording, and no "
				 "--pid");
			return -EXIT_USAGE;
		}
	} else if ((options->name != NULL) == (options->pid != 0)) {
		complain("blame: name one VM (qrt-launcher status lists them), or a process with --pid");
		return -EXIT_USAGE;
	}
	if (options->roles == 0)
		options->roles = (1u << QRT_SCHED_ROLES) - 1;
	return 0;
}

static int show_recording(const struct blame_options *options)
{
	struct recording recording;
	int r = options->file ? recording_load(options->file, &recording)
			      : recording_ask(options->name, &recording);

	if (r < 0)
		return -r;
	recording_print(&recording, options->over_ns, options->roles, options->top, options->json);
	recording_clear(&recording);
	return EXIT_OK;
}

int command_blame(int argc, char **argv)
{
	struct blame_options options = {
		.over_ns = OVER_DEFAULT_NS,
		.length_ns = LENGTH_DEFAULT_NS,
		.top = TOP_DEFAULT,
	};
	struct blame_vm vm = {.pid = 0};
	int r = parse(&options, argc, argv);

	if (r < 0)
		return -r;
	if (options.help) {
		print_help();
		return EXIT_OK;
	}
	if (options.last || options.file)
		return show_recording(&options);
	r = options.name ? blame_vm_ask(&vm, options.name) : blame_vm_take_process(&vm, options.pid);
	r = r < 0 ? -r : blame_session_run(&options, &vm);
	blame_vm_clear(&vm);
	return r;
}
