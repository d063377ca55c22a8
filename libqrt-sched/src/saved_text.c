/* SPDX-License-Identifier: MIT */
/*
 * What is saved, as text. First line: "qrt-saved 1 BOOT", then one thing a line:
 *
 *   KIND PATH BEFORE AFTER [OLD]       kinds file, made, controller
 *   KIND TID START BEFORE AFTER [OLD]  kinds cpus, rank, thread, process
 *
 * In a word, blanks, backslashes and what is no printable ASCII are written as in /proc/mounts ("\040"), an
 * empty word is "\-". Root reads it and writes what it says: every place is checked.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "error_p.h"
#include "lines_p.h"
#include "saved_p.h"
#include "sys_p.h"
#include "task_p.h"

#define HEAD     "qrt-saved 1 "
#define LINE_MAX 20480 /* three lists of every second of 1024 CPUs have some 7,200 characters */

static const char *const names[QRT_SCHED_P_SAVED_KINDS] = {"file", "made",   "controller", "cpus",
							   "rank", "thread", "process"};

static void put_word(struct qrt_sched_p_lines *lines, const char *word)
{
	if (!*word)
		qrt_sched_p_lines_put(lines, " \\-");
	else
		qrt_sched_p_lines_put(lines, " ");
	for (; *word; word++) {
		unsigned char c = (unsigned char)*word;

		if (c <= ' ' || c == '\\' || c >= 0x7f)
			qrt_sched_p_lines_put(lines, "\\%03o", c);
		else
			qrt_sched_p_lines_put(lines, "%c", c);
	}
}

static void put_entry(struct qrt_sched_p_lines *lines, const struct qrt_sched_p_saved_entry *entry)
{
	qrt_sched_p_lines_put(lines, "%s", names[entry->kind]);
	if (qrt_sched_p_saved_is_of_thread(entry->kind))
		qrt_sched_p_lines_put(lines, " %d %llu", (int)entry->tid, (unsigned long long)entry->start);
	else
		put_word(lines, entry->path);
	put_word(lines, entry->before);
	put_word(lines, entry->after);
	if (entry->old)
		put_word(lines, entry->old);
	qrt_sched_p_lines_put(lines, "\n");
}

static void put_all(struct qrt_sched_p_lines *lines, const struct qrt_sched_saved *saved)
{
	char boot[64];
	size_t i;

	qrt_sched_p_read_boot(boot, sizeof(boot));
	qrt_sched_p_lines_put(lines, HEAD "%s\n", boot);
	for (i = 0; i < saved->count; i++)
		put_entry(lines, &saved->entries[i]);
}

int qrt_sched_saved_format(const struct qrt_sched_saved *saved, char *buf, size_t size)
{
	struct qrt_sched_p_lines lines = {0};

	put_all(&lines, saved);
	if (lines.len > INT32_MAX)
		return -EFBIG;
	if (lines.len < size) {
		lines = (struct qrt_sched_p_lines){.buf = buf, .size = size};
		put_all(&lines, saved);
	}
	return (int)lines.len;
}

static int is_octal(const char *at)
{
	return at[0] >= '0' && at[0] <= '3' && at[1] >= '0' && at[1] <= '7' && at[2] >= '0' && at[2] <= '7';
}

/* In place. NULL where it is no word that put_word() writes. */
static char *decode(char *word)
{
	char *from = word, *to = word;

	if (!*word)
		return NULL;
	if (strcmp(word, "\\-") == 0)
		from += 2;
	while (*from) {
		if (*from != '\\') {
			*to++ = *from++;
			continue;
		}
		if (!is_octal(from + 1))
			return NULL;
		*to = (char)((from[1] - '0') * 64 + (from[2] - '0') * 8 + (from[3] - '0'));
		if (!*to++)
			return NULL;
		from += 4;
	}
	*to = '\0';
	return word;
}

/* A decimal number from min on, nothing else. */
static int parse_number(const char *word, uint64_t min, uint64_t max, uint64_t *ret_number)
{
	char *end;

	if (!word || word[0] < '0' || word[0] > '9')
		return -EINVAL;
	errno = 0;
	*ret_number = strtoull(word, &end, 10);
	return errno || *end || *ret_number < min || *ret_number > max ? -EINVAL : 0;
}

static int parse_kind(const char *word, enum qrt_sched_p_saved_kind *ret_kind)
{
	int kind;

	for (kind = 0; word && kind < QRT_SCHED_P_SAVED_KINDS; kind++) {
		if (strcmp(word, names[kind]) == 0) {
			*ret_kind = (enum qrt_sched_p_saved_kind)kind;
			return 0;
		}
	}
	return -EINVAL;
}

