/* SPDX-License-Identifier: MIT */
/* A setting in words, for people. */
#include "cpus_p.h"
#include "setting_p.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

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

/* "2ms", "2.8ms", "150us": as short as the number allows. */
static void add_time(struct text *text, char before, uint64_t ns)
{
	static const struct {
		uint64_t ns;
		const char *name;
	} units[] = {{1000000000, "s"}, {1000000, "ms"}, {1000, "us"}};
	uint64_t rest;
	int i;

	for (i = 0; i < 3; i++) {
		rest = ns % units[i].ns;
		if (ns < units[i].ns || rest % (units[i].ns / 10))
			continue;
		add(text, "%c%llu", before, (unsigned long long)(ns / units[i].ns));
		if (rest)
			add(text, ".%llu", (unsigned long long)(rest / (units[i].ns / 10)));
		add(text, "%s", units[i].name);
		return;
	}
	add(text, "%c%lluns", before, (unsigned long long)ns);
}

static void describe_times(struct text *text, const struct qrt_sched_setting *s)
{
	int has_policy = (s->set & QRT_SCHED_SET_POLICY) != 0;

	if (s->deadline_ns) {
		add(text, "%s", has_policy ? "" : " times");
		add_time(text, ' ', s->runtime_ns);
		add_time(text, '/', s->deadline_ns);
		add_time(text, '/', s->period_ns);
	} else if (s->runtime_ns && (!has_policy || qrt_sched_p_policy_is_fair(s->policy))) {
		add(text, " slice");
		add_time(text, ' ', s->runtime_ns);
	}
}

static void describe_urgency(struct text *text, const struct qrt_sched_setting *s)
{
	const char *name = qrt_sched_policy_name(s->policy);
	int has_policy = (s->set & QRT_SCHED_SET_POLICY) != 0;

	if (has_policy && name)
		add(text, " %s", name);
	else if (has_policy)
		add(text, " policy-%u", s->policy);
	if ((s->set & QRT_SCHED_SET_PRIORITY) && !has_policy)
		add(text, " priority %d", s->priority);
	else if ((s->set & QRT_SCHED_SET_PRIORITY) && qrt_sched_p_policy_is_rt(s->policy))
		add(text, " %d", s->priority);
	if ((s->set & QRT_SCHED_SET_NICE) && (!has_policy || qrt_sched_p_policy_is_fair(s->policy)))
		add(text, " nice %d", s->nice);
	if (s->set & QRT_SCHED_SET_TIMES)
		describe_times(text, s);
}

static void describe_ioprio(struct text *text, const struct qrt_sched_setting *s)
{
	char ioprio[16];

	if (!(s->set & QRT_SCHED_SET_IOPRIO) || !s->ioprio)
		return;
	if (qrt_sched_ioprio_format(s->ioprio, ioprio, sizeof(ioprio)) >= 0)
		add(text, " io %s", ioprio);
	else
		add(text, " io 0x%x", s->ioprio);
}

int qrt_sched_setting_describe(const struct qrt_sched_setting *setting, char *buf, size_t size)
{
	char line[QRT_SCHED_P_CPUS_TEXT + 192], cpus[QRT_SCHED_P_CPUS_TEXT];
	struct text text = {.buf = line, .size = sizeof(line)};

	describe_urgency(&text, setting);
	if (setting->set & QRT_SCHED_SET_CPUS) {
		qrt_sched_cpus_format(&setting->cpus, cpus, sizeof(cpus));
		add(&text, " on %s", cpus);
	}
	describe_ioprio(&text, setting);
	if ((setting->set & QRT_SCHED_SET_FLAGS) && (setting->flags & QRT_SCHED_FLAG_RESET_ON_FORK))
		add(&text, " reset-on-fork");
	if (!text.length)
		add(&text, " nothing");
	if (text.length > size) /* the leading blank stands for the NUL */
		return -ENOSPC;
	memcpy(buf, line + 1, text.length);
	return (int)text.length - 1;
}
