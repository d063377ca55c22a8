/* SPDX-License-Identifier: MIT */
/* A file that `blame --file` is given: it may come from anywhere. */
#include "fuzz.h"

#include "recording_delays.h"

#include <errno.h>
#include <string.h>

static void check_delay(void *context, const struct blame_delay *delay)
{
	const uint64_t *over_ns = context;

	PROMISE(delay->least_ns >= *over_ns && delay->least_ns <= delay->ns);
	PROMISE(delay->culprits_count <= BLAME_CULPRITS);
	PROMISE(delay->kind == BLAME_PREEMPTED || delay->kind == BLAME_WOKEN || delay->kind == BLAME_MUTEX);
}

static void check_clean(const char *text)
{
	for (; *text; text++)
		PROMISE(*text >= ' ' && *text <= '~');
}

static void check_names(const struct recording *recording)
{
	guint i;

	check_clean(recording->name);
	check_clean(recording->when);
	check_clean(recording->trigger);
	for (i = 0; i < recording->threads->len; i++)
		check_clean(g_array_index(recording->threads, struct recorder_thread, i).name);
	for (i = 0; i < recording->tasks->len; i++)
		check_clean(g_array_index(recording->tasks, struct recording_task, i).name.comm);
}

/* What was read is written so that it reads the same. */
static void check_text(const struct recording *recording)
{
	struct recording again;
	unsigned int line;
	size_t len, same_len;
	char *text = recording_format(recording, &len), *same;

	PROMISE(strlen(text) == len);
	recording_init(&again);
	PROMISE(recording_parse(&again, text, len, &line) == 0);
	same = recording_format(&again, &same_len);
	PROMISE(strcmp(text, same) == 0);
	recording_clear(&again);
	g_free(same);
	g_free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint64_t limits_ns[] = {1, 1000000, INT64_MAX};
	struct recording recording;
	unsigned int line = 0;
	uint64_t over_ns;
	size_t i;
	int r;

	recording_init(&recording);
	r = recording_parse(&recording, (const char *)data, size, &line);
	PROMISE(r == 0 || (r == -EINVAL && line >= 1));
	for (i = 0; r == 0 && i < G_N_ELEMENTS(limits_ns); i++) {
		over_ns = limits_ns[i];
		recording_find_delays(&recording, over_ns, check_delay, &over_ns);
	}
	if (r == 0) {
		check_names(&recording);
		check_text(&recording);
	}
	recording_clear(&recording);
	return 0;
}
