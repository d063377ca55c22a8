/* SPDX-License-Identifier: MIT */
#include "action.h"

#include "command.h"
#include "number.h"
#include "oom.h"

#include <errno.h>
#include <glib.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>

#define REST_NS  UINT64_C(10000000000) /* a delay rarely comes alone */
#define RETRY_NS UINT64_C(1000000000)
#define SILENT   10u /* of so many failures one is said */

static const char *const names[] = {
	[ACTION_LOG] = "log",   [ACTION_FILE] = "file",         [ACTION_COMMAND] = "command",
	[ACTION_STOP] = "stop", [ACTION_FAILSAFE] = "failsafe",
};

const char *action_name(enum action_kind kind)
{
	return names[kind];
}

static int find_kind(const char *text, size_t len)
{
	size_t kind;

	for (kind = 0; kind < G_N_ELEMENTS(names); kind++) {
		if (strlen(names[kind]) == len && memcmp(names[kind], text, len) == 0)
			return (int)kind;
	}
	return -EINVAL;
}

static int load_plan(struct action *action)
{
	struct qrt_sched_error error = {.message = ""};
	int r = qrt_sched_plan_new(&action->plan);

	if (r >= 0)
		r = qrt_sched_plan_parse_file(action->plan, action->argument, &error);
	if (r >= 0)
		r = qrt_sched_plan_supported(action->plan, &error);
	if (r >= 0)
		return 0;
	if (error.line)
		complain("--on-delay: failsafe: %s:%u: %s", action->argument, error.line, error.message);
	else
		complain("--on-delay: failsafe=%s: %s", action->argument, error.message);
	action->plan = qrt_sched_plan_close(action->plan);
	return -EINVAL;
}

static int complain_of(const char *text)
{
	complain("--on-delay '%s': give TIME:ACTION, such as 5ms:log, with log, file, command=CMD, stop or "
		 "failsafe=PLANFILE",
		 text);
	return -EINVAL;
}

static int parse(const char *text, struct action *ret_action)
{
	const char *colon = strchr(text, ':'), *word = colon ? colon + 1 : "";
	g_autofree char *time = colon ? g_strndup(text, (gsize)(colon - text)) : NULL;
	size_t len = strcspn(word, "=");
	int kind = find_kind(word, len);
	bool has_argument = word[len] == '=' && word[len + 1];

	if (!time || kind < 0 || number_parse_time(time, 0, &ret_action->over_ns) < 0)
		return -EINVAL;
	if (word[len] != '\0' && !has_argument)
		return -EINVAL;
	if ((kind == ACTION_COMMAND || kind == ACTION_FAILSAFE) != has_argument)
		return -EINVAL;
	ret_action->kind = (enum action_kind)kind;
	ret_action->argument = has_argument ? word + len + 1 : NULL;
	return 0;
}

int action_take(struct actions *actions, const char *text)
{
	struct action action = {0};

	if (actions->count == ACTIONS_MAX) {
		complain("--on-delay: at most %d of them", ACTIONS_MAX);
		return -EINVAL;
	}
	if (parse(text, &action) < 0)
		return complain_of(text);
	if (action.kind == ACTION_FAILSAFE && load_plan(&action) < 0)
		return -EINVAL;
	actions->actions[actions->count++] = action;
	return 0;
}

void action_clear(struct actions *actions)
{
	size_t i;

	for (i = 0; i < actions->count; i++)
		qrt_sched_plan_close(actions->actions[i].plan);
	actions->count = 0;
}

bool action_has(const struct actions *actions, enum action_kind kind)
{
	size_t i;

	for (i = 0; i < actions->count && actions->actions[i].kind != kind; i++)
		;
	return i < actions->count;
}

uint64_t action_get_least(const struct actions *actions)
{
	uint64_t least_ns = 0;
	size_t i;

	for (i = 0; i < actions->count; i++) {
		if (least_ns == 0 || actions->actions[i].over_ns < least_ns)
			least_ns = actions->actions[i].over_ns;
	}
	return least_ns;
}

void action_note(struct action *action, int result, uint64_t now_ns)
{
	action->is_open = result > 0;
	action->next_ns = now_ns + (result < 0 ? RETRY_NS : REST_NS);
	if (result <= 0)
		action->failures = result < 0 ? action->failures + 1 : 0;
}

bool action_is_news(const struct action *action)
{
	return action->failures % SILENT == 0;
}

bool action_is_due(const struct action *action, uint64_t delay_ns, uint64_t now_ns)
{
	return delay_ns >= action->over_ns && !action->is_open && now_ns >= action->next_ns;
}

/* Between fork and exec: the supervisor's signals, urgency and importance are not for others. */
static void become_ordinary(gpointer data)
{
	struct sched_param param = {.sched_priority = 0};
	sigset_t none;

	(void)data;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	sched_setscheduler(0, SCHED_OTHER, &param);
	oom_release();
}

int action_run_command(const char *command, const char *const *told)
{
	char *argv[] = {(char *)"/bin/sh", (char *)"-c", (char *)command, NULL};
	char **envp = g_get_environ();
	GError *error = NULL;
	const char *equals;
	int r = 0;

	for (; *told; told++) {
		g_autofree char *name = NULL;

		equals = strchr(*told, '=');
		name = g_strndup(*told, (gsize)(equals - *told));
		envp = g_environ_setenv(envp, name, equals + 1, TRUE);
	}
	if (!g_spawn_async("/", argv, envp, G_SPAWN_DEFAULT, become_ordinary, NULL, NULL, &error)) {
		complain("--on-delay: '%s' cannot be run: %s", command, error->message);
		g_error_free(error);
		r = -EIO;
	}
	g_strfreev(envp);
	return r;
}
