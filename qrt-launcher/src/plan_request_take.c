/* SPDX-License-Identifier: MIT */
/* What `run`, `check` and `plan` have in common on their command lines. */
#include "command.h"
#include "option.h"
#include "plan_request.h"
#include "program_word.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define PLAN_MAX (64u << 10) /* of qrt-plan(5); one byte more is read, so that the parser refuses it */

/* The library names the file only where it could not be read. */
static void say_file_error(const char *path, const struct qrt_sched_error *error)
{
	if (error->line)
		complain("%s:%u: %s", path, error->line, error->message);
	else if (!strstr(error->message, path))
		complain("%s: %s", path, error->message);
	else
		complain("%s", error->message);
}

static int read_input(struct qrt_sched_plan *plan, struct qrt_sched_error *error)
{
	g_autofree char *text = g_malloc(PLAN_MAX + 1);
	size_t len = 0;
	ssize_t n;

	do {
		n = read(STDIN_FILENO, text + len, PLAN_MAX + 1 - len);
		if (n > 0)
			len += (size_t)n;
	} while (n > 0 || (n < 0 && errno == EINTR));
	if (n == 0)
		return qrt_sched_plan_parse_text(plan, text, len, error);
	*error = (struct qrt_sched_error){.code = -errno};
	g_snprintf(error->message, sizeof(error->message), "it cannot be read: %s", strerror(errno));
	return error->code;
}

static int take_file(struct plan_request *request, const char *path)
{
	bool is_input = strcmp(path, "-") == 0;
	struct qrt_sched_error error;
	int r = is_input ? read_input(request->plan, &error)
			 : qrt_sched_plan_parse_file(request->plan, path, &error);

	request->given = true;
	if (r >= 0)
		return 1;
	say_file_error(is_input ? "standard input" : path, &error);
	return -EXIT_FAILED;
}

static int take_option(struct plan_request *request, const char *text)
{
	struct qrt_sched_error error;

	request->given = true;
	text = plan_request_skip_default(request, text);
	if (*text == '\0' && request->wants_default)
		return 1;
	if (qrt_sched_plan_parse_option(request->plan, text, &error) >= 0)
		return 1;
	complain("-rt: %s", error.message);
	return -EXIT_USAGE;
}

static int take_user(struct plan_request *request, const char *text)
{
	return launch_parse_user(text, &request->user) < 0 ? -EXIT_USAGE : 1;
}

static int take_vm(struct plan_request *request, int argc, char **argv, int *index)
{
	request->vm_argv = argv + *index;
	request->vm_argc = argc - *index;
	*index = argc;
	if (request->vm_argc > 0 && !program_word_check(request->command, request->vm_argv[0]))
		return -EXIT_USAGE;
	return 1;
}

int plan_request_take(struct plan_request *request, int argc, char **argv, int *index)
{
	static const struct {
		const char *name;
		int (*take)(struct plan_request *request, const char *value);
	} options[] = {{"--plan", take_file}, {"-rt", take_option}, {"--user", take_user}};
	const char *value;
	size_t i;
	int r;

	for (i = 0; i < G_N_ELEMENTS(options); i++) {
		r = option_take(options[i].name, argc, argv, index, &value);
		if (r != 0)
			return r < 0 ? r : options[i].take(request, value);
	}
	if (strcmp(argv[*index], "--") == 0) {
		(*index)++;
		return take_vm(request, argc, argv, index);
	}
	if (argv[*index][0] != '-')
		return take_vm(request, argc, argv, index);
	return 0;
}
