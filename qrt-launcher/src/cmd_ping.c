/* SPDX-License-Identifier: MIT */
/* ping: whether a VM's guest answers, and how soon. */
#include "clean.h"
#include "command.h"
#include "control.h"
#include "json_limit.h"
#include "number.h"
#include "option.h"
#include "vm_choose.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define COUNT_MAX        1000000000u
#define INTERVAL_NS      UINT64_C(1000000000)
#define INTERVAL_LEAST   UINT64_C(10000000)
#define INTERVAL_MOST    UINT64_C(3600000000000)
#define TIMEOUT_NS       UINT64_C(1000000000)
#define TIMEOUT_LEAST    UINT64_C(1000000)
#define TIMEOUT_MOST     UINT64_C(60000000000)
#define PATIENCE_MORE_US (5 * G_USEC_PER_SEC) /* for the supervisor, beyond that of the guest */

struct ping {
	const char *given; /* a VM's name */
	uint64_t count;    /* 0: without end */
	uint64_t interval_ns, timeout_ns;
	bool json, help;

	int run_fd;
	char name[STATE_NAME_MAX + 1];
	uint64_t sent, received, min_ns, max_ns, sum_ns;
};

static volatile sig_atomic_t is_over;

static void print_help(void)
{
	puts("Usage: qrt-launcher ping [NAME] [--count N] [--interval TIME] [--timeout MS] [--json]\n\n"
	     "Asks the guest of a VM that was started with 'run --agent', again and again, and prints how "
	     "long\n"
	     "each answer took. Without a name: the only VM that runs.\n\n"
	     "  --count N        how often; else until Ctrl-C\n"
	     "  --interval TIME  from one question to the next: seconds, or such as 200ms (1s)\n"
	     "  --timeout MS     how long each answer is waited for, in milliseconds (1000)\n"
	     "  --json           print JSON: a line for each answer, and one for all\n\n"
	     "Exit code: 0, 1 no answer came back, or nobody could be asked, 2 usage.");
}

/* ---- options ---- */

static int take_count(void *data, const char *value)
{
	return number_parse(value, COUNT_MAX, &((struct ping *)data)->count);
}

static int take_time(const char *value, uint64_t bare_ns, uint64_t least, uint64_t most, uint64_t *time_ns)
{
	int r = number_parse_time(value, bare_ns, time_ns);

	return r == 0 && (*time_ns < least || *time_ns > most) ? -ERANGE : r;
}

static int take_interval(void *data, const char *value)
{
	return take_time(value, 1000000000, INTERVAL_LEAST, INTERVAL_MOST,
			 &((struct ping *)data)->interval_ns);
}

static int take_timeout(void *data, const char *value)
{
	return take_time(value, 1000000, TIMEOUT_LEAST, TIMEOUT_MOST, &((struct ping *)data)->timeout_ns);
}

static const struct option_entry valued[] = {
	{"--count", take_count, "a number of 1 or more"},
	{"--interval", take_interval, "a time from 10ms to 3600s"},
	{"--timeout", take_timeout, "a number of milliseconds from 1 to 60000"},
};

static const struct option_table table = {"ping", valued, G_N_ELEMENTS(valued)};

static int take_argument(struct ping *ping, int argc, char **argv, int *index)
{
	int r = option_take_any(&table, ping, argc, argv, index);
	const char *argument;

	if (r != 0)
		return r;
	argument = argv[(*index)++];
	if (strcmp(argument, "--json") == 0) {
		ping->json = true;
	} else if (strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0) {
		ping->help = true;
	} else if (argument[0] != '-' && !ping->given) {
		ping->given = argument;
	} else {
		complain("ping: unknown argument '%s'; try 'qrt-launcher ping --help'", argument);
		return -EXIT_USAGE;
	}
	return 0;
}

static int parse(struct ping *ping, int argc, char **argv)
{
	int index = 1, r = 0;

	while (r >= 0 && index < argc && !ping->help)
		r = take_argument(ping, argc, argv, &index);
	return r < 0 ? r : 0;
}

/* ---- answers ---- */

static void count_answer(struct ping *ping, uint64_t ns)
{
	ping->received++;
	ping->sum_ns += ns;
	ping->min_ns = MIN(ping->min_ns, ns);
	ping->max_ns = MAX(ping->max_ns, ns);
}

static void print_answer(const struct ping *ping, uint64_t ns)
{
	if (ping->json)
		printf("{\"seq\":%" G_GUINT64_FORMAT ",\"ns\":%" G_GUINT64_FORMAT "}\n", ping->sent, ns);
	else
		printf("%s: answer %" G_GUINT64_FORMAT " after %.3f ms\n", ping->name, ping->sent,
		       (double)ns / 1e6);
}

static void print_silence(const struct ping *ping, const char *why, const char *error)
{
	g_autofree char *clean = clean_text(g_strdup(error)), *word = clean_text(g_strdup(why));

	if (ping->json)
		printf("{\"seq\":%" G_GUINT64_FORMAT ",\"ns\":null,\"why\":\"%s\"}\n", ping->sent, word);
	else
		printf("%s: no answer %" G_GUINT64_FORMAT ": %s\n", ping->name, ping->sent, clean);
}

