/* SPDX-License-Identifier: MIT */
/* ROLE_KEY=v0[,v1,...]: the grammar per role, and what both grammars have in common. */
#include "error_p.h"
#include "plan_p.h"
#include "plan_text_p.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *key_name(int number)
{
	return qrt_sched_p_key_name((enum qrt_sched_p_key)number);
}

static const char *role_name(int number)
{
	return qrt_sched_role_name((enum qrt_sched_role)number);
}

#define OF_ROLE(role)                                                                                        \
	role "_bias", role "_sched", role "_prio", role "_nice", role "_runtime", role "_deadline",          \
		role "_period", role "_ioprio", role "_budget", role "_name"

static const char *const role_options[] = {OF_ROLE("vcpu"), OF_ROLE("main"), OF_ROLE("paio"),
					   OF_ROLE("vncm"), OF_ROLE("vncs"), OF_ROLE("ioth"),
					   OF_ROLE("kio"),  OF_ROLE("othr")};
#define ROLE_OPTIONS  ((int)(sizeof(role_options) / sizeof(role_options[0])))
#define OPTION_SHAPES (2 + QRT_SCHED_P_GLOBALS) /* those that are not of one role */
#define OPTIONS       (OPTION_SHAPES + ROLE_OPTIONS)

_Static_assert(ROLE_OPTIONS == QRT_SCHED_ROLES * QRT_SCHED_P_KEYS, "each key of each role");

static const char *option_name(int number)
{
	if (number == 0)
		return "ROLE_KEY";
	if (number == 1)
		return "maxprio";
	return number < OPTION_SHAPES ? qrt_sched_p_global_name(number - 2)
				      : role_options[number - OPTION_SHAPES];
}

static const char *policy_name(int number)
{
	return qrt_sched_policy_name((uint32_t)number);
}

static const struct qrt_sched_p_names role_names = {role_name, QRT_SCHED_ROLES};
static const struct qrt_sched_p_names key_names = {key_name, QRT_SCHED_P_KEYS};
static const struct qrt_sched_p_names option_names = {option_name, OPTIONS};
static const struct qrt_sched_p_names option_shapes = {option_name, OPTION_SHAPES};
static const struct qrt_sched_p_names policy_names = {policy_name, QRT_SCHED_POLICY_DEADLINE + 1};

/* `word` is the part of the option's name that is wrong. */
static int unknown(struct qrt_sched_error *reterr, const char *what, const char *word, const char *option,
		   const struct qrt_sched_p_names *known)
{
	char hint[200];

	qrt_sched_p_suggest(option, &option_names, known, hint, sizeof(hint));
	return qrt_sched_p_error(reterr, -EINVAL, "unknown %s '%.40s': %s", what, word, hint);
}

static int bad_value(struct qrt_sched_error *reterr, const char *option, enum qrt_sched_p_key key,
		     const char *value, int code)
{
	if (key == QRT_SCHED_P_KEY_SCHED) {
		char hint[200];

		qrt_sched_p_suggest(value, &policy_names, &policy_names, hint, sizeof(hint));
		return qrt_sched_p_error(reterr, code, "%s: unknown policy '%.40s': %s", option, value, hint);
	}
	return qrt_sched_p_error(reterr, code, "%s: '%.40s' is %s: give %s", option, value,
				 code == -ERANGE ? "out of range" : "not understood",
				 qrt_sched_p_value_expected(key));
}

static int parse_values(char *text, const char *option, enum qrt_sched_p_key key,
			union qrt_sched_p_value *values, struct qrt_sched_error *reterr)
{
	int count, r, most = key == QRT_SCHED_P_KEY_BUDGET ? 1 : QRT_SCHED_P_VALUES_MAX;
	char *value;

	for (count = 0; text; count++) {
		if (count == most)
			return qrt_sched_p_error(reterr, -ERANGE, "%s: more than %d value%s", option, most,
						 most == 1 ? ", which is for the whole role" : "s");
		value = qrt_sched_p_trim(strsep(&text, ","));
		if (!*value)
			return qrt_sched_p_error(reterr, -EINVAL,
						 "%s: value %d is empty: give %s, or leave out the comma",
						 option, count + 1, qrt_sched_p_value_expected(key));
		r = qrt_sched_p_value_parse(key, value, &values[count]);
		if (r < 0)
			return bad_value(reterr, option, key, value, r);
	}
	return count;
}

static int set_values(struct qrt_sched_plan *plan, enum qrt_sched_role role, enum qrt_sched_p_key key,
		      char *text, uint32_t line, struct qrt_sched_error *reterr)
{
	union qrt_sched_p_value *values = calloc(QRT_SCHED_P_VALUES_MAX, sizeof(*values));
	char option[24];
	int r;

	snprintf(option, sizeof(option), "%s_%s", qrt_sched_role_name(role), qrt_sched_p_key_name(key));
	if (!values)
		return qrt_sched_p_error(reterr, -ENOMEM, "%s: no memory", option);
	r = parse_values(text, option, key, values, reterr);
	if (r > 0)
		r = qrt_sched_p_plan_set_list(plan, role, key, values, (uint32_t)r, line);
	if (r == -ENOMEM)
		qrt_sched_p_error(reterr, r, "%s: no memory", option);
	free(values);
	return r;
}

