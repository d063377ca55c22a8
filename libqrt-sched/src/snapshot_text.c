/* SPDX-License-Identifier: MIT */
/*
 * A snapshot as text. First line: "qrt-snapshot 2 BOOT", then one thread a line:
 * "TID START POLICY PRIORITY NICE FLAGS CPUS TIMES IOPRIO", times as RUNTIME/DEADLINE/PERIOD in ns; "-"
 * where it is not known: version 1 had neither of the last two. A thread number means nothing after a
 * reboot, so the text names the boot that it belongs to.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "error_p.h"
#include "lines_p.h"
#include "setting_p.h"
#include "snapshot_p.h"
#include "sys_p.h"

#define HEAD     "qrt-snapshot 2 "
#define HEAD_1   "qrt-snapshot 1 "
#define LINE_MAX 4400 /* a CPU list of every second of 1024 CPUs has some 2,400 characters */

/* What a version 1 text did not know stays unknown. */
static void put_rest(struct qrt_sched_p_lines *lines, const struct qrt_sched_setting *s)
{
	if (s->set & QRT_SCHED_SET_TIMES)
		qrt_sched_p_lines_put(lines, " %llu/%llu/%llu", (unsigned long long)s->runtime_ns,
				      (unsigned long long)s->deadline_ns, (unsigned long long)s->period_ns);
	else
		qrt_sched_p_lines_put(lines, " -");
	if (s->set & QRT_SCHED_SET_IOPRIO)
		qrt_sched_p_lines_put(lines, " %u\n", s->ioprio);
	else
		qrt_sched_p_lines_put(lines, " -\n");
}

static void put_all(struct qrt_sched_p_lines *lines, const struct qrt_sched_snapshot *snapshot)
{
	const struct qrt_sched_p_memory *m;
	char boot[64], cpus[LINE_MAX];
	size_t i;

	qrt_sched_p_read_boot(boot, sizeof(boot));
	qrt_sched_p_lines_put(lines, HEAD "%s\n", boot);
	for (i = 0; i < snapshot->count; i++) {
		m = &snapshot->entries[i];
		qrt_sched_cpus_format(&m->setting.cpus, cpus, sizeof(cpus));
		qrt_sched_p_lines_put(lines, "%d %llu %u %d %d %u %s", (int)m->tid,
				      (unsigned long long)m->start, m->setting.policy, m->setting.priority,
				      m->setting.nice, m->setting.flags, cpus);
		put_rest(lines, &m->setting);
	}
}

int qrt_sched_snapshot_format(const struct qrt_sched_snapshot *snapshot, char *buf, size_t size)
{
	struct qrt_sched_p_lines lines = {0};

	put_all(&lines, snapshot);
	if (lines.len < size) {
		lines = (struct qrt_sched_p_lines){.buf = buf, .size = size};
		put_all(&lines, snapshot);
	}
	return (int)lines.len;
}

/* A decimal number with a character behind it that ends it; moves on. */
static int take_number(char **at, char end_at, int64_t min, int64_t max, int64_t *ret_number)
{
	char *end;

	if (!((**at >= '0' && **at <= '9') || (**at == '-' && (*at)[1] >= '0' && (*at)[1] <= '9')))
		return -EINVAL;
	errno = 0;
	*ret_number = strtoll(*at, &end, 10);
	if (errno || *end != end_at || *ret_number < min || *ret_number > max)
		return -EINVAL;
	*at = *end ? end + 1 : end;
	return 0;
}

static int is_dash(char **at, char end_at)
{
	if ((*at)[0] != '-' || (*at)[1] != end_at)
		return 0;
	*at += end_at ? 2 : 1;
	return 1;
}

static int take_times(char **at, struct qrt_sched_setting *s)
{
	int64_t runtime, deadline, period;

	if (is_dash(at, ' ')) {
		s->set &= ~QRT_SCHED_SET_TIMES;
		return 0;
	}
	if (take_number(at, '/', 0, INT64_MAX, &runtime) < 0 ||
	    take_number(at, '/', 0, INT64_MAX, &deadline) < 0 ||
	    take_number(at, ' ', 0, INT64_MAX, &period) < 0)
		return -EINVAL;
	s->runtime_ns = (uint64_t)runtime;
	s->deadline_ns = (uint64_t)deadline;
	s->period_ns = (uint64_t)period;
	return 0;
}

static int take_ioprio(char **at, struct qrt_sched_setting *s)
{
	int64_t ioprio;

	if (is_dash(at, '\0')) {
		s->set &= ~QRT_SCHED_SET_IOPRIO;
		return 0;
	}
	if (take_number(at, '\0', 0, 0xffff, &ioprio) < 0)
		return -EINVAL;
	s->ioprio = (uint32_t)ioprio;
	return 0;
}

