/* SPDX-License-Identifier: MIT */
#include "governor.h"

#include "command.h"
#include "governor_p.h"
#include "locks.h"
#include "proc.h"
#include "supervisor.h"

#include <errno.h>
#include <glib-unix.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#define PRIORITY_MAX 99
#define FILES_MAX    65536

/* ---- the thread ---- */

/*
 * It sleeps in ppoll(), not for a timerfd: where the kernel is PREEMPT_RT the end of a real-time thread's own
 * sleep is made by the timer's interrupt, that of a timerfd by a kernel thread that the VM may keep away.
 */
static void rest(const struct governor *governor, uint64_t until_ns)
{
	struct pollfd wake = {.fd = governor->wake_fd, .events = POLLIN};
	uint64_t now_ns = governor_now(), left_ns = until_ns > now_ns ? until_ns - now_ns : 0, count;
	struct timespec left = {(time_t)(left_ns / 1000000000u), (long)(left_ns % 1000000000u)};

	if (ppoll(&wake, 1, &left, NULL) > 0)
		(void)!read(governor->wake_fd, &count, sizeof(count));
}

static void *govern(void *data)
{
	struct governor *governor = data;
	struct qrt_sched_error error = {.message = ""};
	uint64_t next;

	if (qrt_sched_setting_apply(0, &governor->rank, &error) < 0)
		complain("the governor stays below the VM, and cannot hold it: %s", error.message);
	while (!atomic_load(&governor->ends)) {
		pthread_mutex_lock(&governor->lock);
		next = governor_round(governor, governor_now());
		pthread_mutex_unlock(&governor->lock);
		rest(governor, next);
	}
	return NULL;
}

void governor_wake(const struct governor *governor)
{
	const uint64_t one = 1;

	(void)!write(governor->wake_fd, &one, sizeof(one));
}

/* ---- opening ---- */

static gboolean on_told(gint fd, GIOCondition condition, gpointer data)
{
	uint64_t count;

	(void)condition;
	(void)!read(fd, &count, sizeof(count));
	governor_sync(data);
	return G_SOURCE_CONTINUE;
}

/* Above every plan, not only this one: as high as this process may go. */
static bool choose_rank(struct governor *governor)
{
	const struct supervisor *supervisor = governor->supervisor;
	int highest = locks_find_highest(supervisor->plan);
	struct qrt_sched_host host = {.size = sizeof(host)};

	if (highest == 0)
		return false;
	governor->rank = (struct qrt_sched_setting){
		.set = QRT_SCHED_SET_POLICY | QRT_SCHED_SET_PRIORITY | QRT_SCHED_SET_CPUS,
		.policy = QRT_SCHED_POLICY_FIFO,
		.priority = PRIORITY_MAX,
		.cpus = supervisor->record.fresh.cpus,
	};
	governor->sharing = (struct qrt_sched_setting){.set = QRT_SCHED_SET_POLICY | QRT_SCHED_SET_PRIORITY,
						       .policy = QRT_SCHED_POLICY_OTHER};
	rank_get_lifted(supervisor, &governor->scout_rank);
	if (qrt_sched_host_read(&host, NULL) < 0)
		return true;
	/* Not its quantum's, with which it would have next to nothing there, or next to all. */
	if (host.flags & QRT_SCHED_HOST_CAP_NICE)
		governor->sharing.set |= QRT_SCHED_SET_NICE;
	governor->online = host.online;
	governor_plan_get_kept(&host, &governor->kept);
	if (host.rtprio_limit > 0 && host.rtprio_limit < PRIORITY_MAX)
		governor->rank.priority = MAX(host.rtprio_limit, highest);
	return true;
}

static void read_tickless(struct governor *governor)
{
	char text[4096];

	if (proc_read("/sys/devices/system/cpu/nohz_full", text, sizeof(text)) > 0) {
		text[strcspn(text, "\n")] = '\0';
		(void)qrt_sched_cpus_parse(text, &governor->tickless);
	}
}

