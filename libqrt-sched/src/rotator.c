/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "quantum_p.h"
#include "setting_p.h"

#define NEVER UINT64_MAX

/* CPU time, and how often the thread came onto a CPU. */
struct usage {
	uint64_t ns, times;
};

/* Its descriptor is the thread's identity: it reads nothing of a later thread with the same number. */
struct entry {
	pid_t tid;
	int schedstat;
	uint64_t quantum_ns;
	uint64_t begun_ns; /* the thread's CPU time when its slice began */
	uint64_t due_ns;   /* CLOCK_MONOTONIC: before that its slice cannot be over */
	struct usage rest; /* with this it was off the CPU; 0: it is not known to have been */
};

struct qrt_sched_rotator {
	int timer;
	struct entry *entries;
	size_t count, room;
};

int qrt_sched_rotator_open(struct qrt_sched_rotator **ret_rotator)
{
	struct qrt_sched_rotator *rotator = calloc(1, sizeof(*rotator));
	int rc;

	if (!rotator)
		return -ENOMEM;
	rotator->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (rotator->timer < 0) {
		rc = -errno;
		free(rotator);
		return rc;
	}
	*ret_rotator = rotator;
	return 0;
}

struct qrt_sched_rotator *qrt_sched_rotator_close(struct qrt_sched_rotator *rotator)
{
	if (!rotator)
		return NULL;
	while (rotator->count > 0)
		close(rotator->entries[--rotator->count].schedstat);
	close(rotator->timer);
	free(rotator->entries);
	free(rotator);
	return NULL;
}

int qrt_sched_rotator_get_fd(const struct qrt_sched_rotator *rotator)
{
	return rotator->timer;
}

/* ---- the timer ---- */

static uint64_t first_due(const struct qrt_sched_rotator *rotator)
{
	uint64_t first = NEVER;
	size_t i;

	for (i = 0; i < rotator->count; i++) {
		if (rotator->entries[i].due_ns < first)
			first = rotator->entries[i].due_ns;
	}
	return first;
}

static void set_timer(const struct qrt_sched_rotator *rotator)
{
	uint64_t due = first_due(rotator);
	struct itimerspec spec = {.it_value = {0}};

	if (due != NEVER)
		spec.it_value = (struct timespec){(time_t)(due / 1000000000u), (long)(due % 1000000000u)};
	/* Nothing to fail for: the descriptor is a timer, the time is one. Setting it takes back that it was
	 * readable. */
	timerfd_settime(rotator->timer, TFD_TIMER_ABSTIME, &spec, NULL);
}

int64_t qrt_sched_rotator_get_wait(const struct qrt_sched_rotator *rotator)
{
	uint64_t due = first_due(rotator), now = qrt_sched_p_sys->now();

	if (due == NEVER)
		return -1;
	return due > now ? (int64_t)(due - now) : 0;
}

/* ---- CPU time ---- */

/* -ESRCH where the thread ended; -EOPNOTSUPP: it has run, or else it could not be asked about, but the
 * kernel has counted nothing. */
static int read_usage(int schedstat, struct usage *ret_usage)
{
	char text[96], *rest;
	ssize_t len = pread(schedstat, text, sizeof(text) - 1, 0);
	struct usage usage;

	if (len < 0)
		return -errno;
	text[len] = '\0';
	usage.ns = strtoull(text, &rest, 10);
	strtoull(rest, &rest, 10);
	usage.times = strtoull(rest, NULL, 10);
	if (!usage.ns && !usage.times)
		return -EOPNOTSUPP;
	*ret_usage = usage;
	return 0;
}

static int is_same(const struct usage *a, const struct usage *b)
{
	return a->ns == b->ns && a->times == b->times;
}

/* Where it does not run, and has not since it was looked at last, it has used what was counted. Else the
 * kernel has to be made to count, which is dear: it stops the thread's CPU. */
static int settle(struct entry *entry, const struct qrt_sched_p_attr *attr, struct usage *usage)
{
	struct usage before = *usage;
	int rc;

	if (is_same(&before, &entry->rest))
		return 0;
	rc = qrt_sched_p_settle_time(entry->tid, attr);
	if (rc >= 0)
		rc = read_usage(entry->schedstat, usage);
	if (rc >= 0)
		entry->rest = is_same(&before, usage) ? before : (struct usage){0};
	return rc;
}

/* ---- which threads ---- */

static struct entry *find(const struct qrt_sched_rotator *rotator, pid_t tid)
{
	size_t i;

	for (i = 0; i < rotator->count; i++) {
		if (rotator->entries[i].tid == tid)
			return &rotator->entries[i];
	}
	return NULL;
}

static void drop(struct qrt_sched_rotator *rotator, struct entry *entry)
{
	close(entry->schedstat);
	*entry = rotator->entries[--rotator->count];
}

