/* SPDX-License-Identifier: MIT */
/* The things of a host: what several needs come to, and how each is done. */
#include "command.h"
#include "host.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LEFT_MAX 1024

static const char *const names[HOST_THINGS] = {"shield", "haltpoll", "timerprio", "resctrl"};

static const struct {
	const char *name;
	uint32_t part;
} parts[] = {
	{"irqs", QRT_SCHED_SHIELD_IRQS},
	{"workqueues", QRT_SCHED_SHIELD_WORKQUEUES},
	{"kthreads", QRT_SCHED_SHIELD_KTHREADS},
	{"rps", QRT_SCHED_SHIELD_RPS},
};

const char *host_thing_name(enum host_thing thing)
{
	return names[thing];
}

static uint32_t find_part(const char *name)
{
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(parts); i++) {
		if (strcmp(name, parts[i].name) == 0)
			return parts[i].part;
	}
	return 0;
}

int host_parts_parse(const char *text, uint32_t *ret_parts)
{
	char **words = g_strsplit(text, "+", -1);
	uint32_t found = 0, part = 1;
	int i;

	for (i = 0; words[i] && part; i++) {
		part = find_part(words[i]);
		found |= part;
	}
	g_strfreev(words);
	if (!part || !found)
		return -EINVAL;
	*ret_parts = found;
	return 0;
}

char *host_parts_format(uint32_t wanted)
{
	GString *text = g_string_new(NULL);
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(parts); i++) {
		if (wanted & parts[i].part)
			g_string_append_printf(text, "%s%s", text->len ? "+" : "", parts[i].name);
	}
	return g_string_free(text, FALSE);
}

int host_shield_parse(const char *value, struct qrt_sched_cpus *ret_cpus, uint32_t *ret_parts)
{
	char **words = g_strsplit(value, " ", -1);
	int r = -EINVAL;

	*ret_parts = 0;
	if (g_strv_length(words) == 2)
		r = qrt_sched_cpus_parse(words[0], ret_cpus);
	if (r >= 0 && strcmp(words[1], "-") != 0)
		r = host_parts_parse(words[1], ret_parts);
	g_strfreev(words);
	return r < 0 ? -EINVAL : 0;
}

char *host_shield_format(const struct qrt_sched_cpus *cpus, uint32_t wanted)
{
	g_autofree char *words = host_parts_format(wanted);
	char list[4096];

	if (qrt_sched_cpus_format(cpus, list, sizeof(list)) < 0)
		return NULL;
	return g_strdup_printf("%s %s", list, words[0] ? words : "-");
}

/* ---- what several needs come to ------------------------------------------------------------------ */

static void add_shield(char **value, const char *more)
{
	struct qrt_sched_cpus cpus, others;
	uint32_t wanted, other;
	int cpu;

	if (host_shield_parse(*value, &cpus, &wanted) < 0 || host_shield_parse(more, &others, &other) < 0)
		return;
	for (cpu = qrt_sched_cpus_next(&others, -1); cpu >= 0; cpu = qrt_sched_cpus_next(&others, cpu))
		qrt_sched_cpus_add(&cpus, cpu);
	g_free(*value);
	*value = host_shield_format(&cpus, wanted | other);
}

static bool is_stricter(enum host_thing thing, const char *a, const char *b)
{
	long x = strtol(a, NULL, 10), y = strtol(b, NULL, 10);

	if (thing == HOST_HALT_POLL)
		return x < y;
	return thing == HOST_TIMER_PRIO ? x > y : strcmp(a, b) < 0;
}

static void add(enum host_thing thing, char **value, const char *more)
{
	if (!*value) {
		*value = g_strdup(more);
	} else if (thing == HOST_SHIELD) {
		add_shield(value, more);
	} else if (is_stricter(thing, more, *value)) {
		g_free(*value);
		*value = g_strdup(more);
	}
}

char *host_thing_merge(enum host_thing thing, GHashTable *needs)
{
	GHashTableIter iter;
	gpointer data;
	char *value = NULL;

	g_hash_table_iter_init(&iter, needs);
	while (g_hash_table_iter_next(&iter, NULL, &data)) {
		const struct host_need *need = data;

		if (need->values[thing])
			add(thing, &value, need->values[thing]);
	}
	return value;
}

/* ---- how each is done ---------------------------------------------------------------------------- */

/* "WHAT NUMBER ERROR NAME" a line, behind the kind of cgroup. */
static int write_left(const struct host *host, int kind, const struct qrt_sched_shield_left *left,
		      size_t count)
{
	GString *text = g_string_new(NULL);
	size_t i;
	int r;

	g_string_append_printf(text, "%d %zu\n", kind, count);
	for (i = 0; i < count && i < LEFT_MAX; i++)
		g_string_append_printf(text, "%s %d %d %s\n", left[i].what, left[i].number, left[i].error,
				       left[i].name);
	r = host_write(host, "left", text->str);
	g_string_free(text, TRUE);
	return r;
}

static int apply_shield(const struct host *host, const char *value, struct qrt_sched_saved *saved,
			struct qrt_sched_error *error)
{
	struct qrt_sched_shield_config config = {.size = sizeof(config)};
	struct qrt_sched_shield_left *left;
	size_t count = 0;
	int r;

	if (host_shield_parse(value, &config.cpus, &config.flags) < 0) {
		snprintf(error->message, sizeof(error->message), "'%.60s' is no shield", value);
		return -EINVAL;
	}
	left = g_new0(struct qrt_sched_shield_left, LEFT_MAX);
	r = qrt_sched_shield_raise(&config, saved, left, LEFT_MAX, &count, error);
	if (r >= 0)
		write_left(host, r, left, count);
	if (r == QRT_SCHED_CGROUP_NONE)
		complain("note: shield: this host has no cpusets: threads have another affinity, and how "
			 "they were "
			 "is in %s/.host alone: do not remove it",
			 state_get_run_path());
	g_free(left);
	return r;
}

bool host_thing_holds(const struct host *host, enum host_thing thing, const char *value)
{
	g_autofree char *left = thing == HOST_SHIELD ? host_read(host, "left") : NULL;
	struct qrt_sched_cpus wanted, cpus;
	uint32_t unused;

	/* Without a cpuset nothing shows it but the threads themselves. */
	if (!left || strtol(left, NULL, 10) == QRT_SCHED_CGROUP_NONE ||
	    host_shield_parse(value, &wanted, &unused) < 0)
		return true;
	return qrt_sched_shield_read(NULL, &cpus) >= 0 && memcmp(&cpus, &wanted, sizeof(cpus)) == 0 &&
	       qrt_sched_shield_verify(NULL, NULL) >= 0;
}

int host_thing_apply(const struct host *host, enum host_thing thing, const char *value,
		     struct qrt_sched_saved *saved)
{
	static const enum qrt_sched_tunable tunables[HOST_THINGS] = {
		[HOST_HALT_POLL] = QRT_SCHED_TUNABLE_HALT_POLL,
		[HOST_TIMER_PRIO] = QRT_SCHED_TUNABLE_TIMER_PRIO,
		[HOST_RESCTRL] = QRT_SCHED_TUNABLE_RESCTRL,
	};
	struct qrt_sched_error error = {.message = ""};
	int r;

	if (thing == HOST_SHIELD)
		r = apply_shield(host, value, saved, &error);
	else
		r = qrt_sched_tunable_set(tunables[thing], value, saved, &error);
	if (r < 0)
		complain("%s: %s", names[thing], error.message);
	return r == -EOPNOTSUPP && thing != HOST_SHIELD ? 0 : r;
}
