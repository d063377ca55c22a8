/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "preload_p.h"

#define OWN_NAME "libqrt-sched-preload.so"

static int is_own(const char *path, size_t len)
{
	size_t own = strlen(OWN_NAME);

	return len >= own && !memcmp(path + len - own, OWN_NAME, own) &&
	       (len == own || path[len - own - 1] == '/');
}

/* Takes our library out of LD_PRELOAD and leaves the others in. */
static void clean_preload(void)
{
	const char *value = getenv("LD_PRELOAD");
	char *rest;
	size_t len, at = 0;

	if (!value)
		return;
	rest = calloc(1, strlen(value) + 1);
	if (!rest)
		return;
	for (; *value; value += len) {
		value += strspn(value, " :");
		len = strcspn(value, " :");
		if (!len || is_own(value, len))
			continue;
		if (at)
			rest[at++] = ':';
		memcpy(rest + at, value, len);
		at += len;
	}
	if (at)
		setenv("LD_PRELOAD", rest, 1);
	else
		unsetenv("LD_PRELOAD");
	free(rest);
}

/* `where` is a path or a variable's name, NULL: both may have a part in it. */
static void say_bad(const char *where, const struct qrt_sched_error *error)
{
	static const char rest[] = "the program runs on with no thread placed";

	if (where && error->line)
		preload_say("bad plan: %.160s:%u: %s; %s", where, error->line, error->message, rest);
	else if (where && !strstr(error->message, where))
		preload_say("bad plan: %.160s: %s; %s", where, error->message, rest);
	else
		preload_say("bad plan: %s; %s", error->message, rest);
}

static int parse(struct qrt_sched_plan *plan, const char *path, const char *text)
{
	struct qrt_sched_error error = {0};
	const char *where = path;
	int rc = 0;

	/* In this order: what stands in the text overrides the file, as options do. */
	if (path)
		rc = qrt_sched_plan_parse_file(plan, path, &error);
	if (rc >= 0 && text) {
		where = "QRT_SCHED_PLAN";
		rc = qrt_sched_plan_parse_text(plan, text, strlen(text), &error);
	}
	if (rc >= 0) {
		where = path && text ? NULL : where;
		rc = qrt_sched_plan_supported(plan, &error);
	}
	if (rc < 0)
		say_bad(where, &error);
	return rc;
}

static struct qrt_sched_plan *read_plan(void)
{
	const char *path = getenv("QRT_SCHED_PLAN_FILE"), *text = getenv("QRT_SCHED_PLAN");
	struct qrt_sched_plan *plan;

	if (qrt_sched_plan_new(&plan) < 0)
		return NULL;
	return parse(plan, path, text) < 0 ? qrt_sched_plan_close(plan) : plan;
}

void preload_take_request(struct qrt_sched_process_config *config)
{
	config->broker_fd = config->recorder_fd = config->locks_fd = -1;
	if (!getenv("QRT_SCHED_PLAN") && !getenv("QRT_SCHED_PLAN_FILE"))
		return;
	config->plan = read_plan();
	qrt_sched_process_take_environment(config);
	clean_preload();
	unsetenv("QRT_SCHED_PLAN");
	unsetenv("QRT_SCHED_PLAN_FILE");
}
