/* SPDX-License-Identifier: MIT */
#include "plan_live.h"

#include <errno.h>
#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define INDEXES        1024 /* as many values as a role of a plan can have: the last one repeats */
#define MEMBER(member) offsetof(struct qrt_sched_globals, member)

static const char at_birth[] = "QEMU is told of it when it starts";
static const char of_memory[] = "guest memory is laid out when QEMU starts";
static const char of_host[] = "the host is made so before QEMU starts";

/* Numbers of the globals that are there for the whole life of a VM. */
static const struct {
	const char *name, *reason;
	size_t place;
	uint32_t set; /* QRT_SCHED_GLOBAL_*: counts only where it is said, 0: always */
} fixed[] = {
	{"mlock", "QEMU locks its memory when it starts", MEMBER(mlock), 0},
	{"pi", "a mutex gets its kind when QEMU makes it", MEMBER(pi_mutexes), 0},
	{"advance", at_birth, MEMBER(advance_us), 0},
	{"pool", at_birth, MEMBER(pool_min), 0},
	{"pvsched", at_birth, MEMBER(pvsched), 0},
	{"preemptlock", "the table of locks is made when QEMU starts", MEMBER(preempt_lock_us), 0},
	{"hugepages", of_memory, MEMBER(hugepages), 0},
	{"shield", of_host, MEMBER(shield), 0},
	{"shield", of_host, MEMBER(shield_parts), 0},
	{"timerprio", of_host, MEMBER(timer_priority), 0},
	{"cstate", of_host, MEMBER(cstate_us), QRT_SCHED_GLOBAL_CSTATE},
	{"haltpoll", of_host, MEMBER(haltpoll_ns), QRT_SCHED_GLOBAL_HALTPOLL},
};

static char *refuse(const char *name, const char *reason)
{
	return g_strdup_printf("%s cannot change while the VM runs: %s; leave it as it is, or start the VM "
			       "with it",
			       name, reason);
}

/* -1: not said. */
static int64_t read_number(const struct qrt_sched_globals *globals, size_t number)
{
	uint32_t value;

	if (fixed[number].set && !(globals->set & fixed[number].set))
		return -1;
	memcpy(&value, (const char *)globals + fixed[number].place, sizeof(value));
	return value;
}

static char *compare_globals(const struct qrt_sched_plan *before, const struct qrt_sched_plan *after)
{
	struct qrt_sched_globals a = {.size = sizeof(a)}, b = {.size = sizeof(b)};
	size_t i;

	qrt_sched_plan_get_globals(before, &a);
	qrt_sched_plan_get_globals(after, &b);
	for (i = 0; i < G_N_ELEMENTS(fixed); i++) {
		if (read_number(&a, i) != read_number(&b, i))
			return refuse(fixed[i].name, fixed[i].reason);
	}
	if (memcmp(&a.numa_nodes, &b.numa_nodes, sizeof(a.numa_nodes)) != 0)
		return refuse("numa", of_memory);
	if (g_strcmp0(qrt_sched_plan_get_resctrl(before), qrt_sched_plan_get_resctrl(after)) != 0)
		return refuse("resctrl", of_host);
	return NULL;
}

char *plan_live_format(const struct qrt_sched_plan *plan)
{
	int len = qrt_sched_plan_format(plan, NULL, 0);
	char *text = g_malloc0(len < 0 ? 1 : (gsize)len + 1);

	if (len > 0)
		qrt_sched_plan_format(plan, text, (size_t)len + 1);
	return text;
}

/* A shield stands around the CPUs that the vCPUs had when it was raised. */
static char *compare_shielded(const struct qrt_sched_plan *before, const struct qrt_sched_plan *after)
{
	struct qrt_sched_globals globals = {.size = sizeof(globals)};
	struct qrt_sched_setting a, b;
	uint32_t i;

	qrt_sched_plan_get_globals(before, &globals);
	for (i = 0; globals.shield && i < INDEXES; i++) {
		memset(&a, 0, sizeof(a));
		memset(&b, 0, sizeof(b));
		qrt_sched_plan_get(before, QRT_SCHED_ROLE_VCPU, i, &a);
		qrt_sched_plan_get(after, QRT_SCHED_ROLE_VCPU, i, &b);
		if (memcmp(&a.cpus, &b.cpus, sizeof(a.cpus)) != 0)
			return refuse("vcpu_bias", "its shield stands around these CPUs");
	}
	return NULL;
}

/* The lines that name threads: a getter has the plan none. */
static char *find_names(const struct qrt_sched_plan *plan)
{
	g_autofree char *text = plan_live_format(plan);
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	GString *names = g_string_new(NULL);
	size_t i;

	for (i = 0; lines[i]; i++) {
		const char *value = strchr(lines[i], '=');

		if (value && value - lines[i] > 5 && strncmp(value - 5, "_name", 5) == 0)
			g_string_append_printf(names, "%s\n", lines[i]);
	}
	return g_string_free(names, FALSE);
}

static char *compare_names(const struct qrt_sched_plan *before, const struct qrt_sched_plan *after)
{
	g_autofree char *a = find_names(before), *b = find_names(after);
	const char *differing = *b ? b : a;
	g_autofree char *name = g_strndup(differing, strcspn(differing, "="));

	return strcmp(a, b) == 0 ? NULL : refuse(name, "a thread got its role when it began");
}

/* Names are looked at from outside: they may be said. */
char *plan_live_refuse_foreign(const struct qrt_sched_plan *plan)
{
	struct qrt_sched_plan *empty;
	char *refusal;

	if (qrt_sched_plan_new(&empty) < 0)
		return g_strdup("out of memory");
	refusal = compare_globals(empty, plan);
	qrt_sched_plan_close(empty);
	return refusal;
}

char *plan_live_refuse(const struct qrt_sched_plan *before, const struct qrt_sched_plan *after)
{
	char *refusal = compare_globals(before, after);

	if (!refusal)
		refusal = compare_shielded(before, after);
	return refusal ? refusal : compare_names(before, after);
}

int plan_live_copy(const struct qrt_sched_plan *plan, struct qrt_sched_plan **ret_plan)
{
	g_autofree char *text = plan_live_format(plan);
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	struct qrt_sched_plan *copy;
	size_t i;
	int r = qrt_sched_plan_new(&copy);

	if (r < 0)
		return r;
	/* Line by line: as a text it would have lines, which findings would name. */
	for (i = 0; r >= 0 && lines[i]; i++) {
		if (*lines[i])
			r = qrt_sched_plan_parse_option(copy, lines[i], NULL);
	}
	if (r < 0) {
		qrt_sched_plan_close(copy);
		return r;
	}
	*ret_plan = copy;
	return 0;
}
