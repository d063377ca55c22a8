/* SPDX-License-Identifier: MIT */
/* mlock=..., budget=..., shield=...: what says something of the whole VM. */
#include "error_p.h"
#include "plan_p.h"
#include "plan_text_p.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static const char *const mlock_names[] = {"off", "onfault", "prefault", "all", NULL};
static const char *const hugepages_names[] = {"off", "thp", "2M", "1G", NULL};
static const char *const boot_names[] = {"other", "keep", NULL};
/* The bits of a shield's parts, from 0. */
static const char *const part_names[] = {"irqs", "workqueues", "kthreads", "rps", NULL};
#define PARTS_ALL                                                                                            \
	(QRT_SCHED_GLOBAL_SHIELD_IRQS | QRT_SCHED_GLOBAL_SHIELD_WORKQUEUES |                                 \
	 QRT_SCHED_GLOBAL_SHIELD_KTHREADS | QRT_SCHED_GLOBAL_SHIELD_RPS)

const char *qrt_sched_p_mlock_name(uint32_t mlock)
{
	return mlock <= QRT_SCHED_MLOCK_ALL ? mlock_names[mlock] : NULL;
}

const char *qrt_sched_p_hugepages_name(uint32_t hugepages)
{
	return hugepages <= QRT_SCHED_HUGEPAGES_1G ? hugepages_names[hugepages] : NULL;
}

int qrt_sched_p_switch_parse(const char *name, const char *value, uint32_t *ret_on,
			     struct qrt_sched_error *reterr)
{
	if (strcmp(value, "on") != 0 && strcmp(value, "off") != 0)
		return qrt_sched_p_error(reterr, -EINVAL, "%s: '%.40s' is not understood: give on or off",
					 name, value);
	*ret_on = value[1] == 'n';
	return 0;
}

static int find_word(const char *const *words, const char *word)
{
	int i;

	for (i = 0; words[i]; i++) {
		if (!strcmp(words[i], word))
			return i;
	}
	return -ENOENT;
}

static int set_mlock(struct qrt_sched_plan *plan, char *value)
{
	int mlock = find_word(mlock_names, value);

	if (mlock < 0)
		return -EINVAL;
	plan->mlock = (uint32_t)mlock;
	return 0;
}

static int set_hugepages(struct qrt_sched_plan *plan, char *value)
{
	int hugepages = find_word(hugepages_names, value);

	if (hugepages < 0)
		return -EINVAL;
	plan->hugepages = (uint32_t)hugepages;
	return 0;
}

static int set_boot(struct qrt_sched_plan *plan, char *value)
{
	int boot = find_word(boot_names, value);
	size_t length = strlen(value);

	if (boot < 0 && !strchr(value, '/'))
		return -EINVAL;
	if (boot < 0 && length > QRT_SCHED_BOOT_PATH_MAX)
		return -ERANGE;
	plan->boot = boot < 0 ? QRT_SCHED_BOOT_PLAN : (uint32_t)boot;
	memcpy(plan->boot_plan, boot < 0 ? value : "", boot < 0 ? length + 1 : 1);
	return 0;
}

static int set_pi(struct qrt_sched_plan *plan, char *value)
{
	return qrt_sched_p_switch_parse("pi", value, &plan->pi_mutexes, NULL);
}

/* The options that are plain numbers: where they are kept, and their range. */
static const struct number {
	size_t offset;
	int32_t first, last;
} numbers[QRT_SCHED_P_GLOBALS] = {
	[QRT_SCHED_P_GLOBAL_ADVANCE] = {offsetof(struct qrt_sched_plan, advance_us), 0,
					QRT_SCHED_ADVANCE_MAX},
	[QRT_SCHED_P_GLOBAL_POOL] = {offsetof(struct qrt_sched_plan, pool_min), 0, QRT_SCHED_POOL_MAX},
	[QRT_SCHED_P_GLOBAL_WEIGHT] = {offsetof(struct qrt_sched_plan, weight), 1, QRT_SCHED_WEIGHT_MAX},
	[QRT_SCHED_P_GLOBAL_PREEMPTLOCK] = {offsetof(struct qrt_sched_plan, preempt_lock_us), 1,
					    QRT_SCHED_LOCK_MAX_US},
	[QRT_SCHED_P_GLOBAL_CSTATE] = {offsetof(struct qrt_sched_plan, cstate_us), 0, QRT_SCHED_CSTATE_MAX},
	[QRT_SCHED_P_GLOBAL_HALTPOLL] = {offsetof(struct qrt_sched_plan, haltpoll_ns), 0,
					 QRT_SCHED_HALTPOLL_MAX},
	[QRT_SCHED_P_GLOBAL_TIMERPRIO] = {offsetof(struct qrt_sched_plan, timer_priority), 0, 99},
	[QRT_SCHED_P_GLOBAL_BOOTTIME] = {offsetof(struct qrt_sched_plan, boottime_s), 0,
					 QRT_SCHED_BOOTTIME_MAX},
	[QRT_SCHED_P_GLOBAL_HEARTBEAT] = {offsetof(struct qrt_sched_plan, heartbeat_ms), 0,
					  QRT_SCHED_HEARTBEAT_MAX},
};