static int set_role_option(struct qrt_sched_plan *plan, const char *name, char *value, uint32_t line,
			   struct qrt_sched_error *reterr)
{
	const char *underscore = strchr(name, '_');
	char first[41];
	int role, key;

	if (!underscore)
		return unknown(reterr, "option", name, name, &option_shapes);
	snprintf(first, sizeof(first), "%.*s", (int)(underscore - name), name);
	role = qrt_sched_role_parse(first);
	if (role < 0)
		return unknown(reterr, "role", first, name, &role_names);
	key = qrt_sched_p_key_parse(underscore + 1);
	if (key < 0)
		return unknown(reterr, "key", underscore + 1, name, &key_names);
	return set_values(plan, (enum qrt_sched_role)role, (enum qrt_sched_p_key)key, value, line, reterr);
}

static int starts_with_word(const char *text, const char *word)
{
	size_t length = strlen(word);

	return !strncmp(text, word, length) && strchr(" \t=", text[length]);
}

static int set_option(struct qrt_sched_plan *plan, char *text, uint32_t line, struct qrt_sched_error *reterr)
{
	char *equals = strchr(text, '='), *name, *value;
	int r;

	if (starts_with_word(text, "-rt"))
		return qrt_sched_p_error(reterr, -EINVAL,
					 "leave out '-rt' in '%.60s': here stands its value alone", text);
	if (starts_with_word(text, "include"))
		return qrt_sched_p_error(reterr, -EINVAL,
					 "there is no include: give several --plan, the later overrides");
	if (starts_with_word(text, "plan"))
		return qrt_sched_p_error(
			reterr, -EINVAL,
			"a plan file is no option: qrt-launcher takes --plan PATH, and where "
			"-rt takes plan=PATH it stands alone");
	if (!*text)
		return qrt_sched_p_error(reterr, -EINVAL,
					 "an option is empty: give ROLE_KEY=VALUE, or leave it out");
	if (!equals)
		return qrt_sched_p_error(reterr, -EINVAL, "'%.60s' has no value: write %.60s=VALUE", text,
					 text);
	*equals = 0;
	name = qrt_sched_p_trim(text);
	value = qrt_sched_p_trim(equals + 1);
	if (!*name)
		return qrt_sched_p_error(reterr, -EINVAL, "'=%.60s' names no option", value);
	if (!*value)
		return qrt_sched_p_error(reterr, -EINVAL,
					 "%.60s has an empty value: give one, or leave it out", name);
	r = qrt_sched_p_plan_global(plan, name, value, line, reterr);
	if (r != -ENOENT)
		return r;
	if (strchr(value, '='))
		return qrt_sched_p_error(
			reterr, -EINVAL,
			"%.60s has a second '=' in '%.60s': give each option its own line or -rt, or put a "
			"blank between them",
			name, value);
	return set_role_option(plan, name, value, line, reterr);
}

int qrt_sched_p_plan_option(struct qrt_sched_plan *plan, char *text, uint32_t line,
			    struct qrt_sched_error *reterr)
{
	char *next;
	int r = 0;

	for (; r >= 0 && text; text = next) {
		next = qrt_sched_p_next_option(text);
		if (next)
			next[-1] = 0;
		r = set_option(plan, qrt_sched_p_trim(text), line, reterr);
	}
	if (r < 0 && reterr)
		reterr->line = line;
	return r;
}

static int copy_option(const char *text, char *ret_copy, struct qrt_sched_error *reterr)
{
	size_t length = strnlen(text, QRT_SCHED_P_LINE_MAX + 1);

	if (length > QRT_SCHED_P_LINE_MAX)
		return qrt_sched_p_error(reterr, -EINVAL, "'%.40s...' is longer than %d bytes", text,
					 QRT_SCHED_P_LINE_MAX);
	memcpy(ret_copy, text, length + 1);
	return 0;
}

int qrt_sched_plan_parse_option(struct qrt_sched_plan *plan, const char *text, struct qrt_sched_error *reterr)
{
	char copy[QRT_SCHED_P_LINE_MAX + 1];
	struct qrt_sched_plan scratch = {0};
	int r = copy_option(text, copy, reterr);

	if (r < 0)
		return r;
	r = qrt_sched_p_plan_copy(&scratch, plan);
	if (r < 0)
		return qrt_sched_p_error(reterr, r, "no memory for the plan");
	r = qrt_sched_p_plan_option(&scratch, copy, 0, reterr);
	return qrt_sched_p_plan_commit(plan, &scratch, r, reterr);
}
