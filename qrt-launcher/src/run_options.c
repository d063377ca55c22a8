/* SPDX-License-Identifier: MIT */
/* The command line of `run`. */
#include "command.h"
#include "option.h"
#include "run.h"

#include <string.h>

static int take_name(struct run *run, const char *value)
{
	if (!state_is_name(value)) {
		complain("--name '%s': letters, digits, '_', '.', '-', at most %d, a letter or digit first",
			 value, STATE_NAME_MAX);
		return EXIT_LAUNCHER;
	}
	run->name = value;
	return EXIT_OK;
}

/* A word of the plan, for the command line's sake: what comes later counts. */
static int take_shield(struct run *run, const char *parts)
{
	g_autofree char *text = g_strconcat("shield=", parts, NULL);
	struct qrt_sched_error error;

	if (qrt_sched_plan_parse_option(run->request.plan, text, &error) >= 0)
		return 1;
	complain("--shield: %s", error.message);
	return -EXIT_USAGE;
}

/* Its value is no word of its own: "--shield QEMU" is without one. 1, 0 when it is something else. */
static int take_shield_option(struct run *run, char **argv, int *index)
{
	static const char name[] = "--shield";
	const char *rest = g_str_has_prefix(argv[*index], name) ? argv[*index] + strlen(name) : NULL;

	if (!rest || (*rest && *rest != '='))
		return 0;
	(*index)++;
	return take_shield(run, *rest ? rest + 1 : "on");
}

/* What comes later counts. */
static void choose_library(struct run *run, enum library library)
{
	run->request.no_preload = library == LIBRARY_NONE;
	run->forces_preload = library == LIBRARY_PRELOADED;
}

static bool take_flag(struct run *run, const char *argument)
{
	if (strcmp(argument, "--no-preload") == 0)
		choose_library(run, LIBRARY_NONE);
	else if (strcmp(argument, "--preload") == 0)
		choose_library(run, LIBRARY_PRELOADED);
	else if (strcmp(argument, "--agent") == 0)
		run->wants_agent = true;
	else if (strcmp(argument, "--verbose") == 0 || strcmp(argument, "-v") == 0)
		run->verbose = true;
	else if (strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0)
		run->help = true;
	else
		return false;
	return true;
}

static int take_next(struct run *run, int argc, char **argv, int *index)
{
	const char *value;
	int r = recorder_options_take(&run->record, argc, argv, index);

	if (r != 0)
		return r > 0 ? EXIT_OK : EXIT_LAUNCHER;
	r = option_take("--name", argc, argv, index, &value);

	if (r > 0)
		return take_name(run, value);
	if (r == 0)
		r = option_take("--events", argc, argv, index, &run->events);
	if (r == 0)
		r = take_shield_option(run, argv, index);
	if (r > 0)
		return EXIT_OK;
	if (r == 0 && take_flag(run, argv[*index])) {
		(*index)++;
		return EXIT_OK;
	}
	if (r == 0)
		r = plan_request_take(&run->request, argc, argv, index);
	if (r == 0)
		complain("run: unknown option '%s'; QEMU's own come after its program, see 'qrt-launcher run "
			 "--help'",
			 argv[*index]);
	return r > 0 ? EXIT_OK : EXIT_LAUNCHER;
}

static int check(const struct run *run)
{
	if (run->request.vm_argc < 1) {
		complain("run: no program to run; try 'qrt-launcher run -- qemu-system-x86_64 ARGS...'");
		return EXIT_LAUNCHER;
	}
	if (run->events && !run->wants_agent) {
		complain("--events: what becomes of a guest is known by --agent; give both");
		return EXIT_LAUNCHER;
	}
	return EXIT_OK;
}

int run_parse(struct run *run, int argc, char **argv)
{
	int index = 1, r = EXIT_OK;

	while (r == EXIT_OK && index < argc && !run->help)
		r = take_next(run, argc, argv, &index);
	return r == EXIT_OK && !run->help ? check(run) : r;
}
