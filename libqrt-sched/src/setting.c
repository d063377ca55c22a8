/* SPDX-License-Identifier: MIT */
#include "setting_p.h"

#include "cpus_p.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
	uint32_t policy;
	const char *name;
	int urgency; /* of the time sharing ones, among themselves */
} policies[] = {
	{QRT_SCHED_POLICY_FIFO, "fifo", 0},   {QRT_SCHED_POLICY_RR, "rr", 0},
	{QRT_SCHED_POLICY_OTHER, "other", 0}, {QRT_SCHED_POLICY_BATCH, "batch", -1},
	{QRT_SCHED_POLICY_IDLE, "idle", -2},
};
#define POLICIES       (sizeof(policies) / sizeof(policies[0]))
#define LINUX_DEADLINE 6

const char *qrt_sched_policy_name(uint32_t policy)
{
	size_t i;

	for (i = 0; i < POLICIES; i++) {
		if (policies[i].policy == policy)
			return policies[i].name;
	}
	return NULL;
}

int qrt_sched_policy_parse(const char *name)
{
	size_t i;

	for (i = 0; name && i < POLICIES; i++) {
		if (!strcmp(policies[i].name, name))
			return (int)policies[i].policy;
	}
	return -ENOENT;
}

int qrt_sched_p_policy_is_rt(uint32_t policy)
{
	return policy == QRT_SCHED_POLICY_FIFO || policy == QRT_SCHED_POLICY_RR;
}

int qrt_sched_p_urgency(uint32_t policy, int32_t priority)
{
	size_t i;

	if (qrt_sched_p_policy_is_rt(policy))
		return priority;
	if (policy == LINUX_DEADLINE)
		return 100;
	for (i = 0; i < POLICIES; i++) {
		if (policies[i].policy == policy)
			return policies[i].urgency;
	}
	return 0;
}

int qrt_sched_p_setting_urgency(const struct qrt_sched_setting *setting)
{
	return qrt_sched_p_urgency(setting->policy, setting->priority);
}

void qrt_sched_p_setting_normalise(struct qrt_sched_setting *setting)
{
	if (!qrt_sched_p_policy_is_rt(setting->policy))
		setting->priority = 0;
	else if (setting->priority < 1)
		setting->priority = 1;
}

void qrt_sched_p_setting_overlay(struct qrt_sched_setting *setting, const struct qrt_sched_setting *from)
{
	if (from->set & QRT_SCHED_SET_POLICY)
		setting->policy = from->policy;
	if (from->set & QRT_SCHED_SET_PRIORITY)
		setting->priority = from->priority;
	if (from->set & QRT_SCHED_SET_NICE)
		setting->nice = from->nice;
	if (from->set & QRT_SCHED_SET_FLAGS)
		setting->flags = from->flags;
	if (from->set & QRT_SCHED_SET_CPUS)
		setting->cpus = from->cpus;
	setting->set |= from->set;
}

static int is_priority_legal(const struct qrt_sched_setting *s)
{
	if (s->priority < 0 || s->priority > 99)
		return 0;
	if (!(s->set & QRT_SCHED_SET_POLICY))
		return 1;
	return qrt_sched_p_policy_is_rt(s->policy) ? s->priority > 0 : s->priority == 0;
}

int qrt_sched_p_setting_check(const struct qrt_sched_setting *s)
{
	if (s->set & ~QRT_SCHED_SET_ALL)
		return -EINVAL;
	if ((s->set & QRT_SCHED_SET_POLICY) && !qrt_sched_policy_name(s->policy))
		return -EINVAL;
	if ((s->set & QRT_SCHED_SET_PRIORITY) && !is_priority_legal(s))
		return -EINVAL;
	if ((s->set & QRT_SCHED_SET_NICE) && (s->nice < -20 || s->nice > 19))
		return -EINVAL;
	if ((s->set & QRT_SCHED_SET_FLAGS) && (s->flags & ~QRT_SCHED_FLAG_RESET_ON_FORK))
		return -EINVAL;
	if ((s->set & QRT_SCHED_SET_CPUS) && !qrt_sched_cpus_count(&s->cpus))
		return -EINVAL;
	return 0;
}

