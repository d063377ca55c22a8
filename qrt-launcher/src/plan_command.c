/* SPDX-License-Identifier: MIT */
#include "plan_command.h"

#include "command.h"

#include <string.h>

struct frame {
	bool json, help;
};

static int take_frame(struct frame *frame, const char *argument, int *index)
{
	if (strcmp(argument, "--json") == 0)
		frame->json = true;
	else if (strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0)
		frame->help = true;
	else
		return 0;
	(*index)++;
	return 1;
}

static int parse(const struct plan_command *command, void *options, struct frame *frame,
		 struct plan_request *request, int argc, char **argv)
{
	int index = 1, r;

	while (index < argc && !frame->help) {
		r = take_frame(frame, argv[index], &index);
		if (r == 0)
			r = command->take(options, argc, argv, &index);
		if (r == 0)
			r = plan_request_take(request, argc, argv, &index);
		if (r == 0) {
			complain("%s: unknown option '%s'; try 'qrt-launcher %s --help'", argv[0],
				 argv[index], argv[0]);
			return EXIT_USAGE;
		}
		if (r < 0)
			return -r;
	}
	return EXIT_OK;
}

int plan_command_run(const struct plan_command *command, void *options, int argc, char **argv)
{
	struct plan_request request;
	struct frame frame = {0};
	int r = plan_request_open(&request, argv[0]);

	if (r < 0)
		return -r;
	r = parse(command, options, &frame, &request, argc, argv);
	if (r == EXIT_OK && frame.help)
		command->print_help();
	else if (r == EXIT_OK)
		r = command->answer(options, &request, frame.json);
	plan_request_close(&request);
	return r;
}
