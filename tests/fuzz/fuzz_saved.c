/* SPDX-License-Identifier: MIT */
/* The text of what is to be put back, which root reads. The input is what follows the first line, which names
 * this boot: with a foreign one nothing would be read. */
#include "fuzz.h"

#include "saved_p.h"
#include <string.h>

static struct qrt_sched_saved *new_saved(void)
{
	struct qrt_sched_saved *saved = NULL;

	PROMISE(qrt_sched_saved_new(NULL, NULL, &saved) == 0);
	return saved;
}

static char *text_of(const struct qrt_sched_saved *saved, size_t *ret_length)
{
	int length = qrt_sched_saved_format(saved, NULL, 0);
	char *text = malloc((size_t)length + 1);

	PROMISE(length > 0 && text);
	PROMISE(qrt_sched_saved_format(saved, text, (size_t)length + 1) == length);
	*ret_length = (size_t)length;
	return text;
}

static int parse_behind_head(struct qrt_sched_saved *saved, const uint8_t *data, size_t size)
{
	struct qrt_sched_error error = {0};
	size_t head_length;
	char *head = text_of(saved, &head_length), *text = malloc(head_length + size);
	int r;

	PROMISE(text);
	memcpy(text, head, head_length);
	memcpy(text + head_length, data, size);
	r = qrt_sched_saved_parse(saved, text, head_length + size, &error);
	PROMISE(error.code == (r < 0 ? r : 0));
	free(head);
	free(text);
	return r;
}

static void check_round_trip(const struct qrt_sched_saved *saved)
{
	struct qrt_sched_saved *again = new_saved();
	size_t length, same_length;
	char *text = text_of(saved, &length), *same;

	PROMISE(qrt_sched_saved_parse(again, text, length, NULL) >= 0);
	same = text_of(again, &same_length);
	PROMISE(length == same_length && memcmp(text, same, length) == 0);
	free(text);
	free(same);
	qrt_sched_saved_close(again);
}

static int is_under(const char *path, const char *top)
{
	size_t len = strlen(top);

	return len && strncmp(path, top, len) == 0 && (path[len] == '/' || !path[len]);
}

/* Whatever a text says: nothing outside of the kernel's own files, and no way out of them. */
static void check_places(const struct qrt_sched_saved *saved)
{
	struct qrt_sched_p_places places;
	const char *path;
	size_t i;

	qrt_sched_p_places_find(&places);
	for (i = 0; i < saved->count; i++) {
		path = saved->entries[i].path;
		PROMISE(!path || !strstr(path, "/../"));
		PROMISE(!path || is_under(path, "/proc/irq") || is_under(path, "/sys") ||
			is_under(path, places.cgroup.top) || is_under(path, places.resctrl));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct qrt_sched_saved *saved = new_saved();

	qrt_sched_saved_parse(saved, (const char *)data, size, NULL);
	PROMISE(saved->count == 0);
	if (parse_behind_head(saved, data, size) >= 0) {
		check_round_trip(saved);
		check_places(saved);
	} else {
		PROMISE(saved->count == 0);
	}
	qrt_sched_saved_close(saved);
	return 0;
}