static int are_cpus_different(const struct qrt_sched_cpus *want, const struct qrt_sched_cpus *have,
			      const struct qrt_sched_cpus *online)
{
	struct qrt_sched_cpus masked = *want;

	if (online)
		qrt_sched_p_cpus_and(&masked, online);
	return !qrt_sched_p_cpus_equal(&masked, have);
}

uint32_t qrt_sched_setting_compare(const struct qrt_sched_setting *want, const struct qrt_sched_setting *have,
				   const struct qrt_sched_cpus *online)
{
	uint32_t policy = want->set & QRT_SCHED_SET_POLICY ? want->policy : have->policy;
	int is_fair = policy == QRT_SCHED_POLICY_OTHER || policy == QRT_SCHED_POLICY_BATCH;
	uint32_t different = 0;

	if (want->policy != have->policy)
		different |= QRT_SCHED_SET_POLICY;
	if (qrt_sched_p_policy_is_rt(policy) && want->priority != have->priority)
		different |= QRT_SCHED_SET_PRIORITY;
	if (is_fair && want->nice != have->nice)
		different |= QRT_SCHED_SET_NICE;
	if (want->flags != have->flags)
		different |= QRT_SCHED_SET_FLAGS;
	if ((want->set & QRT_SCHED_SET_CPUS) && are_cpus_different(&want->cpus, &have->cpus, online))
		different |= QRT_SCHED_SET_CPUS;
	return (different | (~have->set & QRT_SCHED_SET_ALL)) & want->set;
}

/* A text that grows in a caller's buffer; once it does not fit, it stays full. */
struct text {
	char *buf;
	size_t size, length;
	int is_full;
};

__attribute__((format(printf, 2, 3))) static void add(struct text *text, const char *format, ...)
{
	va_list args;
	int r;

	if (text->is_full)
		return;
	va_start(args, format);
	r = vsnprintf(text->buf + text->length, text->size - text->length, format, args);
	va_end(args);
	if (r < 0 || (size_t)r >= text->size - text->length)
		text->is_full = 1;
	else
		text->length += (size_t)r;
}

static void describe_urgency(struct text *text, const struct qrt_sched_setting *s)
{
	const char *name = qrt_sched_policy_name(s->policy);
	int has_policy = (s->set & QRT_SCHED_SET_POLICY) != 0;
	int is_fair = !has_policy || s->policy == QRT_SCHED_POLICY_OTHER ||
		      s->policy == QRT_SCHED_POLICY_BATCH;

	if (has_policy && name)
		add(text, " %s", name);
	else if (has_policy)
		add(text, " policy-%u", s->policy);
	if ((s->set & QRT_SCHED_SET_PRIORITY) && !has_policy)
		add(text, " priority %d", s->priority);
	else if ((s->set & QRT_SCHED_SET_PRIORITY) && qrt_sched_p_policy_is_rt(s->policy))
		add(text, " %d", s->priority);
	if ((s->set & QRT_SCHED_SET_NICE) && is_fair)
		add(text, " nice %d", s->nice);
}

int qrt_sched_setting_describe(const struct qrt_sched_setting *setting, char *buf, size_t size)
{
	char line[QRT_SCHED_P_CPUS_TEXT + 64], cpus[QRT_SCHED_P_CPUS_TEXT];
	struct text text = {.buf = line, .size = sizeof(line)};

	describe_urgency(&text, setting);
	if (setting->set & QRT_SCHED_SET_CPUS) {
		qrt_sched_cpus_format(&setting->cpus, cpus, sizeof(cpus));
		add(&text, " on %s", cpus);
	}
	if ((setting->set & QRT_SCHED_SET_FLAGS) && (setting->flags & QRT_SCHED_FLAG_RESET_ON_FORK))
		add(&text, " reset-on-fork");
	if (!text.length)
		add(&text, " nothing");
	if (text.length > size) /* the leading blank stands for the NUL */
		return -ENOSPC;
	memcpy(buf, line + 1, text.length);
	return (int)text.length - 1;
}