static int parse_subject(char **rest, struct qrt_sched_p_saved_entry *entry)
{
	uint64_t tid = 0;
	char *word;

	if (qrt_sched_p_saved_is_of_thread(entry->kind)) {
		if (parse_number(strsep(rest, " "), 1, INT32_MAX, &tid) < 0)
			return -EINVAL;
		entry->tid = (pid_t)tid;
		return parse_number(strsep(rest, " "), 0, UINT64_MAX, &entry->start);
	}
	word = strsep(rest, " ");
	entry->path = word ? decode(word) : NULL;
	return entry->path ? 0 : -EINVAL;
}

/* The entry's strings are within the line. */
static int parse_line(char *line, struct qrt_sched_p_saved_entry *ret_entry)
{
	struct qrt_sched_p_saved_entry entry = {0};
	char *rest = line, *before, *after, *old;

	if (parse_kind(strsep(&rest, " "), &entry.kind) < 0 || parse_subject(&rest, &entry) < 0)
		return -EINVAL;
	before = strsep(&rest, " ");
	after = strsep(&rest, " ");
	old = strsep(&rest, " ");
	entry.before = before ? decode(before) : NULL;
	entry.after = after ? decode(after) : NULL;
	entry.old = old ? decode(old) : NULL;
	if (!entry.before || !entry.after || (old && !entry.old) || rest)
		return -EINVAL;
	*ret_entry = entry;
	return 0;
}

static int own_strings(struct qrt_sched_p_saved_entry *entry)
{
	const struct qrt_sched_p_saved_entry lent = *entry;

	entry->path = lent.path ? strdup(lent.path) : NULL;
	entry->before = strdup(lent.before);
	entry->after = strdup(lent.after);
	entry->old = lent.old ? strdup(lent.old) : NULL;
	if ((!lent.path || entry->path) && entry->before && entry->after && (!lent.old || entry->old))
		return 0;
	qrt_sched_p_saved_clear_entry(entry);
	return -ENOMEM;
}

static int bad_line(struct qrt_sched_error *reterr, uint32_t number, const char *why)
{
	qrt_sched_p_error(reterr, -EINVAL, "line %u of what is saved: %s", number, why);
	if (reterr)
		reterr->line = number;
	return -EINVAL;
}

static int parse_entry(struct qrt_sched_saved *into, const struct qrt_sched_p_places *places, char *line,
		       uint32_t number, struct qrt_sched_error *reterr)
{
	struct qrt_sched_p_saved_entry entry;
	int rc;

	if (parse_line(line, &entry) < 0)
		return bad_line(reterr, number,
				"not 'KIND PATH BEFORE AFTER [OLD]' or 'KIND TID START BEFORE AFTER [OLD]'");
	if (!qrt_sched_p_places_allow(places, &entry))
		return bad_line(reterr, number, "speaks of what this library never changes");
	rc = own_strings(&entry);
	if (rc >= 0)
		rc = qrt_sched_p_saved_take(into, &entry);
	if (rc == -ENOSPC)
		return bad_line(reterr, number, "more things than can be saved");
	return rc < 0 ? qrt_sched_p_error(reterr, rc, "what is saved: %s", strerror(-rc)) : 0;
}

static int parse_entries(struct qrt_sched_saved *into, const char *text, size_t len,
			 struct qrt_sched_error *reterr)
{
	struct qrt_sched_p_places places;
	char line[LINE_MAX];
	uint32_t number = 2;
	int used, rc;

	qrt_sched_p_places_find(&places);
	for (; (used = qrt_sched_p_lines_take(text, len, line, sizeof(line))) > 0;
	     number++, text += used, len -= (size_t)used) {
		rc = parse_entry(into, &places, line, number, reterr);
		if (rc < 0)
			return rc;
	}
	return used < 0 ? bad_line(reterr, number, "cut short, too long, or not text") : 0;
}

/* All or nothing: new entries only stay where the last line was good too. */
int qrt_sched_saved_parse(struct qrt_sched_saved *saved, const char *text, size_t len,
			  struct qrt_sched_error *reterr)
{
	size_t before = saved->count;
	char line[LINE_MAX], boot[64];
	int used = qrt_sched_p_lines_take(text, len, line, sizeof(line)), rc;

	if (used <= 0 || strncmp(line, HEAD, strlen(HEAD)) != 0)
		return bad_line(reterr, 1, "does not begin with '" HEAD "': not of this version");
	qrt_sched_p_read_boot(boot, sizeof(boot));
	if (strcmp(line + strlen(HEAD), boot) != 0)
		return 0;
	rc = parse_entries(saved, text + used, len - (size_t)used, reterr);
	if (rc < 0)
		qrt_sched_p_saved_cut(saved, before);
	return rc;
}
