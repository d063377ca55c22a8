/* SPDX-License-Identifier: MIT */
#include "mask_p.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cpus_p.h"

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int qrt_sched_p_mask_parse(const char *text, struct qrt_sched_cpus *ret_cpus)
{
	struct qrt_sched_cpus cpus = {0};
	size_t len = strlen(text), i;
	int cpu = 0, digit, bit;

	if (!len)
		return -EINVAL;
	for (i = len; i-- > 0;) {
		if (text[i] == ',' && i > 0 && i + 1 < len)
			continue;
		digit = digit_of(text[i]);
		if (digit < 0)
			return -EINVAL;
		for (bit = 0; bit < 4; bit++, cpu++) {
			if (digit >> bit & 1 && qrt_sched_cpus_add(&cpus, cpu) < 0)
				return -ERANGE;
		}
	}
	*ret_cpus = cpus;
	return 0;
}

void qrt_sched_p_mask_format(const struct qrt_sched_cpus *cpus, char buf[QRT_SCHED_P_MASK_TEXT])
{
	size_t len = 0;
	int word;

	buf[0] = '\0';
	for (word = QRT_SCHED_CPUS_MAX / 32 - 1; word >= 0; word--) {
		unsigned int bits = (unsigned int)(cpus->bits[word / 2] >> (word % 2 * 32));

		if (len)
			len += (size_t)snprintf(buf + len, QRT_SCHED_P_MASK_TEXT - len, ",%08x", bits);
		else if (bits || !word)
			len += (size_t)snprintf(buf, QRT_SCHED_P_MASK_TEXT, "%x", bits);
	}
}

int qrt_sched_p_mask_is_same(const char *a, const char *b)
{
	struct qrt_sched_cpus x, y;

	return qrt_sched_p_mask_parse(a, &x) >= 0 && qrt_sched_p_mask_parse(b, &y) >= 0 &&
	       qrt_sched_p_cpus_equal(&x, &y);
}

int qrt_sched_p_mask_is_file(const char *path)
{
	static const char *const names[] = {"default_smp_affinity", "smp_affinity", "cpumask", "rps_cpus"};
	const char *name = strrchr(path, '/');
	size_t i;

	for (i = 0; name && i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(name + 1, names[i]) == 0)
			return 1;
	}
	return 0;
}
