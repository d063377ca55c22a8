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

static const char *option_name(int number)
{
	if (number < 2)
		return number ? "maxprio" : "ROLE_KEY";
	return qrt_sched_p_global_name(number - 2);
}

static const char *policy_name(int number)
{
	return qrt_sched_policy_name((uint32_t)number);
}

static const struct qrt_sched_p_names role_names = {role_name, QRT_SCHED_ROLES};
static const struct qrt_sched_p_names key_names = {key_name, QRT_SCHED_P_KEYS};
static const struct qrt_sched_p_names option_names = {option_name, QRT_SCHED_P_GLOBALS + 2};
static const struct qrt_sched_p_names policy_names = {policy_name, QRT_SCHED_POLICY_DEADLINE + 1};

static int unknown(struct qrt_sched_error *reterr, const char *what, const char *word,
		   const struct qrt_sched_p_names *names)
{
	char hint[200];

	qrt_sched_p_suggest(names, word, hint, sizeof(hint));
	return qrt_sched_p_error(reterr, -EINVAL, "unknown %s '%.40s': %s", what, word, hint);
}

static int bad_value(struct qrt_sched_error *reterr, const char *option, enum qrt_sched_p_key key,
		     const char *value, int code)
{
	if (key == QRT_SCHED_P_KEY_SCHED) {
		char hint[200];

		qrt_sched_p_suggest(&policy_names, value, hint, sizeof(hint));
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

static int set_role_option(struct qrt_sched_plan *plan, char *name, char *value, uint32_t line,
			   struct qrt_sched_error *reterr)
{
	char *underscore = strchr(name, '_');
	int role, key;

	if (!underscore)
		return unknown(reterr, "option", name, &option_names);
	*underscore = 0;
	role = qrt_sched_role_parse(name);
	if (role < 0)
		return unknown(reterr, "role", name, &role_names);
	key = qrt_sched_p_key_parse(underscore + 1);
	if (key < 0)
		return unknown(reterr, "key", underscore + 1, &key_names);
	return set_values(plan, (enum qrt_sched_role)role, (enum qrt_sched_p_key)key, value, line, reterr);
}

static int set_option(struct qrt_sched_plan *plan, char *text, uint32_t line, struct qrt_sched_error *reterr)
{
	char *equals = strchr(text, '='), *name, *value;
	int r;

	if (!strncmp(text, "include", 7) && strchr(" \t=", text[7]))
		return qrt_sched_p_error(reterr, -EINVAL,
					 "there is no include: give several --plan, the later overrides");
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
			"%.60s has a second '=' in '%.60s': give each option its own line or -rt", name,
			value);
	return set_role_option(plan, name, value, line, reterr);
}

int qrt_sched_p_plan_option(struct qrt_sched_plan *plan, char *text, uint32_t line,
			    struct qrt_sched_error *reterr)
{
	int r = set_option(plan, qrt_sched_p_trim(text), line, reterr);

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
