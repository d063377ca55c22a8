/* SPDX-License-Identifier: MIT */
/* status: every thread of running VMs: role, layers, planned and effective setting. */
#include "command.h"
#include "control.h"
#include "json_limit.h"
#include "state.h"
#include "status_print.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct status {
	const char *name; /* NULL: all */
	bool json, watch, help;
	double seconds;

	GPtrArray *vms; /* JsonObject */
	int failed;
};

static void print_help(void)
{
	puts("Usage: qrt-launcher status [NAME] [--json] [--watch [SECONDS]]\n\n"
	     "Shows the threads of a running VM, or of all: role, planned and effective policy,\n"
	     "priority and CPUs, last CPU, CPU time, time spent waiting for a CPU, switches, and how\n"
	     "often the supervisor had to put a thread right.\n\n"
	     "  --json             one object for NAME, else an array\n"
	     "  --watch [SECONDS]  again and again (default every 2 s), until the VM ends\n\n"
	     "Exit code: 0, 1 there is no such VM or it does not answer, 2 usage.");
}

static int take_seconds(struct status *status, int argc, char **argv, int *index)
{
	char *end;

	status->watch = true;
	status->seconds = 2;
	if (*index + 1 >= argc || !g_ascii_isdigit(argv[*index + 1][0]))
		return EXIT_OK;
	(*index)++;
	status->seconds = g_ascii_strtod(argv[*index], &end);
	if (*end == '\0' && isfinite(status->seconds) && status->seconds >= 0.1 && status->seconds <= 3600)
		return EXIT_OK;
	complain("--watch %s: a number of seconds, 0.1 to 3600", argv[*index]);
	return EXIT_USAGE;
}

static int take(struct status *status, int argc, char **argv, int *index)
{
	const char *argument = argv[*index];

	if (strcmp(argument, "--watch") == 0)
		return take_seconds(status, argc, argv, index);
	if (strcmp(argument, "--json") == 0) {
		status->json = true;
	} else if (strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0) {
		status->help = true;
	} else if (argument[0] != '-' && !status->name) {
		status->name = argument;
	} else {
		complain("status: unknown argument '%s'; try 'qrt-launcher status --help'", argument);
		return EXIT_USAGE;
	}
	return EXIT_OK;
}

static int parse(struct status *status, int argc, char **argv)
{
	int i, r = EXIT_OK;

	for (i = 1; i < argc && r == EXIT_OK; i++)
		r = take(status, argc, argv, &i);
	if (r == EXIT_OK && status->name && !state_is_name(status->name)) {
		complain("'%s' is no VM's name: letters, digits, '_', '.', '-', at most %d", status->name,
			 STATE_NAME_MAX);
		r = EXIT_USAGE;
	}
	return r;
}

static void ask_one(const char *name, void *data)
{
	struct status *status = data;
	JsonObject *vm;

	if (control_ask_status(name, &vm) == 0)
		g_ptr_array_add(status->vms, vm);
	else
		status->failed++;
}

/* Folders that killed launchers left behind are repaired first: what is listed then has a supervisor. */
static void ask(struct status *status)
{
	int run_fd;

	status->failed = 0;
	g_ptr_array_set_size(status->vms, 0);
	run_fd = state_open_run(false);
	if (run_fd >= 0)
		status->failed = state_repair_all(run_fd, false);
	if (status->name)
		ask_one(status->name, status);
	else if (run_fd >= 0)
		state_for_each(run_fd, ask_one, status);
	else if (run_fd != -ENOENT)
		status->failed++;
	if (run_fd >= 0)
		state_close_run(run_fd);
}

static char *to_text(JsonObject *vm)
{
	JsonNode *node = json_node_init_object(json_node_alloc(), vm);
	char *text = json_to_string(node, FALSE);

	json_node_unref(node);
	return text;
}

static void print_json(const struct status *status)
{
	guint i;

	if (!status->name)
		putchar('[');
	for (i = 0; i < status->vms->len; i++) {
		g_autofree char *text = to_text(status->vms->pdata[i]);

		printf("%s%s", i ? "," : "", text);
	}
	if (!status->name)
		putchar(']');
	if (!status->name || status->vms->len > 0)
		putchar('\n');
}

static int find_width(void)
{
	struct winsize size;

	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

static void print_text(const struct status *status)
{
	int width = find_width();
	guint i;

	if (status->watch && isatty(STDOUT_FILENO))
		fputs("\033[H\033[J", stdout);
	for (i = 0; i < status->vms->len; i++) {
		if (i > 0)
			putchar('\n');
		status_print(status->vms->pdata[i], width);
	}
	if (status->vms->len == 0 && !status->name && status->failed == 0)
		puts(geteuid() == 0 ? "no VM runs" : "no VM of this user runs");
}

static int show(struct status *status)
{
	ask(status);
	if (status->json)
		print_json(status);
	else
		print_text(status);
	fflush(stdout);
	return status->failed > 0 ? EXIT_FAILED : EXIT_OK;
}

/* The end of the VM that is watched is no failure. */
static int watch(struct status *status)
{
	int r = show(status);

	while (r == EXIT_OK && !ferror(stdout)) {
		g_usleep((gulong)(status->seconds * G_USEC_PER_SEC));
		if (show(status) != EXIT_OK)
			return status->name ? EXIT_OK : EXIT_FAILED;
	}
	return r;
}

static void unref_vm(gpointer vm)
{
	json_object_unref(vm);
}

int command_status(int argc, char **argv)
{
	struct status status = {0};
	int r = parse(&status, argc, argv);

	if (r != EXIT_OK)
		return r;
	if (status.help) {
		print_help();
		return EXIT_OK;
	}
	status.vms = g_ptr_array_new_with_free_func(unref_vm);
	r = status.watch ? watch(&status) : show(&status);
	g_ptr_array_free(status.vms, TRUE);
	return r;
}