static void init_lock(struct governor *governor)
{
	pthread_mutexattr_t attr;

	/* Between a supervisor below the VM and a thread above it. */
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
	pthread_mutex_init(&governor->lock, &attr);
	pthread_mutexattr_destroy(&attr);
}

/* A descriptor a thread, of this VM and of others. */
static void allow_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= FILES_MAX)
		return;
	limit.rlim_cur = MIN(limit.rlim_max, FILES_MAX);
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

/* A page that has to be read from a disk first comes by threads that the VM may keep away. */
static void lock_memory(const struct supervisor *supervisor)
{
	if (mlockall(MCL_CURRENT | MCL_ONFAULT) < 0 && supervisor->verbose)
		complain("the governor's memory is not locked: %s; it may be late when memory is short",
			 strerror(errno));
}

static int open_events(struct governor *governor)
{
	governor->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	governor->told_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	governor->end_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return governor->wake_fd < 0 || governor->told_fd < 0 || governor->end_fd < 0 ? -errno : 0;
}

static int start(struct governor *governor)
{
	const struct supervisor *supervisor = governor->supervisor;
	int r;

	governor->own = governor_party_open(supervisor->record.qemu_pid, supervisor->record.qemu_start);
	if (!governor->own)
		return -ESRCH;
	governor->own->is_own = true;
	r = governor_courts_open(governor);
	if (r == 0)
		r = open_events(governor);
	if (r < 0)
		return r;
	governor_guard(governor);
	governor_scan(governor);
	r = -pthread_create(&governor->thread, NULL, govern, governor);
	if (r == 0)
		governor->has_scout = pthread_create(&governor->scout, NULL, governor_scout, governor) == 0;
	return r;
}

static void close_file(int fd)
{
	if (fd >= 0)
		close(fd);
}

static struct governor *discard(struct governor *governor)
{
	size_t i;

	governor_courts_close(governor);
	governor_party_close(governor->own);
	for (i = 0; i < governor->rivals_count; i++)
		governor_party_close(governor->rivals[i]);
	close_file(governor->wake_fd);
	close_file(governor->told_fd);
	close_file(governor->end_fd);
	pthread_mutex_destroy(&governor->lock);
	g_free(governor);
	return NULL;
}

struct governor *governor_open(struct supervisor *supervisor)
{
	struct governor *governor = g_new0(struct governor, 1);
	int r;

	governor->supervisor = supervisor;
	governor->slices = supervisor->watch.slices;
	/* Who takes or gives a preempt lock meanwhile would get another priority than its own. */
	governor->may_settle = !supervisor->locks;
	governor->wake_fd = governor->told_fd = governor->end_fd = -1;
	governor_plan_read(supervisor->plan, &governor->terms);
	init_lock(governor);
	if (!choose_rank(governor))
		return discard(governor);
	read_tickless(governor);
	allow_files();
	r = start(governor);
	if (r < 0) {
		if (r != -ESRCH)
			complain("there is no governor: %s; budgets and weight have no effect", strerror(-r));
		return discard(governor);
	}
	lock_memory(supervisor);
	governor->source = g_unix_fd_add_full(G_PRIORITY_HIGH, governor->told_fd, G_IO_IN, on_told, governor,
					      NULL);
	return governor;
}

struct governor *governor_close(struct governor *governor)
{
	const uint64_t one = 1;

	if (!governor)
		return NULL;
	g_source_remove(governor->source);
	/* First the scout: it may wait for somebody whom the VM keeps away unless it is dropped. */
	(void)!write(governor->end_fd, &one, sizeof(one));
	if (governor->has_scout)
		pthread_join(governor->scout, NULL);
	atomic_store(&governor->ends, true);
	governor_wake(governor);
	pthread_join(governor->thread, NULL);
	return discard(governor);
}
