/* SPDX-License-Identifier: MIT */
#include "schemata_p.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct domain {
	unsigned long number;
	unsigned long long ways;
};

/* Takes the next domain. 1; 0 at the end of the line; -EINVAL. */
static int take_domain(const char **at, struct domain *domain)
{
	const char *digits = "0123456789", *hex = "0123456789abcdefABCDEF";
	size_t len = strspn(*at, digits);

	if (!**at || **at == '\n')
		return 0;
	if (!len || len > 9 || (*at)[len] != '=')
		return -EINVAL;
	domain->number = strtoul(*at, NULL, 10);
	*at += len + 1;
	len = strspn(*at, hex);
	if (!len || len > 16)
		return -EINVAL;
	domain->ways = strtoull(*at, NULL, 16);
	*at += len;
	if (**at == ';')
		++*at;
	else if (**at && **at != '\n')
		return -EINVAL;
	return 1;
}

/* The length of "L3", 0 where no name stands there. */
static size_t name_length(const char *line)
{
	static const char legal[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";
	size_t len = strspn(line, legal);

	return line[len] == ':' ? len : 0;
}

/* The domains of a line about the same resource: NULL where it is about another one. */
static const char *domains_of(const char *line, const char *like)
{
	size_t len = name_length(like);

	return len && strncmp(line, like, len + 1) == 0 ? line + len + 1 : NULL;
}

/* The ways that a line says of a domain, 0 where it says nothing. */
static unsigned long long ways_of(const char *line, unsigned long number)
{
	const char *at = line + name_length(line) + 1;
	struct domain domain;

	while (take_domain(&at, &domain) > 0) {
		if (domain.number == number)
			return domain.ways;
	}
	return 0;
}

/* Writes a line without the ways of another one (NULL: with all). */
static int write_line(const char *line, const char *other, char buf[QRT_SCHED_P_SCHEMATA_LINE])
{
	size_t len = name_length(line);
	const char *at = line + len + 1;
	struct domain domain;
	int rc, count = 0;

	if (!len || len > 32)
		return -EINVAL;
	len = (size_t)snprintf(buf, QRT_SCHED_P_SCHEMATA_LINE, "%.*s:", (int)len, line);
	while ((rc = take_domain(&at, &domain)) > 0) {
		if (other)
			domain.ways &= ~ways_of(other, domain.number);
		if (other && !domain.ways)
			return -ERANGE;
		if (len + 32 > QRT_SCHED_P_SCHEMATA_LINE)
			return -EINVAL;
		len += (size_t)snprintf(buf + len, QRT_SCHED_P_SCHEMATA_LINE - len, "%s%lu=%llx",
					count++ ? ";" : "", domain.number, domain.ways);
	}
	return rc < 0 || !count ? -EINVAL : 0;
}

int qrt_sched_p_schemata_is_file(const char *path)
{
	const char *name = strrchr(path, '/');

	return name && strcmp(name, "/schemata") == 0;
}

int qrt_sched_p_schemata_is_line(const char *line)
{
	char buf[QRT_SCHED_P_SCHEMATA_LINE];

	return write_line(line, NULL, buf) >= 0 && strcmp(buf, line) == 0;
}

int qrt_sched_p_schemata_find(const char *text, const char *like, char buf[QRT_SCHED_P_SCHEMATA_LINE])
{
	const char *at;

	for (at = text; at; at = strchr(at, '\n')) {
		at += strspn(at, " \n");
		if (domains_of(at, like))
			return write_line(at, NULL, buf);
	}
	return -ENOENT;
}

int qrt_sched_p_schemata_minus(const char *line, const char *other, char buf[QRT_SCHED_P_SCHEMATA_LINE])
{
	return write_line(line, domains_of(line, other) ? other : NULL, buf);
}
