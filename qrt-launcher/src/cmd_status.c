/* SPDX-License-Identifier: MIT */
/* status: every thread of running VMs: role, layers, planned and effective setting. */
#include "clean.h"
#include "command.h"
#include "json_write.h"
#include "shield_show.h"
#include "state.h"
#include "status_ask.h"
#include "status_print.h"
#include "status_wait.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct status {
	const char *name; /* NULL: all */
	bool json, watch, help;
	double seconds;

	struct status_ask ask;
};

static void print_help(void)
{
	puts("Usage: qrt-launcher status [NAME] [--json] [--watch [SECONDS]]\n\n"
	     "Shows what is in force for a running VM, or for all: memory lock and mutexes of the whole\n"
	     "VM; of each thread role, planned and effective policy, priority and CPUs, last CPU, CPU\n"
	     "time, time spent waiting for a CPU, switches, and how often the supervisor had to put it\n"
	     "right.\n\n"
	     "  --json             one object for NAME, else an array\n"
	     "  --watch [SECONDS]  again and again (default every 2 s), until VM NAME ends; q or Ctrl-C\n"
	     "                     ends it before, and is the end where no NAME is given\n\n"
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

static char *to_text(JsonObject *vm)
{
	JsonNode *node = json_node_init_object(json_node_alloc(), vm);
	g_autofree char *text = json_write(node);

	json_node_unref(node);
	return clean_json(text);
}

static void print_json(const struct status *status)
{
	const GPtrArray *vms = status->ask.vms;
	JsonNode *shield = vms->len > 0 ? shield_describe() : NULL;
	guint i;

	if (!status->name)
		putchar('[');
	for (i = 0; i < vms->len; i++) {
		g_autofree char *text = NULL;

		json_object_set_member(vms->pdata[i], "shield",
				       shield ? json_node_copy(shield) : json_node_new(JSON_NODE_NULL));
		text = to_text(vms->pdata[i]);

		printf("%s%s", i ? "," : "", text);
	}
	if (!status->name)
		putchar(']');
	if (!status->name || vms->len > 0)
		putchar('\n');
	if (shield)
		json_node_unref(shield);
}

static int find_width(void)
{
	struct winsize size;

	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

static void print_text(const struct status *status)
{
	const GPtrArray *vms = status->ask.vms;
	int width = find_width();
	guint i;

	if (status->watch && isatty(STDOUT_FILENO))
		fputs("\033[H\033[J", stdout);
	for (i = 0; i < vms->len; i++) {
		if (i > 0)
			putchar('\n');
		status_print(vms->pdata[i], width);
	}
	if (vms->len == 0 && status_ask_is_fine(&status->ask))
		puts(geteuid() == 0 ? "no VM runs" : "no VM of this user runs");
	shield_mention();
}

static void print_end(const struct status *status)
{
	if (status->json)
		printf("{\"name\":\"%s\",\"ended\":true}\n", status->name);
	else
		printf("VM '%s' ended.\n", status->name);
}

/* What is shown stays on the screen where there is nothing new to show. */
static void print(const struct status *status)
{
	if (status->ask.ended)
		print_end(status);
	else if (status->json)
		print_json(status);
	else if (status->ask.vms->len > 0 || !status->name)
		print_text(status);
}

static int show(struct status *status, bool repair)
{
	status_ask_all(&status->ask, repair);
	if (status->ask.is_unreadable)
		return EXIT_FAILED;
	print(status);
	fflush(stdout);
	status_ask_complain(&status->ask);
	return status_ask_is_fine(&status->ask) ? EXIT_OK : EXIT_FAILED;
}

/* Where nobody reads any more nobody wants to know of it. */
static int end_watch(int code)
{
	status_wait_close();
	if (!status_wait_is_closed())
		return code;
	__fpurge(stdout);
	clearerr(stdout);
	return EXIT_OK;
}

/*
 * One of several VMs that does not answer is no reason not to show the others. What killed launchers left
 * behind is repaired last: what is said of it then stays to be read until the next look.
 */
static int watch(struct status *status)
{
	int r;

	status_wait_open();
	do {
		r = show(status, false);
		if (!status->ask.is_unreadable)
			status_ask_repair();
		if (status->ask.ended || ferror(stdout) ||
		    (r != EXIT_OK && (status->name || status->ask.is_unreadable)))
			return end_watch(r);
	} while (status_wait(status->seconds));
	return end_watch(EXIT_OK);
}

int command_status(int argc, char **argv)
{
	struct status status = {.name = NULL};
	int r = parse(&status, argc, argv);

	if (r != EXIT_OK)
		return r;
	if (status.help) {
		print_help();
		return EXIT_OK;
	}
	status_ask_open(&status.ask, status.name);
	r = status.watch ? watch(&status) : show(&status, true);
	status_ask_close(&status.ask);
	return r;
}
