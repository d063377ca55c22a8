/* SPDX-License-Identifier: MIT */
#include "mapping_p.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define RIGHTS 4 /* "rw-p" */

struct line {
	uint64_t begin, end;
	uint64_t device, inode;
	bool is_shared;
};

static int take_number(char **at, int base, char after, uint64_t *ret)
{
	char *end;

	errno = 0;
	*ret = strtoull(*at, &end, base);
	if (errno || end == *at || *end != after)
		return -EPROTO;
	*at = end + 1;
	return 0;
}

/* "7f0000000000-7f0000001000 rw-p 00000000 fd:00 1234    /path": proc(5). */
static int parse(char *text, struct line *line)
{
	uint64_t offset, major, minor;
	int rc = take_number(&text, 16, '-', &line->begin);

	if (rc >= 0)
		rc = take_number(&text, 16, ' ', &line->end);
	if (rc < 0 || strnlen(text, RIGHTS + 1) <= RIGHTS || text[RIGHTS] != ' ')
		return -EPROTO;
	line->is_shared = text[RIGHTS - 1] == 's';
	text += RIGHTS + 1;
	rc = take_number(&text, 16, ' ', &offset);
	if (rc >= 0)
		rc = take_number(&text, 16, ':', &major);
	if (rc >= 0)
		rc = take_number(&text, 16, ' ', &minor);
	if (rc < 0)
		return rc;
	line->device = major << 32 | minor;
	line->inode = strtoull(text, NULL, 10);
	return 0;
}

/* `first` is the one before it that has a part of the range; without an end there was none. */
static int follow(struct line *first, const struct line *line, uintptr_t at)
{
	if (line->begin > at)
		return -ENXIO;
	if (!first->end)
		*first = *line;
	return line->is_shared == first->is_shared && line->device == first->device &&
			       line->inode == first->inode
		       ? 0
		       : -EXDEV;
}

int qrt_vnc_p_mapping_look(FILE *maps, uintptr_t begin, uintptr_t end, struct qrt_vnc_p_mapping *ret_mapping)
{
	struct line first = {0}, line;
	char *text = NULL;
	size_t size = 0;
	int rc = 0;

	while (rc >= 0 && begin < end && getline(&text, &size, maps) > 0) {
		rc = parse(text, &line);
		if (rc < 0 || line.end <= begin)
			continue;
		rc = follow(&first, &line, begin);
		begin = line.end;
	}
	free(text);
	if (rc >= 0 && begin < end)
		rc = ferror(maps) ? -EIO : -ENXIO;
	if (rc < 0)
		return rc;
	*ret_mapping = (struct qrt_vnc_p_mapping){first.is_shared, first.inode != 0};
	return 0;
}