static int set_number(struct qrt_sched_plan *plan, int global, const char *value)
{
	const struct number *number = &numbers[global];
	int32_t said;
	int r = qrt_sched_p_number_parse(value, number->first, number->last, &said);

	if (r == 0)
		*(uint32_t *)((char *)plan + number->offset) = (uint32_t)said;
	return r;
}

static uint32_t get_number(const struct qrt_sched_plan *plan, int global)
{
	return *(const uint32_t *)((const char *)plan + numbers[global].offset);
}

static int set_budget(struct qrt_sched_plan *plan, char *value)
{
	return qrt_sched_budget_parse(value, &plan->budget, NULL);
}

static int set_preemptlock(struct qrt_sched_plan *plan, char *value)
{
	if (strcmp(value, "off") != 0)
		return set_number(plan, QRT_SCHED_P_GLOBAL_PREEMPTLOCK, value);
	plan->preempt_lock_us = 0;
	return 0;
}

static const char *skip(const char *text, const char *accept)
{
	size_t length = strspn(text, accept);

	return length ? text + length : NULL;
}

#define DIGITS     "0123456789"
#define HEX_DIGITS DIGITS "abcdefABCDEF"
#define CAPITALS   "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* RESOURCE:ID=VALUE[;ID=VALUE...], a line of the kernel's schemata. */
static int is_schemata(const char *text)
{
	text = skip(text, CAPITALS DIGITS "_");
	if (!text || *text != ':')
		return 0;
	do {
		text = skip(text + 1, DIGITS);
		text = text && *text == '=' ? skip(text + 1, HEX_DIGITS) : NULL;
	} while (text && *text == ';');
	return text && !*text;
}

static int set_resctrl(struct qrt_sched_plan *plan, char *value)
{
	size_t length = strlen(value);

	if (length > QRT_SCHED_P_RESCTRL_MAX)
		return -ERANGE;
	if (!is_schemata(value))
		return -EINVAL;
	memcpy(plan->resctrl, value, length + 1);
	return 0;
}

static int set_numa(struct qrt_sched_plan *plan, char *value)
{
	char *plus;

	/* As bias writes it, and as everybody else does. */
	while ((plus = strchr(value, '+')))
		*plus = ',';
	return qrt_sched_cpus_parse(value, &plan->numa_nodes);
}

static int parse_parts(char *text, uint32_t *ret_parts)
{
	uint32_t parts = 0;
	int part;

	while (text) {
		part = find_word(part_names, qrt_sched_p_trim(strsep(&text, "+")));
		if (part < 0)
			return -EINVAL;
		parts |= 1u << part;
	}
	*ret_parts = parts;
	return 0;
}

static int set_shield(struct qrt_sched_plan *plan, char *value)
{
	uint32_t parts = 0;
	int r = 0, is_off = !strcmp(value, "off");

	if (!strcmp(value, "on"))
		parts = PARTS_ALL;
	else if (!is_off)
		r = parse_parts(value, &parts);
	if (r < 0)
		return r;
	plan->shield = !is_off;
	plan->shield_parts = parts;
	return 0;
}

