/* SPDX-License-Identifier: MIT */
/* Interrupts that were set up while the default mask was ours: they have it, and nothing is saved of them. */
#include <stdio.h>
#include <string.h>

#include "mask_p.h"
#include "saved_p.h"

#define DEFAULT "/proc/irq/default_smp_affinity"

struct releasing {
	const struct qrt_sched_saved *saved;
	const struct qrt_sched_p_saved_entry *standard;
};

const struct qrt_sched_p_saved_entry *qrt_sched_p_saved_find_irq(const struct qrt_sched_saved *saved,
								 const char *path)
{
	struct qrt_sched_p_change change = {.kind = QRT_SCHED_P_SAVED_FILE, .path = path ? path : DEFAULT};

	return qrt_sched_p_saved_find(saved, &change);
}

static int release(const char *name, void *data)
{
	const struct releasing *releasing = data;
	char path[QRT_SCHED_P_PATH], mask[QRT_SCHED_P_MASK_TEXT];
	const struct qrt_sched_p_saved_entry as_the_hosts = {
		.kind = QRT_SCHED_P_SAVED_FILE, .path = path, .after = releasing->standard->before};

	snprintf(path, sizeof(path), "/proc/irq/%.20s/smp_affinity", name);
	if (name[0] < '0' || name[0] > '9' || qrt_sched_p_saved_find_irq(releasing->saved, path) ||
	    qrt_sched_p_read_trimmed(path, mask, sizeof(mask)) < 0 ||
	    !qrt_sched_p_mask_is_same(mask, releasing->standard->after))
		return 0;
	/* One that the kernel does not let go of was put there by the kernel. */
	(void)qrt_sched_p_saved_make(&as_the_hosts);
	return 0;
}

void qrt_sched_p_saved_release_irqs(const struct qrt_sched_saved *saved)
{
	struct releasing releasing = {.saved = saved, .standard = qrt_sched_p_saved_find_irq(saved, NULL)};

	if (releasing.standard && releasing.standard->is_back)
		(void)qrt_sched_p_list("/proc/irq", release, &releasing);
}
