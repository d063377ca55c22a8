/* SPDX-License-Identifier: MIT */
/* Settings of a host beside its CPUs that a real-time VM wants otherwise. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error_p.h"
#include "saved_p.h"
#include "sys_p.h"
#include "tunable_p.h"

#define CSTATE    "/dev/cpu_dma_latency"
#define HALT_POLL "/sys/module/kvm/parameters/halt_poll_ns"

int qrt_sched_p_tunable_parse(const char *what, const char *value, long min, long max, long *ret_number,
			      struct qrt_sched_error *reterr)
{
	char *end;
	long number = 0;

	errno = 0;
	number = strtol(value, &end, 10);
	if (errno || end == value || *end || value[0] < '0' || value[0] > '9' || number < min || number > max)
		return qrt_sched_p_error(reterr, -EINVAL, "%s '%.60s' is no number from %ld to %ld", what,
					 value, min, max);
	*ret_number = number;
	return 0;
}

/* ---- idle states --------------------------------------------------------------------------------- */

static int open_cstate(struct qrt_sched_error *reterr)
{
	char path[512];
	int fd, rc;

	snprintf(path, sizeof(path), "%s%s", qrt_sched_p_sys->root, CSTATE);
	fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	rc = fd < 0 ? -errno : fd;
	if (rc == -ENOENT || rc == -ENODEV || rc == -ENXIO)
		return qrt_sched_p_error(reterr, -EOPNOTSUPP,
					 "idle states cannot be held: there is no %s; the kernel has no "
					 "CPU_IDLE, or /dev is a container's",
					 CSTATE);
	if (rc < 0)
		return qrt_sched_p_error(reterr, rc, "idle states cannot be held: %s: %s; it needs root",
					 CSTATE, strerror(-rc));
	return rc;
}

/* The kernel takes the strictest of all that hold the file open, and forgets ours when it is closed. */
static int set_cstate(const char *value, struct qrt_sched_saved *saved, struct qrt_sched_error *reterr)
{
	int32_t latency;
	long number = 0;
	int fd, rc = qrt_sched_p_tunable_parse("exit latency", value, 0, INT32_MAX - 1, &number, reterr);

	if (rc < 0)
		return rc;
	fd = saved->cstate_fd >= 0 ? saved->cstate_fd : open_cstate(reterr);
	if (fd < 0)
		return fd;
	latency = (int32_t)number;
	if (pwrite(fd, &latency, sizeof(latency), 0) != sizeof(latency)) {
		rc = -errno;
		if (fd != saved->cstate_fd)
			close(fd);
		return qrt_sched_p_error(reterr, rc, "%s takes no %ld us: %s", CSTATE, number, strerror(-rc));
	}
	saved->cstate_fd = fd;
	return 0;
}

/* ---- KVM's halt polling -------------------------------------------------------------------------- */

/* Some kernels show it, and take it on their command line alone. */
static int is_read_only(const char *path)
{
	char full[512];
	struct stat st;

	snprintf(full, sizeof(full), "%s%s", qrt_sched_p_sys->root, path);
	return stat(full, &st) == 0 && !(st.st_mode & 0222);
}

static int set_halt_poll(const char *value, struct qrt_sched_saved *saved, struct qrt_sched_error *reterr)
{
	struct qrt_sched_p_change change = {.kind = QRT_SCHED_P_SAVED_FILE, .path = HALT_POLL};
	const struct qrt_sched_p_saved_entry *known = qrt_sched_p_saved_find(saved, &change);
	char now[32], then[32];
	long number = 0;
	int rc = qrt_sched_p_tunable_parse("halt polling", value, 0, UINT_MAX, &number, reterr);

	if (rc < 0)
		return rc;
	if (qrt_sched_p_read_trimmed(HALT_POLL, now, sizeof(now)) < 0)
		return qrt_sched_p_error(
			reterr, -EOPNOTSUPP,
			"KVM's halt polling cannot be set: there is no %s; load the module kvm", HALT_POLL);
	if (known && strcmp(known->after, now) != 0)
		return qrt_sched_p_error(reterr, -EBUSY,
					 "KVM's halt polling stays at %s ns: somebody else has set it since",
					 now);
	snprintf(then, sizeof(then), "%ld", number);
	if (strcmp(now, then) == 0)
		return 0;
	if (is_read_only(HALT_POLL))
		return qrt_sched_p_error(reterr, -EOPNOTSUPP,
					 "KVM's halt polling stays at %s ns: this kernel lets nobody set it; "
					 "boot with kvm.halt_poll_ns=%s",
					 now, then);
	change.before = now;
	change.after = then;
	rc = qrt_sched_p_saved_note(saved, &change);
	if (rc >= 0)
		rc = qrt_sched_p_saved_keep(saved, reterr);
	if (rc < 0)
		return rc;
	rc = qrt_sched_p_saved_make(qrt_sched_p_saved_find(saved, &change));
	return rc < 0 ? qrt_sched_p_error(reterr, rc, "%s cannot be written: %s", HALT_POLL, strerror(-rc))
		      : 0;
}

int qrt_sched_tunable_set(enum qrt_sched_tunable tunable, const char *value, struct qrt_sched_saved *saved,
			  struct qrt_sched_error *reterr)
{
	int rc;

	if (!value || !saved)
		return qrt_sched_p_error(reterr, -EINVAL, "a setting of the host needs a value and 'saved'");
	qrt_sched_p_saved_begin(saved);
	switch (tunable) {
	case QRT_SCHED_TUNABLE_CSTATE:
		rc = set_cstate(value, saved, reterr);
		break;
	case QRT_SCHED_TUNABLE_HALT_POLL:
		rc = set_halt_poll(value, saved, reterr);
		break;
	case QRT_SCHED_TUNABLE_TIMER_PRIO:
		rc = qrt_sched_p_tunable_set_timers(value, saved, reterr);
		break;
	case QRT_SCHED_TUNABLE_RESCTRL:
		rc = qrt_sched_p_tunable_set_resctrl(value, saved, reterr);
		break;
	default:
		rc = qrt_sched_p_error(reterr, -EINVAL, "there is no setting of the host number %d",
				       (int)tunable);
	}
	if (rc < 0)
		qrt_sched_p_saved_rollback(saved);
	else
		qrt_sched_p_saved_commit(saved);
	return rc;
}
