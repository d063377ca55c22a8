/* SPDX-License-Identifier: MIT */
/* bench: engines side by side. */
#include "bench.h"

#include <string.h>
#include <unistd.h>

#include "bench_run.h"
#include "tool_option.h"

static const char help[] =
	"Usage: qrt-io bench [OPTIONS] FILE\n\n"
	"Measures requests a second, their times from submit to harvest, and CPU time, of engines that take\n"
	"turns. RATIO is to the first engine, the median of the rounds.\n\n"
	"  --engine A,B,...    auto (default), threads, libaio, io_uring, memory\n"
	"  --kind A,B,...      randread (default), randwrite, read, write\n"
	"  --depth N,N,...     requests at the same time (default 1,16)\n"
	"  --block-size SIZE   default 4k\n"
	"  --area SIZE         the first bytes of FILE alone\n"
	"  --cache MODE        none (default), writeback, writethrough, directsync, unsafe\n"
	"  --workers N\n"
	"  -f, --format FORMAT raw or qcow2; without it FILE tells, or is refused\n"
	"  --seconds S         of a measurement (default 1)\n"
	"  --rounds N          default 3\n"
	"  --write             what is in FILE may be lost: for randwrite and write\n"
	"  --size SIZE         of memory, for --engine memory, without FILE\n"
	"  --json              one object, with all rounds\n\n"
	"Exit code: 0, 1 something could not be measured, 2 usage.";

#define BLOCK_MAX (G_GUINT64_CONSTANT(1) << 30)

struct words {
	char *engine, *kind, *depth, *block, *area, *cache, *workers, *format, *seconds, *rounds, *size;
};

static void clear_words(struct words *words)
{
	char **all[] = {&words->engine,  &words->kind,   &words->depth,   &words->block,
			&words->area,    &words->cache,  &words->workers, &words->format,
			&words->seconds, &words->rounds, &words->size};
	gsize i;

	for (i = 0; i < G_N_ELEMENTS(all); i++)
		g_clear_pointer(all[i], g_free);
}

/* ---- lists ---- */

/* Each word of the list by `take`, at most `most` of them; what there was stays without a list. */
static int take_list(const char *name, const char *text, guint most, guint *count,
		     int (*take)(struct bench_plan *plan, guint index, const char *word),
		     struct bench_plan *plan)
{
	g_auto(GStrv) words = NULL;
	int code = EXIT_OK;
	guint i;

	if (!text)
		return EXIT_OK;
	words = g_strsplit(text, ",", -1);
	if (g_strv_length(words) < 1 || g_strv_length(words) > most) {
		complain("bench: %s: give 1 to %u, with commas between them", name, most);
		return EXIT_USAGE;
	}
	for (i = 0; words[i] && code == EXIT_OK; i++)
		code = take(plan, i, words[i]);
	*count = i;
	return code;
}

static int take_engine(struct bench_plan *plan, guint index, const char *word)
{
	int engine = image_engine_find(word);

	if (engine < 0) {
		complain("bench: there is no engine '%s'; give auto, threads, libaio, io_uring or memory",
			 word);
		return EXIT_USAGE;
	}
	plan->engines[index] = (guint32)engine;
	return EXIT_OK;
}

static int take_kind(struct bench_plan *plan, guint index, const char *word)
{
	int kind;

	for (kind = 0; kind < BENCH_KINDS; kind++) {
		if (strcmp(word, bench_kind_name(kind)) == 0) {
			plan->kinds[index] = kind;
			return EXIT_OK;
		}
	}
	complain("bench: there is no kind '%s'; give randread, randwrite, read or write", word);
	return EXIT_USAGE;
}

static int take_depth(struct bench_plan *plan, guint index, const char *word)
{
	guint64 depth = 0;
	int code = option_take_number("bench: --depth", word, 1, 4096, &depth);

	plan->depths[index] = (guint32)depth;
	return code;
}

/* ---- the plan ---- */

static int take_lists(struct bench_plan *plan, const struct words *words)
{
	int code = take_list("--engine", words->engine, BENCH_ENGINES_MAX, &plan->engine_count, take_engine,
			     plan);

	if (code == EXIT_OK)
		code = take_list("--kind", words->kind, BENCH_KINDS, &plan->kind_count, take_kind, plan);
	if (code == EXIT_OK)
		code = take_list("--depth", words->depth, BENCH_DEPTHS_MAX, &plan->depth_count, take_depth,
				 plan);
	return code;
}

static int take_image(struct bench_plan *plan, const struct words *words, const char *file)
{
	const struct {
		const char *key, *value;
	} settings[] = {{"cache", words->cache ? words->cache : "none"},
			{"workers", words->workers},
			{"format", words->format},
			{"size", words->size},
			{"filename", file}};
	gsize i;

	for (i = 0; i < G_N_ELEMENTS(settings); i++) {
		if (settings[i].value &&
		    !image_options_set(&plan->options, "bench", settings[i].key, settings[i].value))
			return EXIT_USAGE;
	}
	return EXIT_OK;
}

