/* SPDX-License-Identifier: MIT */
/* What the command lines of `run` and `attach` say of the flight recorder. */
#include "command.h"
#include "failsafe.h"
#include "option.h"
#include "plan_request.h"
#include "recorder.h"
#include "recorder_store.h"

#include <string.h>
#include <unistd.h>

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

/* The first recording would be late to hear of it. The folder is made when there is something to keep. */
static int check_folder(const struct recorder_options *options)
{
	bool was_there = !options->folder || access(options->folder, F_OK) == 0;
	int fd;

	if (options->off || !options->folder)
		return EXIT_OK;
	fd = recorder_store_open(options->folder, -1);
	if (fd < 0)
		return EXIT_FAILED;
	close(fd);
	if (!was_there)
		(void)rmdir(options->folder);
	return EXIT_OK;
}

int recorder_options_check(const struct recorder_options *options, const struct plan_request *request,
			   bool has_library)
{
	int r;
	size_t i;

	if (options->off && options->actions.count > 0) {
		complain("--on-delay needs the recorder: leave out --no-record");
		return EXIT_USAGE;
	}
	r = check_folder(options);
	for (i = 0; r == EXIT_OK && i < options->actions.count; i++) {
		const struct action *action = &options->actions.actions[i];

		if (action->kind == ACTION_FAILSAFE &&
		    failsafe_check(action->plan, action->argument, request, has_library) != EXIT_OK)
			r = EXIT_FAILED;
	}
	return r;
}

void recorder_options_clear(struct recorder_options *options)
{
	action_clear(&options->actions);
	g_free(options->folder);
	options->folder = NULL;
}