static const struct {
	const char *name;
	int (*set)(struct qrt_sched_plan *plan, char *value); /* NULL: a plain number */
	const char *expected;
} globals[QRT_SCHED_P_GLOBALS] = {
	[QRT_SCHED_P_GLOBAL_MLOCK] = {"mlock", set_mlock, "off, onfault, prefault or all"},
	[QRT_SCHED_P_GLOBAL_PI] = {"pi", set_pi, "on or off"},
	[QRT_SCHED_P_GLOBAL_ADVANCE] = {"advance", NULL, "0..1000"},
	[QRT_SCHED_P_GLOBAL_POOL] = {"pool", NULL, "0..64"},
	[QRT_SCHED_P_GLOBAL_BUDGET] = {"budget", set_budget,
				       "CPU time per window, 1us or more of 1ms..10s: 30%/100ms, 5ms/20ms"},
	[QRT_SCHED_P_GLOBAL_WEIGHT] = {"weight", NULL, "1..10000"},
	[QRT_SCHED_P_GLOBAL_PREEMPTLOCK] = {"preemptlock", set_preemptlock, "off, or 1..100000 us"},
	[QRT_SCHED_P_GLOBAL_CSTATE] = {"cstate", NULL, "0..1000000 us"},
	[QRT_SCHED_P_GLOBAL_HALTPOLL] = {"haltpoll", NULL, "0..10000000 ns"},
	[QRT_SCHED_P_GLOBAL_TIMERPRIO] = {"timerprio", NULL, "0 (as it is) or 1..99"},
	[QRT_SCHED_P_GLOBAL_RESCTRL] = {"resctrl", set_resctrl,
					"a schemata line of at most 255 characters: L3:0=f;1=f"},
	[QRT_SCHED_P_GLOBAL_HUGEPAGES] = {"hugepages", set_hugepages, "off, thp, 2M or 1G"},
	[QRT_SCHED_P_GLOBAL_NUMA] = {"numa", set_numa, "nodes from 0..1023: 0, 0-1, 0+2"},
	[QRT_SCHED_P_GLOBAL_SHIELD] = {"shield", set_shield,
				       "off, on, or a sum of irqs, workqueues, kthreads, rps"},
	[QRT_SCHED_P_GLOBAL_BOOT] = {"boot", set_boot,
				     "other, keep, or the path of a plan file, with a slash in it"},
	[QRT_SCHED_P_GLOBAL_BOOTTIME] = {"boottime", NULL, "0..86400 s"},
	[QRT_SCHED_P_GLOBAL_HEARTBEAT] = {"heartbeat", NULL, "0..3600000 ms"},
};

const char *qrt_sched_p_global_name(int number)
{
	return number >= 0 && number < QRT_SCHED_P_GLOBALS ? globals[number].name : NULL;
}

static int find_global(const char *name)
{
	int i;

	for (i = 0; i < QRT_SCHED_P_GLOBALS; i++) {
		if (!strcmp(globals[i].name, name))
			return i;
	}
	return -ENOENT;
}

int qrt_sched_p_plan_global(struct qrt_sched_plan *plan, const char *key, char *value, uint32_t line,
			    struct qrt_sched_error *reterr)
{
	int global = find_global(key), r;
	char said[41];

	if (global < 0)
		return qrt_sched_p_plan_maxprio(plan, key, value, line, reterr);
	snprintf(said, sizeof(said), "%s", value); /* the setters cut it to pieces */
	r = globals[global].set ? globals[global].set(plan, value) : set_number(plan, global, value);
	if (r < 0)
		return qrt_sched_p_error(reterr, r, "%s: '%s' is %s: give %s", key, said,
					 r == -ERANGE ? "out of range" : "not understood",
					 globals[global].expected);
	plan->said[global].is_said = 1;
	plan->said[global].line = line;
	return 0;
}

/* ---- and back ---- */

static int format_shield(const struct qrt_sched_plan *plan, char *buf, size_t size)
{
	int i, length = 0;

	if (!plan->shield || plan->shield_parts == PARTS_ALL)
		return snprintf(buf, size, "%s", plan->shield ? "on" : "off");
	for (i = 0; part_names[i]; i++) {
		if (plan->shield_parts & 1u << i)
			length += snprintf(buf + length, size - (size_t)length, "%s%s", length ? "+" : "",
					   part_names[i]);
	}
	return length;
}

int qrt_sched_p_global_format(const struct qrt_sched_plan *plan, enum qrt_sched_p_global global, char *buf,
			      size_t size)
{
	switch (global) {
	case QRT_SCHED_P_GLOBAL_MLOCK:
		return snprintf(buf, size, "%s", qrt_sched_p_mlock_name(plan->mlock));
	case QRT_SCHED_P_GLOBAL_PI:
		return snprintf(buf, size, "%s", plan->pi_mutexes ? "on" : "off");
	case QRT_SCHED_P_GLOBAL_BUDGET:
		return qrt_sched_budget_format(&plan->budget, buf, size);
	case QRT_SCHED_P_GLOBAL_RESCTRL:
		return snprintf(buf, size, "%s", plan->resctrl);
	case QRT_SCHED_P_GLOBAL_HUGEPAGES:
		return snprintf(buf, size, "%s", qrt_sched_p_hugepages_name(plan->hugepages));
	case QRT_SCHED_P_GLOBAL_NUMA:
		return qrt_sched_cpus_format(&plan->numa_nodes, buf, size);
	case QRT_SCHED_P_GLOBAL_BOOT:
		return snprintf(buf, size, "%s", *plan->boot_plan ? plan->boot_plan : boot_names[plan->boot]);
	case QRT_SCHED_P_GLOBAL_SHIELD:
		return format_shield(plan, buf, size);
	default:
		if (global == QRT_SCHED_P_GLOBAL_PREEMPTLOCK && !plan->preempt_lock_us)
			return snprintf(buf, size, "off");
		return snprintf(buf, size, "%u", get_number(plan, global));
	}
}
