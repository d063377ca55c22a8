/* SPDX-License-Identifier: MIT */
#include "image_option.h"

#include <stdio.h>
#include <string.h>

#include "number.h"
#include "size_text.h"
#include "tool_say.h"

#define SET(member) G_STRUCT_OFFSET(struct image_options, member)

static const char *const engine_names[] = {
	[QRT_BLOCK_ENGINE_AUTO] = "auto",     [QRT_BLOCK_ENGINE_THREADS] = "threads",
	[QRT_BLOCK_ENGINE_LIBAIO] = "libaio", [QRT_BLOCK_ENGINE_IO_URING] = "io_uring",
	[QRT_BLOCK_ENGINE_MEMORY] = "memory",
};

const char *image_engine_name(guint32 engine)
{
	return engine < G_N_ELEMENTS(engine_names) ? engine_names[engine] : "?";
}

int image_engine_find(const char *name)
{
	guint i;

	/* QEMU's word. */
	if (strcmp(name, "native") == 0)
		return QRT_BLOCK_ENGINE_LIBAIO;
	for (i = 0; i < G_N_ELEMENTS(engine_names); i++) {
		if (strcmp(name, engine_names[i]) == 0)
			return (int)i;
	}
	return -1;
}

void image_options_init(struct image_options *options)
{
	memset(options, 0, sizeof(*options));
	options->fault.size = sizeof(options->fault);
}

void image_options_copy(struct image_options *to, const struct image_options *from)
{
	*to = *from;
	to->path = g_strdup(from->path);
}

void image_options_clear(struct image_options *options)
{
	g_clear_pointer(&options->path, g_free);
}

/* ---- kinds of values ---- */

typedef gboolean take_value(struct image_options *options, gsize offset, const char *value);

static gboolean take_path(struct image_options *options, gsize offset, const char *value)
{
	char **path = &G_STRUCT_MEMBER(char *, options, offset);

	g_free(*path);
	*path = g_strdup(value);
	return *value != '\0';
}

static gboolean take_flag(struct image_options *options, gsize offset, const char *value)
{
	gboolean is_on = strcmp(value, "on") == 0;

	G_STRUCT_MEMBER(gboolean, options, offset) = is_on;
	return is_on || strcmp(value, "off") == 0;
}

static gboolean take_number(struct image_options *options, gsize offset, const char *value)
{
	guint64 number = 0;
	gboolean is_good = g_ascii_string_to_unsigned(value, 10, 1, 65536, &number, NULL);

	G_STRUCT_MEMBER(guint32, options, offset) = (guint32)number;
	return is_good;
}

static gboolean take_size(struct image_options *options, gsize offset, const char *value)
{
	return size_text_parse(value, &G_STRUCT_MEMBER(guint64, options, offset)) >= 0 &&
	       G_STRUCT_MEMBER(guint64, options, offset) > 0;
}

static gboolean take_engine(struct image_options *options, gsize offset, const char *value)
{
	int engine = image_engine_find(value);

	if (engine >= 0)
		G_STRUCT_MEMBER(guint32, options, offset) = (guint32)engine;
	return engine >= 0;
}

static gboolean take_driver(struct image_options *options, gsize offset, const char *value)
{
	(void)options;
	(void)offset;
	return strcmp(value, "file") == 0 || strcmp(value, "host_device") == 0;
}

static const char *const format_names[] = {
	[QRT_BLOCK_FORMAT_RAW] = "raw",
	[QRT_BLOCK_FORMAT_QCOW2] = "qcow2",
};

const char *image_format_name(guint32 format)
{
	return format < G_N_ELEMENTS(format_names) ? format_names[format] : "?";
}

