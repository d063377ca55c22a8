/* SPDX-License-Identifier: MIT */
#include "check_item.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <glib/gprintf.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* "full, remedy" texts are cut, never overrun. */
void check_found(struct check_item *item, enum check_state state, const char *format, ...)
{
	va_list args;

	item->state = state;
	va_start(args, format);
	g_vsnprintf(item->found, sizeof(item->found), format, args);
	va_end(args);
}

void check_remedy(struct check_item *item, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	g_vsnprintf(item->remedy, sizeof(item->remedy), format, args);
	va_end(args);
}

static size_t trimmed_length(const char *text, size_t len)
{
	while (len > 0 && isspace((unsigned char)text[len - 1]))
		len--;
	return len;
}

/* A NUL in the middle would hide the rest from string functions. */
static void blank_nuls(char *buf, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (buf[i] == '\0')
			buf[i] = ' ';
	}
}

int check_read(const struct check_host *host, const char *path, char *buf, size_t size)
{
	/* O_NONBLOCK: a copied tree may hold a FIFO in the place of a file. */
	int fd = openat(host->root_fd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	size_t len = 0;
	ssize_t n;

	if (fd < 0)
		return -errno;
	do {
		n = read(fd, buf + len, size - 1 - len);
		if (n > 0)
			len += (size_t)n;
	} while (n > 0 && len < size - 1);
	n = n < 0 ? -errno : 0;
	close(fd);
	if (n < 0)
		return (int)n;
	blank_nuls(buf, len);
	len = trimmed_length(buf, len);
	buf[len] = '\0';
	return (int)len;
}

int check_read_number(const struct check_host *host, const char *path, int64_t *ret_number)
{
	char text[64], *end;
	long long number;
	int r = check_read(host, path, text, sizeof(text));

	if (r < 0)
		return r;
	errno = 0;
	number = strtoll(text, &end, 10);
	if (end == text || *end != '\0' || errno != 0)
		return -EINVAL;
	*ret_number = number;
	return 0;
}

void check_absent(const struct check_host *host, struct check_item *item, enum check_state state,
		  const char *folder)
{
	if (faccessat(host->root_fd, folder, F_OK, 0) == 0)
		check_found(item, state, "not in this kernel");
	else
		check_found(item, CHECK_UNKNOWN, "/%s is not readable", folder);
}

static const char *find_line(const char *text, const char *key)
{
	size_t len = strlen(key);

	while (text && strncmp(text, key, len) != 0) {
		text = strchr(text, '\n');
		if (text)
			text++;
	}
	return text;
}

int check_line_has_word(const char *text, const char *key, const char *word)
{
	const char *line = find_line(text, key);
	const char *end = line ? strchrnul(line, '\n') : NULL;
	size_t len = strlen(word);

	while (line && line < end) {
		size_t span = strcspn(line, " \t\n");

		if (span == len && strncmp(line, word, len) == 0)
			return 1;
		line += span;
		line += strspn(line, " \t");
	}
	return 0;
}

int check_cpu_flag(const struct check_host *host, const char *flag)
{
	static const char key[] = "flags";
	char text[16384]; /* the first CPU's part is what counts */
	int r = check_read(host, "proc/cpuinfo", text, sizeof(text));

	if (r < 0)
		return r;
	if (!find_line(text, key))
		return -ENODATA;
	return check_line_has_word(text, key, flag);
}
