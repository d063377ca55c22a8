/* SPDX-License-Identifier: MIT */
/* What the command lines of `run` and `attach` say of the flight recorder. */
#include "command.h"
#include "option.h"
#include "plan_request.h"
#include "recorder.h"

#include <string.h>

static int take_folder(struct recorder_options *options, const char *value)
{
	if (*value == '\0') {
		complain("--record-dir: give a folder");
		return -EXIT_USAGE;
	}
	g_free(options->folder);
	options->folder = g_canonicalize_filename(value, NULL);
	return 1;
}

int recorder_options_take(struct recorder_options *options, int argc, char **argv, int *index)
{
	const char *value;
	int r = option_take("--on-delay", argc, argv, index, &value);

	if (r > 0)
		return action_take(&options->actions, value) < 0 ? -EXIT_USAGE : 1;
	if (r == 0)
		r = option_take("--record-dir", argc, argv, index, &value);
	if (r > 0)
		return take_folder(options, value);
	if (r == 0 && strcmp(argv[*index], "--no-record") == 0) {
		options->off = true;
		(*index)++;
		return 1;
	}
	return r;
}

static bool has_fault(const struct action *action, const struct plan_request *request)
{
	struct qrt_sched_finding worst;

	if (qrt_sched_plan_lint(action->plan, &request->host, &request->vm, &worst, 1) < 1 ||
	    worst.severity != QRT_SCHED_FAULT)
		return false;
	complain("fault: --on-delay: failsafe=%s: %s; %s", action->argument, worst.message, worst.remedy);
	return true;
}

int recorder_options_check(const struct recorder_options *options, const struct plan_request *request)
{
	size_t i;

	if (options->off && options->actions.count > 0) {
		complain("--on-delay needs the recorder: leave out --no-record");
		return EXIT_USAGE;
	}
	for (i = 0; i < options->actions.count; i++) {
		if (options->actions.actions[i].kind == ACTION_FAILSAFE &&
		    has_fault(&options->actions.actions[i], request))
			return EXIT_FAILED;
	}
	return EXIT_OK;
}

void recorder_options_clear(struct recorder_options *options)
{
	action_clear(&options->actions);
	g_free(options->folder);
	options->folder = NULL;
}
