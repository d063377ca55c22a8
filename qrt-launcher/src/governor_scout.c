/* SPDX-License-Identifier: MIT */
/*
 * What the governor has to know of new threads and other VMs, on a thread of its own: it opens files, and may
 * have to wait for somebody whom a spinning VM keeps away. The governor goes on with what it knows.
 */
#include "governor_p.h"

#include <errno.h>
#include <poll.h>

#define SCAN_MS   20
#define RIVALS_MS 200
#define SURVEY_MS 300
#define IDLE_MS   1000 /* between all of it, where nobody has to be held: it stands above the VM */

/* Returns how many there was no room for, or no descriptors. */
static size_t open_tasks(struct governor *governor, struct governor_party *party, const pid_t *tids,
			 size_t count, bool *ret_lacks_files)
{
	struct governor_task task, *known;
	size_t i;
	int r;

	for (i = 0; i < count; i++) {
		r = governor_task_open(party, tids[i], false, &task);
		*ret_lacks_files = r == -EMFILE || r == -ENFILE;
		if (*ret_lacks_files)
			return count - i;
		if (r < 0)
			continue;
		pthread_mutex_lock(&governor->lock);
		known = governor_party_insert(party, &task);
		pthread_mutex_unlock(&governor->lock);
		if (!known)
			return count - i;
	}
	return 0;
}

static void scan_party(struct governor *governor, struct governor_party *party)
{
	pid_t tids[GOVERNOR_TASKS];
	size_t all = governor_party_list(party, tids, GOVERNOR_TASKS), listed = MIN(all, GOVERNOR_TASKS);
	bool lacks_files = false;
	size_t count, left;

	pthread_mutex_lock(&governor->lock);
	count = governor_party_compare(party, tids, listed);
	pthread_mutex_unlock(&governor->lock);
	left = open_tasks(governor, party, tids, count, &lacks_files);
	pthread_mutex_lock(&governor->lock);
	party->excess = (uint32_t)(all - listed + left);
	party->lacks_files = lacks_files;
	pthread_mutex_unlock(&governor->lock);
	if (count > 0 && party->is_own)
		governor_wake(governor);
	atomic_store(&party->is_met, true);
}

/* Only the survey changes the list of rivals, on this thread. */
static void scan_rivals(struct governor *governor)
{
	size_t i;

	for (i = 0; i < governor->rivals_count; i++)
		scan_party(governor, governor->rivals[i]);
}

void governor_scan(struct governor *governor)
{
	scan_party(governor, governor->own);
	scan_rivals(governor);
}

/* False when the governor ends. */
static bool rest(const struct governor *governor, int ms)
{
	struct pollfd end = {.fd = governor->end_fd, .events = POLLIN};
	int r = poll(&end, 1, ms);

	return r == 0 || (r < 0 && errno == EINTR);
}

void *governor_scout(void *data)
{
	struct governor *governor = data;
	bool is_needed = true;
	unsigned round;

	(void)qrt_sched_setting_apply(0, &governor->scout_rank, NULL);
	governor_survey(governor);
	for (round = 1; rest(governor, is_needed ? SCAN_MS : IDLE_MS); round++) {
		scan_party(governor, governor->own);
		if (round % (RIVALS_MS / SCAN_MS) == 0)
			scan_rivals(governor);
		if (!is_needed || round % (SURVEY_MS / SCAN_MS) == 0)
			is_needed = governor_survey(governor);
	}
	return NULL;
}
