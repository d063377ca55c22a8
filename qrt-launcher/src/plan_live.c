/* SPDX-License-Identifier: MIT */
#include "plan_live.h"

#include <errno.h>
#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define VALUES         1024 /* as many as a role of a plan can have: the last one repeats */
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
	if (g_strcmp0(qrt_sched_plan_get_boot(before), qrt_sched_plan_get_boot(after)) != 0)
		return refuse("boot", "the plan by which it boots is read when it starts");
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
	for (i = 0; globals.shield && i < VALUES; i++) {
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

/* Those of kernel threads are made from outside. */
char *plan_live_refuse_quanta(const struct qrt_sched_plan *told, const struct qrt_sched_plan *after)
{
	uint32_t role, index;
	int64_t quantum_ns;

	for (role = 0; role < QRT_SCHED_ROLES; role++) {
		for (index = 0; role != QRT_SCHED_ROLE_KIO && index < VALUES; index++) {
			quantum_ns = qrt_sched_plan_get_quantum(told, role, index);
			if (quantum_ns > 0 && qrt_sched_plan_get_quantum(after, role, index) != quantum_ns)
				return g_strdup_printf(
					"%s %u ends its slices itself, and is told its quantum when QEMU "
					"starts: leave its sched and nice as they were then, or start the VM "
					"with --no-preload",
					qrt_sched_role_name(role), index);
		}
	}
	return NULL;
}

static bool is_shielded(const struct qrt_sched_plan *plan)
{
	struct qrt_sched_globals globals = {.size = sizeof(globals)};

	return qrt_sched_plan_get_globals(plan, &globals) >= 0 && globals.shield;
}

static bool is_fixed(const char *line, bool shielded)
{
	g_autofree char *name = g_strndup(line, strcspn(line, "="));
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(fixed); i++) {
		if (strcmp(name, fixed[i].name) == 0)
			return true;
	}
	return strcmp(name, "numa") == 0 || strcmp(name, "resctrl") == 0 || g_str_has_suffix(name, "_name") ||
	       (shielded && strcmp(name, "vcpu_bias") == 0);
}

/* Line by line: as a text it would have lines, which findings would name. */
static int take_lines(struct qrt_sched_plan *plan, const struct qrt_sched_plan *from, bool shielded,
		      bool are_fixed)
{
	g_autofree char *text = plan_live_format(from);
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	size_t i;
	int r = 0;

	for (i = 0; r >= 0 && lines[i]; i++) {
		if (*lines[i] && is_fixed(lines[i], shielded) == are_fixed)
			r = qrt_sched_plan_parse_option(plan, lines[i], NULL);
	}
	return MIN(r, 0);
}

int plan_live_follow(const struct qrt_sched_plan *plan, const struct qrt_sched_plan *before,
		     struct qrt_sched_plan **ret_plan)
{
	bool shielded = is_shielded(before);
	struct qrt_sched_plan *follower;
	int r = qrt_sched_plan_new(&follower);

	if (r < 0)
		return r;
	r = take_lines(follower, plan, shielded, false);
	if (r == 0)
		r = take_lines(follower, before, shielded, true);
	if (r < 0) {
		qrt_sched_plan_close(follower);
		return r;
	}
	*ret_plan = follower;
	return 0;
}

int plan_live_copy(const struct qrt_sched_plan *plan, struct qrt_sched_plan **ret_plan)
{
	return plan_live_follow(plan, plan, ret_plan);
}
