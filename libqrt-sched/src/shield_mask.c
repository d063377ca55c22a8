/* SPDX-License-Identifier: MIT */
/* What the kernel does on CPUs of a mask: interrupts, unbound workqueues, steering of received packets. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpus_p.h"
#include "error_p.h"
#include "mask_p.h"
#include "shield_p.h"
#include "sys_p.h"

/* A mask as it was before any shield, 1 where that is known: it stays so when the shield's CPUs change. */
static int read_before(const struct qrt_sched_p_shield *shield, const char *path, char *ret_text)
{
	struct qrt_sched_p_saved_entry asked = {.kind = QRT_SCHED_P_SAVED_FILE, .path = (char *)path};
	struct qrt_sched_p_change change = {.kind = QRT_SCHED_P_SAVED_FILE, .path = path};
	const struct qrt_sched_p_saved_entry *known = qrt_sched_p_saved_find(shield->saved, &change);
	int rc;

	if (!known) {
		rc = qrt_sched_p_saved_read(&asked, ret_text, QRT_SCHED_P_MASK_TEXT);
		return rc < 0 ? rc : 0;
	}
	snprintf(ret_text, QRT_SCHED_P_MASK_TEXT, "%s", known->before);
	return 1;
}

/* One that cannot be read or understood is left alone. A mask of no CPU means that there is none. */
static int note_mask(struct qrt_sched_p_shield *shield, const char *path)
{
	char before[QRT_SCHED_P_MASK_TEXT], after[QRT_SCHED_P_MASK_TEXT];
	int rc = read_before(shield, path, before), known = rc == 1;
	struct qrt_sched_cpus cpus, now;

	if (rc < 0 || qrt_sched_p_mask_parse(before, &cpus) < 0)
		return 0;
	now = qrt_sched_cpus_count(&cpus) ? qrt_sched_p_shield_elsewhere(shield, &cpus) : cpus;
	if (!known && qrt_sched_p_cpus_equal(&cpus, &now))
		return 0;
	qrt_sched_p_mask_format(&now, after);
	return qrt_sched_p_shield_note_file(shield, path, before, after);
}

/* ---- interrupts --------------------------------------------------------------------------------- */

struct irqs {
	struct qrt_sched_p_shield *shield;
	/* The default before this shield had other CPUs, and the host's own; "": it was the host's. */
	char ours[QRT_SCHED_P_MASK_TEXT], hosts[QRT_SCHED_P_MASK_TEXT];
};

/* One that has the default is known from here on: others that have it when it is put back came later. */
static int note_as_it_is(struct qrt_sched_p_shield *shield, const char *path, const char *mask)
{
	struct qrt_sched_p_change change = {.kind = QRT_SCHED_P_SAVED_FILE, .path = path};
	int rc = qrt_sched_p_shield_note_file(shield, path, mask, mask);

	if (rc >= 0)
		qrt_sched_p_saved_find(shield->saved, &change)->is_due = 0;
	return rc;
}

/* One that came under an earlier shield of ours would have the host's default without it. */
static int note_newcomer(const struct irqs *irqs, const char *path, const char *mask)
{
	const struct qrt_sched_p_saved_entry as_it_is = {
		.kind = QRT_SCHED_P_SAVED_FILE, .path = (char *)path, .after = (char *)mask};
	char after[QRT_SCHED_P_MASK_TEXT];
	struct qrt_sched_cpus cpus;

	/* One that the kernel does not let go of was put there by the kernel. */
	if (qrt_sched_p_mask_parse(irqs->hosts, &cpus) < 0 || qrt_sched_p_saved_make(&as_it_is) < 0)
		return note_as_it_is(irqs->shield, path, mask);
	cpus = qrt_sched_p_shield_elsewhere(irqs->shield, &cpus);
	qrt_sched_p_mask_format(&cpus, after);
	return qrt_sched_p_shield_note_file(irqs->shield, path, irqs->hosts, after);
}

static int note_irq(const char *name, void *data)
{
	const struct irqs *irqs = data;
	const struct qrt_sched_saved *saved = irqs->shield->saved;
	const struct qrt_sched_p_saved_entry *standard = qrt_sched_p_saved_find_irq(saved, NULL);
	char path[QRT_SCHED_P_PATH], mask[QRT_SCHED_P_MASK_TEXT];

	if (name[0] < '0' || name[0] > '9')
		return 0;
	snprintf(path, sizeof(path), "/proc/irq/%.20s/smp_affinity", name);
	if (qrt_sched_p_saved_find_irq(saved, path) || qrt_sched_p_read_trimmed(path, mask, sizeof(mask)) < 0)
		return note_mask(irqs->shield, path);
	if (irqs->ours[0] && qrt_sched_p_mask_is_same(mask, irqs->ours))
		return note_newcomer(irqs, path, mask);
	if (standard && qrt_sched_p_mask_is_same(mask, standard->after))
		return note_as_it_is(irqs->shield, path, mask);
	return note_mask(irqs->shield, path);
}

