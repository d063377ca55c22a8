/* SPDX-License-Identifier: MIT */
/* bench: this library's means against the kernel's own, in the same run, in turns. */
#include <errno.h>
#include <qrt/shmem_ring.h>
#include <sched.h>
#include <sys/mman.h>

#include "bench_figure.h"
#include "tool.h"
#include "tool_option.h"

#define ROUNDS  7
#define SECONDS 0.2

static const char help[] =
	"Usage: qrt-shmem bench [--cpus A,B] [--rounds N] [--seconds S] [--json]\n\n"
	"Measures, between two processes on a CPU each, in rounds in which what is compared takes turns:\n"
	"a doorbell's round trip through the library against two bare eventfds; a bell's in the memory,\n"
	"both sides polling, against two bare words; messages of 64 bytes and 4 KiB through a ring whose\n"
	"writer waits for its reader against a pipe and a stream socket; and how long 64 clients take to\n"
	"join a server and to leave it. Prints medians of the rounds, and the median, least and largest\n"
	"ratio of a round.\n\n"
	"  --cpus A,B   default: the first and the last that are allowed\n"
	"  --rounds N   default 7\n"
	"  --seconds S  of each measurement (default 0.2)\n"
	"  --json       one object, with all rounds\n\n"
	"Exit code: 0, 1 something could not be measured, 2 usage.";

static int take_cpus(struct bench *bench, const char *text)
{
	g_auto(GStrv) words = g_strsplit(text ? text : "", ",", 2);
	guint64 number = 0;
	int code = EXIT_OK, i;

	if (text && g_strv_length(words) != 2) {
		complain("--cpus %s: give two CPUs, A,B", text);
		return EXIT_USAGE;
	}
	for (i = 0; text && i < 2 && code == EXIT_OK; i++) {
		code = option_take_number("--cpus", words[i], 0, CPU_SETSIZE - 1, &number);
		bench->cpu[i] = (int)number;
	}
	return code;
}

/* The first and the last allowed one; a machine with one has it twice. */
static void find_cpus(struct bench *bench)
{
	cpu_set_t set;
	int cpu;

	bench->cpu[0] = -1;
	CPU_ZERO(&set);
	sched_getaffinity(0, sizeof(set), &set);
	for (cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET((size_t)cpu, &set))
			continue;
		if (bench->cpu[0] < 0)
			bench->cpu[0] = cpu;
		bench->cpu[1] = cpu;
	}
}

static int have_memory(struct bench *bench)
{
	void *at = mmap(NULL, sizeof(*bench->shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
			0);

	bench->layout_bytes = qrt_shmem_layout_bytes(2, 0, BENCH_RING_BYTES);
	bench->layout_memory = mmap(NULL, bench->layout_bytes, PROT_READ | PROT_WRITE,
				    MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (at == MAP_FAILED || bench->layout_memory == MAP_FAILED) {
		complain("bench: no memory: %s", g_strerror(errno));
		return -ENOMEM;
	}
	bench->shared = at;
	return 0;
}

static int prepare(struct bench *bench)
{
	int i, rc;

	for (i = 1; i >= 0; i--) {
		rc = bench_pin(bench->cpu[i]);
		if (rc >= 0)
			continue;
		complain("bench: CPU %d cannot be had: %s", bench->cpu[i], g_strerror(-rc));
		return rc;
	}
	rc = have_memory(bench);
	return rc < 0 ? rc : bench_open_server(bench);
}

static int run(struct bench *bench, guint rounds, gboolean is_json)
{
	struct bench_result results[BENCH_FIGURES] = {{NULL}};
	int rc = prepare(bench);

	bench_begin_results(results);
	if (rc >= 0)
		rc = bench_fill_results(bench, results, rounds);
	bench_close_server(bench);
	if (rc >= 0 && is_json)
		bench_print_json(bench, results, rounds);
	else if (rc >= 0)
		bench_print_text(bench, results, rounds);
	bench_end_results(results);
	return rc < 0 ? EXIT_FAILED : EXIT_OK;
}

int command_bench(char **argv)
{
	struct bench bench = {.seconds = SECONDS};
	g_autofree char *cpus = NULL, *rounds_text = NULL, *seconds = NULL;
	g_auto(GStrv) rest = NULL;
	gboolean is_json = FALSE;
	guint64 rounds = ROUNDS;
	const GOptionEntry entries[] = {{"cpus", 0, 0, G_OPTION_ARG_FILENAME, &cpus, NULL, NULL},
					{"rounds", 0, 0, G_OPTION_ARG_FILENAME, &rounds_text, NULL, NULL},
					{"seconds", 0, 0, G_OPTION_ARG_FILENAME, &seconds, NULL, NULL},
					{"json", 0, 0, G_OPTION_ARG_NONE, &is_json, NULL, NULL},
					{NULL}};
	const struct option_usage usage = {.command = "bench", .help = help, .entries = entries};
	int code = option_parse(&usage, argv, &rest);

	if (code == EXIT_OK && rest[0]) {
		complain("bench: '%s' is one argument too many; try 'qrt-shmem bench --help'", rest[0]);
		code = EXIT_USAGE;
	}
	find_cpus(&bench);
	if (code == EXIT_OK)
		code = take_cpus(&bench, cpus);
	if (code == EXIT_OK)
		code = option_take_number("--rounds", rounds_text, 1, 1000, &rounds);
	if (code == EXIT_OK)
		code = option_take_seconds("--seconds", seconds, 60, &bench.seconds);
	if (code == EXIT_OK)
		code = run(&bench, (guint)rounds, is_json);
	return code == OPTION_HELP ? EXIT_OK : code;
}
