/* SPDX-License-Identifier: MIT */
#include "shield_help.h"

#include <stdlib.h>
#include <string.h>

#include "tap.h"

void shield_help_prepare(struct shield_help *up, const char *cpus, uint32_t flags)
{
	memset(up, 0, sizeof(*up));
	up->config.size = sizeof(up->config);
	up->config.flags = flags;
	up->config.cpus = fake_kernel_cpus(cpus);
	up->before = host_tree_picture();
	CU_ASSERT_EQUAL_FATAL(qrt_sched_saved_new(host_tree_keep, &up->kept, &up->saved), 0);
}

int shield_help_raise(struct shield_help *up)
{
	return qrt_sched_shield_raise(&up->config, up->saved, up->left, SHIELD_HELP_LEFT, &up->count,
				      &up->error);
}

void shield_help_finish(struct shield_help *up)
{
	qrt_sched_saved_close(up->saved);
	free(up->kept.text);
	free(up->before);
}

int shield_help_is_left(const struct shield_help *up, const char *what, const char *name)
{
	size_t i;

	for (i = 0; i < up->count && i < SHIELD_HELP_LEFT; i++) {
		if (strcmp(up->left[i].what, what) == 0 && strcmp(up->left[i].name, name) == 0)
			return up->left[i].error < 0;
	}
	return 0;
}

void shield_help_as_before(const struct shield_help *up, const char *when)
{
	char *now = host_tree_picture();
	size_t at = 0;

	while (now[at] && now[at] == up->before[at])
		at++;
	if (strcmp(now, up->before) != 0)
		tap_note("%s: differs from '%.120s' to '%.120s'", when, up->before + (at > 40 ? at - 40 : 0),
			 now + (at > 40 ? at - 40 : 0));
	CU_ASSERT_STRING_EQUAL(now, up->before);
	free(now);
}

void shield_help_file(const char *path, const char *text)
{
	if (strcmp(host_tree_read(path), text) != 0)
		tap_note("%s: '%s', expected '%s'", path, host_tree_read(path), text);
	CU_ASSERT_STRING_EQUAL(host_tree_read(path), text);
}

/* By another process, of the text alone. */
void shield_help_restore(struct shield_help *up)
{
	struct qrt_sched_saved *saved = NULL;

	qrt_sched_saved_new(NULL, NULL, &saved);
	CU_ASSERT_EQUAL(qrt_sched_saved_parse(saved, up->kept.text, up->kept.len, &up->error), 0);
	CU_ASSERT(qrt_sched_saved_restore(saved, &up->error) >= 0);
	qrt_sched_saved_close(saved);
}

void shield_help_begin(int version)
{
	host_tree_begin();
	if (version == 1)
		host_tree_add_v1();
	else if (version == 2)
		host_tree_add_v2();
}
