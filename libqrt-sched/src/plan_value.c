/* SPDX-License-Identifier: MIT */
/* The values of ROLE_KEY: what each key takes, and how it is written. */
#include "cpus_p.h"
#include "plan_p.h"
#include "plan_text_p.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int parse_bias(const char *text, union qrt_sched_p_value *ret_value)
{
	return qrt_sched_p_cpus_parse(text, '+', &ret_value->cpus);
}

static int parse_sched(const char *text, union qrt_sched_p_value *ret_value)
{
	ret_value->number = qrt_sched_policy_parse(text);
	return ret_value->number < 0 ? -EINVAL : 0;
}

static int parse_prio(const char *text, union qrt_sched_p_value *ret_value)
{
	return qrt_sched_p_number_parse(text, 0, 99, &ret_value->number);
}

static int parse_nice(const char *text, union qrt_sched_p_value *ret_value)
{
	return qrt_sched_p_number_parse(text, -20, 19, &ret_value->number);
}

static int parse_runtime(const char *text, union qrt_sched_p_value *ret_value)
{
	int r = qrt_sched_p_number_parse(text, 0, QRT_SCHED_P_TIME_MAX, &ret_value->number);

	return r == 0 && ret_value->number == 1 ? -ERANGE : r;
}

static int parse_deadline(const char *text, union qrt_sched_p_value *ret_value)
{
	return qrt_sched_p_number_parse(text, 2, QRT_SCHED_P_TIME_MAX, &ret_value->number);
}

static int parse_period(const char *text, union qrt_sched_p_value *ret_value)
{
	return qrt_sched_p_number_parse(text, 100, QRT_SCHED_P_TIME_MAX, &ret_value->number);
}

static int parse_ioprio(const char *text, union qrt_sched_p_value *ret_value)
{
	ret_value->number = qrt_sched_ioprio_parse(text);
	return ret_value->number < 0 ? -EINVAL : 0;
}

static int parse_budget(const char *text, union qrt_sched_p_value *ret_value)
{
	return qrt_sched_budget_parse(text, &ret_value->budget, NULL);
}

static int parse_name(const char *text, union qrt_sched_p_value *ret_value)
{
	size_t length = strlen(text), i;

	/* Neither has a place in a line of a plan file. */
	for (i = 0; i < length; i++) {
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f || text[i] == '#')
			return -EINVAL;
	}
	if (length > QRT_SCHED_P_PATTERN_MAX)
		return -ERANGE;
	memcpy(ret_value->pattern, text, length + 1);
	return 0;
}

static const struct key {
	const char *name;
	int (*parse)(const char *text, union qrt_sched_p_value *ret_value);
	const char *expected;
} keys[QRT_SCHED_P_KEYS] = {
	[QRT_SCHED_P_KEY_BIAS] = {"bias", parse_bias,
				  "a CPU, a range or a sum of them from 0..1023: 2, 2-3, 0+2-3"},
	[QRT_SCHED_P_KEY_SCHED] = {"sched", parse_sched, "fifo, rr, other, batch, idle or deadline"},
	[QRT_SCHED_P_KEY_PRIO] = {"prio", parse_prio, "0 (time sharing) or 1..99"},
	[QRT_SCHED_P_KEY_NICE] = {"nice", parse_nice, "-20..19"},
	[QRT_SCHED_P_KEY_RUNTIME] = {"runtime", parse_runtime,
				     "microseconds, 2..4194304, or 0 for the kernel's own slice"},
	[QRT_SCHED_P_KEY_DEADLINE] = {"deadline", parse_deadline, "microseconds, 2..4194304"},
	[QRT_SCHED_P_KEY_PERIOD] = {"period", parse_period, "microseconds, 100..4194304"},
	[QRT_SCHED_P_KEY_IOPRIO] = {"ioprio", parse_ioprio, "rt:0..7, be:0..7, idle or none"},
	[QRT_SCHED_P_KEY_BUDGET] = {"budget", parse_budget,
				    "CPU time per window, 1us or more of 1ms..10s: 30%/100ms, 5ms/20ms"},
	[QRT_SCHED_P_KEY_NAME] = {"name", parse_name,
				  "a pattern of at most 31 printable characters without # and =; ? stands "
				  "for one, * for any number"},
};

const char *qrt_sched_p_key_name(enum qrt_sched_p_key key)
{
	return (unsigned)key < QRT_SCHED_P_KEYS ? keys[key].name : NULL;
}

int qrt_sched_p_key_parse(const char *name)
{
	int i;

	for (i = 0; i < QRT_SCHED_P_KEYS; i++) {
		if (!strcmp(keys[i].name, name))
			return i;
	}
	return -ENOENT;
}

int qrt_sched_p_value_parse(enum qrt_sched_p_key key, const char *text, union qrt_sched_p_value *ret_value)
{
	return keys[key].parse(text, ret_value);
}

const char *qrt_sched_p_value_expected(enum qrt_sched_p_key key)
{
	return keys[key].expected;
}

int qrt_sched_p_value_format(enum qrt_sched_p_key key, const union qrt_sched_p_value *value, char *buf,
			     size_t size)
{
	switch (key) {
	case QRT_SCHED_P_KEY_BIAS:
		return qrt_sched_p_cpus_format(&value->cpus, '+', buf, size);
	case QRT_SCHED_P_KEY_SCHED:
		return snprintf(buf, size, "%s", qrt_sched_policy_name((uint32_t)value->number));
	case QRT_SCHED_P_KEY_IOPRIO:
		return qrt_sched_ioprio_format((uint32_t)value->number, buf, size);
	case QRT_SCHED_P_KEY_BUDGET:
		return qrt_sched_budget_format(&value->budget, buf, size);
	case QRT_SCHED_P_KEY_NAME:
		return snprintf(buf, size, "%s", value->pattern);
	default:
		return snprintf(buf, size, "%d", value->number);
	}
}
