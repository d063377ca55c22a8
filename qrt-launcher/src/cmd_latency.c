/* SPDX-License-Identifier: MIT */
/* latency: how late threads wake up on this host, in the settings that a plan gives them. */
#include "command.h"
#include "guest_ask.h"
#include "latency.h"
#include "number.h"
#include "option.h"
#include "plan_command.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define INTERVAL_DEFAULT_NS 1000000u
#define INTERVAL_LEAST_NS   50000u /* more wake-ups a second are a load of their own */
#define INTERVAL_MOST_NS    1000000000u
#define SECOND_NS           UINT64_C(1000000000)
#define SECONDS_DEFAULT     10
#define HOURS_MOST          8784

static void print_help(void)
{
	puts("Usage: qrt-launcher latency [--role ROLE[:N]]... [--seconds N | --hours N] [--fail-over TIME]\n"
	     "                            [--interval TIME] [--threads N] [--histogram US] [--json]\n"
	     "                            [--plan FILE] [-rt OPTION]... [-- QEMU ARGS...]\n"
	     "       qrt-launcher latency --guest NAME [--seconds N] [--priority N] [--cpu N] ...\n\n"
	     "Measures how late timers wake threads on this host, as cyclictest does, with exactly the "
	     "setting\n"
	     "that the plan gives to the threads of a role. Without --plan and -rt it is the default "
	     "plan.\n\n"
	     "  --role ROLE[:N]   threads of this role, or its thread N (vcpu); may be repeated\n"
	     "  --threads N       so many of each role, from thread N on (as many as the VM has)\n"
	     "  --interval TIME   from one wake-up to the next (1000us)\n"
	     "  --seconds N       how long (10); Ctrl-C ends it early, with the report\n"
	     "  --hours N         how long, to qualify a host\n"
	     "  --fail-over TIME  exit with 1 when a latency is longer than that, such as 100us\n"
	     "  --histogram US    print the counts of all latencies below so many microseconds\n"
	     "  --guest NAME      in the guest of this VM ('run --agent'), by its agent, 10 minutes at most\n"
	     "  --priority N      with --guest: under SCHED_FIFO there, 1 to 99 (time-shared)\n"
	     "  --cpu N           with --guest: on this CPU of the guest (any)\n"
	     "  --plan, -rt, --user and QEMU's arguments are those of 'plan'\n"
	     "  --json            print JSON\n\n"
	     "Exit code: 0 measured, 1 failed, or the mark was exceeded or not decided, 2 usage.");
}

static int take_role(void *data, const char *value)
{
	struct latency_options *options = data;
	const char *colon = strchr(value, ':');
	g_autofree char *name = colon ? g_strndup(value, (gsize)(colon - value)) : g_strdup(value);
	int role = qrt_sched_role_parse(name);
	uint64_t index = 0;

	if (role < 0)
		return role;
	if (colon && strcmp(colon + 1, "0") != 0 && number_parse(colon + 1, INT16_MAX, &index) < 0)
		return -EINVAL;
	if (options->roles_count == G_N_ELEMENTS(options->roles))
		return -E2BIG;
	options->roles[options->roles_count].role = (enum qrt_sched_role)role;
	options->roles[options->roles_count++].index = colon ? (int32_t)index : -1;
	return 0;
}

static int take_threads(void *data, const char *value)
{
	struct latency_options *options = data;
	uint64_t number = 0;
	int r = number_parse(value, LATENCY_THREADS_MAX, &number);

	options->threads = (uint32_t)number;
	return r;
}

static int take_interval(void *data, const char *value)
{
	struct latency_options *options = data;
	int r = number_parse_time(value, 1000, &options->interval_ns);

	if (r == 0 && (options->interval_ns < INTERVAL_LEAST_NS || options->interval_ns > INTERVAL_MOST_NS))
		r = -ERANGE;
	return r;
}

/* --seconds or --hours: not both. */
static int take_length(struct latency_options *options, const char *value, uint64_t unit_ns, uint64_t most)
{
	uint64_t number;
	int r = options->length_ns ? -EEXIST : number_parse(value, most, &number);

	if (r == 0)
		options->length_ns = number * unit_ns;
	return r;
}

static int take_seconds(void *data, const char *value)
{
	struct latency_options *options = data;

	return take_length(options, value, SECOND_NS, HOURS_MOST * UINT64_C(3600));
}

static int take_hours(void *data, const char *value)
{
	struct latency_options *options = data;

	options->in_hours = true;
	return take_length(options, value, 3600 * SECOND_NS, HOURS_MOST);
}

static int take_over(void *data, const char *value)
{
	struct latency_options *options = data;

	return number_parse_time(value, 1000, &options->over_ns);
}

