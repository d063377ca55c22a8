/* SPDX-License-Identifier: MIT */
/* Has a VM's guest measure. */
#include "command.h"
#include "control.h"
#include "guest_ask.h"
#include "guest_result.h"
#include "json_limit.h"
#include "latency.h"
#include "vm_choose.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE_MORE_US (5 * G_USEC_PER_SEC) /* for the supervisor, beyond that of the guest */

/* ---- options ---- */

static const char *find_host_option(const struct latency_options *options, const struct plan_request *request)
{
	if (options->roles_count > 0)
		return "--role";
	if (options->threads > 0)
		return "--threads";
	if (options->in_hours)
		return "--hours";
	if (request->given)
		return "--plan or -rt";
	if (request->user.set)
		return "--user";
	return request->vm_argv ? "a QEMU command" : NULL;
}

int latency_guest_check(const struct latency_options *options, const struct plan_request *request)
{
	const char *other = options->guest ? find_host_option(options, request) : NULL;

	if (!options->guest && (options->priority || options->cpu)) {
		complain("latency: %s is for --guest; on this host the plan says it",
			 options->priority ? "--priority" : "--cpu");
		return EXIT_USAGE;
	}
	if (!other)
		return EXIT_OK;
	complain("latency: %s is for this host: it cannot be beside --guest", other);
	return EXIT_USAGE;
}

static int make_probe(const struct latency_options *options, struct qrt_shmem_agent_probe *ret_probe)
{
	uint64_t count = options->length_ns / options->interval_ns;

	ret_probe->interval_us = (uint32_t)(options->interval_ns / 1000);
	ret_probe->count = (uint32_t)MIN(count, UINT32_MAX);
	ret_probe->priority = options->priority;
	ret_probe->cpu = options->cpu ? (uint32_t)options->cpu - 1 : QRT_SHMEM_AGENT_ANY_CPU;
	if (guest_ask_is_possible(ret_probe))
		return EXIT_OK;
	complain("latency: a guest measures for 600 s at most, every 100us or less often, and up to 1000000 "
		 "times: "
		 "give another --seconds or --interval");
	return EXIT_USAGE;
}

/* ---- the answer ---- */

static bool take_number(JsonNode *node, uint64_t most, uint64_t *ret_number)
{
	if (!node || !JSON_NODE_HOLDS_VALUE(node) || json_node_get_value_type(node) != G_TYPE_INT64 ||
	    json_node_get_int(node) < 0 || (uint64_t)json_node_get_int(node) > most)
		return false;
	*ret_number = (uint64_t)json_node_get_int(node);
	return true;
}

static bool take_buckets(JsonArray *array, struct qrt_shmem_agent_result *result)
{
	uint64_t number;
	guint i;

	if (!array || json_array_get_length(array) != QRT_SHMEM_AGENT_BUCKETS)
		return false;
	for (i = 0; i < QRT_SHMEM_AGENT_BUCKETS; i++) {
		if (!take_number(json_array_get_element(array, i), UINT32_MAX, &number))
			return false;
		result->buckets[i] = (uint32_t)number;
	}
	return true;
}

static bool take_result(JsonObject *answer, const struct qrt_shmem_agent_probe *probe,
			struct qrt_shmem_agent_result *result)
{
	uint64_t count;

	memset(result, 0, sizeof(*result));
	if (!take_number(json_object_get_member(answer, "count"), UINT32_MAX, &count) ||
	    !take_number(json_object_get_member(answer, "min_ns"), INT64_MAX, &result->min_ns) ||
	    !take_number(json_object_get_member(answer, "max_ns"), INT64_MAX, &result->max_ns) ||
	    !take_number(json_object_get_member(answer, "sum_ns"), INT64_MAX, &result->sum_ns) ||
	    !take_buckets(json_limit_get_array(answer, "buckets"), result))
		return false;
	result->count = (uint32_t)count;
	return guest_result_is_sane(result, probe->count, guest_ask_get_patience(probe));
}

static int take_answer(struct latency *latency, const struct qrt_shmem_agent_probe *probe, JsonObject *answer)
{
	const char *name = latency->options->guest;
	const char *error = json_limit_get_string(answer, "error");
	struct qrt_shmem_agent_result result;

	if (*error) {
		complain("VM '%s': %s", name, error);
		return EXIT_FAILED;
	}
	if (!take_result(answer, probe, &result)) {
		control_complain(name, -EPROTO);
		return EXIT_FAILED;
	}
	if (latency_guest_take(latency, &result) >= 0)
		return EXIT_OK;
	complain("out of memory");
	return EXIT_FAILED;
}

/* ---- the question ---- */

static char *format_question(const struct qrt_shmem_agent_probe *probe)
{
	g_autofree char *cpu = probe->cpu == QRT_SHMEM_AGENT_ANY_CPU
				       ? g_strdup("")
				       : g_strdup_printf(",\"cpu\":%u", probe->cpu);

	return g_strdup_printf("{\"command\":\"guest\",\"ask\":\"probe\",\"interval_us\":%u,\"count\":%u,"
			       "\"priority\":%u%s}\n",
			       probe->interval_us, probe->count, probe->priority, cpu);
}

static int ask(const char *name, const struct qrt_shmem_agent_probe *probe, JsonObject **ret_answer)
{
	gint64 patience_us = (gint64)(guest_ask_get_patience(probe) / 1000) + PATIENCE_MORE_US;
	g_autofree char *line = format_question(probe);
	char chosen[STATE_NAME_MAX + 1];
	int run_fd = vm_choose("latency", name, chosen), r;

	if (run_fd < 0)
		return EXIT_FAILED;
	r = control_ask_line(run_fd, chosen, line, patience_us, ret_answer);
	close(run_fd);
	if (r < 0)
		control_complain(chosen, r);
	return r < 0 ? EXIT_FAILED : EXIT_OK;
}

int latency_guest_run(struct latency *latency)
{
	struct qrt_shmem_agent_probe probe = {.cookie = 0};
	JsonObject *answer;
	int r = make_probe(latency->options, &probe);

	if (r == EXIT_OK)
		r = ask(latency->options->guest, &probe, &answer);
	if (r != EXIT_OK)
		return r;
	r = take_answer(latency, &probe, answer);
	json_object_unref(answer);
	return r;
}