/* A driver of files without a format above it is raw, too. */
static gboolean take_format(struct image_options *options, gsize offset, const char *value)
{
	gboolean is_qcow2 = strcmp(value, image_format_name(QRT_BLOCK_FORMAT_QCOW2)) == 0;

	if (!is_qcow2 && strcmp(value, image_format_name(QRT_BLOCK_FORMAT_RAW)) != 0 &&
	    !take_driver(options, offset, value))
		return FALSE;
	options->format = is_qcow2 ? QRT_BLOCK_FORMAT_QCOW2 : QRT_BLOCK_FORMAT_RAW;
	options->has_format = TRUE;
	return TRUE;
}

static gboolean take_cache(struct image_options *options, gsize offset, const char *value)
{
	static const struct {
		const char *name;
		gboolean is_direct, is_written_through, is_flush_ignored;
	} modes[] = {
		{"writeback", FALSE, FALSE, FALSE},   {"none", TRUE, FALSE, FALSE},
		{"writethrough", FALSE, TRUE, FALSE}, {"directsync", TRUE, TRUE, FALSE},
		{"unsafe", FALSE, FALSE, TRUE},
	};
	guint i;

	(void)offset;
	for (i = 0; i < G_N_ELEMENTS(modes); i++) {
		if (strcmp(value, modes[i].name) != 0)
			continue;
		options->is_direct = modes[i].is_direct;
		options->is_written_through = modes[i].is_written_through;
		options->is_flush_ignored = modes[i].is_flush_ignored;
		return TRUE;
	}
	return FALSE;
}

static gboolean take_discard(struct image_options *options, gsize offset, const char *value)
{
	gboolean is_ignored = strcmp(value, "ignore") == 0 || strcmp(value, "off") == 0;

	G_STRUCT_MEMBER(gboolean, options, offset) = is_ignored;
	return is_ignored || strcmp(value, "unmap") == 0 || strcmp(value, "on") == 0;
}

static gboolean take_rate(struct image_options *options, gsize offset, const char *value)
{
	guint64 number = 0;
	gboolean is_good = g_ascii_string_to_unsigned(value, 10, 0, 1000, &number, NULL);

	G_STRUCT_MEMBER(guint32, options, offset) = (guint32)number;
	options->has_fault = TRUE;
	return is_good;
}

static gboolean take_seed(struct image_options *options, gsize offset, const char *value)
{
	options->has_fault = TRUE;
	return g_ascii_string_to_unsigned(value, 10, 0, G_MAXUINT64,
					  &G_STRUCT_MEMBER(guint64, options, offset), NULL);
}

static gboolean take_time(struct image_options *options, gsize offset, const char *value)
{
	options->has_fault = TRUE;
	return number_parse_time(value, 0, &G_STRUCT_MEMBER(guint64, options, offset)) >= 0;
}

static gboolean take_power(struct image_options *options, gsize offset, const char *value)
{
	gboolean is_on = FALSE, is_good = strcmp(value, "off") == 0 || (is_on = strcmp(value, "on") == 0);

	G_STRUCT_MEMBER(guint32, options, offset) = is_on ? QRT_BLOCK_FAULT_POWER : 0;
	options->has_fault = TRUE;
	return is_good;
}

/* ---- keys ---- */

