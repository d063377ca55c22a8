/* SPDX-License-Identifier: MIT */
/* Raising a shield: everything that may go elsewhere does. */
#include "shield_p.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cpus_p.h"
#include "error_p.h"
#include "sys_p.h"

struct qrt_sched_cpus qrt_sched_p_shield_elsewhere(const struct qrt_sched_p_shield *shield,
						   const struct qrt_sched_cpus *before)
{
	struct qrt_sched_cpus left = *before, usable;

	qrt_sched_p_cpus_minus(&left, &shield->cpus);
	/* A CPU that is not there is nowhere to run. */
	usable = left;
	qrt_sched_p_cpus_and(&usable, &shield->online);
	return qrt_sched_cpus_count(&usable) ? left : shield->rest;
}

int qrt_sched_p_shield_touches(const struct qrt_sched_p_shield *shield, const struct qrt_sched_cpus *cpus)
{
	struct qrt_sched_cpus both = *cpus;

	qrt_sched_p_cpus_and(&both, &shield->cpus);
	return qrt_sched_cpus_count(&both) > 0;
}

void qrt_sched_p_shield_leave(struct qrt_sched_p_shield *shield, const char *what, const char *name,
			      int32_t number, int error)
{
	struct qrt_sched_shield_left *left;

	if (shield->count < shield->max) {
		left = &shield->left[shield->count];
		memset(left, 0, sizeof(*left));
		snprintf(left->what, sizeof(left->what), "%s", what);
		snprintf(left->name, sizeof(left->name), "%s", name);
		left->number = number;
		left->error = error;
	}
	shield->count++;
}

int qrt_sched_p_shield_note_file(struct qrt_sched_p_shield *shield, const char *path, const char *before,
				 const char *after)
{
	struct qrt_sched_p_change change = {
		.kind = QRT_SCHED_P_SAVED_FILE, .path = path, .before = before, .after = after};
	int rc = qrt_sched_p_saved_note(shield->saved, &change);

	return rc < 0 ? qrt_sched_p_error(shield->reterr, rc, "what to put back cannot be noted: %s",
					  strerror(-rc))
		      : 0;
}

int qrt_sched_p_shield_make_all(struct qrt_sched_p_shield *shield)
{
	struct qrt_sched_p_saved_entry *entry;
	int rc = qrt_sched_p_saved_keep(shield->saved, shield->reterr);
	size_t i;

	for (i = 0; rc >= 0 && i < shield->saved->count; i++) {
		entry = &shield->saved->entries[i];
		if (!entry->is_due)
			continue;
		entry->is_due = 0;
		rc = qrt_sched_p_saved_make(entry);
		if (rc < 0)
			qrt_sched_p_error(shield->reterr, rc, "'%.40s' cannot be written to %.140s: %s",
					  entry->after, entry->path ? entry->path : "a thread",
					  strerror(-rc));
	}
	return rc < 0 ? rc : 0;
}

int qrt_sched_p_shield_make_some(struct qrt_sched_p_shield *shield,
				 void (*failed)(struct qrt_sched_p_shield *shield,
						const struct qrt_sched_p_saved_entry *entry, int error))
{
	struct qrt_sched_p_saved_entry *entry;
	int rc = qrt_sched_p_saved_keep(shield->saved, shield->reterr);
	size_t i;

	if (rc < 0)
		return rc;
	for (i = 0; i < shield->saved->count; i++) {
		entry = &shield->saved->entries[i];
		if (!entry->is_due)
			continue;
		entry->is_due = 0;
		rc = qrt_sched_p_saved_make(entry);
		if (rc < 0 && rc != -ESRCH && rc != -ENOENT)
			failed(shield, entry, rc);
	}
	return 0;
}

int qrt_sched_p_shield_write_own(struct qrt_sched_p_shield *shield, const char *folder, const char *file,
				 const char *value)
{
	char path[QRT_SCHED_P_PATH], text[QRT_SCHED_P_CPUS_TEXT + 2];
	int rc = qrt_sched_p_join(path, folder, file);

	snprintf(text, sizeof(text), "%s\n", value);
	if (rc >= 0)
		rc = qrt_sched_p_hostfs->write(path, text);
	if (rc < 0)
		return qrt_sched_p_error(shield->reterr, rc, "'%.60s' cannot be written to %.120s: %s", value,
					 path, strerror(-rc));
	return 0;
}

