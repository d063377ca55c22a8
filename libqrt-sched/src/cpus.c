/* SPDX-License-Identifier: MIT */
#include "cpus_p.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int qrt_sched_cpus_add(struct qrt_sched_cpus *cpus, int cpu)
{
	if (cpu < 0 || cpu >= QRT_SCHED_CPUS_MAX)
		return -EINVAL;
	cpus->bits[cpu / 64] |= UINT64_C(1) << (cpu % 64);
	return 0;
}

int qrt_sched_cpus_has(const struct qrt_sched_cpus *cpus, int cpu)
{
	if (cpu < 0 || cpu >= QRT_SCHED_CPUS_MAX)
		return 0;
	return (cpus->bits[cpu / 64] >> (cpu % 64)) & 1;
}

int qrt_sched_cpus_count(const struct qrt_sched_cpus *cpus)
{
	int i, count = 0;

	for (i = 0; i < QRT_SCHED_CPUS_MAX / 64; i++)
		count += __builtin_popcountll(cpus->bits[i]);
	return count;
}

int qrt_sched_cpus_next(const struct qrt_sched_cpus *cpus, int after)
{
	int cpu = after < 0 ? 0 : after + 1;

	while (cpu < QRT_SCHED_CPUS_MAX) {
		uint64_t rest = cpus->bits[cpu / 64] >> (cpu % 64);

		if (rest)
			return cpu + __builtin_ctzll(rest);
		cpu = (cpu / 64 + 1) * 64;
	}
	return -ENOENT;
}

/* Reads digits at *text and moves behind them. Numbers beyond any CPU are held at the first of them,
 * so that no length of input overflows. */
static int parse_cpu(const char **text)
{
	int cpu = 0;

	if (**text < '0' || **text > '9')
		return -EINVAL;
	for (; **text >= '0' && **text <= '9'; (*text)++) {
		cpu = cpu * 10 + (**text - '0');
		if (cpu > QRT_SCHED_CPUS_MAX)
			cpu = QRT_SCHED_CPUS_MAX;
	}
	return cpu;
}

static int parse_range(const char **text, struct qrt_sched_cpus *cpus)
{
	int first, last;

	first = last = parse_cpu(text);
	if (first >= 0 && **text == '-') {
		(*text)++;
		last = parse_cpu(text);
	}
	if (first < 0 || last < 0)
		return -EINVAL;
	if (first >= QRT_SCHED_CPUS_MAX || last >= QRT_SCHED_CPUS_MAX)
		return -ERANGE;
	if (last < first)
		return -EINVAL;
	while (first <= last)
		qrt_sched_cpus_add(cpus, first++);
	return 0;
}

int qrt_sched_p_cpus_parse(const char *text, char separator, struct qrt_sched_cpus *ret_cpus)
{
	struct qrt_sched_cpus cpus = {0};
	int r;

	for (;;) {
		r = parse_range(&text, &cpus);
		if (r < 0)
			return r;
		if (!*text)
			break;
		if (*text++ != separator)
			return -EINVAL;
	}
	*ret_cpus = cpus;
	return 0;
}

int qrt_sched_cpus_parse(const char *text, struct qrt_sched_cpus *ret_cpus)
{
	return text ? qrt_sched_p_cpus_parse(text, ',', ret_cpus) : -EINVAL;
}

static int last_of_run(const struct qrt_sched_cpus *cpus, int first)
{
	int last = first;

	while (qrt_sched_cpus_has(cpus, last + 1))
		last++;
	return last;
}

int qrt_sched_p_cpus_format(const struct qrt_sched_cpus *cpus, char separator, char *buf, size_t size)
{
	size_t length = 0;
	int first, last, r;

	if (!size)
		return -ENOSPC;
	buf[0] = 0;
	for (first = qrt_sched_cpus_next(cpus, -1); first >= 0; first = qrt_sched_cpus_next(cpus, last)) {
		last = last_of_run(cpus, first);
		if (length) {
			if (length + 1 >= size)
				return -ENOSPC;
			buf[length++] = separator;
		}
		r = snprintf(buf + length, size - length, last > first ? "%d-%d" : "%d", first, last);
		if (r < 0 || (size_t)r >= size - length)
			return -ENOSPC;
		length += (size_t)r;
	}
	return (int)length;
}

int qrt_sched_cpus_format(const struct qrt_sched_cpus *cpus, char *buf, size_t size)
{
	return qrt_sched_p_cpus_format(cpus, ',', buf, size);
}

void qrt_sched_p_cpus_and(struct qrt_sched_cpus *cpus, const struct qrt_sched_cpus *with)
{
	int i;

	for (i = 0; i < QRT_SCHED_CPUS_MAX / 64; i++)
		cpus->bits[i] &= with->bits[i];
}

void qrt_sched_p_cpus_or(struct qrt_sched_cpus *cpus, const struct qrt_sched_cpus *with)
{
	int i;

	for (i = 0; i < QRT_SCHED_CPUS_MAX / 64; i++)
		cpus->bits[i] |= with->bits[i];
}

void qrt_sched_p_cpus_minus(struct qrt_sched_cpus *cpus, const struct qrt_sched_cpus *without)
{
	int i;

	for (i = 0; i < QRT_SCHED_CPUS_MAX / 64; i++)
		cpus->bits[i] &= ~without->bits[i];
}

int qrt_sched_p_cpus_equal(const struct qrt_sched_cpus *a, const struct qrt_sched_cpus *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}
