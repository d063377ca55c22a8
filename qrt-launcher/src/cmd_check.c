/* SPDX-License-Identifier: MIT */
/* check: what in this host stands against real-time, and the remedies. */
#include "check_print.h"
#include "command.h"
#include "option.h"
#include "plan_command.h"
#include "state.h"

#include <stdio.h>
#include <string.h>

#define WATCH_NS 500000000u /* steal and SMIs are counted over this time */

struct check_options {
	const char *root; /* NULL: the running host */
};

static void print_help(void)
{
	puts("Usage: qrt-launcher check [--json] [--plan FILE] [-rt OPTION]... [--user USER] [-- QEMU "
	     "ARGS...]\n"
	     "       qrt-launcher check --root DIR [--json]\n\n"
	     "Says what in this host stands against real-time, why it matters, and the remedy;\n"
	     "and whether the plan (without one: the default plan) can run here.\n\n"
	     "  --plan FILE  a plan file, - for standard input; -rt options after it override it\n"
	     "  -rt OPTION   an option of the plan, see qrt-plan(5); -rt default: what the others leave\n"
	     "               open is as in the default plan\n"
	     "  --user USER  as for 'run --user USER'\n"
	     "  --root DIR   look at a copy of another machine's proc and sys below DIR\n"
	     "  --json       print JSON\n\n"
	     "Exit code: 0 a plan can run, 1 it cannot, 2 usage.");
}

static int take(void *data, int argc, char **argv, int *index)
{
	struct check_options *options = data;

	return option_take("--root", argc, argv, index, &options->root);
}

/* request is NULL where no plan can be judged. */
static int look(const struct check_options *options, const struct plan_request *request, bool json,
		struct check_host *host)
{
	struct check_item items[CHECK_ITEMS_MAX];
	struct check_result result = {.items = items, .request = request};

	result.unjudged = !request && !options->root;
	result.count = check_run(host, items, CHECK_ITEMS_MAX);
	result.unread = options->root && (size_t)check_count(&result, CHECK_UNKNOWN) == result.count;
	if (json)
		check_print_json(&result);
	else
		check_print_text(&result);
	if (result.unread)
		complain("--root %s: nothing of a host could be read there; copy its proc, sys, dev and boot "
			 "to it",
			 options->root);
	return check_is_good(&result) ? EXIT_OK : EXIT_FAILED;
}

static int check_host_with_plan(const struct check_options *options, struct plan_request *request, bool json)
{
	struct check_host host = {.live = true, .watch_ns = WATCH_NS};
	struct plan_needs needs;
	int r = plan_request_finish(request);
	bool judged = r == EXIT_OK;

	if (r == EXIT_USAGE)
		return r;
	plan_request_get_needs(request, &needs);
	host.wants_rt = needs.realtime;
	host.wants_nice = needs.nice;
	host.wants_lock = needs.lock;
	host.wants_kvm = request->accel == VM_ACCEL_KVM;
	host.priority = needs.priority;
	r = check_host_open(&host, "/");
	if (r < 0) {
		complain("/: %s", strerror(-r));
		return EXIT_FAILED;
	}
	r = look(options, judged ? request : NULL, json, &host);
	check_host_close(&host);
	return r;
}

/* No plan is at hand for another machine: what every real-time VM needs is assumed. */
static int check_copy(const struct check_options *options, bool json)
{
	struct check_host host = {.wants_rt = true, .priority = 1};
	int r = check_host_open(&host, options->root);

	if (r < 0) {
		complain("--root %s: %s", options->root, strerror(-r));
		return EXIT_FAILED;
	}
	r = look(options, NULL, json, &host);
	check_host_close(&host);
	return r;
}

/* What a killed launcher left would be taken for the host's own. */
static void repair(void)
{
	int run_fd = state_look_run();

	if (run_fd < 0)
		return;
	state_repair_all(run_fd, false);
	state_close_run(run_fd);
}

static int answer(const void *data, struct plan_request *request, bool json)
{
	const struct check_options *options = data;

	if (!options->root) {
		repair();
		return check_host_with_plan(options, request, json);
	}
	if (request->given || request->user.set || request->vm_argv) {
		complain("check: --root looks at a copied tree, where no plan can run; leave out the plan, "
			 "--user and QEMU's arguments");
		return EXIT_USAGE;
	}
	return check_copy(options, json);
}

int command_check(int argc, char **argv)
{
	static const struct plan_command command = {print_help, take, answer};
	struct check_options options = {0};

	return plan_command_run(&command, &options, argc, argv);
}
