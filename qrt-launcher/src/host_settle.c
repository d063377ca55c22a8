/* SPDX-License-Identifier: MIT */
/* Makes the host what all needs together come to. */
#include "command.h"
#include "host.h"
#include "postpone.h"
#include "proc.h"

#include <errno.h>
#include <string.h>

struct work {
	const struct host *host;
	enum host_thing thing;
	char saved_file[32];
	struct qrt_sched_saved *saved;
};

/* ---- what was last done -------------------------------------------------------------------------- */

static char *name_applied(enum host_thing thing)
{
	return g_strconcat("applied.", host_thing_name(thing), NULL);
}

/* What was done in another boot is gone. */
char *host_get_applied(const struct host *host, enum host_thing thing)
{
	g_autofree char *file = name_applied(thing), *text = host_read(host, file);
	char boot[40], *value = text ? strchr(text, '\n') : NULL;

	if (!value)
		return NULL;
	*value++ = '\0';
	proc_get_boot(boot, sizeof(boot));
	return strcmp(text, boot) == 0 ? g_strdup(value) : NULL;
}

void host_forget_applied(const struct host *host, enum host_thing thing)
{
	g_autofree char *file = name_applied(thing);

	host_remove(host, file);
}

static int set_applied(const struct host *host, enum host_thing thing, const char *value)
{
	g_autofree char *file = name_applied(thing), *text = NULL;
	char boot[40];

	proc_get_boot(boot, sizeof(boot));
	text = g_strdup_printf("%s\n%s", boot, value);
	return host_write(host, file, text);
}

/* ---- what is saved ------------------------------------------------------------------------------- */

/* Called before each change. */
static int keep(void *context, const char *text, size_t len)
{
	const struct work *work = context;

	(void)len;
	return host_write(work->host, work->saved_file, text);
}

static int say_damaged(const struct work *work, const struct qrt_sched_error *error)
{
	complain("what is to be put back of the host (%s/.host/%s) is damaged: %s; nothing was put back: "
		 "look at "
		 "it and remove it",
		 state_get_run_path(), work->saved_file, error->message);
	return -EINVAL;
}

static int load(struct work *work)
{
	g_autofree char *text = host_read(work->host, work->saved_file);
	struct qrt_sched_error error = {.message = ""};
	int r = qrt_sched_saved_new(keep, work, &work->saved);

	if (r < 0) {
		complain("out of memory");
		return r;
	}
	if (text && qrt_sched_saved_parse(work->saved, text, strlen(text), &error) < 0)
		return say_damaged(work, &error);
	return 0;
}

static bool is_there(const struct work *work)
{
	g_autofree char *text = host_read(work->host, work->saved_file);

	return text != NULL;
}

/* What could not be put back stays written down for the next try. */
static int store(const struct work *work)
{
	int len = qrt_sched_saved_format(work->saved, NULL, 0);
	g_autofree char *text = g_malloc0((gsize)MAX(len, 0) + 1);

	if (len < 0)
		return len;
	qrt_sched_saved_format(work->saved, text, (size_t)len + 1);
	/* The first line alone. */
	if (strchr(text, '\n') == text + len - 1) {
		host_remove(work->host, work->saved_file);
		return 0;
	}
	return host_write(work->host, work->saved_file, text);
}

/* ---- doing it ------------------------------------------------------------------------------------ */

static int put_back(struct work *work)
{
	struct qrt_sched_error error = {.message = ""};
	int r = qrt_sched_saved_restore(work->saved, &error);

	if (r < 0)
		complain("the host is not all as before: %s; 'qrt-launcher repair' tries again",
			 error.message);
	host_forget_applied(work->host, work->thing);
	if (work->thing == HOST_SHIELD)
		host_remove(work->host, "left");
	store(work);
	return r;
}

static int apply(struct work *work, const char *value)
{
	int r;

	host_forget_applied(work->host, work->thing);
	r = host_thing_apply(work->host, work->thing, value, work->saved);
	store(work);
	return r < 0 ? r : set_applied(work->host, work->thing, value);
}

static int settle_one(struct work *work, GHashTable *needs)
{
	g_autofree char *value = host_thing_merge(work->thing, needs);
	g_autofree char *applied = host_get_applied(work->host, work->thing);
	int r;

	if (value ? g_strcmp0(value, applied) == 0 && host_thing_holds(work->host, work->thing, value)
		  : !applied && !is_there(work))
		return 0;
	r = load(work);
	if (r == 0)
		r = value ? apply(work, value) : put_back(work);
	work->saved = qrt_sched_saved_close(work->saved);
	return r;
}

int host_settle(const struct host *host, const struct host_need *own)
{
	GHashTable *needs = host_need_list(host);
	int thing, r, first = 0;

	for (thing = 0; thing < HOST_THINGS; thing++) {
		struct work work = {.host = host, .thing = thing};

		g_snprintf(work.saved_file, sizeof(work.saved_file), "saved.%s", host_thing_name(thing));
		r = settle_one(&work, needs);
		if (r < 0 && first == 0 && (!own || own->values[thing]))
			first = r;
	}
	g_hash_table_destroy(needs);
	return first;
}

int host_repair(int run_fd, bool verbose)
{
	g_autofree char *before = NULL, *after = NULL;
	struct host host;
	sigset_t mask;
	int r = host_open(run_fd, false, &host);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	postpone_begin(&mask);
	before = host_read(&host, "saved.shield");
	r = host_settle(&host, NULL);
	after = host_read(&host, "saved.shield");
	if (verbose && before && !after)
		complain("the shield that a killed launcher left behind was lowered");
	host_close(&host);
	postpone_end(&mask);
	return r;
}
