/* SPDX-License-Identifier: MIT */
/*
 * A snapshot as text. First line: "qrt-snapshot 1 BOOT", then one thread a line:
 * "TID START POLICY PRIORITY NICE FLAGS CPUS". A thread number means nothing after a reboot, so the
 * text names the boot that it belongs to.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error_p.h"
#include "setting_p.h"
#include "snapshot_p.h"
#include "sys_p.h"

#define HEAD     "qrt-snapshot 1 "
#define LINE_MAX 4400 /* a CPU list of every second of 1024 CPUs has some 2,400 characters */

static void read_boot(char *ret_boot, size_t size)
{
	if (qrt_sched_p_read("/proc/sys/kernel/random/boot_id", ret_boot, size) < 0)
		snprintf(ret_boot, size, "unknown");
	ret_boot[strcspn(ret_boot, "\n")] = '\0';
}

struct text {
	char *buf;
	size_t size, len; /* len goes on beyond size, so that the caller can ask */
};

static void put(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put(struct text *text, const char *format, ...)
{
	size_t left = text->len < text->size ? text->size - text->len : 0;
	va_list args;

	va_start(args, format);
	text->len += (size_t)vsnprintf(left ? text->buf + text->len : NULL, left, format, args);
	va_end(args);
}

static void put_all(struct text *text, const struct qrt_sched_snapshot *snapshot)
{
	const struct qrt_sched_p_memory *m;
	char boot[64], cpus[LINE_MAX];
	size_t i;

	read_boot(boot, sizeof(boot));
	put(text, HEAD "%s\n", boot);
	for (i = 0; i < snapshot->count; i++) {
		m = &snapshot->entries[i];
		qrt_sched_cpus_format(&m->setting.cpus, cpus, sizeof(cpus));
		put(text, "%d %llu %u %d %d %u %s\n", (int)m->tid, (unsigned long long)m->start,
		    m->setting.policy, m->setting.priority, m->setting.nice, m->setting.flags, cpus);
	}
}

int qrt_sched_snapshot_format(const struct qrt_sched_snapshot *snapshot, char *buf, size_t size)
{
	struct text text = {0};

	put_all(&text, snapshot);
	if (text.len < size) {
		text = (struct text){.buf = buf, .size = size};
		put_all(&text, snapshot);
	}
	return (int)text.len;
}

/* A decimal number with a blank behind it; moves on. */
static int take_number(char **at, int64_t min, int64_t max, int64_t *ret_number)
{
	char *end;

	if (!((**at >= '0' && **at <= '9') || (**at == '-' && (*at)[1] >= '0' && (*at)[1] <= '9')))
		return -EINVAL;
	errno = 0;
	*ret_number = strtoll(*at, &end, 10);
	if (errno || *end != ' ' || *ret_number < min || *ret_number > max)
		return -EINVAL;
	*at = end + 1;
	return 0;
}

static int is_possible(const struct qrt_sched_setting *s)
{
	if (s->policy != QRT_SCHED_P_POLICY_DEADLINE && !qrt_sched_policy_name(s->policy))
		return 0;
	return qrt_sched_p_policy_is_rt(s->policy) ? s->priority >= 1 : s->priority == 0;
}

static int parse_line(char *line, struct qrt_sched_p_memory *ret_memory)
{
	static const struct {
		int64_t min, max;
	} range[6] = {{1, INT32_MAX}, {0, INT64_MAX}, {0, 6}, {0, 99}, {-20, 19}, {0, 1}};
	struct qrt_sched_p_memory m = {.setting.set = QRT_SCHED_SET_ALL};
	int64_t value[6];
	int i;

	for (i = 0; i < 6; i++) {
		if (take_number(&line, range[i].min, range[i].max, &value[i]) < 0)
			return -EINVAL;
	}
	m.tid = (pid_t)value[0];
	m.start = (uint64_t)value[1];
	m.setting.policy = (uint32_t)value[2];
	m.setting.priority = (int32_t)value[3];
	m.setting.nice = (int32_t)value[4];
	m.setting.flags = (uint32_t)value[5];
	if (!is_possible(&m.setting) || qrt_sched_cpus_parse(line, &m.setting.cpus) < 0)
		return -EINVAL;
	*ret_memory = m;
	return 0;
}

/* Copies the next line, without its newline. Returns its length with it, 0 at the end, -EINVAL where
 * it is too long, cut short, or not text. */
static int take_line(const char *text, size_t len, char *line)
{
	const char *end = memchr(text, '\n', len);
	size_t n = end ? (size_t)(end - text) : len;

	if (!len)
		return 0;
	if (!end || n >= LINE_MAX || memchr(text, '\0', n))
		return -EINVAL;
	memcpy(line, text, n);
	line[n] = '\0';
	return (int)n + 1;
}

static int bad_line(struct qrt_sched_error *reterr, uint32_t number, const char *why)
{
	qrt_sched_p_error(reterr, -EINVAL, "line %u of the snapshot: %s", number, why);
	if (reterr)
		reterr->line = number;
	return -EINVAL;
}

static int parse_threads(struct qrt_sched_snapshot *into, const char *text, size_t len,
			 struct qrt_sched_error *reterr)
{
	struct qrt_sched_p_memory memory;
	char line[LINE_MAX];
	uint32_t number = 2;
	int used, rc;

	for (; (used = take_line(text, len, line)) > 0; number++, text += used, len -= (size_t)used) {
		if (parse_line(line, &memory) < 0)
			return bad_line(reterr, number, "not 'TID START POLICY PRIORITY NICE FLAGS CPUS'");
		rc = qrt_sched_p_snapshot_put(into, &memory);
		if (rc == -ENOSPC)
			return bad_line(reterr, number, "more threads than a snapshot can hold");
		if (rc < 0)
			return qrt_sched_p_error(reterr, rc, "the snapshot: %s", strerror(-rc));
	}
	return used < 0 ? bad_line(reterr, number, "cut short, too long, or not text") : 0;
}

/* All or nothing: new entries only stay where the last line was good too. */
int qrt_sched_snapshot_parse(struct qrt_sched_snapshot *snapshot, const char *text, size_t len,
			     struct qrt_sched_error *reterr)
{
	size_t before = snapshot->count;
	char line[LINE_MAX], boot[64];
	int used, rc;

	used = take_line(text, len, line);
	if (used <= 0 || strncmp(line, HEAD, strlen(HEAD)))
		return bad_line(reterr, 1, "does not begin with '" HEAD "': not a snapshot of this version");
	read_boot(boot, sizeof(boot));
	if (strcmp(line + strlen(HEAD), boot))
		return 0;
	rc = parse_threads(snapshot, text + used, len - (size_t)used, reterr);
	if (rc < 0)
		snapshot->count = before;
	return rc;
}
