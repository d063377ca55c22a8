/* SPDX-License-Identifier: MIT */
/* set: another plan for a VM that runs. */
#include "clean.h"
#include "command.h"
#include "control.h"
#include "json_limit.h"
#include "option.h"
#include "plan_request.h"
#include "set.h"
#include "status_ask.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct set {
	const char *name;
	struct set_question *question;
	bool json, help;
};

static void print_help(void)
{
	puts("Usage: qrt-launcher set NAME [--plan FILE] [-rt OPTION]... [--json]\n\n"
	     "Changes the plan of a running VM: its threads run by the new one at once. It is checked as "
	     "'run'\n"
	     "checks one, and where it is refused, or one thread cannot be placed, nothing changes. The new\n"
	     "plan is the running one with these options on top.\n\n"
	     "  --plan FILE  in the place of the running plan, - for standard input; options still go on "
	     "top\n"
	     "  -rt OPTION   an option of the plan, such as vcpu_prio=20; -rt default: what the new plan\n"
	     "               leaves open is as in the default plan\n"
	     "  --json       print the supervisor's answer\n\n"
	     "What is fixed when QEMU starts cannot change: memory lock, mutexes, advance, pool, preempt "
	     "lock,\n"
	     "huge pages and nodes, and what is made of the host.\n\n"
	     "Exit code: 0, 1 it was refused or there is no such VM, 2 usage.");
}

static int take_flag(struct set *set, const char *argument)
{
	if (strcmp(argument, "--json") == 0)
		set->json = true;
	else if (strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0)
		set->help = true;
	else if (argument[0] != '-' && !set->name)
		set->name = argument;
	else
		return 0;
	return 1;
}

static int take(struct set *set, int argc, char **argv, int *index)
{
	const char *value;
	int r = option_take("--plan", argc, argv, index, &value);

	if (r > 0)
		return set_question_add_file(set->question, value);
	if (r == 0)
		r = option_take("-rt", argc, argv, index, &value);
	if (r > 0)
		return set_question_add_option(set->question, value);
	if (r < 0)
		return -r;
	if (take_flag(set, argv[*index])) {
		(*index)++;
		return EXIT_OK;
	}
	complain("set: unknown argument '%s'; try 'qrt-launcher set --help'", argv[*index]);
	return EXIT_USAGE;
}

static int parse(struct set *set, int argc, char **argv)
{
	int index = 1, r = EXIT_OK;

	while (r == EXIT_OK && index < argc && !set->help)
		r = take(set, argc, argv, &index);
	if (r != EXIT_OK || set->help)
		return r;
	if (!set->name) {
		complain("set: which VM? give its name; 'qrt-launcher status' lists them");
		return EXIT_USAGE;
	}
	if (set_question_is_empty(set->question)) {
		complain("set: nothing to change: give -rt OPTION or --plan FILE");
		return EXIT_USAGE;
	}
	return EXIT_OK;
}

/* What somebody else says may hold anything; complain() takes control characters out. */
static void say_findings(JsonObject *answer)
{
	JsonArray *findings = json_limit_get_array(answer, "lint");
	guint i;

	for (i = 0; findings && i < json_array_get_length(findings); i++) {
		JsonObject *finding = json_limit_get_element(findings, i);
		const char *severity = json_limit_get_string(finding, "severity");
		const char *remedy = json_limit_get_string(finding, "remedy");

		if (strcmp(severity, "note") != 0)
			complain("%s: plan: %s%s%s", severity, json_limit_get_string(finding, "message"),
				 *remedy ? "; " : "", remedy);
	}
}

static void print_answer(JsonObject *answer)
{
	JsonNode *node = json_node_init_object(json_node_alloc(), answer);
	g_autofree char *text = json_to_string(node, FALSE), *clean = clean_json(text);

	json_node_unref(node);
	puts(clean);
}

/* Budgets and weights are the supervisor's: no thread has them. */
static bool is_of_threads(const char *option)
{
	return !strstr(option, "budget") && !strstr(option, "weight");
}

static const char *get_option(JsonArray *options, guint i)
{
	JsonNode *node = json_array_get_element(options, i);

	return json_node_get_value_type(node) == G_TYPE_STRING ? json_node_get_string(node) : "";
}

/* Where no thread changed, what did. */
static void say_change(const struct set *set, JsonObject *answer)
{
	JsonArray *options = json_limit_get_array(answer, "options");
	gint64 changed = json_limit_get_int(answer, "changed");
	g_autoptr(GString) line = g_string_new(NULL);
	guint i;

	for (i = 0; options && i < json_array_get_length(options); i++) {
		const char *option = get_option(options, i);

		if (changed == 0 || !is_of_threads(option))
			g_string_append_printf(line, "%s%s", line->len > 0 ? ", " : "; in force: ", option);
	}
	if (changed == 0 && line->len == 0)
		g_string_append(line, "; it ran so already");
	clean_text(line->str);
	printf("VM '%s': %d of %d threads changed%s\n", set->name, (int)changed,
	       (int)json_limit_get_int(answer, "threads"), line->str);
}

static int show(const struct set *set, JsonObject *answer)
{
	const char *error = json_limit_get_string(answer, "error");

	if (set->json)
		print_answer(answer);
	else
		say_findings(answer);
	if (*error) {
		complain("VM '%s' runs as before: %s", set->name, error);
		return EXIT_FAILED;
	}
	if (!set->json)
		say_change(set, answer);
	return EXIT_OK;
}

static int ask(const struct set *set)
{
	g_autofree char *line = set_question_format(set->question);
	JsonObject *answer;
	int r;

	if (!line) {
		complain("set: the plan is too long for a VM that runs: leave comments out of it");
		return EXIT_FAILED;
	}
	status_ask_repair();
	if (control_find(set->name, line, &answer) < 0)
		return EXIT_FAILED;
	r = show(set, answer);
	json_object_unref(answer);
	return r;
}

int command_set(int argc, char **argv)
{
	struct set set = {.question = set_question_new()};
	int r = parse(&set, argc, argv);

	if (r == EXIT_OK && set.help)
		print_help();
	else if (r == EXIT_OK)
		r = ask(&set);
	set_question_free(set.question);
	return r;
}
