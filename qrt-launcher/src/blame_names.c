/* SPDX-License-Identifier: MIT */
#include "blame_names.h"

#include "blame_timeline.h"
#include "clean.h"
#include "proc.h"

#include <glib.h>
#include <qrt/sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* More names than that are not kept: a host that forks without end must not fill the memory. */
#define NAMES_MAX 20000u

struct blame_names {
	GHashTable *table;
	bool frozen;
};

struct blame_names *blame_names_new(void)
{
	struct blame_names *names = g_new0(struct blame_names, 1);

	names->table = g_hash_table_new_full(NULL, NULL, NULL, g_free);
	return names;
}

struct blame_names *blame_names_free(struct blame_names *names)
{
	if (names)
		g_hash_table_unref(names->table);
	g_free(names);
	return NULL;
}

static void set_comm(struct blame_name *name, const char *comm, size_t len)
{
	g_strlcpy(name->comm, comm, MIN(len + 1, sizeof(name->comm)));
	clean_text(name->comm);
}

static struct blame_name *take(struct blame_names *names, int32_t tid)
{
	struct blame_name *name = g_hash_table_lookup(names->table, GINT_TO_POINTER(tid));

	if (name)
		return name;
	if (g_hash_table_size(names->table) >= NAMES_MAX)
		g_hash_table_remove_all(names->table);
	name = g_new0(struct blame_name, 1);
	g_hash_table_insert(names->table, GINT_TO_POINTER(tid), name);
	return name;
}

void blame_names_set(struct blame_names *names, int32_t tid, int32_t pid, const char *comm)
{
	struct blame_name *name;

	if (tid <= 0)
		return;
	name = take(names, tid);
	if (pid > 0)
		name->pid = pid;
	if (comm)
		set_comm(name, comm, strlen(comm));
}

void blame_names_put(struct blame_names *names, int32_t tid, const struct blame_name *name)
{
	if (tid > 0)
		*take(names, tid) = *name;
}

static int read_task_file(int32_t tid, const char *file, char *buf, size_t size)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", tid, file);
	return proc_read(path, buf, size);
}

/* /proc/TID/stat: comm may hold anything, so fields count from the last parenthesis on. */
static void parse_stat(struct blame_name *name, char *text)
{
	enum { NICE = 19, PRIORITY = 40, POLICY = 41 };
	char *open = strchr(text, '('), *close = strrchr(text, ')'), *rest, *word;
	int field;

	if (!open || !close || close < open)
		return;
	set_comm(name, open + 1, (size_t)(close - open - 1));
	rest = close + 1;
	rest += strspn(rest, " ");
	for (field = 3; (word = strsep(&rest, " ")); field++) {
		if (field == NICE)
			name->nice = (int32_t)strtol(word, NULL, 10);
		else if (field == PRIORITY)
			name->priority = (int32_t)strtol(word, NULL, 10);
		else if (field == POLICY)
			name->policy = (uint32_t)strtoul(word, NULL, 10);
	}
	name->has_policy = field > POLICY;
}

static int32_t parse_process(const char *text)
{
	static const char key[] = "\nTgid:";
	const char *line = strstr(text, key);

	return line ? (int32_t)strtol(line + sizeof(key) - 1, NULL, 10) : 0;
}

void blame_names_look(struct blame_names *names, int32_t tid)
{
	struct blame_name *name;
	char text[2048];

	if (tid <= 0 || names->frozen)
		return;
	name = take(names, tid);
	if (read_task_file(tid, "stat", text, sizeof(text)) > 0)
		parse_stat(name, text);
	if (name->pid == 0 && read_task_file(tid, "status", text, sizeof(text)) > 0)
		name->pid = parse_process(text);
}

void blame_names_freeze(struct blame_names *names)
{
	names->frozen = true;
}

const struct blame_name *blame_names_get(struct blame_names *names, int32_t tid)
{
	static const struct blame_name idle = {.comm = "idle"};
	static const struct blame_name unknown = {.comm = "unknown"};
	static const struct blame_name others = {.comm = "others"};
	const struct blame_name *name;

	if (tid == BLAME_TID_IDLE)
		return &idle;
	if (tid == BLAME_TID_OTHERS)
		return &others;
	name = tid > 0 ? g_hash_table_lookup(names->table, GINT_TO_POINTER(tid)) : NULL;
	return name ? name : &unknown;
}

const char *blame_names_policy(const struct blame_name *name, char *buf, size_t size)
{
	const char *policy = name->has_policy ? qrt_sched_policy_name(name->policy) : NULL;

	if (name->has_policy && !policy)
		snprintf(buf, size, "%s", name->policy == 6 ? "deadline" : "other class");
	else if (!policy)
		buf[0] = '\0';
	else if (name->priority > 0)
		snprintf(buf, size, "%s %d", policy, name->priority);
	else if (name->nice != 0)
		snprintf(buf, size, "%s nice %d", policy, name->nice);
	else
		snprintf(buf, size, "%s", policy);
	return buf;
}
