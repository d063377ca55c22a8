/* SPDX-License-Identifier: MIT */
/*
 * Other VMs of this user, from the run directory. Each supervisor reads what all of them use from /proc and
 * judges its own by that: nobody has to be asked, and whose supervisor was killed is still reckoned with.
 */
#include "governor_p.h"
#include "proc.h"
#include "supervisor.h"

#include <string.h>
#include <unistd.h>

struct survey {
	struct governor *governor;
	struct qrt_sched_cpus taken; /* by real-time vCPUs */
	uint32_t guarded;            /* CPUs */
	bool is_shared;              /* one of the VMs says a weight */
	uint32_t excess;             /* VMs that are not in `records` */
	size_t count;
	struct state_record records[GOVERNOR_RIVALS];
};

static bool is_running(const struct state_record *record)
{
	char boot[40];

	proc_get_boot(boot, sizeof(boot));
	return strcmp(boot, record->boot) == 0 && proc_is_alive(record->qemu_pid, record->qemu_start);
}

static void look_at(const char *name, void *data)
{
	struct survey *survey = data;
	const struct state *own = survey->governor->supervisor->state;
	struct state_record record;
	size_t i;
	int fd;

	if (strcmp(name, own->name) == 0)
		return;
	fd = state_open_folder(own->run_fd, name);
	if (fd < 0)
		return;
	if (state_read_record(fd, &record) == 0 && is_running(&record)) {
		for (i = 0; i < G_N_ELEMENTS(survey->taken.bits); i++)
			survey->taken.bits[i] |= record.place.realtime.bits[i];
		survey->is_shared |= record.weight != 0;
		if (survey->count < GOVERNOR_RIVALS)
			survey->records[survey->count++] = record;
		else
			survey->excess++;
	}
	close(fd);
}

/* ---- who takes part in sharing ---- */

static void set_weight(struct governor *governor, struct governor_party *party, uint32_t weight)
{
	if (party->weight == weight)
		return;
	governor_court_leave(governor, party);
	party->weight = weight;
}

/* Only this thread changes the list, so it may look at it without the lock. */
static struct governor_party *find_rival(const struct governor *governor, const struct state_record *record)
{
	size_t i;

	for (i = 0; i < governor->rivals_count; i++) {
		if (governor->rivals[i]->pid == record->qemu_pid &&
		    governor->rivals[i]->start == record->qemu_start)
			return governor->rivals[i];
	}
	return NULL;
}

static struct governor_party *add_rival(struct governor *governor, const struct state_record *record)
{
	struct governor_party *rival = governor->rivals_count < GOVERNOR_RIVALS
					       ? governor_party_open(record->qemu_pid, record->qemu_start)
					       : NULL;

	if (!rival)
		return NULL;
	pthread_mutex_lock(&governor->lock);
	governor->rivals[governor->rivals_count++] = rival;
	pthread_mutex_unlock(&governor->lock);
	return rival;
}

static void remove_rival(struct governor *governor, size_t number)
{
	struct governor_party *rival = governor->rivals[number];

	pthread_mutex_lock(&governor->lock);
	governor_court_leave(governor, rival);
	governor_guard_leave(governor, rival);
	governor->rivals[number] = governor->rivals[--governor->rivals_count];
	pthread_mutex_unlock(&governor->lock);
	governor_party_close(rival);
}

static bool is_wanted(const struct survey *survey, const struct state_record *record)
{
	return survey->is_shared ||
	       (survey->guarded && governor_have_common(&record->place.realtime, &survey->governor->kept));
}

static void take_in(struct survey *survey, const struct state_record *record)
{
	struct governor *governor = survey->governor;
	struct governor_party *rival = find_rival(governor, record);

	if (!rival)
		rival = add_rival(governor, record);
	if (!rival)
		return;
	rival->is_known = true;
	pthread_mutex_lock(&governor->lock);
	rival->part = record->weight ?: GOVERNOR_WEIGHT;
	set_weight(governor, rival, survey->is_shared ? rival->part : 0);
	pthread_mutex_unlock(&governor->lock);
}

static void update_rivals(struct survey *survey)
{
	struct governor *governor = survey->governor;
	size_t i;

	for (i = 0; i < governor->rivals_count; i++)
		governor->rivals[i]->is_known = false;
	for (i = 0; i < survey->count; i++) {
		if (is_wanted(survey, &survey->records[i]))
			take_in(survey, &survey->records[i]);
	}
	for (i = governor->rivals_count; i-- > 0;) {
		if (!governor->rivals[i]->is_known)
			remove_rival(governor, i);
	}
}

/* ---- the host ---- */

/* How many CPUs have to be guarded against the VMs, 0: none. Who said a budget said what it may take where no
 * other one takes from the same; no two budgets know of each other. */
static uint32_t count_guarded(const struct survey *survey)
{
	const struct governor *governor = survey->governor;
	const struct supervisor *supervisor = governor->supervisor;
	struct qrt_sched_host host = {.size = sizeof(host)};
	struct qrt_sched_cpus cover, taken = survey->taken;
	size_t i;

	if ((governor->terms.vm.runtime_ns && !governor_have_common(&taken, &governor->kept)) ||
	    governor_plan_cover(supervisor->plan, supervisor->vm.vcpus, &supervisor->record.fresh.cpus,
				&cover) < 0)
		return 0;
	for (i = 0; i < G_N_ELEMENTS(taken.bits); i++)
		taken.bits[i] |= cover.bits[i];
	if (!governor_have_common(&cover, &governor->kept) ||
	    !governor_plan_has_all(&taken, &governor->kept) || qrt_sched_host_read(&host, NULL) < 0 ||
	    !governor_plan_is_unheld(&host, &governor->kept))
		return 0;
	return (uint32_t)qrt_sched_cpus_count(&governor->kept);
}

void governor_guard(struct governor *governor)
{
	const struct survey alone = {.governor = governor};

	governor->own->part = governor->terms.weight ?: GOVERNOR_WEIGHT;
	governor_guard_sit(governor, count_guarded(&alone), governor_now());
}

/* Until now nobody looked at what the VM uses: that is no use in the first window. */
static bool was_needed(struct governor *governor)
{
	bool was;

	pthread_mutex_lock(&governor->lock);
	was = governor_is_needed(governor);
	if (!was)
		governor_catch_up(governor, governor_now());
	pthread_mutex_unlock(&governor->lock);
	return was;
}

bool governor_survey(struct governor *governor)
{
	struct survey survey = {.governor = governor, .is_shared = governor->terms.weight != 0};
	bool was = was_needed(governor), is;

	state_for_each(governor->supervisor->state->run_fd, look_at, &survey);
	survey.guarded = count_guarded(&survey);
	update_rivals(&survey);
	pthread_mutex_lock(&governor->lock);
	set_weight(governor, governor->own, survey.is_shared ? governor->own->part : 0);
	governor_guard_sit(governor, survey.guarded, governor_now());
	governor->rivals_excess = survey.is_shared || survey.guarded ? survey.excess : 0;
	is = governor_is_needed(governor);
	pthread_mutex_unlock(&governor->lock);
	if (was || is)
		governor_wake(governor);
	return is;
}