/* CPUS TIMES IOPRIO, or CPUS alone. */
static int take_rest(char *at, int version, struct qrt_sched_setting *s)
{
	char *cpus = strsep(&at, " ");

	if (version == 1)
		s->set &= ~(QRT_SCHED_SET_TIMES | QRT_SCHED_SET_IOPRIO);
	else if (!at || take_times(&at, s) < 0 || take_ioprio(&at, s) < 0)
		return -EINVAL;
	if (version == 1 && at)
		return -EINVAL;
	return qrt_sched_cpus_parse(cpus, &s->cpus);
}

static int is_possible(const struct qrt_sched_setting *s)
{
	if (!qrt_sched_policy_name(s->policy))
		return 0;
	if (s->policy == QRT_SCHED_POLICY_DEADLINE)
		return 1;
	return qrt_sched_p_policy_is_rt(s->policy) ? s->priority >= 1 : s->priority == 0;
}

static int parse_line(char *line, int version, struct qrt_sched_p_memory *ret_memory)
{
	static const struct {
		int64_t min, max;
	} range[6] = {{1, INT32_MAX}, {0, INT64_MAX}, {0, 6}, {0, 99}, {-20, 19}, {0, 1}};
	struct qrt_sched_p_memory m = {.setting.set = QRT_SCHED_SET_ALL};
	int64_t value[6];
	int i;

	for (i = 0; i < 6; i++) {
		if (take_number(&line, ' ', range[i].min, range[i].max, &value[i]) < 0)
			return -EINVAL;
	}
	m.tid = (pid_t)value[0];
	m.start = (uint64_t)value[1];
	m.setting.policy = (uint32_t)value[2];
	m.setting.priority = (int32_t)value[3];
	m.setting.nice = (int32_t)value[4];
	m.setting.flags = (uint32_t)value[5];
	if (!is_possible(&m.setting) || take_rest(line, version, &m.setting) < 0)
		return -EINVAL;
	*ret_memory = m;
	return 0;
}

static int bad_line(struct qrt_sched_error *reterr, uint32_t number, const char *why)
{
	qrt_sched_p_error(reterr, -EINVAL, "line %u of the snapshot: %s", number, why);
	if (reterr)
		reterr->line = number;
	return -EINVAL;
}

static int parse_threads(struct qrt_sched_snapshot *into, int version, const char *text, size_t len,
			 struct qrt_sched_error *reterr)
{
	const char *form = version == 1 ? "not 'TID START POLICY PRIORITY NICE FLAGS CPUS'"
					: "not 'TID START POLICY PRIORITY NICE FLAGS CPUS TIMES IOPRIO'";
	struct qrt_sched_p_memory memory;
	char line[LINE_MAX];
	uint32_t number = 2;
	int used, rc;

	for (; (used = qrt_sched_p_lines_take(text, len, line, sizeof(line))) > 0;
	     number++, text += used, len -= (size_t)used) {
		if (parse_line(line, version, &memory) < 0)
			return bad_line(reterr, number, form);
		rc = qrt_sched_p_snapshot_put(into, &memory);
		if (rc == -ENOSPC)
			return bad_line(reterr, number, "more threads than a snapshot can hold");
		if (rc < 0)
			return qrt_sched_p_error(reterr, rc, "the snapshot: %s", strerror(-rc));
	}
	return used < 0 ? bad_line(reterr, number, "cut short, too long, or not text") : 0;
}

/* 0 where the first line is none of a snapshot. */
static int version_of(const char *line)
{
	if (!strncmp(line, HEAD_1, strlen(HEAD_1)))
		return 1;
	return strncmp(line, HEAD, strlen(HEAD)) ? 0 : 2;
}

/* All or nothing: new entries only stay where the last line was good too. */
int qrt_sched_snapshot_parse(struct qrt_sched_snapshot *snapshot, const char *text, size_t len,
			     struct qrt_sched_error *reterr)
{
	size_t before = snapshot->count;
	char line[LINE_MAX], boot[64];
	int used, version = 0, rc;

	used = qrt_sched_p_lines_take(text, len, line, sizeof(line));
	if (used > 0)
		version = version_of(line);
	if (!version)
		return bad_line(reterr, 1, "does not begin with '" HEAD "': not a snapshot of this version");
	qrt_sched_p_read_boot(boot, sizeof(boot));
	if (strcmp(line + strlen(HEAD), boot))
		return 0;
	rc = parse_threads(snapshot, version, text + used, len - (size_t)used, reterr);
	if (rc < 0)
		snapshot->count = before;
	return rc;
}