/* Whatever has no reason of the guest's ends it. */
static int take_answer(struct ping *ping, JsonObject *answer)
{
	const char *why = json_limit_get_string(answer, "why");
	gint64 ns = json_limit_get_int(answer, "ns");
	const char *error = json_limit_get_string(answer, "error");

	if (json_limit_get_bool(answer, "answered") && ns >= 0) {
		ping->sent++;
		count_answer(ping, (uint64_t)ns);
		print_answer(ping, (uint64_t)ns);
	} else if (*why) {
		ping->sent++;
		print_silence(ping, why, error);
	} else {
		complain("VM '%s': %s", ping->name,
			 *error ? error : "its launcher's answer is not understood");
		return -EXIT_FAILED;
	}
	fflush(stdout);
	return 0;
}

/* ---- questions ---- */

static int ask(struct ping *ping)
{
	g_autofree char *line =
		g_strdup_printf("{\"command\":\"guest\",\"ask\":\"ping\",\"timeout_ms\":%u}\n",
				(unsigned int)(ping->timeout_ns / 1000000));
	gint64 patience_us = (gint64)(ping->timeout_ns / 1000) + PATIENCE_MORE_US;
	JsonObject *answer;
	int r = control_ask_line(ping->run_fd, ping->name, line, patience_us, &answer);

	if (r < 0) {
		control_complain(ping->name, r);
		return -EXIT_FAILED;
	}
	r = take_answer(ping, answer);
	json_object_unref(answer);
	return r;
}

/* The second one ends it at once. */
static void on_signal(int number)
{
	(void)number;
	is_over = 1;
}

/* What nohup ignores stays so. */
static void catch_signals(sigset_t *ret_usual)
{
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESETHAND}, had;
	size_t i;

	sigprocmask(SIG_SETMASK, NULL, ret_usual);
	for (i = 0; i < G_N_ELEMENTS(numbers); i++) {
		if (sigaction(numbers[i], NULL, &had) == 0 && had.sa_handler != SIG_IGN)
			sigaction(numbers[i], &action, NULL);
	}
}

/* Signals are let in only while it waits, so that none comes before. */
static void wait_until(gint64 until_us, const sigset_t *usual)
{
	sigset_t all;
	struct timespec left;
	gint64 left_us;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	while (!is_over && (left_us = until_us - g_get_monotonic_time()) > 0) {
		left.tv_sec = left_us / G_USEC_PER_SEC;
		left.tv_nsec = left_us % G_USEC_PER_SEC * 1000;
		ppoll(NULL, 0, &left, usual);
	}
	sigprocmask(SIG_SETMASK, usual, NULL);
}

static void print_summary(const struct ping *ping)
{
	double mean_ns = ping->received ? (double)ping->sum_ns / (double)ping->received : 0;

	if (!ping->json)
		printf("%s: %" G_GUINT64_FORMAT " sent, %" G_GUINT64_FORMAT " received", ping->name,
		       ping->sent, ping->received);
	else
		printf("{\"vm\":\"%s\",\"sent\":%" G_GUINT64_FORMAT ",\"received\":%" G_GUINT64_FORMAT,
		       ping->name, ping->sent, ping->received);
	if (!ping->json && ping->received)
		printf(", min/avg/max %.3f/%.3f/%.3f ms", (double)ping->min_ns / 1e6, mean_ns / 1e6,
		       (double)ping->max_ns / 1e6);
	else if (ping->received)
		printf(",\"min_ns\":%" G_GUINT64_FORMAT ",\"avg_ns\":%.0f,\"max_ns\":%" G_GUINT64_FORMAT,
		       ping->min_ns, mean_ns, ping->max_ns);
	else if (ping->json)
		printf(",\"min_ns\":null,\"avg_ns\":null,\"max_ns\":null");
	puts(ping->json ? "}" : "");
}

static int run(struct ping *ping)
{
	gint64 next_us = g_get_monotonic_time();
	sigset_t usual;
	uint64_t turn;
	int r = 0;

	catch_signals(&usual);
	for (turn = 0; r == 0 && !is_over && (ping->count == 0 || turn < ping->count); turn++) {
		wait_until(next_us, &usual);
		next_us = g_get_monotonic_time() + (gint64)(ping->interval_ns / 1000);
		if (!is_over)
			r = ask(ping);
	}
	if (ping->sent > 0)
		print_summary(ping);
	return r < 0 ? -r : ping->received > 0 ? EXIT_OK : EXIT_FAILED;
}

int command_ping(int argc, char **argv)
{
	struct ping ping = {.interval_ns = INTERVAL_NS, .timeout_ns = TIMEOUT_NS, .min_ns = UINT64_MAX};
	int r = parse(&ping, argc, argv);

	if (r < 0)
		return -r;
	if (ping.help) {
		print_help();
		return EXIT_OK;
	}
	ping.run_fd = vm_choose("ping", ping.given, ping.name);
	if (ping.run_fd < 0)
		return EXIT_FAILED;
	r = run(&ping);
	close(ping.run_fd);
	return r;
}