int qrt_sched_p_shield_make_folder(struct qrt_sched_p_shield *shield, const char *folder)
{
	struct qrt_sched_p_change change = {
		.kind = QRT_SCHED_P_SAVED_MADE, .path = folder, .before = "", .after = ""};
	int rc;

	if (qrt_sched_p_exists(folder)) {
		if (qrt_sched_p_saved_find(shield->saved, &change))
			return 0;
		return qrt_sched_p_error(
			shield->reterr, -EEXIST,
			"%.140s is there already, not by this shield: lower that one, or remove it", folder);
	}
	rc = qrt_sched_p_saved_note(shield->saved, &change);
	if (rc < 0)
		return qrt_sched_p_error(shield->reterr, rc, "what to put back cannot be noted: %s",
					 strerror(-rc));
	return qrt_sched_p_shield_make_all(shield);
}

/* The order of restoring is the reverse: what lets others onto the CPUs again goes last there. */
static int raise_all(struct qrt_sched_p_shield *shield)
{
	int rc = 0;

	if (shield->flags & QRT_SCHED_SHIELD_IRQS)
		rc = qrt_sched_p_shield_irqs(shield);
	if (rc >= 0 && shield->flags & QRT_SCHED_SHIELD_WORKQUEUES)
		rc = qrt_sched_p_shield_workqueues(shield);
	if (rc >= 0 && shield->flags & QRT_SCHED_SHIELD_RPS)
		rc = qrt_sched_p_shield_rps(shield);
	if (rc >= 0)
		rc = qrt_sched_p_shield_remember_pinned(shield);
	if (rc >= 0 && shield->cgroup.version == QRT_SCHED_CGROUP_V1)
		rc = qrt_sched_p_shield_raise_v1(shield);
	else if (rc >= 0 && shield->cgroup.version == QRT_SCHED_CGROUP_V2)
		rc = qrt_sched_p_shield_raise_v2(shield);
	else if (rc >= 0)
		rc = qrt_sched_p_shield_raise_none(shield);
	if (rc >= 0 && shield->cgroup.version != QRT_SCHED_CGROUP_NONE)
		rc = qrt_sched_p_shield_narrow_pinned(shield);
	if (rc >= 0 && shield->flags & QRT_SCHED_SHIELD_KTHREADS)
		rc = qrt_sched_p_shield_kthreads(shield);
	return rc < 0 ? rc : qrt_sched_p_shield_look_again(shield);
}

int qrt_sched_shield_check(const struct qrt_sched_shield_config *config, struct qrt_sched_error *reterr)
{
	struct qrt_sched_p_shield shield;
	int rc = qrt_sched_p_shield_open(&shield, config, reterr);

	return rc < 0 ? rc : qrt_sched_p_shield_refuse(&shield);
}

int qrt_sched_shield_raise(const struct qrt_sched_shield_config *config, struct qrt_sched_saved *saved,
			   struct qrt_sched_shield_left *ret_list, size_t max, size_t *ret_left,
			   struct qrt_sched_error *reterr)
{
	struct qrt_sched_p_shield shield;
	int rc = qrt_sched_p_shield_open(&shield, config, reterr);

	if (rc < 0)
		return rc;
	shield.saved = saved;
	rc = qrt_sched_p_shield_refuse(&shield);
	if (rc < 0)
		return rc;
	shield.left = ret_list;
	shield.max = ret_list ? max : 0;
	qrt_sched_p_saved_begin(saved);
	rc = raise_all(&shield);
	if (rc < 0) {
		qrt_sched_p_saved_rollback(saved);
		return rc;
	}
	qrt_sched_p_saved_commit(saved);
	qrt_sched_p_shield_drop_parts(&shield);
	if (ret_left)
		*ret_left = shield.count;
	return (int)shield.cgroup.version;
}

int qrt_sched_shield_read(const char *name, struct qrt_sched_cpus *ret_cpus)
{
	struct qrt_sched_p_cgroup cgroup;
	char folder[QRT_SCHED_P_PATH];
	struct qrt_sched_cpus cpus;

	qrt_sched_p_cgroup_find(&cgroup);
	if (cgroup.version == QRT_SCHED_CGROUP_NONE ||
	    qrt_sched_p_join(folder, cgroup.top, name ? name : QRT_SCHED_SHIELD_NAME) < 0 ||
	    qrt_sched_p_cgroup_cpus(folder, &cpus) < 0 || !qrt_sched_cpus_count(&cpus))
		return -ENOENT;
	*ret_cpus = cpus;
	return (int)cgroup.version;
}