static int find_action(const char *name, void *data)
{
	static const char *const files[] = {"smp_affinity", "smp_affinity_list",  "affinity_hint",
					    "spurious",     "effective_affinity", "effective_affinity_list",
					    "node"};
	size_t i;

	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		if (strcmp(name, files[i]) == 0)
			return 0;
	}
	snprintf(data, 40, "%s", name);
	return 1;
}

static void irq_failed(struct qrt_sched_p_shield *shield, const struct qrt_sched_p_saved_entry *entry,
		       int error)
{
	char folder[40], action[40] = "", name[96];
	int number;

	if (sscanf(entry->path, "/proc/irq/%d/", &number) != 1) { // NOLINT(cert-err34-c): our own path
		qrt_sched_p_shield_leave(shield, "irq", "default", -1, error);
		return;
	}
	snprintf(folder, sizeof(folder), "/proc/irq/%d", number);
	qrt_sched_p_list(folder, find_action, action);
	snprintf(name, sizeof(name), action[0] ? "%d (%s)" : "%d", number, action);
	qrt_sched_p_shield_leave(shield, "irq", name, number, error);
}

int qrt_sched_p_shield_irqs(struct qrt_sched_p_shield *shield)
{
	const struct qrt_sched_p_saved_entry *standard = qrt_sched_p_saved_find_irq(shield->saved, NULL);
	struct irqs irqs = {.shield = shield};
	int rc;

	if (standard) {
		snprintf(irqs.ours, sizeof(irqs.ours), "%s", standard->after);
		snprintf(irqs.hosts, sizeof(irqs.hosts), "%s", standard->before);
	}
	/* The default first: an interrupt that is set up meanwhile is out already. */
	rc = note_mask(shield, "/proc/irq/default_smp_affinity");
	if (rc >= 0)
		rc = qrt_sched_p_list("/proc/irq", note_irq, &irqs);
	/* A machine without interrupts of its own, such as a container. */
	if (rc == -ENOENT)
		rc = 0;
	return rc < 0 ? rc : qrt_sched_p_shield_make_some(shield, irq_failed);
}

/* ---- workqueues --------------------------------------------------------------------------------- */

#define WORKQUEUES "/sys/devices/virtual/workqueue"

static int note_workqueue(const char *name, void *data)
{
	char path[QRT_SCHED_P_PATH];

	snprintf(path, sizeof(path), WORKQUEUES "/%.120s/cpumask", name);
	return qrt_sched_p_exists(path) ? note_mask(data, path) : 0;
}

static void workqueue_failed(struct qrt_sched_p_shield *shield, const struct qrt_sched_p_saved_entry *entry,
			     int error)
{
	const char *name = entry->path + strlen(WORKQUEUES "/");

	qrt_sched_p_shield_leave(shield, "workqueue", strcmp(name, "cpumask") ? name : "unbound", -1, error);
}

int qrt_sched_p_shield_workqueues(struct qrt_sched_p_shield *shield)
{
	int rc = note_mask(shield, WORKQUEUES "/cpumask");

	if (rc >= 0)
		rc = qrt_sched_p_list(WORKQUEUES, note_workqueue, shield);
	if (rc == -ENOENT)
		rc = 0;
	return rc < 0 ? rc : qrt_sched_p_shield_make_some(shield, workqueue_failed);
}

/* ---- receive packet steering -------------------------------------------------------------------- */

struct card {
	struct qrt_sched_p_shield *shield;
	char queues[QRT_SCHED_P_PATH];
};

static int note_queue(const char *name, void *data)
{
	struct card *card = data;
	char path[QRT_SCHED_P_PATH];

	if (strncmp(name, "rx-", 3) != 0)
		return 0;
	snprintf(path, sizeof(path), "%.200s/%.40s/rps_cpus", card->queues, name);
	return note_mask(card->shield, path);
}

static int note_card(const char *name, void *data)
{
	struct card card = {.shield = data};
	int rc;

	snprintf(card.queues, sizeof(card.queues), "/sys/class/net/%.64s/queues", name);
	rc = qrt_sched_p_list(card.queues, note_queue, &card);
	return rc == -ENOENT || rc == -ENOTDIR ? 0 : rc;
}

static void rps_failed(struct qrt_sched_p_shield *shield, const struct qrt_sched_p_saved_entry *entry,
		       int error)
{
	qrt_sched_p_shield_leave(shield, "rps", entry->path + strlen("/sys/class/net/"), -1, error);
}

int qrt_sched_p_shield_rps(struct qrt_sched_p_shield *shield)
{
	int rc = qrt_sched_p_list("/sys/class/net", note_card, shield);

	if (rc == -ENOENT)
		rc = 0;
	return rc < 0 ? rc : qrt_sched_p_shield_make_some(shield, rps_failed);
}