static int take_histogram(void *data, const char *value)
{
	struct latency_options *options = data;
	uint64_t number = 0;
	int r = number_parse(value, LATENCY_HISTOGRAM_MAX, &number);

	options->histogram_us = (uint32_t)number;
	return r;
}

static int take_guest(void *data, const char *value)
{
	struct latency_options *options = data;

	options->guest = value;
	return *value ? 0 : -EINVAL;
}

static int take_priority(void *data, const char *value)
{
	struct latency_options *options = data;
	uint64_t number = 0;
	int r = number_parse(value, 99, &number);

	options->priority = (uint32_t)number;
	return r;
}

static int take_cpu(void *data, const char *value)
{
	struct latency_options *options = data;
	uint64_t number = 0;
	int r = strcmp(value, "0") == 0 ? 0 : number_parse(value, GUEST_ASK_CPU_MAX, &number);

	options->cpu = (int32_t)number + 1;
	return r;
}

/* Options with a value, and what a wrong one should have been. */
static const struct option_entry valued[] = {
	{"--role", take_role,
	 "one of vcpu, main, paio, vncm, vncs, ioth, kio, othr, and a thread such as vcpu:1 (at most 8)"},
	{"--threads", take_threads, "a number from 1 to 64"},
	{"--interval", take_interval, "a time from 50us to 1s"},
	{"--seconds", take_seconds, "a number of seconds of 1 or more, and no --hours beside it"},
	{"--hours", take_hours, "a number of hours from 1 to 8784, and no --seconds beside it"},
	{"--fail-over", take_over, "a time such as 100us or 1ms"},
	{"--histogram", take_histogram, "a number of microseconds from 1 to 1000000"},
	{"--guest", take_guest, "the name of a VM"},
	{"--priority", take_priority, "a priority from 1 to 99"},
	{"--cpu", take_cpu, "the number of a CPU of the guest"},
};

static int take(void *data, int argc, char **argv, int *index)
{
	static const struct option_table table = {"latency", valued, G_N_ELEMENTS(valued)};

	return option_take_any(&table, data, argc, argv, index);
}

static void complete(struct latency_options *options)
{
	if (options->interval_ns == 0)
		options->interval_ns = INTERVAL_DEFAULT_NS;
	if (options->length_ns == 0)
		options->length_ns = SECONDS_DEFAULT * SECOND_NS;
	if (options->roles_count == 0) {
		options->roles_count = 1;
		options->roles[0].role = QRT_SCHED_ROLE_VCPU;
		options->roles[0].index = -1;
	}
}

/* What `run` would refuse cannot be measured either; what it would warn of is for `plan` to say. */
static int check_plan(struct plan_request *request)
{
	struct qrt_sched_error error = {.message = ""};
	int r = plan_request_finish(request);
	size_t i;

	if (r != EXIT_OK)
		return r;
	for (i = 0; i < request->findings_count; i++) {
		if (request->findings[i].severity == QRT_SCHED_FAULT)
			plan_complain_of(&request->findings[i]);
	}
	if (plan_request_has_fault(request))
		return EXIT_FAILED;
	if (qrt_sched_plan_supported(request->plan, &error) >= 0)
		return EXIT_OK;
	complain("fault: plan: %s", error.message);
	return EXIT_FAILED;
}

static int measure(struct latency *latency, struct plan_request *request)
{
	int r;

	if (latency->options->guest)
		return latency_guest_run(latency);
	r = check_plan(request);
	if (r == EXIT_OK)
		r = latency_choose(latency, request);
	return r == EXIT_OK ? latency_run(latency, request->plan) : r;
}

static int show(const struct latency *latency, bool json)
{
	enum latency_verdict verdict = latency_judge(latency);

	if (json)
		latency_print_json(latency);
	else
		latency_print_text(latency);
	return verdict == LATENCY_FAILED || verdict == LATENCY_OPEN ? EXIT_FAILED : EXIT_OK;
}

static int answer(const void *data, struct plan_request *request, bool json)
{
	struct latency_options options = *(const struct latency_options *)data;
	struct latency *latency;
	int r = latency_guest_check(&options, request);

	if (r != EXIT_OK)
		return r;
	complete(&options);
	latency = g_new0(struct latency, 1);
	latency->options = &options;
	r = measure(latency, request);
	if (r == EXIT_OK)
		r = show(latency, json);
	latency_clear(latency);
	g_free(latency);
	return r;
}

int command_latency(int argc, char **argv)
{
	static const struct plan_command command = {print_help, take, answer};
	struct latency_options options = {0};

	return plan_command_run(&command, &options, argc, argv);
}
