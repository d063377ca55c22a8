/* SPDX-License-Identifier: MIT */
#include "clean.h"
#include "control.h"
#include "json_limit.h"
#include "set.h"
#include "top.h"

#include <ncurses.h>
#include <stdlib.h>
#include <string.h>

#define KEY_ESCAPE 27

/* ---- changes, as by 'qrt-launcher set' ---- */

void top_keys_say(struct top *top, const struct top_change *change)
{
	JsonArray *findings = json_limit_get_array(change->answer, "lint");
	JsonObject *finding = findings && json_array_get_length(findings) > 0
				      ? json_limit_get_element(findings, 0)
				      : NULL;
	const char *error = json_limit_get_string(change->answer, "error");
	const char *message = json_limit_get_string(finding, "message");

	if (change->error < 0)
		control_complain(change->vm, change->error);
	else if (*error && *message)
		top_say(top, "refused: %s", message);
	else if (*error)
		top_say(top, "refused: %s", error);
	else
		top_say(top, "%s: %s: %d thread%s changed", change->vm, change->option,
			(int)json_limit_get_int(change->answer, "changed"),
			json_limit_get_int(change->answer, "changed") == 1 ? "" : "s");
}

static void change(struct top *top, const struct top_row *row, const char *option)
{
	struct set_question *question = set_question_new();
	g_autofree char *line = NULL;

	top_say(top, "%s", "");
	if (set_question_add_option(question, option) == 0)
		line = set_question_format(question);
	set_question_free(question);
	/* What is wrong with it was said on standard error, which is read after each key. */
	if (line)
		top_change(top, row->vm, option, line);
}

static void step_priority(struct top *top, const struct top_row *row, int step)
{
	g_autofree char *option = top_model_step_priority(&top->model, row, step);

	if (option)
		change(top, row, option);
	else if (row->planned_priority < 1)
		top_say(top, "%s has no real-time priority; p gives it one", row->role);
	else
		top_say(top, "%s is at the end of the priorities 1 to 99", row->role);
}

static void cycle_policy(struct top *top, const struct top_row *row)
{
	g_autofree char *option = top_model_cycle_policy(&top->model, row);

	if (option)
		change(top, row, option);
	else
		top_say(top,
			"%s runs under deadline, and its times would be lost; 'qrt-launcher set' changes "
			"that",
			row->role);
}

/* ---- prompts ---- */

static void open_prompt(struct top *top, enum top_prompt prompt, const char *text)
{
	top->prompt = prompt;
	g_strlcpy(top->input, text, sizeof(top->input));
	g_strlcpy(top->before, text, sizeof(top->before));
	top_say(top, "%s", "");
}

static void set_filter(struct top *top, const char *text)
{
	g_strlcpy(top->model.filter, text, sizeof(top->model.filter));
	top_follow(top);
}

static void enter(struct top *top)
{
	const struct top_row *row = top_get_chosen(top);
	g_autofree char *option = NULL;

	if (top->prompt == TOP_PROMPT_CPUS && row && *top->input) {
		option = g_strdup_printf("%s_bias=%s", row->role, top->input);
		change(top, row, option);
	}
	top->prompt = TOP_PROMPT_NONE;
}

static void edit(struct top *top, int key)
{
	size_t len = strlen(top->input), max = sizeof(top->input) - 1;

	if (top->prompt == TOP_PROMPT_FILTER)
		max = sizeof(top->model.filter) - 1;
	if ((key == KEY_BACKSPACE || key == 127 || key == 8) && len > 0)
		top->input[len - 1] = '\0';
	else if (key >= ' ' && key < 127 && len < max)
		top->input[len] = (char)key, top->input[len + 1] = '\0';
	if (top->prompt == TOP_PROMPT_FILTER)
		set_filter(top, top->input);
}

static void take_prompt(struct top *top, int key)
{
	if (key == '\n' || key == '\r' || key == KEY_ENTER) {
		enter(top);
	} else if (key == KEY_ESCAPE) {
		if (top->prompt == TOP_PROMPT_FILTER)
			set_filter(top, top->before);
		top->prompt = TOP_PROMPT_NONE;
	} else {
		edit(top, key);
	}
}

/* ---- keys ---- */

static bool take_move(struct top *top, int key)
{
	gint64 page = top_screen_count_rows();

	if (key == KEY_UP || key == 'k')
		top_choose(top, (gint64)top->chosen - 1);
	else if (key == KEY_DOWN || key == 'j')
		top_choose(top, (gint64)top->chosen + 1);
	else if (key == KEY_PPAGE)
		top_choose(top, (gint64)top->chosen - page);
	else if (key == KEY_NPAGE)
		top_choose(top, (gint64)top->chosen + page);
	else if (key == KEY_HOME)
		top_choose(top, 0);
	else if (key == KEY_END)
		top_choose(top, G_MAXINT32);
	else
		return false;
	return true;
}

static void take_change(struct top *top, int key)
{
	const struct top_row *row = top_get_chosen(top);

	if (!row)
		top_say(top, "no thread is chosen");
	else if (key == '+' || key == '=')
		step_priority(top, row, 1);
	else if (key == '-')
		step_priority(top, row, -1);
	else if (key == 'p')
		cycle_policy(top, row);
	else
		open_prompt(top, TOP_PROMPT_CPUS, "");
}

static void take_view(struct top *top, int key)
{
	if (key == '\t')
		top_model_next_vm(&top->model);
	else if (key == 's')
		top->model.sort = (top->model.sort + 1) % TOP_SORTS;
	else if (key == ' ')
		top->is_paused = !top->is_paused;
	else if (key == 'h' || key == '?')
		top->is_helping = true;
	else if (key == 'f')
		open_prompt(top, TOP_PROMPT_FILTER, top->model.filter);
	top_follow(top);
}

bool top_keys_take(struct top *top, int key)
{
	if (key == ERR || key == KEY_RESIZE) {
		top_choose(top, top->chosen);
	} else if (top->is_helping) {
		top->is_helping = false;
	} else if (top->prompt) {
		take_prompt(top, key);
	} else if (key == 'q') {
		return false;
	} else if (key < 256 && strchr("+=-pc", key)) {
		take_change(top, key);
	} else if (!take_move(top, key)) {
		take_view(top, key);
	}
	return true;
}
