/* SPDX-License-Identifier: MIT */
/* The text of a state file. The input is what follows the first line, which names this boot: with a
 * foreign one nothing would be read. */
#include "fuzz.h"

#include <qrt/sched.h>
#include <string.h>

static struct qrt_sched_snapshot *new_snapshot(void)
{
	struct qrt_sched_snapshot *snapshot = NULL;

	PROMISE(qrt_sched_snapshot_new(&snapshot) == 0);
	return snapshot;
}

static char *text_of(const struct qrt_sched_snapshot *snapshot, size_t *ret_length)
{
	int length = qrt_sched_snapshot_format(snapshot, NULL, 0);
	char *text = malloc((size_t)length + 1);

	PROMISE(length > 0 && text);
	PROMISE(qrt_sched_snapshot_format(snapshot, text, (size_t)length + 1) == length);
	*ret_length = (size_t)length;
	return text;
}

/* The head of this boot, as either version has it. */
static int parse_behind_head(struct qrt_sched_snapshot *snapshot, char version, const uint8_t *data,
			     size_t size)
{
	struct qrt_sched_error error = {0};
	size_t head_length;
	char *head = text_of(snapshot, &head_length), *text = malloc(head_length + size);
	int r;

	PROMISE(text);
	memcpy(text, head, head_length);
	text[strcspn(text, " ") + 1] = version;
	memcpy(text + head_length, data, size);
	r = qrt_sched_snapshot_parse(snapshot, text, head_length + size, &error);
	PROMISE(error.code == (r < 0 ? r : 0));
	free(head);
	free(text);
	return r;
}

static void check_round_trip(const struct qrt_sched_snapshot *snapshot)
{
	struct qrt_sched_snapshot *again = new_snapshot();
	size_t length, same_length;
	char *text = text_of(snapshot, &length), *same;

	PROMISE(qrt_sched_snapshot_parse(again, text, length, NULL) >= 0);
	same = text_of(again, &same_length);
	PROMISE(length == same_length && memcmp(text, same, length) == 0);
	free(text);
	free(same);
	qrt_sched_snapshot_close(again);
}

static void check_version(char version, const uint8_t *data, size_t size)
{
	struct qrt_sched_snapshot *snapshot = new_snapshot();

	qrt_sched_snapshot_parse(snapshot, (const char *)data, size, NULL);
	if (parse_behind_head(snapshot, version, data, size) >= 0)
		check_round_trip(snapshot);
	qrt_sched_snapshot_close(snapshot);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_version('1', data, size);
	check_version('2', data, size);
	return 0;
}