static int make_room(struct qrt_sched_rotator *rotator)
{
	size_t room = rotator->room ? rotator->room * 2 : 16;
	struct entry *entries;

	if (rotator->count < rotator->room)
		return 0;
	entries = realloc(rotator->entries, room * sizeof(*entries));
	if (!entries)
		return -ENOMEM;
	rotator->entries = entries;
	rotator->room = room;
	return 0;
}

static int open_schedstat(pid_t tid)
{
	char path[512];
	uint64_t start;
	int fd, rc;

	snprintf(path, sizeof(path), "%s/proc/%d/schedstat", qrt_sched_p_sys->root, (int)tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 || errno != ENOENT)
		return fd < 0 ? -errno : fd;
	rc = qrt_sched_p_read_start(tid, &start);
	return rc < 0 ? rc : -EOPNOTSUPP;
}

static int add(struct qrt_sched_rotator *rotator, pid_t tid, uint64_t quantum_ns)
{
	struct entry entry = {.tid = tid, .quantum_ns = quantum_ns};
	struct usage usage;
	int rc = make_room(rotator);

	if (rc < 0)
		return rc;
	entry.schedstat = open_schedstat(tid);
	if (entry.schedstat < 0)
		return entry.schedstat;
	rc = read_usage(entry.schedstat, &usage);
	if (rc < 0) {
		close(entry.schedstat);
		return rc;
	}
	entry.begun_ns = usage.ns;
	entry.due_ns = qrt_sched_p_sys->now() + quantum_ns;
	rotator->entries[rotator->count++] = entry;
	return 0;
}

static void change(struct entry *entry, uint64_t quantum_ns)
{
	uint64_t due = qrt_sched_p_sys->now() + quantum_ns;

	entry->quantum_ns = quantum_ns;
	if (due < entry->due_ns)
		entry->due_ns = due;
}

static int check(pid_t tid, uint64_t quantum_ns)
{
	struct qrt_sched_p_attr attr = {0};
	int rc;

	if (quantum_ns < QRT_SCHED_QUANTUM_MIN || quantum_ns > QRT_SCHED_QUANTUM_MAX)
		return -ERANGE;
	rc = tid > 0 ? qrt_sched_p_sys->get_attr(tid, &attr) : -ESRCH;
	return rc < 0 ? rc : qrt_sched_p_rotate_check(99);
}

static int has_ended(const struct entry *entry)
{
	struct usage usage;

	return read_usage(entry->schedstat, &usage) == -ESRCH;
}

int qrt_sched_rotator_set(struct qrt_sched_rotator *rotator, pid_t tid, uint64_t quantum_ns)
{
	struct entry *entry = find(rotator, tid);
	int rc = quantum_ns ? check(tid, quantum_ns) : 0;

	if (rc < 0)
		return rc;
	/* There may be a later thread of that number. */
	if (entry && (!quantum_ns || has_ended(entry))) {
		drop(rotator, entry);
		entry = NULL;
	}
	if (entry)
		change(entry, quantum_ns);
	else if (quantum_ns)
		rc = add(rotator, tid, quantum_ns);
	set_timer(rotator);
	return rc;
}

/* ---- looking ---- */

/* 1 when the thread's slice is over; 0 and when it can be at the earliest. */
static int look(struct entry *entry, uint64_t now, const struct qrt_sched_p_attr *attr, struct usage *usage)
{
	uint64_t used;
	int rc = settle(entry, attr, usage);

	if (rc < 0)
		return rc;
	used = usage->ns - entry->begun_ns;
	if (used + entry->quantum_ns / QRT_SCHED_P_SLACK >= entry->quantum_ns)
		return 1;
	entry->due_ns = now + entry->quantum_ns - used;
	return 0;
}

/* 1 when it was rotated; negative: there is nothing to be done any more. */
static int attend(struct entry *entry, uint64_t now)
{
	struct qrt_sched_p_attr attr = {0};
	struct usage usage = {0};
	int rc;

	entry->due_ns = now + entry->quantum_ns;
	rc = read_usage(entry->schedstat, &usage);
	if (rc >= 0)
		rc = qrt_sched_p_sys->get_attr(entry->tid, &attr);
	if (rc < 0)
		return rc;
	if (!qrt_sched_p_policy_is_rt(attr.policy)) {
		entry->begun_ns = usage.ns;
		return 0;
	}
	rc = look(entry, now, &attr, &usage);
	if (rc <= 0)
		return rc;
	entry->begun_ns = usage.ns;
	rc = qrt_sched_p_rotate(entry->tid, &attr);
	return rc < 0 ? rc : 1;
}

int qrt_sched_rotator_harvest(struct qrt_sched_rotator *rotator)
{
	uint64_t now = qrt_sched_p_sys->now();
	struct entry *entry = rotator->entries;
	int rc, rotated = 0;

	while (entry < rotator->entries + rotator->count) {
		rc = entry->due_ns <= now ? attend(entry, now) : 0;
		rotated += rc > 0;
		/* The last one takes its place. */
		if (rc == -ESRCH)
			drop(rotator, entry);
		else
			entry++;
	}
	set_timer(rotator);
	return rotated;
}
