/* SPDX-License-Identifier: MIT */
/* check: what in this host stands against real-time, and the remedies. */
#include "check_print.h"
#include "command.h"

#include <stdio.h>
#include <string.h>

#define WATCH_NS 500000000u /* steal and SMIs are counted over this time */

struct check_options {
	bool json, help;
	const char *root; /* NULL: the running host */
};

static void print_help(void)
{
	puts("Usage: qrt-launcher check [--json] [--plan FILE] [-rt OPTION]... [-- QEMU ARGS...]\n"
	     "       qrt-launcher check --root DIR [--json]\n\n"
	     "Says what in this host stands against real-time, why it matters, and the remedy;\n"
	     "and whether the plan (without one: the default plan) can run here.\n\n"
	     "  --plan FILE  a plan file; -rt options after it override it\n"
	     "  -rt OPTION   an option of the plan, see qrt-plan(5)\n"
	     "  --root DIR   look at a copy of another machine's proc and sys below DIR\n"
	     "  --json       print JSON\n\n"
	     "Exit code: 0 a plan can run, 1 it cannot, 2 usage.");
}

static int take_root(struct check_options *options, int argc, char **argv, int *index)
{
	if (*index + 1 >= argc) {
		complain("--root needs a folder");
		return -EXIT_USAGE;
	}
	options->root = argv[*index + 1];
	*index += 2;
	return 1;
}

static int take_option(struct check_options *options, int argc, char **argv, int *index)
{
	if (strcmp(argv[*index], "--root") == 0)
		return take_root(options, argc, argv, index);
	if (strcmp(argv[*index], "--json") == 0)
		options->json = true;
	else if (strcmp(argv[*index], "--help") == 0 || strcmp(argv[*index], "-h") == 0)
		options->help = true;
	else
		return 0;
	(*index)++;
	return 1;
}

static int parse(struct check_options *options, struct plan_request *request, int argc, char **argv)
{
	int index = 1, r;

	while (index < argc && !options->help) {
		r = take_option(options, argc, argv, &index);
		if (r == 0)
			r = plan_request_take(request, argc, argv, &index);
		if (r == 0) {
			complain("check: unknown option '%s'; try 'qrt-launcher check --help'", argv[index]);
			return EXIT_USAGE;
		}
		if (r < 0)
			return -r;
	}
	if (options->root && (request->given || request->vm_argv)) {
		complain("check: --root looks at a copied tree, where no plan can run; leave out the plan "
			 "and QEMU's "
			 "arguments");
		return EXIT_USAGE;
	}
	return EXIT_OK;
}

/* request is NULL where no plan can be judged. */
static int look(const struct check_options *options, const struct plan_request *request,
		struct check_host *host)
{
	struct check_item items[CHECK_ITEMS_MAX];
	struct check_result result = {.items = items, .request = request};

	result.unjudged = !request && !options->root;
	result.count = check_run(host, items, CHECK_ITEMS_MAX);
	if (options->json)
		check_print_json(&result);
	else
		check_print_text(&result);
	return check_is_good(&result) ? EXIT_OK : EXIT_FAILED;
}

static int check_host_with_plan(const struct check_options *options, struct plan_request *request)
{
	struct check_host host = {.live = true, .watch_ns = WATCH_NS};
	bool judged = plan_request_finish(request) == EXIT_OK;
	struct plan_needs needs;
	int r;

	plan_request_get_needs(request, &needs);
	host.wants_rt = needs.realtime;
	host.wants_nice = needs.nice;
	host.wants_lock = needs.lock;
	host.wants_kvm = request->wants_kvm;
	host.priority = needs.priority;
	r = check_host_open(&host, "/");
	if (r < 0) {
		complain("/: %s", strerror(-r));
		return EXIT_FAILED;
	}
	r = look(options, judged ? request : NULL, &host);
	check_host_close(&host);
	return r;
}

/* No plan is at hand for another machine: what every real-time VM needs is assumed. */
static int check_copy(const struct check_options *options)
{
	struct check_host host = {.wants_rt = true, .priority = 1};
	int r = check_host_open(&host, options->root);

	if (r < 0) {
		complain("--root %s: %s", options->root, strerror(-r));
		return EXIT_FAILED;
	}
	r = look(options, NULL, &host);
	check_host_close(&host);
	return r;
}

int command_check(int argc, char **argv)
{
	struct check_options options = {0};
	struct plan_request request;
	int r = plan_request_open(&request);

	if (r < 0)
		return -r;
	r = parse(&options, &request, argc, argv);
	if (r == EXIT_OK && options.help)
		print_help();
	else if (r == EXIT_OK)
		r = options.root ? check_copy(&options) : check_host_with_plan(&options, &request);
	plan_request_close(&request);
	return r;
}