static int take_numbers(struct bench_plan *plan, const struct words *words)
{
	guint64 rounds = plan->rounds;
	int code = option_take_size("bench: --block-size", words->block, &plan->block_bytes);

	if (code == EXIT_OK && plan->block_bytes > BLOCK_MAX) {
		complain("bench: --block-size %s: give 1G at most", words->block);
		code = EXIT_USAGE;
	}
	if (code == EXIT_OK)
		code = option_take_size("bench: --area", words->area, &plan->area_bytes);
	if (code == EXIT_OK)
		code = option_take_number("bench: --rounds", words->rounds, 1, BENCH_ROUNDS_MAX, &rounds);
	if (code == EXIT_OK)
		code = option_take_seconds("bench: --seconds", words->seconds, 3600, &plan->seconds);
	plan->rounds = (guint)rounds;
	return code;
}

static gboolean is_all_memory(const struct bench_plan *plan)
{
	guint i;

	for (i = 0; i < plan->engine_count; i++) {
		if (plan->engines[i] != QRT_BLOCK_ENGINE_MEMORY)
			return FALSE;
	}
	return TRUE;
}

/* A benchmark is easily started on what somebody still needs. */
static int check_writes(const struct bench_plan *plan)
{
	guint i;

	for (i = 0; i < plan->kind_count; i++) {
		if (bench_kind_writes(plan->kinds[i]) && !plan->may_write && !is_all_memory(plan)) {
			complain("bench: %s would write over what is in '%s'; add --write if all of that may "
				 "be "
				 "lost",
				 bench_kind_name(plan->kinds[i]), plan->options.path);
			return EXIT_USAGE;
		}
	}
	return EXIT_OK;
}

static int take_all(const struct option_usage *usage, struct bench_plan *plan, const struct words *words,
		    char **rest)
{
	int code = take_lists(plan, words);

	if (code == EXIT_OK && (rest[0] || !is_all_memory(plan)))
		code = option_need_one(usage, rest, "a file or block device");
	if (code == EXIT_OK)
		code = take_numbers(plan, words);
	if (code == EXIT_OK)
		code = take_image(plan, words, rest[0]);
	return code == EXIT_OK ? check_writes(plan) : code;
}

static int run(struct bench_plan *plan)
{
	struct bench_result *results;
	gboolean is_good;
	guint count;

	if (!bench_look(plan))
		return EXIT_FAILED;
	count = plan->kind_count * plan->depth_count * plan->engine_count;
	results = g_new0(struct bench_result, count);
	is_good = bench_run(plan, results);

	if (is_good)
		bench_print(plan, results, count);
	g_free(results);
	return is_good && plan->absent_count == 0 ? EXIT_OK : EXIT_FAILED;
}

int command_bench(char **argv)
{
	struct bench_plan plan = {.engines = {QRT_BLOCK_ENGINE_AUTO},
				  .kinds = {BENCH_RANDREAD},
				  .depths = {1, 16},
				  .engine_count = 1,
				  .kind_count = 1,
				  .depth_count = 2,
				  .rounds = 3,
				  .block_bytes = 4096,
				  .seconds = 1};
	struct words words = {NULL};
	g_auto(GStrv) rest = NULL;
	const GOptionEntry entries[] = {{"engine", 'i', 0, G_OPTION_ARG_FILENAME, &words.engine, NULL, NULL},
					{"kind", 0, 0, G_OPTION_ARG_FILENAME, &words.kind, NULL, NULL},
					{"depth", 0, 0, G_OPTION_ARG_FILENAME, &words.depth, NULL, NULL},
					{"block-size", 0, 0, G_OPTION_ARG_FILENAME, &words.block, NULL, NULL},
					{"area", 0, 0, G_OPTION_ARG_FILENAME, &words.area, NULL, NULL},
					{"cache", 't', 0, G_OPTION_ARG_FILENAME, &words.cache, NULL, NULL},
					{"workers", 0, 0, G_OPTION_ARG_FILENAME, &words.workers, NULL, NULL},
					{"format", 'f', 0, G_OPTION_ARG_FILENAME, &words.format, NULL, NULL},
					{"seconds", 0, 0, G_OPTION_ARG_FILENAME, &words.seconds, NULL, NULL},
					{"rounds", 0, 0, G_OPTION_ARG_FILENAME, &words.rounds, NULL, NULL},
					{"size", 0, 0, G_OPTION_ARG_FILENAME, &words.size, NULL, NULL},
					{"write", 0, 0, G_OPTION_ARG_NONE, &plan.may_write, NULL, NULL},
					{"json", 0, 0, G_OPTION_ARG_NONE, &plan.is_json, NULL, NULL},
					{NULL}};
	const struct option_usage usage = {.command = "bench", .help = help, .entries = entries};
	int code = option_parse(&usage, argv, &rest);

	image_options_init(&plan.options);
	if (code == EXIT_OK)
		code = take_all(&usage, &plan, &words, rest);
	plan.is_telling = isatty(STDERR_FILENO);
	if (code == EXIT_OK)
		code = run(&plan);
	image_options_clear(&plan.options);
	clear_words(&words);
	return code == OPTION_HELP ? EXIT_OK : code;
}