static const struct key {
	const char *name, *what;
	take_value *take;
	gsize offset;
	const char *wanted;
} keys[] = {
	{"filename", "the image", take_path, SET(path), "a path"},
	{"file.filename", "the same", take_path, SET(path), "a path"},
	{"driver", "its format", take_format, 0, "raw or qcow2"},
	{"format", "the same", take_format, 0, "raw or qcow2"},
	{"backing", "files that a qcow2 image names are opened", take_flag, SET(is_backed), "on or off"},
	{"file.driver", "what it is in", take_driver, 0, "file or host_device"},
	{"engine", "who reads and writes", take_engine, SET(engine),
	 "auto, threads, libaio, io_uring or memory"},
	{"aio", "the same", take_engine, SET(engine), "threads, native or io_uring"},
	{"read-only", "nothing is written", take_flag, SET(is_read_only), "on or off"},
	{"force-share", "others may write to it meanwhile", take_flag, SET(is_shared), "on or off"},
	{"cache", "whether the page cache is used", take_cache, 0,
	 "none, writeback, writethrough, directsync or unsafe"},
	{"cache.direct", "past the page cache", take_flag, SET(is_direct), "on or off"},
	{"cache.no-flush", "a flush does nothing", take_flag, SET(is_flush_ignored), "on or off"},
	{"discard", "what a discard does", take_discard, SET(is_discard_ignored), "ignore, off, unmap or on"},
	{"misalign", "buffers that are not aligned", take_flag, SET(is_misaligned), "on or off"},
	{"workers", "threads of the engine", take_number, SET(workers), "1 to 64"},
	{"depth", "requests at the same time", take_number, SET(depth), "1 to 4096"},
	{"create", "make the file", take_size, SET(create), "how many bytes the new file has, such as 64M"},
	{"size", "of engine=memory", take_size, SET(memory_bytes), "how many bytes of memory, such as 64M"},
	{"throttle.requests", "bound of requests", take_size, SET(throttle_requests),
	 "how many a second, such as 500 or 2k"},
	{"throttle.bytes", "bound of bytes", take_size, SET(throttle_bytes),
	 "how many a second, such as 10M"},
	{"fault.seed", "the same one, the same faults", take_seed, SET(fault.seed), "a number"},
	{"fault.error", "end with an error", take_rate, SET(fault.error_rate), "how many of 1000 requests"},
	{"fault.torn", "are written in part", take_rate, SET(fault.torn_rate), "how many of 1000 writes"},
	{"fault.short", "are done in two steps", take_rate, SET(fault.short_rate),
	 "how many of 1000 requests"},
	{"fault.reorder", "are overtaken", take_rate, SET(fault.reorder_rate), "how many of 1000 requests"},
	{"fault.delay", "last longer", take_rate, SET(fault.delay_rate), "how many of 1000 requests"},
	{"fault.delay-min", "how much longer, at least", take_time, SET(fault.delay_min_ns),
	 "a time, such as 500us or 20ms"},
	{"fault.delay-max", "how much longer, at most", take_time, SET(fault.delay_max_ns),
	 "a time, such as 500us or 20ms"},
	{"fault.power", "for cut_power", take_power, SET(fault.flags), "on or off"},
};

void image_options_print(void)
{
	guint i;

	for (i = 0; i < G_N_ELEMENTS(keys); i++)
		printf("%-18s %s: %s\n", keys[i].name, keys[i].what, keys[i].wanted);
}

gboolean image_options_set(struct image_options *options, const char *where, const char *key,
			   const char *value)
{
	guint i;

	for (i = 0; i < G_N_ELEMENTS(keys); i++) {
		if (strcmp(key, keys[i].name) != 0)
			continue;
		if (keys[i].take(options, keys[i].offset, value))
			return TRUE;
		complain("%s: %s=%s: give %s", where, key, value, keys[i].wanted);
		return FALSE;
	}
	complain("%s: there is no option '%s' of images; 'qrt-io -o help' lists them", where, key);
	return FALSE;
}

/* The text up to a comma that is not doubled, without the doubling; moves on behind it. */
static char *take_word(const char **text)
{
	GString *word = g_string_new(NULL);
	const char *c = *text;

	for (; *c && (*c != ',' || c[1] == ','); c++) {
		g_string_append_c(word, *c);
		if (*c == ',')
			c++;
	}
	*text = *c ? c + 1 : c;
	return g_string_free(word, FALSE);
}

gboolean image_options_set_all(struct image_options *options, const char *where, const char *text)
{
	gboolean is_good = TRUE;

	while (is_good && *text) {
		g_autofree char *word = take_word(&text);
		char *value = strchr(word, '=');

		if (!value) {
			complain("%s: '%s' is no KEY=VALUE; 'qrt-io -o help' lists the keys", where, word);
			return FALSE;
		}
		*value++ = '\0';
		is_good = image_options_set(options, where, word, value);
	}
	return is_good;
}
